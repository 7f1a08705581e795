r"""What draws are worth: R-hat, effective sample sizes and Monte Carlo errors, for every scalar.

Chains have the shape `C x S x ...`. Particles of one population (SMC, importance sampling) are not
chains: their worth is judged by families, the particles that descend from one draw of the prior.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import torch
from torch import Tensor

from bayesmat.errors import InferenceError

__all__ = [
    "bfmi",
    "bulk_ess",
    "chain_table",
    "family_ess",
    "mcse_mean",
    "mean_ess",
    "population_table",
    "split_r_hat",
    "tail_ess",
]

COLUMNS = ("mean", "sd", "r_hat", "ess_bulk", "ess_tail", "mcse_mean")
TAILS = (0.05, 0.95)


def split_r_hat(draws: Tensor) -> Tensor:
    r"""R-hat of rank-normalised split chains, 1 at convergence.

    The larger of the values for the draws (location) and for their distances from the median
    (spread), so that chains of equal mean and unequal width are found too. Vehtari et al. 2021,
    doi:10.1214/20-BA1221.

    Args:
        draws: `C x S x ...` with at least four draws.

    Returns:
        Shape `...`; NaN where all draws are equal.
    """
    halves = _split(draws.double())
    folded = (halves - _median(halves.flatten(0, 1))).abs()
    both = [_r_hat(_rank_normalised(v)) for v in (halves, folded)]
    return _known(draws, torch.fmax(*both))


def bulk_ess(draws: Tensor) -> Tensor:
    """Effective sample size of the bulk, of rank-normalised split chains.

    Vehtari et al. 2021, doi:10.1214/20-BA1221.

    Args:
        draws: `C x S x ...` with at least four draws.

    Returns:
        Shape `...`; NaN where all draws are equal.

    >>> x = torch.randn(2, 500, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> 700 < float(bulk_ess(x)) < 1300
    True
    """
    return _known(draws, _ess(_rank_normalised(_split(draws))))


def tail_ess(draws: Tensor) -> Tensor:
    """The smaller effective sample size of the 5 % and 95 % quantiles; as in `bulk_ess`."""
    flat = draws.flatten(0, 1).double()
    split = _split(draws.double())
    sizes = []
    for p in TAILS:
        below = (split <= torch.quantile(flat, p, dim=0)).double()
        sizes.append(_ess(below))
    return _known(draws, torch.fmin(*sizes))


def mean_ess(draws: Tensor) -> Tensor:
    """Effective sample size of the plain mean, without ranks; as in `bulk_ess`."""
    return _known(draws, _ess(_split(draws.double())))


def mcse_mean(draws: Tensor) -> Tensor:
    """Monte Carlo standard error of the mean, sd / sqrt(ESS); as in `bulk_ess`."""
    return draws.flatten(0, 1).double().std(0) / mean_ess(draws).sqrt()


def bfmi(energy: Tensor) -> Tensor:
    r"""Bayesian fraction of missing information of each chain, from its energies `C x S`.

    .. math:: \frac{\sum_t (E_t - E_{t-1})^2}{\sum_t (E_t - \bar E)^2}

    Below 0.3 the momenta cannot carry the chain through the posterior's range of energies, a sign
    of heavy tails or funnels: reparameterise. Betancourt 2016, arXiv:1604.00695.

    Returns:
        Shape `C`.
    """
    change = energy.diff(dim=1).square().sum(1)
    spread = (energy - energy.mean(1, keepdim=True)).square().sum(1)
    return torch.where(spread > 0, change / spread.clamp(min=1e-300), torch.nan)


def family_ess(draws: Tensor, families: Tensor) -> Tensor:
    r"""Effective sample size of an SMC population, from the differences between families.

    .. math:: \mathrm{ESS} = \frac{\mathrm{Var}(x)}{N^{-2}\sum_k S_k^2}, \qquad
              S_k = \sum_{i \in k} (x_i - \bar x)

    Particles that descend from one initial particle are alike, those of different families are
    not: with one particle per family the ESS is N, with families of equal particles it is the
    number of families. The variance of the mean is Lee and Whiteley's (2018,
    doi:10.1093/biomet/asy028), for a fixed ladder and without their factor near 1; it has about
    as many degrees of freedom as there are families, so below some 20 families it is a rough
    guess.

    Args:
        draws: `N x ...`.
        families: Initial ancestor of each draw, `N`.

    Returns:
        Shape `...`, at most N; NaN where all draws are equal, or of one family.

    >>> x = torch.tensor([1.0, 1.0, -1.0, -1.0])
    >>> float(family_ess(x, torch.tensor([0, 0, 1, 1])))
    2.0
    """
    centred = (draws - draws.mean(0)).double()
    n = draws.shape[0]
    _, index = torch.unique(families, return_inverse=True)
    sums = torch.zeros(int(index.max()) + 1, *draws.shape[1:], dtype=torch.float64)
    sums.index_add_(0, index, centred)
    variance = centred.square().mean(0)
    error = sums.square().sum(0) / n**2
    ess = (variance / error.clamp(min=1e-300)).clamp(max=float(n))
    return torch.where(_constant(draws[None]) | (len(sums) < 2), torch.nan, ess)


def chain_table(draws: Mapping[str, Tensor]) -> pd.DataFrame:
    """One row of statistics for every scalar of several chains.

    Args:
        draws: Name -> draws `C x S x ...`; entries become scalars `name[i,j]`.

    Raises:
        InferenceError: Draws have no chain dimension, disagree in number, are fewer than four or
            not finite.
    """
    _check(draws)
    parts = []
    for name, value in draws.items():
        x = value.detach().double()
        r_hat = split_r_hat(x) if x.shape[0] > 1 else torch.full(x.shape[2:], torch.nan)
        flat = x.flatten(0, 1)
        columns = (flat.mean(0), _sd(flat), r_hat, bulk_ess(x), tail_ess(x), mcse_mean(x))
        parts.append(_frame(name, columns))
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(COLUMNS), dtype=float)


def population_table(draws: Mapping[str, Tensor], families: Tensor) -> pd.DataFrame:
    """One row of statistics for every scalar of an equal-weight population.

    R-hat is NaN: one population has no chains to compare. ESS is that between families, for the
    draws and for the indicators of their 5 % and 95 % quantiles.

    Args:
        draws: Name -> draws `N x ...`.
        families: Initial ancestor of each draw, `N`.
    """
    parts = []
    for name, value in draws.items():
        x = value.detach().double()
        if x.numel() == 0:
            continue
        ess = family_ess(x, families)
        tails = [family_ess((x <= torch.quantile(x, p, dim=0)).double(), families) for p in TAILS]
        sd = _sd(x)
        nan = torch.full(x.shape[1:], torch.nan)
        parts.append(_frame(name, (x.mean(0), sd, nan, ess, torch.fmin(*tails), sd / ess.sqrt())))
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(COLUMNS), dtype=float)


def _frame(name: str, columns: tuple[Tensor, ...]) -> pd.DataFrame:
    shape = columns[0].shape
    labels = [name]
    if shape:
        index = torch.cartesian_prod(*(torch.arange(s) for s in shape)).reshape(-1, len(shape))
        labels = [f"{name}[{','.join(map(str, row))}]" for row in index.tolist()]
    values = torch.stack([column.reshape(-1).double() for column in columns], -1).numpy()
    return pd.DataFrame(values, index=labels, columns=list(COLUMNS))


def _check(draws: Mapping[str, Tensor]) -> None:
    shapes = {name: tuple(value.shape) for name, value in draws.items()}
    short = {name: s for name, s in shapes.items() if len(s) < 2 or s[1] < 4}
    if short:
        raise InferenceError(
            f"{short}: convergence needs (chains, draws, ...) with at least four draws."
        )
    if len({s[:2] for s in shapes.values()}) > 1:
        raise InferenceError(f"Draws have the shapes {shapes}: all must come from one run.")
    wild = {
        name: int((~torch.isfinite(value)).sum())
        for name, value in draws.items()
        if not torch.isfinite(value).all()
    }
    if wild:
        raise InferenceError(
            f"Draws that are not finite: {wild}. The sampler diverged there, or the posterior is "
            "improper: check the priors' supports and tails."
        )


def _r_hat(chains: Tensor) -> Tensor:
    """Square root of the variance of all draws over that within chains, `C x S x ...`."""
    n = chains.shape[1]
    within = chains.var(1).mean(0)
    between = chains.mean(1).var(0)
    return ((n - 1) / n + between / within).sqrt()


def _ess(chains: Tensor) -> Tensor:
    """Effective sample size of `C x S x ...` by Geyer's initial monotone sequence.

    As in Stan and ArviZ: Vehtari et al. 2021, eq. 10-14.
    """
    c, n = chains.shape[:2]
    covariance = _autocovariance(chains).mean(1)
    pooled = covariance[0]
    if c > 1:
        pooled = pooled + chains.mean(1).var(0)
    rho = 1 - (covariance[0] * n / (n - 1) - covariance) / pooled
    rho[0] = 1.0
    k = max((n - 1) // 2, 1)
    pairs = rho[: 2 * k].unflatten(0, (k, 2)).sum(1)
    positive = (pairs > 0).cumprod(0).bool()
    is_open = positive[-1].clone()
    positive[-1] = False
    monotone = torch.where(positive, pairs, 0.0).cummin(0).values
    after = rho.gather(0, 2 * positive.sum(0, keepdim=True))[0]
    after = torch.where(is_open, after, after.clamp(min=0))
    tau = -1 + 2 * torch.where(positive, monotone, 0.0).sum(0) + after
    return _known(chains, c * n / tau.clamp(min=1 / math.log10(c * n)))


def _autocovariance(chains: Tensor) -> Tensor:
    """Autocovariance at lags 0 to S-1, divided by S, lags first: `S x C x ...`."""
    n = chains.shape[1]
    centred = (chains - chains.mean(1, keepdim=True)).movedim(1, -1)
    power = torch.fft.rfft(centred, n=2 * n).abs().square()
    return torch.fft.irfft(power, n=2 * n)[..., :n].movedim(-1, 0) / n


def _median(x: Tensor) -> Tensor:
    """The middle value, or the mean of the two middle ones, over the first dimension."""
    ordered, n = x.sort(0).values, len(x)
    return 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])


def _split(draws: Tensor) -> Tensor:
    half = draws.shape[1] // 2
    return torch.cat([draws[:, :half], draws[:, -half:]])


def _rank_normalised(draws: Tensor) -> Tensor:
    """Normal scores of the ranks over all chains; equal draws share their mean rank."""
    flat = draws.flatten(0, 1).double()
    n = flat.shape[0]
    columns = flat.reshape(n, -1)
    ordered = columns.sort(0).values.T.contiguous()
    first = torch.searchsorted(ordered, columns.T.contiguous(), right=False)
    last = torch.searchsorted(ordered, columns.T.contiguous(), right=True)
    ranks = 0.5 * (first + last + 1).double().T
    scores = torch.special.ndtri((ranks - 0.375) / (n + 0.25))
    return scores.reshape(draws.shape)


def _sd(x: Tensor) -> Tensor:
    """Sd over the first dimension; exactly 0 where all draws are equal."""
    return torch.where(_constant(x[None]), 0.0, x.std(0))


def _constant(draws: Tensor) -> Tensor:
    return (draws == draws[:1, :1]).flatten(0, 1).all(0)


def _known(draws: Tensor, statistic: Tensor) -> Tensor:
    """NaN where all draws are equal."""
    return torch.where(_constant(draws), torch.nan, statistic)
