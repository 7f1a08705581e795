"""Hyper-parameters from their modes: adaptive importance sampling, or SMC from its proposal."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from bayesmat._arguments import checked, seed_of, settle
from bayesmat._counted import counted
from bayesmat.errors import InferenceError

from .grid import HyperPosterior, LogDensity, weighted_table
from .mixture import Mixture
from .modes import Mode, find_modes, possible
from .moves import MoveRule, Target, standard_normal
from .pareto import pareto_k
from .population import SMC
from .report import PARETO_LIMIT, InferenceReport
from .seeds import spawn
from .smc import effective_sample_size

__all__ = ["ImportanceIntegrator"]

HEAVY = 0.02
SHORT_TAIL = 0.5
SUPPLEMENT = 0.2


@dataclass(frozen=True)
class ImportanceIntegrator:
    r"""Adaptive importance sampling from the modes; tempered SMC from its proposal if that fails.

    Searches uphill from spread draws of the prior find the modes of :math:`p(u, y)`. Points are
    drawn from a mixture q of Student-t components there and, as a defence, the prior, and weighed
    over all rounds r by

    .. math:: w(u) = p(u, y) \Big/ \sum_r \tfrac{N_r}{N} q_r(u)

    (the deterministic mixture of Cornuet et al. 2012, doi:10.1111/j.1467-9469.2011.00756.x); after
    every round the components move to where the weight is, until `ess` draws are effective. A heavy
    point of the prior that no component speaks for starts another search. Where Pareto k stays
    above 0.7 or fewer than `least` draws are effective, particles are tempered from q (not from the
    prior) to the posterior, and the report says so.

    Use it as the default: some hundred likelihoods where SMC from the prior takes tens of
    thousands. What neither a search nor a draw of the prior reached leaves no trace in the weights;
    the report says how much of the prior that can be. On ten rows or so a narrow arm of the
    posterior (noise so small that the values are interpolated, 4 % of the mass) can be drawn too
    seldom: the sd of that parameter came out at 0.7 of the truth and log evidence 0.09 too low,
    where `SMCIntegrator` was right. Not for likelihoods with jumps.

    Attributes:
        n: Points of a round.
        rounds: Rounds at most.
        ess: Effective draws that are enough.
        least: Effective draws below which SMC takes over.
        searches: Searches for modes.
        defence: Share of the points drawn from the prior.
        particles: Particles of the SMC that takes over.
        n_particles: Equal-weight draws kept for the model; None keeps as many as are accurate
            (see `kept`).
        move: How the particles of the SMC move; None is `HMC()`.
    """

    n: int = 256
    rounds: int = 10
    ess: float = 400.0
    least: float = 100.0
    searches: int = 4
    defence: float = 0.1
    particles: int = 128
    n_particles: int | None = None
    move: MoveRule | None = None

    def __post_init__(self) -> None:
        settle(self)
        least = min(self.n, self.rounds, self.searches, self.n_particles or 1)
        if least < 1 or self.particles < 2:
            raise InferenceError(
                f"{self}: points, rounds, searches and particles are counts of at least 1 (2 "
                "particles for SMC)."
            )
        if not 0 < self.defence < 1:
            raise InferenceError(f"defence is {self.defence}: the prior's share lies in (0, 1).")

    @staticmethod
    def suited(n_cells: int) -> ImportanceIntegrator:
        """Settings for a likelihood of so many cells: fewer points where each is dearer."""
        n_cells = checked(n_cells, int, "n_cells")
        if n_cells <= 100:
            return ImportanceIntegrator(n=1024, ess=800)
        if n_cells <= 500:
            return ImportanceIntegrator()
        return ImportanceIntegrator(
            n=128, ess=200, searches=2, particles=64, n_particles=64 if n_cells <= 1200 else 32
        )

    def __call__(
        self,
        log_likelihood: LogDensity,
        d: int,
        *,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> HyperPosterior:
        """Find the modes and weigh draws around them; `checkpoint` is used by SMC only.

        Raises:
            InferenceError: The likelihood is zero at every draw of the prior.
        """
        d, seed = checked(d, int, "d"), seed_of(seed)
        start = time.perf_counter()
        target = standard_normal(log_likelihood)
        if d == 0:
            return self._nothing(target)
        run = _Run.started(self, target, d, seed)
        while not run.is_enough and run.n_rounds < self.rounds:
            run = run.continued()
        if run.is_trusted:
            return self._weighed(run, time.perf_counter() - start)
        return self._tempered(run, seed, checkpoint, start)

    def _nothing(self, target: Target) -> HyperPosterior:
        """No hyper-parameters: one point of known evidence."""
        u = torch.zeros(1, 0, dtype=torch.float64)
        with torch.no_grad():
            _, log_likelihood = target(u)
        report = InferenceReport("nothing to integrate", 0.0, log_evidence=float(log_likelihood))
        return replace(HyperPosterior.point(u), report=report)

    def _weighed(self, run: _Run, seconds: float) -> HyperPosterior:
        log_w = run.log_weights
        total, n = float(torch.logsumexp(log_w, 0)), len(log_w)
        report = InferenceReport(
            method=f"importance sampling from {counted(len(run.modes), 'mode')}, "
            f"{counted(run.n_rounds, 'round')} of {self.n}",
            seconds=seconds,
            table=weighted_table({"u": run.u}, log_w - total),
            n_draws=n,
            n_evaluations=run.spent,
            log_evidence=total - math.log(n),
            log_evidence_sd=math.sqrt(max(n / run.effective - 1.0, 0.0) / n),
            pareto_k=run.k,
            notes=(run.explored,),
        )
        return HyperPosterior.of(
            run.u, log_w - total, torch.arange(n), report, "proposal", n_particles=self.n_particles
        )

    def _tempered(
        self, run: _Run, seed: int, checkpoint: str | Path | None, start: float
    ) -> HyperPosterior:
        """Particles carried from the proposal q, widened, to the posterior: q^(1 - beta) p^beta."""
        mixture, why = run.mixture.widened(1.5, 0.3), run.failure
        u = mixture.draw(self.particles, spawn(seed, "particles"))

        def target(v: Tensor) -> tuple[Tensor, Tensor]:
            log_q = mixture.log_density(v)
            log_prior, log_likelihood = run.target(v)
            return log_q, log_prior + log_likelihood - log_q

        smc = SMC(self.particles, move=self.move)
        found = smc.run(target, u, seed=spawn(seed, "moves"), checkpoint=checkpoint)
        report = replace(
            found.report,
            method=f"{found.report.method}, from the proposal of an importance sampler ({why})",
            seconds=time.perf_counter() - start,
            n_evaluations=found.report.n_evaluations + run.spent,
            notes=(run.explored,),
        )
        log_w = torch.full((len(found.u),), -math.log(len(found.u)), dtype=torch.float64)
        return HyperPosterior.of(
            found.u, log_w, found.families, report, "posterior",
            n_particles=self.n_particles, stages=found.stages,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Run:
    """An adaptive importance sampler after some rounds.

    Attributes:
        plan: The settings.
        target: Log prior and log likelihood.
        seed: Seeds the rounds.
        modes: The modes found.
        mixture: The proposal of the next round.
        proposals: Those of the rounds so far.
        u: All points drawn from them, `N x d`.
        log_p: Log prior + log likelihood of them, `N`.
        log_weights: Log p - log q of them, `N`.
        k: Pareto k of the weights.
        spent: Evaluations, gradients included.
        n_prior: Points drawn from the prior, those that searches began among included.
    """

    plan: ImportanceIntegrator
    target: Target
    seed: int
    modes: tuple[Mode, ...]
    mixture: Mixture
    proposals: tuple[Mixture, ...]
    u: Tensor
    log_p: Tensor
    log_weights: Tensor
    k: float
    spent: int
    n_prior: int

    @staticmethod
    def started(plan: ImportanceIntegrator, target: Target, d: int, seed: int) -> _Run:
        """After the searches and the first round."""
        n = 16 * plan.searches
        engine = torch.quasirandom.SobolEngine(d, scramble=True, seed=spawn(seed, "starts"))
        uniform = engine.draw(n, dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
        u = torch.cat([torch.zeros(1, d, dtype=torch.float64), torch.special.ndtri(uniform)])
        log_p = _evaluated(target, u)
        modes, spent = find_modes(target, u, log_p, plan.searches)
        mixture = Mixture.at(modes, plan.defence)
        empty = torch.zeros(0, dtype=torch.float64)
        begun = _Run(
            plan, target, seed, tuple(modes), mixture, (), u[:0], empty, empty, math.inf,
            spent + len(u), len(u),
        )  # fmt: skip
        return begun.continued()

    @property
    def n_rounds(self) -> int:
        """Rounds so far."""
        return len(self.proposals)

    @property
    def effective(self) -> float:
        """Effective draws so far."""
        return effective_sample_size(self.log_weights)

    @property
    def is_enough(self) -> bool:
        """Whether another round is not needed."""
        return self.k <= PARETO_LIMIT and self.effective >= self.plan.ess

    @property
    def is_trusted(self) -> bool:
        """Whether averages over the weighted points can be trusted."""
        return self.k <= PARETO_LIMIT and self.effective >= self.plan.least

    @property
    def failure(self) -> str:
        """Why they cannot."""
        if self.k > PARETO_LIMIT:
            return f"Pareto k was {self.k:.2f}"
        return f"{self.effective:.0f} draws of {len(self.u)} were effective"

    @property
    def explored(self) -> str:
        """What was looked at, and what may have been missed."""
        missed = 3.0 / self.n_prior  # (1 - 3/n)^n is about 5 %
        return (
            f"Explored by {counted(self.plan.searches, 'search', 'searches')}, which ended in "
            f"{counted(len(self.modes), 'mode')}, and {self.n_prior} draws of the prior: a "
            "separate mode is missed if no search runs into it and it holds less than about "
            f"{missed:.1%} of the prior."
        )

    def continued(self) -> _Run:
        """After one more round."""
        plan = self.plan
        u = self.mixture.draw(plan.n, spawn(self.seed, f"round {self.n_rounds}"))
        points = torch.cat([self.u, u])
        log_p = torch.cat([self.log_p, _evaluated(self.target, u)])
        proposals = (*self.proposals, self.mixture)
        log_q = torch.stack([q.log_density(points) for q in proposals])
        log_w = log_p - torch.logsumexp(log_q, 0) + math.log(len(proposals))
        modes, mixture, spent = self._improved(points, log_p, log_w)
        return replace(
            self,
            modes=modes,
            mixture=mixture,
            proposals=proposals,
            u=points,
            log_p=log_p,
            log_weights=log_w,
            k=pareto_k(log_w),
            spent=self.spent + plan.n + spent,
            n_prior=self.n_prior + round(plan.n * float(self.mixture.shares[0])),
        )

    def _improved(
        self, u: Tensor, log_p: Tensor, log_w: Tensor
    ) -> tuple[tuple[Mode, ...], Mixture, int]:
        """The next proposal: components where the weight is, and at a mode just met."""
        mixture = self.mixture.adapted(u, _tempered_weights(log_w), self.plan.defence)
        weights, heaviest = torch.softmax(log_w, 0), int(log_w.argmax())
        covered = torch.softmax(self.mixture.log_densities(u[heaviest : heaviest + 1])[0], 0)
        heavy = float(weights[heaviest])
        if heavy > HEAVY or pareto_k(log_w) > SHORT_TAIL:
            mixture = mixture.supplemented(u, weights, SUPPLEMENT)
        if heavy < HEAVY or float(covered[0]) < 0.5:
            return self.modes, mixture, 0
        met, spent = find_modes(self.target, u[[heaviest]], log_p[[heaviest]], 1)
        new = [m for m in met if all(old.distance(m.u) > 1.0 for old in self.modes)]
        for mode in new:
            mixture = mixture.joined(mode, 0.3)
        return (*self.modes, *new), mixture, spent


def _evaluated(target: Target, u: Tensor) -> Tensor:
    """Log prior + log likelihood without gradients, NaN as impossible."""
    with torch.no_grad():
        log_prior, log_likelihood = target(u)
    return possible(log_prior + log_likelihood)


def _tempered_weights(log_w: Tensor) -> Tensor:
    """Normalised weights, flattened where so few carry all that moments would collapse."""
    power = 1.0
    while effective_sample_size(power * log_w) < 0.1 * len(log_w) and power > 0.05:
        power *= 0.8
    return torch.softmax(power * log_w, 0)
