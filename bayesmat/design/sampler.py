"""Molecules from ``prior(x) 1[x passes the filter] exp(power * score(x))`` by tempered SMC."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bayesmat._arguments import checked, seed_of, settle
from bayesmat._repr import Shown, table
from bayesmat.errors import DesignError
from bayesmat.inference.smc import (
    SMCRun,
    Stage,
    Tempering,
    effective_sample_size,
    next_temperature,
    systematic_resample,
    tempered_smc,
)

from .draws import MoleculeCheck, PriorDraws, draw_prior, molecule_checker
from .moves import Checker, Language, Strings, TruncateRegrow, take_strings
from .scores import LogScore, MemoScore

__all__ = [
    "LogScore",
    "MemoScore",
    "MoleculeCheck",
    "PriorDraws",
    "SMCResult",
    "SamplerSettings",
    "draw_prior",
    "molecule_checker",
    "sample_molecules",
    "sample_strings",
]


@dataclass(frozen=True)
class SamplerSettings:
    """How `sample_molecules` runs.

    Attributes:
        n_particles: Size of the population.
        pool_size: Prior draws that are scored; all of them decide the first temperature and
            `n_particles` are resampled from them.
        power: Sharpening of the score: the target is ``prior * exp(power * score)``. 1 is the
            posterior itself, larger values look harder and give up the posterior's probabilities.
        ess_fraction: Share of the particles that the effective sample size is kept at.
        sweeps: Moves per temperature.
        final_sweeps: Further moves at the end.
        reach: Longest tail a move cuts; None for any.
        ladder: Frozen temperatures ending at 1, instead of adaptive ones.
    """

    n_particles: int = 256
    pool_size: int = 1000
    power: float = 1.0
    ess_fraction: float = 0.5
    sweeps: int = 2
    final_sweeps: int = 3
    reach: int | None = None
    ladder: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        settle(self)
        counts = (self.n_particles, self.pool_size, self.sweeps + 1, self.final_sweeps + 1)
        bad_ladder = self.ladder is not None and (
            not self.ladder or self.ladder[-1] != 1.0 or list(self.ladder) != sorted(self.ladder)
        )
        if min(counts) < 1 or not 0 < self.ess_fraction <= 1 or self.power <= 0 or bad_ladder:
            raise DesignError(
                f"{self} cannot be run: counts and power must be positive, ess_fraction in (0, 1], "
                "a ladder must rise to 1"
            )


@dataclass(frozen=True, eq=False, repr=False)
class SMCResult(Shown):
    """Molecules from the posterior, and everything that was scored on the way.

    Attributes:
        materials: Canonical material of each particle; they may repeat.
        strings: The particle's own string.
        weights: Shape `N`, equal, sum 1.
        log_scores: Shape `N`, without power.
        log_evidence: Estimate of ``log E_prior[exp(power * score)]`` over accepted materials.
        log_evidence_sd: Its standard error (delta method, stages taken as independent).
        trace: One JSON-able record per temperature.
        visited: Every distinct material that was scored and not refused by the slow alerts, with
            its log score: the candidates of a campaign.
        approved: Those of `visited` that the slow alerts have passed; the others were never asked.
    """

    materials: tuple[str, ...]
    strings: tuple[str, ...]
    weights: Tensor
    log_scores: Tensor
    log_evidence: float
    log_evidence_sd: float
    trace: tuple[dict[str, Any], ...]
    visited: Mapping[str, float]
    approved: frozenset[str]

    @property
    def ladder(self) -> tuple[float, ...]:
        """The temperatures used, to be frozen in a later run."""
        return tuple(float(stage["beta"]) for stage in self.trace)

    def _facts(self) -> dict[str, object]:
        return {
            "particles": len(self.materials),
            "distinct": len(set(self.materials)),
            "scored": len(self.visited),
            "stages": len(self.trace),
            "log evidence": f"{self.log_evidence:.2f} +- {self.log_evidence_sd:.2f}",
        }

    def _repr_html_(self) -> str:
        share: dict[str, float] = {}
        for material, weight in zip(self.materials, self.weights.tolist(), strict=True):
            share[material] = share.get(material, 0.0) + weight
        scores = dict(zip(self.materials, self.log_scores.tolist(), strict=True))
        best = sorted(share, key=lambda m: (-share[m], m))
        rows = [(m, f"{share[m]:.1%}", scores[m]) for m in best]
        heads = ("material", "posterior weight", "log score")
        return table(rows, heads, caption=", ".join(f"{k} {v}" for k, v in self._facts().items()))


def sample_molecules(
    language: Language,
    molecule_filter: MoleculeCheck,
    score: LogScore,
    *,
    seed: int,
    settings: SamplerSettings | None = None,
    initial: PriorDraws | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> SMCResult:
    r"""Draw molecules from prior times likelihood, exactly in the limit of many particles.

    The target over strings x of the language is

    $$\pi(x) \propto p_\text{language}(x)\; 1[x \text{ passes the filter}]\;
        \exp(\text{power} \cdot \text{score}(\text{canonical}(x))).$$

    Use it to invent candidates for a region that the prior rarely meets. For a region that one
    draw in ten meets, scoring a pool of prior draws does as well.

    Args:
        language: String prior, best trained on molecules that pass the filter.
        molecule_filter: Stages `precheck` and `quick` (cheap), `alerts` (slow).
        score: Log score of canonical SMILES, batched and deterministic.
        seed: Seeds every draw: the same seed gives the same result.
        settings: Sizes, sharpening power and temperatures.
        initial: Prior draws made before (with the same language and filter) to start from instead
            of drawing `settings.pool_size` anew.
        progress: Called with each record of the trace.

    Raises:
        DesignError: The filter passes too few draws, or the score is unusable.
        InferenceError: Every draw has score -inf.
    """
    language = checked(language, Language, "language")
    molecule_filter = checked(molecule_filter, MoleculeCheck, "molecule_filter")
    score, seed = checked(score, LogScore, "score"), seed_of(seed)
    settings = checked(settings, SamplerSettings | None, "settings")
    initial = checked(initial, PriorDraws | None, "initial")
    return sample_strings(
        language,
        molecule_checker(molecule_filter),
        score,
        seed=seed,
        settings=settings,
        initial=initial,
        progress=progress,
    )


def sample_strings(
    language: Language,
    checker: Checker,
    score: LogScore,
    *,
    seed: int,
    settings: SamplerSettings | None = None,
    initial: PriorDraws | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> SMCResult:
    """`sample_molecules` for any strings: the checker says what is valid and what the key is.

    Keep one checker over several calls and its verdicts are remembered.
    """
    language = checked(language, Language, "language")
    checker, score = checked(checker, Checker, "checker"), checked(score, LogScore, "score")
    seed, settings = seed_of(seed), checked(settings, SamplerSettings | None, "settings")
    initial = checked(initial, PriorDraws | None, "initial")
    settings = settings or SamplerSettings()
    generator = torch.Generator().manual_seed(seed)
    memo = score if isinstance(score, MemoScore) else MemoScore(score)
    if initial is None:
        size = max(settings.pool_size, settings.n_particles)
        initial = draw_prior(language, checker, size, seed=_fork(generator))
    pool = _population(language, initial)
    checker.verdicts.update(dict.fromkeys(pool.keys, True))
    asked: dict[str, None] = {}

    def likelihood(materials: Sequence[str]) -> Tensor:
        asked.update(dict.fromkeys(materials))
        return settings.power * memo(materials)

    move = TruncateRegrow(language, checker, likelihood, reach=settings.reach)
    trace = _Trace(move, progress)
    run = _run(pool, likelihood(pool.keys), move, settings, generator, trace)
    visited = {
        key: value
        for key, value in zip(asked, memo(tuple(asked)).tolist(), strict=True)
        if checker.verdicts.get(key, True)
    }
    n = len(run.particles)
    return SMCResult(
        materials=run.particles.keys,
        strings=tuple(language.decode(ids) for ids in run.particles.ids),
        weights=torch.full((n,), 1.0 / n, dtype=torch.float64),
        log_scores=memo(run.particles.keys),
        log_evidence=run.log_evidence,
        log_evidence_sd=run.log_evidence_sd,
        trace=tuple(trace.rows),
        visited=visited,
        approved=frozenset(key for key in visited if checker.verdicts.get(key)),
    )


class _Trace:
    """Turns stages and the sweeps made in each into JSON-able records."""

    def __init__(
        self, move: TruncateRegrow, progress: Callable[[dict[str, Any]], None] | None
    ) -> None:
        self._move = move
        self._progress = progress
        self._done = 0
        self.rows: list[dict[str, Any]] = []

    def __call__(self, stage: Stage) -> None:
        sweeps = self._move.records[self._done :]
        self._done += len(sweeps)
        proposed = sum(r.proposed for r in sweeps)
        row: dict[str, Any] = {
            "beta": stage.beta,
            "ess": stage.ess,
            "log_increment": stage.log_increment,
            "n_ancestors": stage.n_ancestors,
            "sweeps": len(sweeps),
            "unique": sweeps[-1].unique if sweeps else None,
        }
        for name in ("same", "valid", "moved", "rejected_by_alerts"):
            total = sum(getattr(r, name) for r in sweeps)
            row[name] = total / proposed if proposed else None
        row["acceptance"] = row["moved"]
        self.rows.append(row)
        if self._progress is not None:
            self._progress(row)


def _run(
    pool: Strings,
    log_likelihood: Tensor,
    move: TruncateRegrow,
    settings: SamplerSettings,
    generator: torch.Generator,
    trace: _Trace,
) -> SMCRun[Strings]:
    """The first stage shrinks the pool to N particles; the engine does the other stages."""
    first = _shrink(log_likelihood, settings, generator)
    particles = take_strings(pool, first.index)
    current = log_likelihood[first.index]
    start = first.stage.beta
    n_sweeps = settings.sweeps + (settings.final_sweeps if start >= 1.0 else 0)
    for _ in range(n_sweeps):
        particles, current, _ = move(particles, current, start, generator)
    trace(first.stage)
    sd = math.sqrt(first.stage.relative_variance)
    if start >= 1.0:
        return SMCRun(
            particles, current, first.stage.log_increment, sd, (first.stage,), first.index
        )
    span = 1.0 - start

    def later(
        particles: Strings, log_likelihood: Tensor, beta: float, generator: torch.Generator
    ) -> tuple[Strings, Tensor, float]:
        particles, full, rate = move(
            particles, log_likelihood / span, start + span * beta, generator
        )
        return particles, full * span, rate

    ladder = settings.ladder and tuple((beta - start) / span for beta in settings.ladder[1:])
    run = tempered_smc(
        particles,
        current * span,
        later,
        take_strings,
        seed=_fork(generator),
        tempering=Tempering(settings.ess_fraction, settings.sweeps, settings.final_sweeps, ladder),
        progress=lambda stage: trace(replace(stage, beta=start + span * stage.beta)),
    )
    log_evidence = first.stage.log_increment + run.log_evidence
    sd = math.hypot(sd, run.log_evidence_sd)
    families = first.index[run.families]
    likelihood = run.log_likelihood / span
    return SMCRun(run.particles, likelihood, log_evidence, sd, run.stages, families)


@dataclass(frozen=True)
class _First:
    """Which of the pool's draws start, and the record of the first temperature."""

    index: Tensor
    stage: Stage


