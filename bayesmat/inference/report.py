"""One report for every way of inference: what was run, what it cost, and what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pandas as pd
import torch
from torch import Tensor

from bayesmat._counted import counted
from bayesmat._repr import listing, sheet

from .chains import population_table

__all__ = ["InferenceReport", "InferenceRun", "Sampler"]

R_HAT_LIMIT = 1.01
ESS_LIMIT = 100.0
BFMI_LIMIT = 0.3
PARETO_LIMIT = 0.7
FAMILY_LIMIT = 20
ACCEPTANCE_LIMIT = 0.1
MEMORY_LIMIT = 0.75


@dataclass(frozen=True, eq=False)
class InferenceReport:
    """What a run of NUTS, SMC, Laplace or a grid says about itself.

    Attributes:
        method: What was run, in words.
        seconds: Wall time; NaN where it is not known.
        table: One row per scalar parameter: `mean`, `sd`, `r_hat`, `ess_bulk`, `ess_tail`,
            `mcse_mean`; NaN where a method has no such figure (a population has no R-hat).
        n_chains: Chains; 1 for populations.
        n_draws: Draws per chain, or size of the population.
        are_chains: Whether draws are Markov chains, of which it takes two to show convergence.
        n_evaluations: Density evaluations, gradients included, each particle counted; 0 unknown.
        acceptance: Mean acceptance of the moves at the posterior; NaN where there are none.
        memory: Largest correlation of a parameter's particles with where they were before the last
            sweep; NaN where there was none.
        divergences: Diverging transitions after warm-up, per chain.
        bfmi: Bayesian fraction of missing information per chain.
        n_families: Draws of the prior that still have descendants; 0 for chains.
        log_evidence: log p(data); NaN where the method gives none.
        log_evidence_sd: Its Monte Carlo error.
        pareto_k: Tail shape of the importance weights; NaN where there are none.
        restarts: How often chains were started again from another seed.
        notes: What a reader should know that is no fault: what was explored, and what was not.
    """

    method: str
    seconds: float
    table: pd.DataFrame = field(default_factory=lambda: population_table({}, torch.zeros(0)))
    n_chains: int = 1
    n_draws: int = 1
    n_evaluations: int = 0
    acceptance: float = math.nan
    divergences: tuple[int, ...] = ()
    bfmi: tuple[float, ...] = ()
    n_families: int = 0
    log_evidence: float = math.nan
    log_evidence_sd: float = math.nan
    pareto_k: float = math.nan
    restarts: int = 0
    are_chains: bool = False
    memory: float = math.nan
    notes: tuple[str, ...] = ()

    @property
    def min_ess(self) -> float:
        """The smallest bulk or tail effective sample size over all scalars; NaN if none."""
        sizes = self.table[["ess_bulk", "ess_tail"]].min(axis=1)
        return float(sizes.min()) if len(sizes) else math.nan

    @property
    def max_r_hat(self) -> float:
        """The largest R-hat over all scalars; NaN if there is none."""
        return float(self.table["r_hat"].max()) if len(self.table) else math.nan

    @property
    def ess_per_second(self) -> float:
        """The smallest bulk ESS per second of wall time, warm-up included."""
        if not len(self.table):
            return math.nan
        return float(self.table["ess_bulk"].min()) / max(self.seconds, 1e-9)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, why it matters and what to do: one sentence each; empty if nothing."""
        found = [*self._stuck(), *self._chain_problems(), *self._population_problems()]
        return tuple(found)

    @property
    def constants(self) -> tuple[str, ...]:
        """Parameters all of whose draws are equal, so that R-hat and ESS are undefined.

        Constant entries of one that moves (the zeros of a Cholesky factor) are not meant.
        """
        if self.n_chains * self.n_draws < 2:
            return ()
        names = self.table.index.map(_parameter)
        moves = (self.table["sd"] != 0).groupby(names, sort=False).any()
        return tuple(moves.index[~moves])

    def _stuck(self) -> list[str]:
        found = []
        if self.constants:
            found.append(
                f"All draws of {_some(pd.Index(self.constants))} are equal: R-hat and effective "
                "sample size are undefined, so that nothing shows convergence (a sampler that is "
                "stuck looks like this); start it elsewhere or with smaller steps, or leave out "
                "what is fixed."
            )
        still = [str(c + 1) for c, value in enumerate(self.bfmi) if math.isnan(value)]
        if still:
            found.append(
                f"The energy of chain {', '.join(still)} never changes: it has not moved and shows "
                "nothing of the posterior; start it elsewhere or with smaller steps."
            )
        return found

    def _chain_problems(self) -> list[str]:
        found = []
        if self.are_chains and self.n_chains == 1:
            found.append(
                "One chain cannot show convergence: a second one from another start could find "
                "another posterior; run at least two."
            )
        bad = self.table.index[self.table["r_hat"] > R_HAT_LIMIT]
        if len(bad):
            found.append(
                f"R-hat exceeds {R_HAT_LIMIT} for {_some(bad)} (largest {self.max_r_hat:.3f}): the "
                "chains disagree, so no single posterior has been found; run them longer or "
                "reparameterise."
            )
        total = sum(self.divergences)
        if total:
            share = total / max(self.n_chains * self.n_draws, 1)
            found.append(
                f"{total} transitions diverged ({share:.1%}): the sampler cannot enter a part of "
                "the posterior; raise target_accept towards 0.99, or write scales non-centred."
            )
        low = [value for value in self.bfmi if value < BFMI_LIMIT]
        if low:
            found.append(
                f"The energy diagnostic (BFMI) is {min(low):.2f}, below {BFMI_LIMIT}: heavy tails "
                "or a funnel are explored too slowly; reparameterise or use lighter tails."
            )
        return found

    def _population_problems(self) -> list[str]:
        found = []
        ess = self.table[["ess_bulk", "ess_tail"]].min(axis=1)
        few = self.table.index[ess < ESS_LIMIT * self.n_chains]
        if len(few):
            found.append(
                f"Fewer than {ESS_LIMIT * self.n_chains:.0f} effective draws of {_some(few)} "
                f"(smallest {self.min_ess:.0f}): their means and tails are rough; take more draws "
                "or particles."
            )
        if 0 < self.n_families < FAMILY_LIMIT:
            found.append(
                f"All particles descend from {self.n_families} draws of the prior: the population "
                "has forgotten most of it, and evidence and ESS are rough; use more particles."
            )
        if self.memory > MEMORY_LIMIT:
            found.append(
                f"Particles remember where they were before the last sweep (correlation "
                f"{self.memory:.2f}): the whole population may lag behind the posterior, which "
                "its own effective sample size cannot see; use more sweeps or another move."
            )
        if self.acceptance < ACCEPTANCE_LIMIT:
            found.append(
                f"Moves are accepted with probability {self.acceptance:.2f}: draws hardly move "
                "and stay copies of each other; use another move, smaller steps or more sweeps."
            )
        if self.pareto_k > PARETO_LIMIT:
            found.append(
                f"Pareto k of the importance weights is {self.pareto_k:.2f}, above {PARETO_LIMIT}: "
                "the approximation does not cover the posterior; use SMC or NUTS."
            )
        return found

    @property
    def suspects(self) -> tuple[str, ...]:
        """Scalars with R-hat above 1.01, under 100 effective draws per chain, or that never move.

        The limits of Vehtari et al. (2021), doi:10.1214/20-BA1221.
        """
        ess = self.table[["ess_bulk", "ess_tail"]].min(axis=1)
        bad = (self.table["r_hat"] > R_HAT_LIMIT) | (ess < ESS_LIMIT * self.n_chains)
        bad |= self.table.index.map(_parameter).isin(self.constants)
        return tuple(self.table.index[bad])

    @property
    def is_suspect(self) -> bool:
        """Whether any problem was found."""
        return bool(self.problems)

    @property
    def lines(self) -> tuple[str, ...]:
        """The report, a sentence per line, problems last."""
        text = f"{self.method}: {counted(self.n_chains * self.n_draws, 'draw')}"
        if math.isfinite(self.seconds):
            text += f" in {self.seconds:.2g} s"
        if math.isfinite(self.min_ess):
            text += f", smallest ESS {self.min_ess:.0f}"
        if math.isfinite(self.ess_per_second):
            text += f" ({self.ess_per_second:.3g} per second)"
        if math.isfinite(self.max_r_hat):
            text += f", largest R-hat {self.max_r_hat:.3f}"
        if self.divergences:
            text += f", {sum(self.divergences)} divergences"
        if math.isfinite(self.acceptance):
            text += f", acceptance {self.acceptance:.2f}"
        if math.isfinite(self.log_evidence):
            text += f", log evidence {self.log_evidence:.1f} +- {self.log_evidence_sd:.1f}"
        if self.restarts:
            text += f", started again {self.restarts} times"
        return (text + ".", *self.notes, *self.problems)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return listing(self.lines) + sheet(self.table, index="parameter")


