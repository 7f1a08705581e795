"""Tempered SMC over parameters: of a Pyro program, or of any density evaluated on a batch."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from bayesmat._arguments import seed_of, settle
from bayesmat._bounds import at_least

from .chains import population_table
from .checkpoint import Checkpoint
from .moves import HMC, MoveRule, Points, Target, memory
from .pyro_program import Model, ProgramTarget
from .report import InferenceReport, InferenceRun
from .seeds import spawn
from .smc import Move, Resume, Stage, Tempering, tempered_smc

__all__ = ["SMC", "Population"]

FORGOTTEN = 0.5


@dataclass(frozen=True, eq=False)
class Population:
    """Equal-weight posterior draws of one tempered run.

    Attributes:
        u: Draws of the last sweeps, the newest sweep last, `N x d`.
        families: Initial particle each descends from, `N`.
        stages: The temperatures.
        report: What the run says about itself, with scalars `u[i]`.
    """

    u: Tensor
    families: Tensor
    stages: tuple[Stage, ...]
    report: InferenceReport


@dataclass(frozen=True)
class SMC:
    r"""Settings of tempered SMC over parameters.

    Called with a Pyro program it samples the program's posterior: particles start as draws of the
    prior and are carried to the posterior by adaptive temperatures (`tempered_smc`), all of them in
    one batched evaluation. It finds separate modes and gives the evidence, and it is fast where a
    batch costs little more than one evaluation. Not for hundreds of parameters or a likelihood
    that concentrates a thousandfold in many directions: use NUTS.

    After the last temperature the particles go on as N parallel chains at the posterior; the last
    `kept` populations are all returned, since every one of them is distributed as the posterior
    (the idea of waste-free SMC: Dau and Chopin 2022, doi:10.1111/rssb.12475).

    Attributes:
        n: Particles.
        sweeps: Sweeps per temperature. A sweep is as many moves as it takes until no parameter
            correlates by more than 0.5 with where it was before (at most some twenty evaluations).
        final_sweeps: Further sweeps at the posterior.
        kept: Populations kept: the last one, and one for each of kept - 1 further moves.
        move: How particles move; None is `HMC()`.
        ess_fraction: Share of n that the effective sample size is kept at.
        progress: Show a progress bar; None shows it after two seconds.
    """

    n: int = 256
    sweeps: int = 1
    final_sweeps: int = 3
    kept: int = 1
    move: MoveRule | None = None
    ess_fraction: float = 0.5
    progress: bool | None = None

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 2, "n")
        at_least(self, 1, "sweeps", "final_sweeps", "kept")

    def __call__(
        self,
        model: Model,
        *,
        seed: int,
        checkpoint: str | Path | None = None,
        key: object = None,
    ) -> InferenceRun:
        """Sample the posterior of a Pyro model without arguments.

        Args:
            model: A callable with `pyro.sample` statements, some of them observed.
            seed: Seeds prior draws, resampling and moves.
            checkpoint: File to continue from and to write after every temperature.
            key: What identifies model and data to the checkpoint.

        Raises:
            InferenceError: A site is discrete, or the run failed (see `tempered_smc`).
        """
        seed = seed_of(seed)
        start = time.perf_counter()
        target = ProgramTarget.of(model, seed=seed)
        u = target.prior_draws(self.n, seed=seed)
        found = self.run(target, u, seed=spawn(seed, "moves"), checkpoint=checkpoint, key=key)
        draws = target.constrained(found.u)
        report = found.report
        if not target.is_vectorised:
            report = replace(report, method=f"{report.method}, one particle at a time")
        report = replace(
            report,
            table=population_table(draws, found.families),
            seconds=time.perf_counter() - start,
        )
        return InferenceRun({k: v[None] for k, v in draws.items()}, report, found.families)

    def run(
        self,
        target: Target,
        u: Tensor,
        *,
        seed: int,
        checkpoint: str | Path | None = None,
        key: object = None,
    ) -> Population:
        """Carry draws u of the prior, `n x d`, to the posterior of any target.

        Args:
            target: Log prior and log likelihood of vectors.
            u: Independent draws of the prior.
            seed: Seeds resampling and moves.
            checkpoint: File to continue from and to write after every temperature.
            key: What identifies the problem, besides the settings and u, to the checkpoint.

        Raises:
            InferenceError: See `tempered_smc`.
        """
        start = time.perf_counter()
        rule = HMC() if self.move is None else self.move
        points, log_likelihood = rule.start(target, u)
        move = rule.on(target)
        sweep = _Sweep(move, rule.longest)
        tempering = Tempering(self.ess_fraction, self.sweeps, 0)
        resume = None
        if checkpoint is not None:
            file = Checkpoint.of(
                checkpoint, repr(replace(self, progress=None)), u, log_likelihood, seed, key
            )
            resume = Resume(file, Points.tensors, Points.of)
        hidden = None if self.progress is None else not self.progress
        with tqdm(total=100, desc="SMC", delay=2, disable=hidden, leave=False, unit="%") as bar:
            run = tempered_smc(
                points, log_likelihood, sweep, lambda p, index: p.take(index), seed=seed,
                tempering=tempering, progress=lambda stage: _show(bar, stage), resume=resume,
            )  # fmt: skip
        generator = torch.Generator().manual_seed(spawn(seed, "final sweeps"))
        points, log_likelihood = run.particles, run.log_likelihood
        rates, before = [run.stages[-1].acceptance], points.u
        for _ in range(self.final_sweeps):
            before = points.u
            points, log_likelihood, rate = sweep(points, log_likelihood, 1.0, generator)
            rates.append(rate)
        remembered = memory(before, points.u) if self.final_sweeps else math.nan
        kept = [points.u]
        for _ in range(self.kept - 1):
            points, log_likelihood, rate = sweep.once(points, log_likelihood, 1.0, generator)
            kept.append(points.u)
            rates.append(rate)
        draws, families = torch.cat(kept), run.families.repeat(self.kept)
        report = InferenceReport(
            method=f"SMC, {self.n} particles, {len(run.stages)} temperatures, {rule.name}",
            seconds=time.perf_counter() - start,
            table=population_table({"u": draws}, families),
            n_draws=len(draws),
            n_evaluations=self.n * (1 + sweep.moves * rule.cost),
            acceptance=sum(rates) / len(rates) if u.shape[1] else math.nan,
            memory=remembered,
            n_families=int(families.unique().numel()),
            log_evidence=run.log_evidence,
            log_evidence_sd=run.log_evidence_sd,
        )
        return Population(draws, families, run.stages, report)


class _Sweep:
    """Moves until particles have forgotten where they were; counts the moves."""

    def __init__(self, move: Move[Points], longest: int) -> None:
        self._move = move
        self._longest = longest
        self.moves = 0

    def once(
        self, particles: Points, log_likelihood: Tensor, beta: float, generator: torch.Generator
    ) -> tuple[Points, Tensor, float]:
        """One move."""
        self.moves += 1
        return self._move(particles, log_likelihood, beta, generator)

    def __call__(
        self, particles: Points, log_likelihood: Tensor, beta: float, generator: torch.Generator
    ) -> tuple[Points, Tensor, float]:
        """Moves until the largest correlation with the start is below a half."""
        start, rates = particles.u, []
        for _ in range(self._longest):
            particles, log_likelihood, rate = self.once(particles, log_likelihood, beta, generator)
            rates.append(rate)
            if memory(start, particles.u) < FORGOTTEN:
                break
        return particles, log_likelihood, sum(rates) / len(rates)


def _show(bar: tqdm, stage: Stage) -> None:
    bar.set_postfix_str(f"temperature {stage.beta:.3g}, acceptance {stage.acceptance:.2f}")
    bar.update(round(100 * stage.beta) - bar.n)
