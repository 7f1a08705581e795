"""A few equally weighted points that stand for many weighted ones."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["herded", "kept", "mean_shift"]

MOST = 2048
FEWEST, LARGEST = 64, 512
ACCURACY = 0.05


def herded(points: Tensor, log_weights: Tensor, n: int) -> Tensor:
    r"""Positions of n of the points whose plain average stands for the weighted one.

    .. math:: i_{t+1} = \arg\max_i \sum_j w_j k(u_i, u_j)
              - \frac1{t+1} \sum_{s \le t} k(u_i, u_{i_s})

    with a Gaussian kernel on the whitened points, so that averages of smooth functions are off by
    about 1/n of their spread instead of :math:`1/\sqrt n` (kernel herding: Chen, Welling and Smola
    2010, arXiv:1203.3472). A point of large weight is taken several times. Use it where every kept
    draw is dear, as a draw that costs a Cholesky factor is. Not to count effective draws.

    Args:
        points: Shape `N x d`.
        log_weights: Shape `N`, not necessarily normalised.
        n: How many.

    Returns:
        Positions, `n`, in the order in which they were taken: the first half stands for the whole
        as well as half as many can.

    >>> points = torch.tensor([[-1.0], [1.0], [9.0]], dtype=torch.float64)
    >>> sorted(herded(points, torch.tensor([0.5, 0.5, 0.0]).log(), 4).tolist())
    [0, 0, 1, 1]
    """
    weights = torch.softmax(log_weights.double(), 0)
    mean = weights @ points
    sd = (weights @ (points - mean).square()).sqrt()
    z = (points - mean) / torch.where(sd > 0, sd, 1.0)
    at = _candidates(weights)
    width = max(points.shape[1], 1)
    among = torch.exp(-0.5 * torch.cdist(z[at], z[at]).square() / width)
    potential = torch.zeros(len(at), dtype=torch.float64)
    for some, w in zip(z.split(MOST), weights.split(MOST), strict=True):
        potential += torch.exp(-0.5 * torch.cdist(z[at], some).square() / width) @ w
    penalty, taken = torch.zeros(len(at), dtype=torch.float64), []
    for t in range(n):
        best = int((potential - penalty / (t + 1)).argmax())
        taken.append(best)
        penalty += among[best]
    return at[torch.tensor(taken, dtype=torch.long)]


def kept(points: Tensor, log_weights: Tensor, n: int | None) -> Tensor:
    """The positions of n herded points; for None of as few of 64, 128, 256, 512 as are accurate.

    Accurate is: the plain mean of every parameter is within 0.05 of its posterior sd from the
    weighted mean.
    """
    if n is not None:
        return herded(points, log_weights, n)
    size = FEWEST
    index = herded(points, log_weights, size)
    while size < LARGEST and mean_shift(points, log_weights, index) > ACCURACY:
        size *= 2
        index = herded(points, log_weights, size)
    return index


def mean_shift(points: Tensor, log_weights: Tensor, index: Tensor) -> float:
    """Largest difference, in posterior sds, between the mean of chosen points and the weighted one.

    >>> u = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    >>> mean_shift(u, torch.zeros(2), torch.tensor([0, 1])), mean_shift(u, torch.zeros(2), [1])
    (0.0, 1.0)
    """
    weights = torch.softmax(log_weights.double(), 0)
    mean = weights @ points
    sd = (weights @ (points - mean).square()).sqrt()
    off = (points[index].mean(0) - mean).abs()
    known = sd > 0
    return float((off[known] / sd[known]).max()) if known.any() else 0.0


def _candidates(weights: Tensor) -> Tensor:
    """Positions that have weight; where they are very many, evenly resampled ones."""
    if len(weights) <= MOST:
        return torch.nonzero(weights > 0).squeeze(-1)
    pointers = (torch.arange(MOST, dtype=torch.float64) + 0.5) / MOST
    edges = torch.cumsum(weights, 0)
    return torch.searchsorted(edges / edges[-1], pointers).clamp(max=len(weights) - 1).unique()