def _shrink(
    log_likelihood: Tensor, settings: SamplerSettings, generator: torch.Generator
) -> _First:
    """Weigh all M pool draws at the first temperature and resample N of them."""
    m, n = log_likelihood.numel(), settings.n_particles
    if torch.isneginf(log_likelihood).all():
        raise DesignError(
            f"all {m} prior draws have log score -inf, so there is nothing to start from; "
            "score more draws (pool_size) or widen the region"
        )
    target = settings.ess_fraction * min(m, 2 * n)
    beta = settings.ladder[0] if settings.ladder else next_temperature(log_likelihood, 0.0, target)
    log_weights = beta * log_likelihood
    ess = effective_sample_size(log_weights)
    offset = torch.rand(1, generator=generator, dtype=torch.float64)
    every = ((torch.arange(n, dtype=torch.float64) + offset) * m / n).long().clamp(max=m - 1)
    index = systematic_resample(log_weights, generator)[every]
    stage = Stage(
        beta=beta,
        ess=ess,
        log_increment=float(torch.logsumexp(log_weights, 0)) - math.log(m),
        relative_variance=max(m / ess - 1.0, 0.0) / m,
        n_ancestors=int(index.unique().numel()),
        acceptance=math.nan,
    )
    return _First(index, stage)


def _population(language: Language, draws: PriorDraws) -> Strings:
    encoded = [language.encode(text) for text in draws.strings]
    unknown = [t for t, ids in zip(draws.strings, encoded, strict=True) if ids is None]
    if unknown or not draws.strings:
        raise DesignError(
            f"{len(unknown)} initial strings have tokens that the language never saw: "
            f"{unknown[:10]}; draw them with draw_prior from this language"
            if unknown
            else "no initial strings were given; draw them with draw_prior"
        )
    return Strings(tuple(ids for ids in encoded if ids is not None), draws.materials)


def _fork(generator: torch.Generator) -> int:
    """A seed for a generator of another kind."""
    return int(torch.randint(2**62, (1,), generator=generator))
