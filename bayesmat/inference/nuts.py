"""The No-U-Turn sampler for Pyro programs: chains one after another, in double precision."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from pyro.infer import MCMC
from pyro.infer import NUTS as PyroNUTS
from torch import Tensor
from tqdm.auto import tqdm

from bayesmat._arguments import seed_of, settle
from bayesmat.errors import InferenceError

from .chains import bfmi, chain_table
from .checkpoint import Checkpoint
from .pyro_program import DoublePrecision, seeded
from .report import InferenceReport, InferenceRun
from .seeds import spawn

__all__ = ["NUTS"]

STUCK = 0.5
NO_START = "initial params"
SITE = "site: "


class _Kernel(PyroNUTS):
    """Pyro's sampler, which also keeps the energy at the start of every trajectory."""

    def __init__(self, model: Callable[[], object], settings: NUTS) -> None:
        super().__init__(
            model,
            target_accept_prob=settings.target_accept,
            max_tree_depth=settings.max_tree_depth,
            full_mass=settings.dense,
        )
        self.energy: list[float] = []

    def _sample_r(self, name: str) -> tuple[dict, dict]:
        # Pyro has no public access to the energy; every trajectory draws its momenta here.
        momenta, unscaled = super()._sample_r(name)
        if name.startswith("r_t="):
            kinetic = self._kinetic_energy(unscaled)
            self.energy.append(float(kinetic + self._potential_energy_last))
        return momenta, unscaled


@dataclass(frozen=True)
class _Said:
    """What one chain said about itself."""

    divergences: int
    acceptance: float
    bfmi: float
    restarts: int


@dataclass(frozen=True, eq=False)
class _Chain:
    """Draws by site, figures of every transition, `S` each, and what the chain said."""

    sites: dict[str, Tensor]
    stats: dict[str, Tensor]
    said: _Said

    def save(self, file: Checkpoint) -> None:
        tensors = {f"{SITE}{name}": v for name, v in self.sites.items()}
        file.save(tensors | self.stats, asdict(self.said))

    @staticmethod
    def load(file: Checkpoint) -> _Chain | None:
        found = file.load()
        if found is None:
            return None
        tensors, record = found
        sites = {k.removeprefix(SITE): v for k, v in tensors.items() if k.startswith(SITE)}
        stats = {k: v for k, v in tensors.items() if not k.startswith(SITE)}
        return _Chain(sites, stats, _Said(**record))