@dataclass(frozen=True, eq=False)
class InferenceRun:
    """Equal-weight posterior draws by site, with the report of the run.

    Attributes:
        draws: Site -> draws in the site's own (constrained) space, `C x S x ...`, float64; a
            population is one chain.
        report: What the run says about itself.
        families: Initial ancestor of each draw of a population, `S`; None for chains.
        stats: Figures of every transition of chains, `C x S`: `diverging` and `energy`.
    """

    draws: Mapping[str, Tensor]
    report: InferenceReport
    families: Tensor | None = field(default=None)
    stats: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def n_chains(self) -> int:
        """Number of chains C."""
        return next(iter(self.draws.values())).shape[0]

    @property
    def n_draws(self) -> int:
        """Draws per chain S."""
        return next(iter(self.draws.values())).shape[1]

    def flat(self, n: int | None = None) -> dict[str, Tensor]:
        """Chains joined, `C S x ...`; at most `n` evenly spaced draws of them."""
        keep = self.kept(n)
        return {name: v.flatten(0, 1)[keep] for name, v in self.draws.items()}

    def kept(self, n: int | None = None) -> Tensor:
        """Positions, chain after chain, of the draws that `flat` returns."""
        total = self.n_chains * self.n_draws
        if n is None or n >= total:
            return torch.arange(total)
        return torch.linspace(0, total - 1, n, dtype=torch.float64).round().long()

    def __str__(self) -> str:
        return str(self.report)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


class Sampler(Protocol):
    """Samples the posterior of a Pyro program: `NUTS`, `SMC` or `Laplace`."""

    def __call__(
        self,
        model: Callable[[], object],
        *,
        seed: int,
        checkpoint: str | Path | None = None,
        key: object = None,
    ) -> InferenceRun:
        """Posterior draws of a model without arguments.

        Args:
            model: A callable with `pyro.sample` statements, some of them observed.
            seed: Seeds everything.
            checkpoint: File that a run killed half-way continues from.
            key: What identifies model and data to the checkpoint.
        """
        ...


def _parameter(scalar: str) -> str:
    """The parameter that a scalar `name[i,j]` is an entry of."""
    return scalar.rsplit("[", 1)[0]


def _some(names: pd.Index) -> str:
    listed = ", ".join(map(str, names[:3]))
    return listed + (f" and {len(names) - 3} more" if len(names) > 3 else "")
