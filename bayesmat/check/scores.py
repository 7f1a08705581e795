r"""Proper scores of predictive distributions: CRPS, log score, interval score.

Arguments are tensors, arrays or sequences; results are float64 tensors. `y` has shape `n`; the
components of a mixture have shape `S x n`. Scores are in whatever space they are given, so say
whether that is model space (log where the property is declared log) or physical units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy import stats
from scipy.integrate import quad_vec
from scipy.special import beta
from torch import Tensor

from bayesmat._arguments import array, checked
from bayesmat.errors import DataError

__all__ = [
    "ArrayLike",
    "crps_gaussian",
    "crps_mixture",
    "crps_sample",
    "crps_student_t",
    "energy_score",
    "interval_score",
    "nll_gaussian",
    "nll_mixture",
]

ArrayLike = Tensor | np.ndarray | Sequence[float] | float
_CHUNK = 2**24
_MOST_PAIRED = 300
_ACCURACY = 1e-8
_REACH = 9.0
_MOST_PANELS = 200


def float64(values: ArrayLike, name: str) -> Tensor:
    tensor = torch.from_numpy(array(values, name))
    if not bool(torch.isfinite(tensor).all()):
        where = torch.nonzero(~torch.isfinite(tensor)).squeeze(-1).tolist()
        raise DataError(
            f"{name} has entries that are not finite, at {where[:10]}: a score over them would be "
            "meaningless. Leave out the cells that were not measured before scoring."
        )
    return tensor


def positive(values: ArrayLike, name: str) -> Tensor:
    tensor = float64(values, name)
    if bool((tensor <= 0).any()):
        raise DataError(
            f"{name} has {int((tensor <= 0).sum())} entries that are not positive (smallest "
            f"{float(tensor.min())}): a predictive distribution needs a positive width. "
            "Check the model's noise and jitter."
        )
    return tensor


def _phi(z: Tensor) -> Tensor:
    return torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)


def absolute_moment(mean: Tensor, sd: Tensor) -> Tensor:
    """E|X| of a Gaussian."""
    z = mean / sd
    return 2 * sd * _phi(z) + mean * torch.erf(z / math.sqrt(2))


def crps_gaussian(y: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Tensor:
    r"""Continuous ranked probability score of Gaussian predictions, in closed form.

    $$\mathrm{CRPS} = \sigma [z (2\Phi(z) - 1) + 2\varphi(z) - 1/\sqrt\pi],\; z = (y-\mu)/\sigma$$

    Smaller is better; it has the unit of `y` and becomes the absolute error as `sd` goes to zero.
    Prefer it to the log score when single gross misses should not dominate. Gneiting and Raftery
    (2007), doi:10.1198/016214506000001437.

    Args:
        y: Measured values, `n`.
        mean: Predicted means, `n`.
        sd: Predicted standard deviations (observation level), `n`.

    Returns:
        The score of each value, `n`.

    Raises:
        DataError: An entry is not finite or a standard deviation is not positive.

    >>> round(float(crps_gaussian(0.0, 0.0, 1.0)), 6)
    0.233695
    """
    y, mean, sd = float64(y, "y"), float64(mean, "mean"), positive(sd, "sd")
    return absolute_moment(y - mean, sd) - sd / math.sqrt(math.pi)


def crps_mixture(
    y: ArrayLike, means: ArrayLike, sds: ArrayLike, *, weights: ArrayLike | None = None
) -> Tensor:
    r"""CRPS of a Gaussian mixture, without drawing samples.

    $$\mathrm{CRPS} = \sum_s w_s\, E|y - X_s| - \tfrac12 \sum_{s,t} w_s w_t\, E|X_s - X_t|$$

    where both expectations are the absolute moment of a Gaussian. Above 300 components the double
    sum is taken as twice the integral of F (1 - F), by adaptive quadrature to 1e-8 of the
    prediction's standard deviation. Grimit et al. (2006), doi:10.1256/qj.05.235.

    Args:
        y: Measured values, `n`.
        means: Component means, `S x n`.
        sds: Component standard deviations, `S x n`.
        weights: Component weights, `S` or `S x n`, normalised here; equal when not given.

    Returns:
        The score of each value, `n`.
    """
    y, means, sds, weights = mixture(y, means, sds, weights)
    first = (weights * absolute_moment(y - means, sds)).sum(0)
    integrated = _integrated(means, sds, weights) if means.shape[0] > _MOST_PAIRED else None
    return first - 0.5 * (_paired(means, sds, weights) if integrated is None else integrated)


def _paired(means: Tensor, sds: Tensor, weights: Tensor) -> Tensor:
    """E|X - X'| of independent draws of each mixture, summed over pairs of components, `n`."""
    expected = torch.empty_like(means[0])
    step = max(1, _CHUNK // means.shape[0] ** 2)
    for start in range(0, means.shape[1], step):
        part = slice(start, start + step)
        m, v, w = means[:, part], sds[:, part].square(), weights[:, part]
        spread = absolute_moment(m[:, None] - m[None], (v[:, None] + v[None]).sqrt())
        expected[part] = (w[:, None] * w[None] * spread).sum((0, 1))
    return expected


def _integrated(means: Tensor, sds: Tensor, weights: Tensor) -> Tensor | None:
    r"""E|X - X'| = 2 \int F (1 - F) of each mixture, `n`; None where quadrature does not settle."""
    mean = (weights * means).sum(0)
    sd = (weights * ((means - mean).square() + sds.square())).sum(0).sqrt()
    m, s = (means - mean) / sd, sds / sd

    def integrand(z: float) -> np.ndarray:
        cdf = (weights * torch.special.ndtr((z - m) / s)).sum(0)
        return (cdf * (1 - cdf)).numpy()

    used = weights > 0
    low = float(torch.where(used, m - _REACH * s, 0.0).amin())
    high = float(torch.where(used, m + _REACH * s, 0.0).amax())
    value, _, found = quad_vec(
        integrand,
        low,
        high,
        epsabs=_ACCURACY,
        epsrel=0,
        norm="max",
        points=_breaks(low, high),
        limit=_MOST_PANELS,
        full_output=True,
    )
    return 2 * sd * torch.from_numpy(value) if found.success else None


def _breaks(low: float, high: float) -> list[float]:
    """Where panels end: ever longer ones outwards, so that a far component hides no near one.

    Odd numbers, as atoms of symmetric mixtures lie at round ones, where no node would see them.
    """
    far = max(-low, high, 1.0)
    outwards = [0.83 * 3.1**i for i in range(1 + math.ceil(math.log(far / 0.83) / math.log(3.1)))]
    return [-z for z in reversed(outwards)] + [0.017, *outwards]


def crps_student_t(y: ArrayLike, mean: ArrayLike, scale: ArrayLike, df: ArrayLike) -> Tensor:
    r"""CRPS of location-scale Student-t predictions, in closed form (`df > 1`).

    With $z = (y - \mu)/s$ and $\nu$ degrees of freedom,

    $$\frac{\mathrm{CRPS}}{s} = z (2F_\nu(z) - 1) + 2 f_\nu(z) \frac{\nu + z^2}{\nu - 1}
      - \frac{2\sqrt\nu}{\nu - 1} \frac{B(1/2, \nu - 1/2)}{B(1/2, \nu/2)^2}.$$

    Jordan, Krueger and Lerch (2019), doi:10.18637/jss.v090.i12.

    Args:
        y: Measured values, `n`.
        mean: Locations, `n`.
        scale: Scales (not standard deviations), `n`.
        df: Degrees of freedom, `n` or one number, above 1.

    Returns:
        The score of each value, `n`.
    """
    y, mean, scale = float64(y, "y"), float64(mean, "mean"), positive(scale, "scale")
    nu = float64(df, "df")
    if bool((nu <= 1).any()):
        raise DataError(
            f"df is {float(nu.min())}: the CRPS of a Student-t is finite only above 1 degree of "
            "freedom. Use crps_sample or the log score instead."
        )
    z, v = ((y - mean) / scale).numpy(), nu.numpy()
    kernel = z * (2 * stats.t.cdf(z, v) - 1) + 2 * stats.t.pdf(z, v) * (v + z**2) / (v - 1)
    constant = 2 * np.sqrt(v) / (v - 1) * beta(0.5, v - 0.5) / beta(0.5, v / 2) ** 2
    return scale * torch.as_tensor(kernel - constant)


def crps_sample(y: ArrayLike, draws: ArrayLike) -> Tensor:
    r"""CRPS estimated from draws, in its fair form: unbiased for any number of draws.

    $$\frac1S \sum_s |x_s - y| - \frac{1}{2 S (S-1)} \sum_{s,t} |x_s - x_t|$$

    Computed by sorting, so the cost is `S log S`. Ferro (2014), doi:10.1002/qj.2270. A single score
    may be negative.

    Args:
        y: Measured values, `n`.
        draws: Predictive draws, `S x n`, `S >= 2`.

    Returns:
        The score of each value, `n`.
    """
    y, draws = float64(y, "y"), float64(draws, "draws")
    n_draws = draws.shape[0]
    if n_draws < 2:
        raise DataError(
            f"draws has {n_draws} draw: the fair CRPS needs at least two per measured value."
        )
    ordered = draws.sort(0).values
    rank = torch.arange(1, n_draws + 1, dtype=torch.float64)
    rank = rank.reshape(-1, *[1] * (draws.ndim - 1))
    pairs = ((2 * rank - n_draws - 1) * ordered).sum(0)
    return (draws - y).abs().mean(0) - pairs / (n_draws * (n_draws - 1))


def energy_score(y: ArrayLike, draws: ArrayLike) -> Tensor:
    r"""Energy score of joint draws of several properties, in its fair form.

    $$\frac1S \sum_s \|x_s - y\| - \frac{1}{2 S (S-1)} \sum_{s,t} \|x_s - x_t\|$$

    The CRPS of vectors: it sees whether the properties of one material are predicted *together*,
    though it is less sensitive to their correlation than to their location. Properties must share
    a scale, so give it model space. Gneiting and Raftery (2007), doi:10.1198/016214506000001437.

    Args:
        y: Measured vectors, `n x m`.
        draws: Predictive draws, `S x n x m`, `S >= 2`.

    Returns:
        The score of each vector, `n`; the fair CRPS where m = 1.

    Raises:
        DataError: An entry is not finite, shapes do not fit, or there is one draw.

    >>> energy_score([[0.0, 0.0]], [[[3.0, 4.0]], [[-3.0, -4.0]]]).tolist()
    [0.0]
    """
    y, draws = float64(y, "y"), float64(draws, "draws")
    if y.ndim != 2 or draws.shape[1:] != y.shape or draws.shape[0] < 2:
        raise DataError(
            f"Shapes do not fit: y {tuple(y.shape)}, draws {tuple(draws.shape)}. The energy score "
            "needs y of shape n x m and at least two draws, S x n x m."
        )
    n_draws = draws.shape[0]
    by_cell = draws.transpose(0, 1).contiguous()
    step = max(1, _CHUNK // n_draws**2)
    pairs = torch.cat([torch.cdist(d, d).sum((1, 2)) for d in by_cell.split(step)])
    first = torch.linalg.vector_norm(draws - y, dim=-1).mean(0)
    return first - pairs / (2 * n_draws * (n_draws - 1))


def nll_gaussian(y: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Tensor:
    """Negative log density of Gaussian predictions, in nats, `n`."""
    y, mean, sd = float64(y, "y"), float64(mean, "mean"), positive(sd, "sd")
    return 0.5 * ((y - mean) / sd).square() + sd.log() + 0.5 * math.log(2 * math.pi)


def nll_mixture(
    y: ArrayLike, means: ArrayLike, sds: ArrayLike, *, weights: ArrayLike | None = None
) -> Tensor:
    """Negative log density of Gaussian-mixture predictions, in nats; arguments: `crps_mixture`."""
    y, means, sds, weights = mixture(y, means, sds, weights)
    log_density = -0.5 * ((y - means) / sds).square() - sds.log() - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_density + weights.log(), 0)


def interval_score(y: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, level: float) -> Tensor:
    r"""Score of central intervals: their width plus $2/(1 - p)$ times every overshoot, p the level.

    Smaller is better; the best interval is the central one of the true distribution, so widening
    does not pay. Gneiting and Raftery (2007), doi:10.1198/016214506000001437.

    >>> interval_score([0.5, 2.0], [0.0, 0.0], [1.0, 1.0], level=0.5).tolist()
    [1.0, 5.0]
    """
    y, lower, upper = interval(y, lower, upper, level)
    return (upper - lower) + 2 / (1 - level) * ((lower - y).clamp_min(0) + (y - upper).clamp_min(0))


def mixture(
    y: ArrayLike, means: ArrayLike, sds: ArrayLike, weights: ArrayLike | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    y, means, sds = float64(y, "y").reshape(-1), float64(means, "means"), positive(sds, "sds")
    if means.ndim != 2 or means.shape[1] != y.shape[0] or sds.shape != means.shape:
        raise DataError(
            f"Shapes do not fit: y {tuple(y.shape)}, means {tuple(means.shape)}, sds "
            f"{tuple(sds.shape)}. A mixture needs means and sds of shape S x n for y of shape n."
        )
    if weights is None:
        return y, means, sds, torch.full_like(means, 1 / means.shape[0])
    w = float64(weights, "weights")
    w = (w[:, None] if w.ndim == 1 else w).expand_as(means)
    return y, means, sds, w / w.sum(0)


def interval(
    y: ArrayLike, lower: ArrayLike, upper: ArrayLike, level: float
) -> tuple[Tensor, Tensor, Tensor]:
    level = checked(level, float, "level")
    if not 0 < level < 1:
        raise DataError(f"level is {level}: give a probability between 0 and 1, such as 0.9.")
    y, lower, upper = float64(y, "y"), float64(lower, "lower"), float64(upper, "upper")
    if bool((lower > upper).any()):
        where = torch.nonzero(lower > upper).squeeze(-1).tolist()
        raise DataError(
            f"lower exceeds upper at {where[:10]}: these are not intervals. Were the two swapped?"
        )
    return y, lower, upper