@dataclass(frozen=True)
class NUTS:
    """Settings of the No-U-Turn sampler (Hoffman and Gelman 2014, JMLR 15, 1593).

    Use it for up to some hundred smooth continuous parameters. It is the referee, not the
    default, for property graphs: seconds to minutes against a second. Not for discrete sites.

    Attributes:
        warmup: Transitions that adapt step size and mass matrix, and are thrown away.
        draws: Transitions that are kept, per chain.
        chains: Chains, run one after another from independent starts; two show R-hat.
        target_accept: Raise towards 0.95-0.99 against divergences.
        max_tree_depth: A transition costs at most ``2**max_tree_depth`` gradients.
        dense: Adapt a full mass matrix: twice the effective draws per second in regressions on
            correlated descriptors, fewer in hierarchies and funnels (`benchmarks/RESULTS.md`).
        restarts: How often a chain that finds no start, or diverges in more than half of its
            transitions, is started again from another seed; the report counts them.
        progress: Show a progress bar; None shows it on a terminal after two seconds.
    """

    warmup: int = 400
    draws: int = 400
    chains: int = 2
    target_accept: float = 0.8
    max_tree_depth: int = 8
    dense: bool = False
    restarts: int = 2
    progress: bool | None = None

    def __post_init__(self) -> None:
        settle(self)
        counts = {"warmup": self.warmup, "draws": self.draws, "chains": self.chains}
        small = {k: v for k, v in counts.items() if v < (4 if k == "draws" else 1)}
        if small:
            raise InferenceError(
                f"NUTS was asked for {small}: it needs at least one step of warm-up, four draws "
                "and one chain."
            )
        if not 0 < self.target_accept < 1:
            raise InferenceError(
                f"target_accept is {self.target_accept}; it must lie between 0 and 1, like 0.9."
            )

    def __call__(
        self,
        model: Callable[[], object],
        *,
        seed: int,
        checkpoint: str | Path | None = None,
        key: object = None,
    ) -> InferenceRun:
        """Sample the posterior of a Pyro model without arguments.

        The global generator, torch's default dtype and Pyro's parameter store are left as found.

        Args:
            model: A callable with `pyro.sample` statements, some of them observed.
            seed: Seeds the chains, each with a stream of its own.
            checkpoint: Name of files, one per finished chain, that a run killed half-way
                continues from: "run.safetensors" gives "run-chain-0.safetensors".
            key: What identifies model and data to the checkpoint, such as a digest and the data.

        Raises:
            InferenceError: No starting point with finite density was found, a draw is not
                finite, or the checkpoint belongs to another run.
        """
        seed = seed_of(seed)
        start = time.perf_counter()
        double = DoublePrecision()(model)
        settings = repr(replace(self, progress=None))
        file = None if checkpoint is None else Checkpoint.of(checkpoint, settings, seed, key)
        hidden = None if self.progress is None else not self.progress
        total = self.chains * (self.warmup + self.draws)
        chains = []
        with tqdm(total=total, desc="NUTS", delay=2, disable=hidden) as bar:
            for c in range(self.chains):
                part = None if file is None else file.part(f"chain-{c}")
                chains.append(self._chain(double, spawn(seed, f"chain {c}"), part, bar))
        said = [chain.said for chain in chains]
        draws = {k: torch.stack([c.sites[k] for c in chains]) for k in chains[0].sites}
        stats = {k: torch.stack([c.stats[k] for c in chains]) for k in chains[0].stats}
        wild = [name for name, v in draws.items() if not torch.isfinite(v).all()]
        if wild:
            raise InferenceError(
                f"NUTS returned draws of {wild} that are not finite: the posterior is improper or "
                "overflows there. Give these sites priors with lighter tails."
            )
        report = InferenceReport(
            method=f"NUTS, {self.chains} chains after {self.warmup} steps of warm-up",
            seconds=time.perf_counter() - start,
            table=chain_table(draws),
            n_chains=self.chains,
            are_chains=True,
            n_draws=self.draws,
            acceptance=sum(s.acceptance for s in said) / self.chains,
            divergences=tuple(s.divergences for s in said),
            bfmi=tuple(s.bfmi for s in said),
            restarts=sum(s.restarts for s in said),
        )
        return InferenceRun(draws, report, stats=stats)

    def _chain(
        self, model: Callable[[], object], seed: int, file: Checkpoint | None, bar: tqdm
    ) -> _Chain:
        """One chain, from its checkpoint if it was finished before."""
        found = None if file is None else _Chain.load(file)
        if found is not None:
            bar.update(self.warmup + self.draws)
            return found
        for attempt in range(self.restarts + 1):
            last = attempt == self.restarts
            with seeded(spawn(seed, f"attempt {attempt}")):
                try:
                    chain = self._attempt(model, bar, attempt)
                except ValueError as error:
                    if NO_START not in str(error):
                        raise
                    if not last:
                        continue
                    raise InferenceError(
                        "NUTS found no starting point where the density is finite. Look for priors "
                        "whose support excludes the data, for log or sqrt of negative numbers, and "
                        "for NaN."
                    ) from error
            if last or chain.said.divergences <= STUCK * self.draws:
                break
        if file is not None:
            chain.save(file)
        return chain

    def _attempt(self, model: Callable[[], object], bar: tqdm, attempt: int) -> _Chain:
        kernel = _Kernel(model, self)
        acceptance = [math.nan]

        def hook(kernel: PyroNUTS, parameters: object, stage: str, i: int) -> None:
            acceptance[0] = float(kernel._mean_accept_prob)
            if attempt == 0:
                bar.update()

        sampler = MCMC(
            kernel,
            num_samples=self.draws,
            warmup_steps=self.warmup,
            disable_progbar=True,
            hook_fn=hook,
        )
        sampler.run()
        at = sampler.diagnostics()["divergences"]["chain 0"]
        diverging = torch.zeros(self.draws, dtype=torch.bool)
        diverging[at] = True
        energy = torch.tensor(kernel.energy[-self.draws :], dtype=torch.float64)
        said = _Said(len(at), acceptance[0], float(bfmi(energy[None])[0]), attempt)
        stats = {"diverging": diverging, "energy": energy}
        return _Chain(sampler.get_samples(), stats, said)
