"""Scores against closed forms, brute-force integration and uncertainty-toolbox."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import uncertainty_toolbox as uct
from scipy import integrate, stats

from bayesmat.check import scores
from bayesmat.errors import DataError


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    mean, sd = rng.normal(size=200), rng.uniform(0.2, 2.0, 200)
    return mean + sd * rng.standard_t(4, 200), mean, sd


def _brute_crps(cdf: object, y: float, lo: float, hi: float) -> float:
    left = integrate.quad(lambda x: cdf(x) ** 2, lo, y, epsabs=1e-12, limit=400)[0]
    return left + integrate.quad(lambda x: (1 - cdf(x)) ** 2, y, hi, epsabs=1e-12, limit=400)[0]


def test_crps_gaussian_agrees_with_uncertainty_toolbox(case: tuple) -> None:
    y, mean, sd = case
    ours = float(scores.crps_gaussian(y, mean, sd).mean())
    assert ours == pytest.approx(uct.crps_gaussian(mean, sd, y), abs=1e-8)


def test_nll_agrees_with_uncertainty_toolbox(case: tuple) -> None:
    y, mean, sd = case
    ours = float(scores.nll_gaussian(y, mean, sd).mean())
    assert ours == pytest.approx(uct.nll_gaussian(mean, sd, y), abs=1e-8)


def test_interval_score_over_levels_agrees_with_uncertainty_toolbox(case: tuple) -> None:
    y, mean, sd = case
    means_ = []
    for p in np.linspace(0.01, 0.99, 99):
        half = sd * stats.norm.ppf(0.5 + p / 2)
        means_.append(float(scores.interval_score(y, mean - half, mean + half, level=p).mean()))
    assert np.mean(means_) == pytest.approx(uct.interval_score(mean, sd, y), abs=1e-8)


@pytest.mark.parametrize("weighted", [False, True])
def test_crps_mixture_is_the_integral(weighted: bool) -> None:
    rng = np.random.default_rng(2)
    means, sds = rng.normal(0, 2, (4, 3)), rng.uniform(0.3, 1.5, (4, 3))
    y = np.array([-3.0, 0.1, 5.0])
    weights = rng.dirichlet(np.ones(4)) if weighted else np.full(4, 0.25)
    ours = scores.crps_mixture(y, means, sds, weights=weights if weighted else None)
    for i in range(3):

        def cdf(x: float, i: int = i) -> float:
            return float(weights @ stats.norm.cdf(x, means[:, i], sds[:, i]))

        assert float(ours[i]) == pytest.approx(_brute_crps(cdf, y[i], -25, 25), abs=1e-8)


def test_crps_mixture_of_equal_components_is_gaussian(case: tuple) -> None:
    y, mean, sd = case
    mixture = scores.crps_mixture(y, np.tile(mean, (5, 1)), np.tile(sd, (5, 1)))
    torch.testing.assert_close(mixture, scores.crps_gaussian(y, mean, sd), rtol=0, atol=1e-12)


FAR = {"unused": 0.0, "hardly used": 1e-9, "rare": 1e-4}


@pytest.mark.parametrize(
    "case", ["alike", "two modes", "two atoms", "narrow and wide", "one far off", *FAR]
)
def test_crps_of_many_components_integrates_to_the_double_sum(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quadrature stops at 1e-8 of a standard deviation; the double sum is exact to rounding."""
    rng, size = np.random.default_rng(4), (350, 7)
    means, sds, weights = rng.normal(size=size), np.full(size, 0.3), rng.uniform(size=size)
    if case == "two modes":
        means += 20 * rng.integers(0, 2, size)
    if case == "two atoms":
        means, sds = np.sign(means), np.full(size, 2e-4)
    if case in FAR:
        sds[0], weights[0] = 1e3, FAR[case]
    if case == "narrow and wide":
        sds = np.exp(rng.normal(0, 1.5, size))
    if case == "one far off":
        means[0], weights[0] = 1e4, 1e-3
    y = rng.normal(size=7)
    integrated = scores.crps_mixture(y, means, sds, weights=weights)
    monkeypatch.setattr(scores, "_integrated", lambda *_: None)
    paired = scores.crps_mixture(y, means, sds, weights=weights)
    weights /= weights.sum(0)
    mean = (weights * means).sum(0)
    sd = np.sqrt((weights * ((means - mean) ** 2 + sds**2)).sum(0))
    assert float((torch.abs(integrated - paired) / torch.from_numpy(sd)).max()) < 2e-8


