"""What matters to a property: groups of terms, sources, descriptors or parents, with uncertainty.

Association, not cause: a descriptor matters here if the fitted function changes when it is
exchanged, whatever the reason.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bayesmat._arguments import checked, seed_of
from bayesmat.errors import DataError, ModelError
from bayesmat.models.base import Fitted
from bayesmat.models.conditioning import Additive, Problem

from .exchange import Block, blocks_of_features, blocks_of_sources, total_effects
from .shares import drawn_parts, shares_of

__all__ = ["By", "Relevance", "relevance"]

By = Literal["group", "source", "feature", "node"]
THRESHOLD = 0.01
CORRELATED = 0.9
N_PRIOR = 256
MOST_CELLS = 5_000_000
CAVEAT = "association, not cause"


@dataclass(frozen=True, eq=False, repr=False)
class Relevance:
    """Posterior of how much each part matters, beside the prior of the same.

    `bayesmat.plots.relevance(r.shares[p], inclusion=r.inclusion[p])` draws it.

    Attributes:
        by: What the parts are: "group", "source", "feature" or "node".
        shares: Property -> part -> posterior draws of its share of the variance, `S`; the part
            with the largest median first.
        prior_shares: The same before the data.
        notes: What to keep in mind: correlated descriptors, particles left out.
    """

    by: By
    shares: Mapping[str, Mapping[str, np.ndarray]]
    prior_shares: Mapping[str, Mapping[str, np.ndarray]]
    notes: tuple[str, ...] = ()

    @property
    def inclusion(self) -> dict[str, dict[str, float]]:
        """Property -> part -> posterior probability that its share exceeds 1 %."""
        return _included(self.shares)

    @property
    def prior_inclusion(self) -> dict[str, dict[str, float]]:
        """The same before the data: where the two agree, the prior says so, not the data."""
        return _included(self.prior_shares)

    def to_frame(self) -> pd.DataFrame:
        """One row per property and part, the most relevant first."""
        rows = []
        for name, parts in self.shares.items():
            for part, draws in parts.items():
                q = np.quantile(draws, [0.5, 0.25, 0.75, 0.05, 0.95])
                before = self.prior_shares[name][part]
                rows.append(
                    {
                        "property": name, self.by: part, "median": q[0], "25%": q[1], "75%": q[2],
                        "5%": q[3], "95%": q[4],
                        "inclusion": float((draws > THRESHOLD).mean()),
                        "prior median": float(np.median(before)),
                        "prior inclusion": float((before > THRESHOLD).mean()),
                    }
                )  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict in words: what matters, what does not, what the data leave open."""
        out = []
        frame = self.to_frame()
        frame = frame[frame[self.by] != "noise"]
        for name, rows in frame.groupby("property", sort=False):
            yes = rows[rows["inclusion"] >= 0.95]
            no = rows[rows["inclusion"] <= 0.05]
            text = f"{name}: " + (
                "matters: "
                + ", ".join(
                    f"{part} ({m:.0%} of the variance, 90 % {a:.0%} to {b:.0%})"
                    for part, m, a, b in yes[[self.by, "median", "5%", "95%"]].values
                )
                if len(yes)
                else f"no {self.by} is sure to matter"
            )
            if len(no):
                text += f"; below 1 %: {', '.join(map(str, no[self.by]))}"
            open_ = len(rows) - len(yes) - len(no)
            out.append(f"{text}; {open_} left open." if open_ else f"{text}.")
        return (*out, *self.notes, f"This is {CAVEAT}.")

    def __str__(self) -> str:
        frame = self.to_frame().to_string(index=False, float_format=lambda v: f"{v:.3f}")
        return "\n".join([frame, *self.lines])

    def __repr__(self) -> str:
        return f"Relevance(by={self.by!r}, properties={list(self.shares)})"

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(line)}</li>" for line in self.lines)
        table = self.to_frame().to_html(index=False, float_format=lambda v: f"{v:.3f}")
        return f"{table}<ul>{items}</ul>"


def relevance(fitted: Fitted, *, by: By = "group", seed: int = 0) -> Relevance:
    """How much each group of terms, source, descriptor or parent matters to each property.

    - "group": share of every group of terms, of every parent and of noise in the variance over the
      measured rows, from joint posterior draws of the summands. Shares add up to one.
    - "node": the same with all terms of a node together, so that parents stand beside "own
      features".
    - "feature": for `ARD` terms (see `bayesmat.DescriptorGP`), the total effect of each descriptor
      with its interactions: half the mean squared change of f when the descriptor is exchanged
      with another row's, over the variance (Jansen 1999, doi:10.1016/S0010-4655(98)00154-4).
      Effects of interacting descriptors add up to more than one.
    - "source": the same, exchanging all features of one network (or fingerprint) at once, in every
      kernel that reads it. Networks that say the same replace one another: each can then look
      dispensable. What all of them are worth together is the group's ablation in the fit report.

    A part is *included* if its share exceeds 1 %. Compare the inclusion probability with the prior
    one: 0.9 after 0.9 is an assumption, 0.9 after 0.4 is a finding. Descriptors that are strongly
    correlated share one effect in ways the data cannot decide, and exchanging one alone makes rows
    that do not exist; they are listed.

    Use it to decide which descriptors to keep, measure or compute, and confirm by refitting
    without the others (`check.kfold`). It is association, not cause.

    Args:
        fitted: A fit of a model that is a sum of Gaussian parts: a graph or transfer.
        by: What the parts are.
        seed: Seeds draws and exchanged rows.

    Raises:
        ModelError: The model is a program, or by="feature" without an ARD term.
        DataError: `by` is none of these.
    """
    fitted, seed = checked(fitted, Fitted, "fitted"), seed_of(seed)
    if by not in get_args(By):
        raise DataError(f"by is {by!r}; it must be one of {list(get_args(By))}.")
    model = fitted.model
    if not isinstance(model, Additive):
        raise ModelError(
            "relevance() reads the terms of a property graph; a program's relevance is what its "
            "own sites say (look at fitted.model.draws), or write the model as a PropertyGraph."
        )
    problem = model.problem
    generator = torch.Generator().manual_seed(seed)
    u = torch.randn(N_PRIOR, len(problem.priors.names), generator=generator, dtype=torch.float64)
    chosen = _fewer(model, by)
    with torch.no_grad():
        if by in ("group", "node"):
            names = [_names(problem, p, by) for p in range(len(problem.joint.nodes))]
            after = _shares(problem, model.hyper_posterior.u[chosen], True, names, seed)
            before = _shares(problem, u, False, names, seed)
            return Relevance(by, _sorted(after), before)
        blocks = _blocks(problem, by)
        after = _effects(problem, model.hyper_posterior.u[chosen], True, blocks, seed)
        before = _effects(problem, u, False, blocks, seed)
    notes = _correlated(problem) if by == "feature" else ()
    return Relevance(by, _sorted(after), before, notes)


