"""Draws of the parts of a graph at the measured rows, before and after the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat.models.conditioning import Problem
from bayesmat.models.gaussian import Conditioned, Hyper, positive_definite

__all__ = ["Parts", "drawn_parts", "shares_of"]


@dataclass(frozen=True, eq=False)
class Parts:
    """One joint draw of every part per hyper-parameter set.

    Attributes:
        own: Node, then part of its own -> values at the measured rows, `S x r`; "rest" holds the
            constant mean and the line on a computed parent.
        mixing: The matrix that sums nodes up, `S x m x m`.
    """

    own: tuple[Mapping[str, Tensor], ...]
    mixing: Tensor

    def latent(self, p: int) -> Tensor:
        """The latent property p, `S x r`."""
        sums = torch.stack([torch.stack(list(parts.values())).sum(0) for parts in self.own], -1)
        return (sums * self.mixing[:, None, p]).sum(-1)


def drawn_parts(
    problem: Problem, hyper: Hyper, conditioned: Conditioned | None, *, n_sets: int, seed: int
) -> Parts:
    r"""Joint draws of all summands of all nodes; from the prior where nothing is conditioned.

    .. math:: g \mid y = g + \mathrm{cov}(g, y) K^{-1} (y - y_g), \qquad
              y_g = \text{the same cells of the draw, with noise}

    which is exact for Gaussians (Matheron's rule: Wilson et al. 2020, arXiv:2002.09309).
    """
    joint, obs = problem.joint, problem.observations
    generator = torch.Generator().manual_seed(seed)
    mixing = joint.mixing(hyper, n_sets)
    own, covariances = [], []
    for r, node in enumerate(joint.nodes):
        grams = {
            term.label: joint.node_covariance(r, problem.pair, hyper, parts=[t])
            for t, term in enumerate(node.terms)
        }
        summed = joint.node_covariance(r, problem.pair, hyper)
        grams["rest"] = summed - torch.stack(list(grams.values())).sum(0)
        drawn = {name: _draw(gram, n_sets, generator) for name, gram in grams.items()}
        drawn["rest"] = drawn["rest"] + _line(problem, r)
        own.append(drawn)
        covariances.append(grams)
    if conditioned is None:
        return Parts(tuple(own), mixing)
    index, columns, n_rows = problem.index, obs.columns, len(problem.phi.terms[0][0])
    weight = mixing[:, columns]  # S x k x m
    seen = torch.zeros(n_sets, len(index), dtype=torch.float64)
    for r, drawn in enumerate(own):
        seen = seen + weight[..., r] * torch.stack(list(drawn.values())).sum(0)[:, index]
    noise = problem.noise(hyper).sqrt().expand(n_sets, -1)
    seen = seen + noise * torch.randn(seen.shape, generator=generator, dtype=torch.float64)
    change = torch.cholesky_solve((obs.y - seen)[..., None], conditioned.chol)[..., 0]
    for r, grams in enumerate(covariances):
        pulled = torch.zeros(n_sets, n_rows, dtype=torch.float64)
        pulled.index_add_(1, index, weight[..., r] * change)
        for name, gram in grams.items():
            own[r][name] = own[r][name] + (gram @ pulled[..., None])[..., 0]
    return Parts(tuple(own), mixing)


def _draw(gram: Tensor, n_sets: int, generator: torch.Generator) -> Tensor:
    n = gram.shape[-1]
    z = torch.randn(n_sets, n, 1, generator=generator, dtype=torch.float64)
    size = torch.diagonal(gram, dim1=-2, dim2=-1).abs().amax(-1) + 1e-9
    factor = torch.linalg.cholesky(positive_definite(gram, scale=size))
    return (factor.expand(n_sets, n, n) @ z)[..., 0]


def _line(problem: Problem, r: int) -> Tensor:
    """The prior mean of node r: the expected line on its computed parent."""
    known = problem.phi.computed[r]
    if known is None:
        return torch.zeros((), dtype=torch.float64)
    c, flag = known
    return torch.where(flag == 0, problem.joint.nodes[r].slope[0] * c, 0.0)


def shares_of(
    problem: Problem, parts: Parts, hyper: Hyper, p: int, names: Mapping[str, str]
) -> dict[str, Tensor]:
    """Share of each part in the variance of property p over the measured rows, noise included.

    Args:
        problem: The compiled graph.
        parts: Draws.
        hyper: The hyper-parameters of the draws.
        p: Index of the property.
        names: Label of a term (and "rest") -> name of the part it is counted under.
    """
    node = problem.joint.nodes[p]
    values: dict[str, Tensor] = {}
    for parent, rho in node.edges:
        name = problem.joint.nodes[parent].name
        values[name] = hyper[rho][:, None] * parts.latent(parent)
    for label, value in parts.own[p].items():
        name = names[label]
        values[name] = values[name] + value if name in values else value
    variance = {name: value.var(-1, unbiased=False) for name, value in values.items()}
    variance["noise"] = problem.noise_sd(hyper)[:, p].square()
    total = torch.stack(list(variance.values())).sum(0).clamp_min(1e-300)
    return {name: v / total for name, v in variance.items()}