def test_crps_of_many_components_does_not_cost_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluated = []
    moment = scores.absolute_moment

    def counted(mean: torch.Tensor, sd: torch.Tensor) -> torch.Tensor:
        evaluated.append(mean.numel())
        return moment(mean, sd)

    monkeypatch.setattr(scores, "absolute_moment", counted)
    rng = np.random.default_rng(5)
    scores.crps_mixture(rng.normal(size=40), rng.normal(size=(2048, 40)), np.full((2048, 40), 0.5))
    assert evaluated == [2048 * 40]


def test_crps_mixture_in_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    y, means, sds = rng.normal(size=17), rng.normal(size=(6, 17)), rng.uniform(0.5, 1, (6, 17))
    whole = scores.crps_mixture(y, means, sds)
    monkeypatch.setattr(scores, "_CHUNK", 36 * 5)
    torch.testing.assert_close(scores.crps_mixture(y, means, sds), whole)


@pytest.mark.parametrize(("y", "df"), [(0.3, 2.5), (-4.0, 1.2), (2.0, 30.0)])
def test_crps_student_t_is_the_integral(y: float, df: float) -> None:
    left = integrate.quad(lambda x: stats.t.cdf(x, df) ** 2, -np.inf, y, epsabs=1e-12)[0]
    right = integrate.quad(lambda x: stats.t.sf(x, df) ** 2, y, np.inf, epsabs=1e-12)[0]
    ours = float(scores.crps_student_t(1.0 + 2.0 * y, 1.0, 2.0, df))
    assert ours == pytest.approx(2.0 * (left + right), abs=1e-7)


def test_crps_student_t_tends_to_the_gaussian() -> None:
    y = torch.tensor([-1.0, 0.2, 3.0])
    close = scores.crps_student_t(y, [0.0] * 3, [1.0] * 3, 1e6)
    torch.testing.assert_close(
        close, scores.crps_gaussian(y, [0.0] * 3, [1.0] * 3), rtol=0, atol=1e-5
    )


def test_crps_sample_by_sorting_is_the_double_sum() -> None:
    rng = np.random.default_rng(4)
    draws, y = rng.normal(size=(7, 5)), rng.normal(size=5)
    pairs = np.abs(draws[:, None] - draws[None]).sum((0, 1)) / (2 * 7 * 6)
    expected = np.abs(draws - y).mean(0) - pairs
    np.testing.assert_allclose(scores.crps_sample(y, draws).numpy(), expected, atol=1e-12)


def test_crps_sample_is_unbiased_with_three_draws() -> None:
    draws = np.random.default_rng(5).normal(size=(3, 200_000))
    mean = float(scores.crps_sample(np.full(200_000, 0.7), draws).mean())
    assert mean == pytest.approx(float(scores.crps_gaussian(0.7, 0.0, 1.0)), abs=4e-3)


def test_nll_mixture_is_the_log_of_the_average_density() -> None:
    means, sds = np.array([[0.0], [3.0]]), np.array([[1.0], [0.5]])
    density = 0.2 * stats.norm.pdf(1.0, 0, 1) + 0.8 * stats.norm.pdf(1.0, 3, 0.5)
    ours = float(scores.nll_mixture([1.0], means, sds, weights=[0.2, 0.8]))
    assert ours == pytest.approx(-np.log(density), abs=1e-12)


