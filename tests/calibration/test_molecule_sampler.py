"""The sampler of strings against exact enumeration.

All tests of this file together raise a false alarm with probability at most `RATE`.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from bayesmat.design.draws import PriorDraws, draw_prior
from bayesmat.design.moves import Strings, TruncateRegrow
from bayesmat.design.sampler import SamplerSettings, SMCResult, sample_strings
from tests.unit.design.toy import (
    Exact,
    checker,
    exact,
    flat,
    g_statistic,
    score,
    toy_language,
)

RATE = 1e-4
TESTS = 7
ALPHA = RATE / TESTS
RUNS, N, CELLS, POWER = 20, 256, 50, 2.0
LADDER = (0.3, 0.65, 1.0)


@pytest.fixture(scope="module")
def truth() -> Exact:
    return exact(toy_language())


@pytest.fixture(scope="module")
def runs() -> list[SMCResult]:
    settings = SamplerSettings(
        n_particles=N, pool_size=2 * N, power=POWER, sweeps=15, final_sweeps=10, ladder=LADDER
    )
    language, check = toy_language(), checker()
    return [
        sample_strings(language, check, score, seed=1000 + i, settings=settings)
        for i in range(RUNS)
    ]


def cells(posterior: dict[str, float]) -> tuple[list[str], list[float]]:
    """The likeliest keys one by one and all others together."""
    top = sorted(posterior, key=lambda key: -posterior[key])[: CELLS - 1]
    return top, [*(posterior[k] for k in top), 1.0 - sum(posterior[k] for k in top)]


def test_posterior_of_every_key(runs: list[SMCResult], truth: Exact) -> None:
    top, probabilities = cells(truth.posterior(POWER))
    counts = Counter(key for run in runs for key in run.materials)
    observed = [*(counts[k] for k in top), RUNS * N - sum(counts[k] for k in top)]
    expected = [RUNS * N * p for p in probabilities]
    assert min(expected) >= 5
    assert stats.chi2.sf(g_statistic(observed, expected), CELLS - 1) > ALPHA


def test_total_variation_is_that_of_independent_draws(runs: list[SMCResult], truth: Exact) -> None:
    """Averaged over runs, whose 256 particles share ancestors."""
    top, probabilities = cells(truth.posterior(POWER))
    p = np.asarray(probabilities)
    independent = np.random.default_rng(0).multinomial(N, p, size=4000) / N
    reference = 0.5 * np.abs(independent - p).sum(axis=1).mean()
    ours = []
    for run in runs:
        counts = Counter(run.materials)
        share = [counts[k] / N for k in top]
        ours.append(0.5 * np.abs(np.array([*share, 1.0 - sum(share)]) - p).sum())
    assert np.mean(ours) <= 1.2 * reference


def test_evidence_with_a_frozen_ladder(runs: list[SMCResult], truth: Exact) -> None:
    assert all(run.ladder == pytest.approx(LADDER) for run in runs)
    errors = np.array([run.log_evidence for run in runs]) - truth.log_evidence(POWER)
    ratio = np.exp(errors)
    t = (ratio.mean() - 1.0) / (ratio.std(ddof=1) / math.sqrt(RUNS))
    assert 2 * stats.t.sf(abs(t), RUNS - 1) > ALPHA
    stated = np.array([run.log_evidence_sd for run in runs])
    z2 = float(((errors / stated) ** 2).sum())
    assert stats.chi2.sf(z2, RUNS) > ALPHA


def run_chains(move: TruncateRegrow, start: PriorDraws, sweeps: int, seed: int) -> Strings:
    """Sweep a population under a flat likelihood."""
    ids = [move.language.encode(text) for text in start.strings]
    particles = Strings(tuple(i for i in ids if i is not None), start.materials)
    zeros = torch.zeros(len(particles), dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(sweeps):
        particles, _, _ = move(particles, zeros, 1.0, generator)
    return particles


class WithoutCutLaw(TruncateRegrow):
    """The mistake that hits do not show: the ratio of the cut laws is left out."""

    def log_cut_ratio(self, old: int, new: int) -> float:
        return 0.0


def length_z(kind: type[TruncateRegrow], reach: int | None, truth: Exact) -> float:
    """How many standard errors the mean length is from the prior's after 20 sweeps."""
    language, check = toy_language(), checker()
    start = draw_prior(language, check, 2500, seed=1)
    particles = run_chains(kind(language, check, flat, reach=reach), start, 20, seed=2)
    mean = sum(len(ids) for ids in particles.ids) / len(particles)
    return (mean - truth.mean_length()) / (truth.sd_length() / math.sqrt(len(particles)))


@pytest.mark.parametrize("reach", [None, 2])
def test_flat_likelihood_keeps_the_prior(reach: int | None, truth: Exact) -> None:
    z = length_z(TruncateRegrow, reach, truth)
    assert 2 * stats.norm.sf(abs(z)) > ALPHA


@pytest.mark.parametrize("reach", [None, 2])
def test_the_law_detects_a_missing_cut_ratio(reach: int | None, truth: Exact) -> None:
    z = length_z(WithoutCutLaw, reach, truth)
    assert 2 * stats.norm.sf(abs(z)) < ALPHA
