r"""Total effects: what exchanging some features of a row does to the property.

For rows x_i and x_i with the features of a block taken from another row,

.. math:: T = \frac{E_i\,[(f(x_i) - f(x_i^{(j)}))^2]}{2\,(\mathrm{Var} f + \sigma^2)}

(Jansen 1999, doi:10.1016/S0010-4655(98)00154-4), from the joint posterior of f at both rows of
every pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bayesmat.models.conditioning import Problem
from bayesmat.models.gaussian import Conditioned, Hyper, JointPrior, Phi
from bayesmat.models.kernels import Term

__all__ = ["Block", "blocks_of_features", "blocks_of_sources", "total_effects"]

PAIRS = 240
FULL = 50
MOST_ROWS = 120


@dataclass(frozen=True)
class Block:
    """Features that are exchanged together.

    Attributes:
        name: What they are called.
        columns: Term of the node -> its columns that are exchanged.
    """

    name: str
    columns: dict[int, slice]


def blocks_of_features(terms: tuple[Term, ...]) -> list[Block]:
    """One block per descriptor of every term that has a lengthscale for each."""
    found: dict[str, dict[int, slice]] = {}
    for t, term in enumerate(terms):
        if term.kernel.is_ard:
            for j, name in enumerate(term.features.names):
                found.setdefault(name, {})[t] = slice(j, j + 1)
    return [Block(name, columns) for name, columns in found.items()]


def blocks_of_sources(terms: tuple[Term, ...]) -> list[Block]:
    """One block per feature map, exchanged in every term that reads it."""
    found: dict[str, dict[int, slice]] = {}
    names: dict[str, str] = {}
    for t, term in enumerate(terms):
        stack = term.features
        start = 0
        for m in stack.parts:
            stop = start + len(m.names)
            label = names.setdefault(m.digest, m.label)
            taken = [digest for digest, name in names.items() if name == label]
            key = label if len(taken) == 1 else f"{label} #{taken.index(m.digest) + 1}"
            found.setdefault(key, {})[t] = slice(start, stop)
            start = stop
    return [Block(name, columns) for name, columns in found.items()]


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of one node that are evaluated, and the rows that they exchange features with."""

    node: JointPrior
    phi: Phi
    first: Tensor
    second: Tensor

    @staticmethod
    def of(problem: Problem, p: int, seed: int) -> _Rows:
        n = len(torch.unique(problem.index))
        rng = np.random.default_rng(seed)
        size = min(n, MOST_ROWS)
        first = [rng.choice(n, size, replace=False) for _ in range(-(-PAIRS // size))]
        second = [(rows + rng.integers(1, max(n, 2), len(rows))) % n for rows in first]
        phi = Phi((problem.phi.terms[p],), (problem.phi.computed[p],))
        return _Rows(
            JointPrior((problem.joint.nodes[p],)),
            phi,
            torch.as_tensor(np.concatenate(first)),
            torch.as_tensor(np.concatenate(second)),
        )

    def taken(self, block: Block | None) -> Phi:
        """Features of the first rows, those of a block from the second."""
        terms = []
        for t, features in enumerate(self.phi.terms[0]):
            mine = features[self.first]
            if block is not None and t in block.columns:
                at = block.columns[t]
                mine = mine.clone()
                mine[:, at] = features[self.second][:, at]
            terms.append(mine)
        known = self.phi.computed[0]
        if known is not None:
            known = (known[0][self.first], known[1][self.first])
        return Phi((tuple(terms),), (known,))

    def gram(self, one: Phi, two: Phi, hyper: Hyper, terms: tuple[int, ...]) -> Tensor:
        """Covariance of the given terms between two sets of rows, `S x n1 x n2`."""
        return self.node.node_covariance(0, self.node.pair(one, two), hyper, parts=terms)

    def paired(self, one: Phi, two: Phi, hyper: Hyper, terms: tuple[int, ...]) -> Tensor:
        """Covariance of each row of one set with the same row of another, `S x n`."""
        pair = self.node.pair(_as_batch(one), _as_batch(two))
        return self.node.node_covariance(0, pair, hyper, parts=terms)[..., 0, 0]


def total_effects(
    problem: Problem,
    hyper: Hyper,
    conditioned: Conditioned | None,
    p: int,
    blocks: list[Block],
    *,
    seed: int,
) -> dict[str, Tensor]:
    r"""Draws of half the mean squared change of f when each block is exchanged, `S` each.

    The changes :math:`\delta` are jointly Gaussian given hyper-parameters, with mean m and
    covariance C, so that :math:`\delta^\top\delta` has mean :math:`m^\top m + \mathrm{tr}\,C` and
    variance :math:`4 m^\top C m + 2\,\mathrm{tr}\,C^2`; one value per set is drawn from the gamma
    distribution with these moments (Satterthwaite 1946, doi:10.2307/3002019), whose shape is read
    off the first pairs. Under the prior each set gives its mean.

    Args:
        problem: The compiled graph.
        hyper: `S` sets of hyper-parameters.
        conditioned: The measured cells given them; None for the prior.
        p: Index of the property.
        blocks: What is exchanged.
        seed: Chooses the pairs of rows, the same for all blocks, and draws.
    """
    rows, rng = _Rows.of(problem, p, seed), np.random.default_rng(seed)
    out = {}
    for block in blocks:
        mean, variance, covariance = _change(problem, rows, hyper, conditioned, p, block)
        size = (mean.square() + variance).mean(-1)
        if conditioned is not None:
            size = size * _spread(mean[:, :FULL], covariance, rng)
        out[block.name] = 0.5 * size
    return out


def _change(
    problem: Problem,
    rows: _Rows,
    hyper: Hyper,
    conditioned: Conditioned | None,
    p: int,
    block: Block,
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance (`S x P`) of the changes, and the covariance of the first of them."""
    plain, changed, terms = rows.taken(None), rows.taken(block), tuple(block.columns)
    variance = rows.paired(plain, plain, hyper, terms) + rows.paired(changed, changed, hyper, terms)
    variance = variance - 2 * rows.paired(plain, changed, hyper, terms)
    if conditioned is None:
        return torch.zeros_like(variance), variance.clamp_min(0.0), variance
    one, two = _first(plain), _first(changed)
    covariance = rows.gram(one, one, hyper, terms) + rows.gram(two, two, hyper, terms)
    across = rows.gram(one, two, hyper, terms)
    covariance = covariance - across - across.transpose(-1, -2)
    mixing = problem.joint.mixing(hyper, len(variance))[:, problem.observations.columns, p]
    cross = rows.gram(plain, rows.phi, hyper, terms) - rows.gram(changed, rows.phi, hyper, terms)
    cross = cross[..., problem.index] * mixing[:, None]
    half = torch.linalg.solve_triangular(conditioned.chol, cross.transpose(-1, -2), upper=False)
    mean = (cross @ conditioned.alpha[..., None])[..., 0]
    variance = (variance - half.square().sum(-2)).clamp_min(0.0)
    few = half[..., :FULL]
    return mean, variance, covariance - few.transpose(-1, -2) @ few


def _first(phi: Phi) -> Phi:
    """The first rows: those whose changes are judged jointly."""
    known = phi.computed[0]
    pair = None if known is None else (known[0][:FULL], known[1][:FULL])
    return Phi((tuple(f[:FULL] for f in phi.terms[0]),), (pair,))


def _as_batch(phi: Phi) -> Phi:
    """Every row as a set of one row."""
    known = phi.computed[0]
    pair = None if known is None else (known[0][:, None], known[1][:, None])
    return Phi((tuple(f[:, None] for f in phi.terms[0]),), (pair,))


def _spread(mean: Tensor, covariance: Tensor, rng: np.random.Generator) -> Tensor:
    """One draw per set of the squared length of Gaussians over its mean, by moments."""
    trace = torch.diagonal(covariance, dim1=-2, dim2=-1).clamp_min(0.0).sum(-1)
    size = mean.square().sum(-1) + trace
    pulled = (covariance @ mean[..., None])[..., 0]
    variance = 4 * (mean * pulled).sum(-1) + 2 * covariance.square().sum((-2, -1))
    shape = (size.square() / variance.clamp_min(1e-300)).clamp(1e-2, 1e9)
    return torch.as_tensor(rng.standard_gamma(shape.numpy())) / shape