def test_energy_score_of_one_property_is_the_fair_crps() -> None:
    rng = np.random.default_rng(7)
    y, draws = rng.normal(size=9), rng.normal(size=(6, 9))
    ours = scores.energy_score(y[:, None], draws[..., None])
    torch.testing.assert_close(ours, scores.crps_sample(y, draws))


def test_energy_score_is_the_double_sum_in_any_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    y, draws = rng.normal(size=(5, 3)), rng.normal(size=(4, 5, 3))
    pairs = np.linalg.norm(draws[:, None] - draws[None], axis=-1).sum((0, 1)) / (2 * 4 * 3)
    expected = np.linalg.norm(draws - y, axis=-1).mean(0) - pairs
    np.testing.assert_allclose(scores.energy_score(y, draws).numpy(), expected, atol=1e-12)
    monkeypatch.setattr(scores, "_CHUNK", 32)
    np.testing.assert_allclose(scores.energy_score(y, draws).numpy(), expected, atol=1e-12)


def test_energy_score_sees_a_wrong_correlation() -> None:
    """Mean over 4000 cells of a correlated pair: draws with its correlation score better."""
    rng = np.random.default_rng(9)
    factor = np.array([[1.0, 0.0], [0.95, np.sqrt(1 - 0.95**2)]])
    y = rng.normal(size=(4000, 2)) @ factor.T
    draws = rng.normal(size=(10, 4000, 2))
    together, apart = (scores.energy_score(y, d).mean() for d in (draws @ factor.T, draws))
    assert float(together) < float(apart) - 0.005


def test_a_hundred_random_cases_agree_with_uncertainty_toolbox() -> None:
    """NLL, CRPS and interval score, to 1e-8, over sizes, noise laws and scales."""
    rng = np.random.default_rng(10)
    levels = np.linspace(0.01, 0.99, 99)
    for _ in range(100):
        n, scale = int(rng.integers(2, 60)), 10.0 ** rng.uniform(-2, 2)
        mean, sd = scale * rng.normal(size=n), scale * rng.uniform(0.1, 3.0, n)
        y = mean + sd * rng.standard_t(rng.uniform(2, 30), n) * rng.uniform(0.3, 3)
        size = max(1.0, scale)
        nll, crps = scores.nll_gaussian(y, mean, sd), scores.crps_gaussian(y, mean, sd)
        assert float(nll.mean()) == pytest.approx(uct.nll_gaussian(mean, sd, y), abs=1e-8)
        assert float(crps.mean()) == pytest.approx(uct.crps_gaussian(mean, sd, y), abs=1e-8 * size)
        half = sd[None] * stats.norm.ppf(0.5 + levels[:, None] / 2)
        ours = [
            float(scores.interval_score(y, mean - h, mean + h, level=p).mean())
            for p, h in zip(levels, half, strict=True)
        ]
        theirs = uct.interval_score(mean, sd, y)
        assert np.mean(ours) == pytest.approx(theirs, rel=1e-8)


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match=r"needs y of shape n x m"):
        scores.energy_score([[0.0, 1.0]], [[[0.0], [1.0]]])
    with pytest.raises(DataError, match=r"y has entries that are not finite, at \[1\]"):
        scores.crps_gaussian([0.0, float("nan")], [0.0, 0.0], [1.0, 1.0])
    with pytest.raises(DataError, match=r"sd has 1 entries that are not positive"):
        scores.nll_gaussian([0.0], [0.0], [0.0])
    with pytest.raises(DataError, match="S x n"):
        scores.crps_mixture([0.0, 1.0], [[0.0]], [[1.0]])
    with pytest.raises(DataError, match="between 0 and 1"):
        scores.interval_score([0.0], [-1.0], [1.0], level=90)
    with pytest.raises(DataError, match="above 1 degree"):
        scores.crps_student_t([0.0], [0.0], [1.0], 1.0)
    with pytest.raises(DataError, match="at least two"):
        scores.crps_sample([0.0], [[1.0]])