Shares = dict[str, dict[str, np.ndarray]]


def _sorted(shares: Shares) -> Shares:
    return {
        name: dict(sorted(parts.items(), key=lambda item: -float(np.median(item[1]))))
        for name, parts in shares.items()
    }


def _included(shares: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, dict[str, float]]:
    return {
        name: {part: float((draws > THRESHOLD).mean()) for part, draws in parts.items()}
        for name, parts in shares.items()
    }


def _fewer(model: Additive, by: By) -> Tensor:
    """Particles to look at: all, or as many as keep large tables within seconds."""
    k = model.problem.observations.n_cells
    n = len(model.hyper_posterior.u)
    most = n if by in ("group", "node") else max(16, MOST_CELLS // max(k, 1) ** 2)
    if most >= n:
        return torch.arange(n)
    return torch.linspace(0, n - 1, most, dtype=torch.float64).round().long()


def _names(problem: Problem, p: int, by: By) -> dict[str, str]:
    """Label of each own part of property p -> what it is counted under."""
    node = problem.joint.nodes[p]
    computed, names = node.computed, {}
    for term in node.terms:
        is_bend = computed is not None and term.group == "parent"
        if by == "group":
            names[term.label] = term.group
        else:
            names[term.label] = str(computed) if is_bend else "own features"
    rest = "parent" if by == "group" else computed
    first = names[node.terms[-1].label]
    return names | {"rest": first if computed is None else str(rest)}


def _shares(
    problem: Problem, u: Tensor, given: bool, names: list[dict[str, str]], seed: int
) -> Shares:
    hyper, n = problem.priors.values(u), len(u)
    conditioned = problem.conditioned(u) if given else None
    parts = drawn_parts(problem, hyper, conditioned, n_sets=n, seed=seed)
    out = {}
    for p, node in enumerate(problem.joint.nodes):
        found = shares_of(problem, parts, hyper, p, names[p])
        out[node.name] = {name: value.numpy() for name, value in found.items()}
    return out


def _blocks(problem: Problem, by: By) -> dict[int, list[Block]]:
    make = blocks_of_features if by == "feature" else blocks_of_sources
    found = {p: make(node.terms) for p, node in enumerate(problem.joint.nodes)}
    found = {p: blocks for p, blocks in found.items() if blocks}
    if not found:
        raise ModelError(
            "no term has a lengthscale for each descriptor: use the ARD kernel on named "
            "descriptors, for example bm.DescriptorGP('gap', bm.features.CheapDescriptors())."
        )
    return found


def _effects(
    problem: Problem, u: Tensor, given: bool, blocks: dict[int, list[Block]], seed: int
) -> Shares:
    hyper = problem.priors.values(u)
    conditioned = problem.conditioned(u) if given else None
    parts = drawn_parts(problem, hyper, conditioned, n_sets=len(u), seed=seed)
    out = {}
    for p, some in blocks.items():
        node, noise = problem.joint.nodes[p], problem.noise_sd(hyper)[:, p]
        variance = parts.latent(p).var(-1, unbiased=False) + noise.square()
        found = total_effects(problem, hyper, conditioned, p, some, seed=seed)
        out[node.name] = {
            name: (effect / variance.clamp_min(1e-300)).numpy() for name, effect in found.items()
        }
    return out


def _correlated(problem: Problem) -> tuple[str, ...]:
    """Pairs of descriptors that vary together over the measured rows."""
    out = []
    for p, node in enumerate(problem.joint.nodes):
        for t, term in enumerate(node.terms):
            if not term.kernel.is_ard or len(problem.phi.terms[p][t]) < 3:
                continue
            phi, names = problem.phi.terms[p][t].numpy(), term.features.names
            varying = np.flatnonzero(phi.std(0) > 0)
            r = np.corrcoef(phi[:, varying].T).reshape(len(varying), len(varying))
            told = [
                f"{names[varying[i]]} and {names[varying[j]]} ({r[i, j]:+.2f})"
                for i, j in zip(*np.nonzero(np.triu(np.abs(r) > CORRELATED, 1)), strict=True)
            ]
            if told:
                more = f" and {len(told) - 8} more" if len(told) > 8 else ""
                out.append(
                    f"{node.name}: correlated descriptors share one effect: {', '.join(told[:8])}"
                    f"{more}; keep one of each pair, or read them together."
                )
    return tuple(dict.fromkeys(out))
