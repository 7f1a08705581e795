"""One tempered sequential Monte Carlo engine, for parameters and for molecules alike."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from bayesmat._arguments import seed_of, settle
from bayesmat.errors import InferenceError

from .checkpoint import Checkpoint

__all__ = [
    "Move",
    "Resume",
    "SMCRun",
    "Stage",
    "Tempering",
    "effective_sample_size",
    "next_temperature",
    "systematic_resample",
    "tempered_smc",
]

P = TypeVar("P")
_log = logging.getLogger(__name__)


class Move(Protocol[P]):
    """A Markov step on every particle that leaves ``prior(x) L(x)**beta`` invariant.

    It returns the new particles, their log likelihoods (shape `N`) and the share of accepted
    proposals. All randomness comes from `generator`.
    """

    def __call__(
        self, particles: P, log_likelihood: Tensor, beta: float, generator: torch.Generator
    ) -> tuple[P, Tensor, float]:
        """Move every particle once at inverse temperature `beta`."""
        ...


@dataclass(frozen=True)
class Stage:
    """What happened at one inverse temperature.

    Attributes:
        beta: Inverse temperature reached.
        ess: Effective sample size of the incremental weights, before resampling.
        log_increment: log of the mean incremental weight (its sum over stages is log Z).
        relative_variance: Variance of the normalised incremental weights over N.
        n_ancestors: Initial particles that still have descendants after resampling.
        acceptance: Mean acceptance over the sweeps of this stage.
    """

    beta: float
    ess: float
    log_increment: float
    relative_variance: float
    n_ancestors: int
    acceptance: float


@dataclass(frozen=True)
class SMCRun(Generic[P]):
    """Equal-weight particles of the posterior, with the evidence.

    Attributes:
        particles: The population, equally weighted.
        log_likelihood: Shape `N`.
        log_evidence: Estimate of ``log E_prior[L]``; exp of it is unbiased for a frozen ladder.
        log_evidence_sd: Delta-method error, treating stages as independent: too small when moves
            mix badly.
        stages: One record per temperature.
        families: Initial particle that each one descends from, `N`.
    """

    particles: P
    log_likelihood: Tensor
    log_evidence: float
    log_evidence_sd: float
    stages: tuple[Stage, ...]
    families: Tensor

    @property
    def ladder(self) -> tuple[float, ...]:
        """The temperatures used, to be frozen in a later run."""
        return tuple(stage.beta for stage in self.stages)


@dataclass(frozen=True, eq=False)
class Resume(Generic[P]):
    """How a run over particles P is written down after every stage, and continued.

    Attributes:
        checkpoint: The file.
        pack: The particles as named tensors.
        unpack: The inverse.
    """

    checkpoint: Checkpoint
    pack: Callable[[P], dict[str, Tensor]]
    unpack: Callable[[dict[str, Tensor]], P]


@dataclass(frozen=True, eq=False)
class _State(Generic[P]):
    """A run between two stages."""

    particles: P
    log_likelihood: Tensor
    families: Tensor
    stages: tuple[Stage, ...]

    @property
    def beta(self) -> float:
        return self.stages[-1].beta if self.stages else 0.0

    def save(self, resume: Resume[P], generator: torch.Generator) -> None:
        own = {"log_likelihood": self.log_likelihood, "families": self.families}
        packed = {f"particles.{k}": v for k, v in resume.pack(self.particles).items()}
        tensors = {**own, "generator": generator.get_state(), **packed}
        resume.checkpoint.save(tensors, {"stages": [asdict(stage) for stage in self.stages]})

    @staticmethod
    def load(resume: Resume[P], generator: torch.Generator) -> _State[P] | None:
        found = resume.checkpoint.load()
        if found is None:
            return None
        tensors, record = found
        generator.set_state(tensors["generator"])
        prefix = "particles."
        packed = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        return _State(
            resume.unpack(packed),
            tensors["log_likelihood"],
            tensors["families"],
            tuple(Stage(**stage) for stage in record["stages"]),
        )


def effective_sample_size(log_weights: Tensor) -> float:
    r"""Kish's effective sample size, ``(sum w)**2 / sum w**2``.

    >>> effective_sample_size(torch.zeros(8))
    8.0
    """
    log_w = log_weights - torch.logsumexp(log_weights, 0)
    return float(torch.exp(-torch.logsumexp(2 * log_w, 0)))


def next_temperature(log_likelihood: Tensor, beta: float, target_ess: float) -> float:
    """The largest inverse temperature whose incremental weights keep the target ESS.

    Bisection on ``ESS(beta')``, which falls monotonically; returns 1 when the last step keeps it.
    When even the smallest step loses more (most particles have zero likelihood), the step that
    only removes the impossible particles is as small as possible and is taken.
    """

    def ess(new: float) -> float:
        return effective_sample_size(_increment(log_likelihood, new - beta))

    if ess(1.0) >= target_ess:
        return 1.0
    low, high = beta, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if ess(middle) >= target_ess else (low, middle)
    return high if low <= beta else low


def systematic_resample(log_weights: Tensor, generator: torch.Generator) -> Tensor:
    """Indices of a systematic resample: one uniform number, N equally spaced pointers.

    Each particle i is copied floor or ceil of ``N w_i`` times (Kitagawa 1996,
    doi:10.2307/1390750), the smallest variance among the simple schemes.
    """
    n = log_weights.numel()
    weights = torch.softmax(log_weights.double(), 0)
    u = torch.rand(1, generator=generator, dtype=torch.float64)
    pointers = (torch.arange(n, dtype=torch.float64) + u) / n
    edges = torch.cumsum(weights, 0)
    edges[-1] = 1.0
    return torch.searchsorted(edges, pointers, right=True).clamp(max=n - 1)


def _increment(log_likelihood: Tensor, step: float) -> Tensor:
    if step <= 0:
        return torch.zeros_like(log_likelihood)
    return step * log_likelihood


@dataclass(frozen=True)
class Tempering:
    """How `tempered_smc` goes from the prior to the posterior.

    Attributes:
        ess_fraction: Share of N that the effective sample size is kept at.
        sweeps: Moves per temperature.
        final_sweeps: Further moves at beta = 1.
        ladder: Frozen temperatures ending at 1, which make the evidence estimate exactly unbiased;
            None for adaptive ones.
        max_stages: Give up after that many.

    Raises:
        InferenceError: The ladder does not rise to 1.
    """

    ess_fraction: float = 0.5
    sweeps: int = 3
    final_sweeps: int = 3
    ladder: tuple[float, ...] | None = None
    max_stages: int = 200

    def __post_init__(self) -> None:
        settle(self)
        ladder = self.ladder
        if ladder is not None and (
            not ladder or list(ladder) != sorted(ladder) or ladder[-1] != 1.0
        ):
            raise InferenceError(f"A ladder must rise and end at 1, got {list(ladder)}.")


def tempered_smc(
    particles: P,
    log_likelihood: Tensor,
    move: Move[P],
    take: Callable[[P, Tensor], P],
    *,
    seed: int,
    tempering: Tempering | None = None,
    progress: Callable[[Stage], None] | None = None,
    resume: Resume[P] | None = None,
) -> SMCRun[P]:
    r"""Carry a sample of the prior to the posterior through ``prior * L**beta``, beta from 0 to 1.

    Each stage raises beta until the incremental weights :math:`L^{\beta_t-\beta_{t-1}}` have an
    effective sample size of ``ess_fraction * N``, multiplies the evidence by their mean, resamples
    (systematic) and moves every particle `sweeps` times by a kernel that leaves
    :math:`\pi_{\beta_t}` invariant (Del Moral, Doucet, Jasra 2006,
    doi:10.1111/j.1467-9868.2006.00553.x).

    Use it for multimodal or strange posteriors that can be evaluated for all particles at once.
    Not for hundreds of parameters with a slow gradient-free move: use NUTS.

    Args:
        particles: N independent draws of the prior, in any container.
        log_likelihood: Shape `N`; -inf marks impossible particles.
        move: A `Move` over the same container.
        take: ``take(particles, indices)`` picks particles by position.
        seed: Seeds the one generator that resampling and moves use.
        tempering: Temperatures and sweeps.
        progress: Called with every finished stage.
        resume: Continue from, and write after every stage, a checkpoint.

    Raises:
        InferenceError: Every particle is impossible, a likelihood is NaN or +inf, the stages run
            out, or the checkpoint belongs to another run.
    """
    plan = Tempering() if tempering is None else tempering
    generator = torch.Generator().manual_seed(seed_of(seed))
    state = _State(particles, log_likelihood, torch.arange(log_likelihood.numel()), ())
    if resume is not None:
        state = _State.load(resume, generator) or state
    while state.beta < 1.0:
        state = _advance(state, move, take, plan, generator)
        _log.debug("stage %d: %s", len(state.stages), state.stages[-1])
        if resume is not None:
            state.save(resume, generator)
        if progress is not None:
            progress(state.stages[-1])
    stages = state.stages
    return SMCRun(
        state.particles,
        state.log_likelihood,
        sum(stage.log_increment for stage in stages),
        math.sqrt(sum(stage.relative_variance for stage in stages)),
        stages,
        state.families,
    )


def _advance(
    state: _State[P],
    move: Move[P],
    take: Callable[[P, Tensor], P],
    plan: Tempering,
    generator: torch.Generator,
) -> _State[P]:
    """One stage: raise the temperature, weigh, resample, move."""
    log_likelihood, n = state.log_likelihood, state.log_likelihood.numel()
    _check(log_likelihood)
    if len(state.stages) == plan.max_stages:
        raise InferenceError(
            f"The temperature reached only {state.beta:.3g} after {plan.max_stages} stages: the "
            "prior and the likelihood hardly overlap. Check units, or allow more stages."
        )
    if plan.ladder is None:
        new = next_temperature(log_likelihood, state.beta, plan.ess_fraction * n)
    else:
        new = plan.ladder[len(state.stages)]
    log_w = _increment(log_likelihood, new - state.beta)
    index = systematic_resample(log_w, generator)
    particles, log_likelihood = take(state.particles, index), log_likelihood[index]
    families = state.families[index]
    rates: list[float] = []
    for _ in range(plan.sweeps + (plan.final_sweeps if new >= 1.0 else 0)):
        particles, log_likelihood, rate = move(particles, log_likelihood, new, generator)
        rates.append(rate)
    stage = _stage(new, log_w, int(families.unique().numel()), rates)
    return _State(particles, log_likelihood, families, (*state.stages, stage))


def _stage(beta: float, log_w: Tensor, n_ancestors: int, rates: Sequence[float]) -> Stage:
    n, ess = log_w.numel(), effective_sample_size(log_w)
    return Stage(
        beta=beta,
        ess=ess,
        log_increment=float(torch.logsumexp(log_w, 0)) - math.log(n),
        relative_variance=max(n / ess - 1.0, 0.0) / n,
        n_ancestors=n_ancestors,
        acceptance=sum(rates) / len(rates) if rates else math.nan,
    )


def _check(log_likelihood: Tensor) -> None:
    bad = torch.isnan(log_likelihood) | (log_likelihood == math.inf)
    if bad.any():
        rows = torch.nonzero(bad).flatten().tolist()
        raise InferenceError(
            f"The log likelihood of particles {rows[:10]} is NaN or +inf, so they cannot be "
            "weighed. Return -inf for impossible particles."
        )
    if torch.isneginf(log_likelihood).all():
        raise InferenceError(
            "Every particle has likelihood zero, so there is nothing to resample. Draw more "
            "particles, or widen the prior or the region."
        )
