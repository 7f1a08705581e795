"""A compiled graph and its data: the log marginal likelihood of any hyper-parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bayesmat.data.table import Observations
from bayesmat.features.base import Layout
from bayesmat.inference.grid import HyperPosterior
from bayesmat.models.gaussian import (
    Conditioned,
    Hyper,
    JointPrior,
    LogMarginal,
    Pair,
    Phi,
    condition,
)
from bayesmat.models.hyper import HyperPriors
from bayesmat.models.marginals import pooled_noise
from bayesmat.sources.embedding import FeatureMap, Features

__all__ = ["Additive", "Encoder", "Problem"]

CHUNK = 2**19  # numbers in the matrices of one batch: they stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Encoder:
    """Turns rows of X into the features of every term of every node.

    Attributes:
        layout: Where each featurizer's columns are.
        maps: Per node, per term.
        computed: Per node, the computed parent's map with location and scale, or None.
    """

    layout: Layout
    maps: tuple[tuple[Features, ...], ...]
    computed: tuple[tuple[FeatureMap, float, float] | None, ...]

    def __call__(self, X: Tensor) -> Phi:
        """Features of rows X, shape `... x n x D`; each map is computed once."""
        made: dict[int, Tensor] = {}

        def columns(features: Features) -> Tensor:
            if id(features) not in made:
                made[id(features)] = features.columns(self.layout, X)
            return made[id(features)]

        parents: list[tuple[Tensor, Tensor] | None] = []
        for known in self.computed:
            if known is None:
                parents.append(None)
                continue
            features, loc, sd = known
            c, flag = columns(features).unbind(-1)
            parents.append(((c - loc) / sd, flag))
        terms = tuple(tuple(columns(f) for f in node) for node in self.maps)
        return Phi(terms, tuple(parents))


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything that the posterior of a graph is computed from.

    Attributes:
        joint: The compiled prior.
        priors: Hyper-parameter priors.
        encoder: Features of new rows.
        observations: The measured cells, k of them.
        phi: Features of the r distinct measured rows.
        pair: Those rows with themselves.
        index: Position of each cell's row among those, shape `k`.
        cells: The rows of the k cells with themselves, as their likelihood needs them.
    """

    joint: JointPrior
    priors: HyperPriors
    encoder: Encoder
    observations: Observations
    phi: Phi
    pair: Pair
    index: Tensor
    cells: Pair

    @staticmethod
    def of(
        joint: JointPrior,
        priors: HyperPriors,
        encoder: Encoder,
        observations: Observations,
        X: Tensor,
    ) -> Problem:
        """Collect the measured rows of X, shape `n x D`."""
        rows, index = torch.unique(observations.rows, return_inverse=True)
        phi = encoder(X[rows])
        pair = joint.pair(phi, phi)
        cells = pair if torch.equal(index, torch.arange(len(index))) else pair.take(index)
        return Problem(joint, priors, encoder, observations, phi, pair, index, cells)

    def moments(self, hyper: Hyper, n_sets: int) -> tuple[Tensor, Tensor]:
        """K + noise, `S x k x k`, and y - mean, `S x k`, of the measured cells."""
        k = self.covariance(hyper, n_sets).expand(n_sets, -1, -1)
        k = k + torch.diag_embed(self.noise(hyper))
        mean = self.joint.mean(self.phi, hyper, n_sets)[:, self.index, self.observations.columns]
        return k, self.observations.y - mean

    def conditioned(self, u: Tensor) -> Conditioned:
        """Factorise K + noise at every hyper-parameter set of u, shape `S x d`."""
        chunk = max(1, CHUNK // max(self.observations.n_cells, 1) ** 2)
        with torch.no_grad():
            parts = [
                condition(*self.moments(self.priors.values(some), some.shape[0]))
                for some in u.split(chunk)
            ]
        return Conditioned(
            torch.cat([part.chol for part in parts]),
            torch.cat([part.alpha for part in parts]),
            torch.cat([part.log_marginal for part in parts]),
        )

    def covariance(self, hyper: Hyper, n_sets: int) -> Tensor:
        """Prior covariance of the latent values of the measured cells, shape `S x k x k`."""
        if len(self.joint.nodes) == 1:
            return self.joint.node_covariance(0, self.cells, hyper)
        mixing = self.joint.mixing(hyper, n_sets)[:, self.observations.columns]
        total: Tensor = torch.zeros((), dtype=torch.float64)
        for r in range(len(self.joint.nodes)):
            gram = self.joint.node_covariance(r, self.cells, hyper)
            weight = mixing[:, :, r]
            total = total + weight[:, :, None] * weight[:, None, :] * gram
        return total

    def noise(self, hyper: Hyper) -> Tensor:
        """Noise variance of every cell, shape `S x k`: the table's where it gives one."""
        obs = self.observations
        inferred = self.inferred_noise_sd(hyper).square()[:, obs.columns]
        return torch.where(torch.isnan(obs.yvar), inferred, obs.yvar)

    def inferred_noise_sd(self, hyper: Hyper) -> Tensor:
        """Noise sd of cells without a stated one, by property, shape `S x m`."""
        return torch.stack([hyper[n.noise] for n in self.joint.nodes], -1)

    def noise_sd(self, hyper: Hyper) -> Tensor:
        """Root mean square noise sd of the cells of each property (`pooled_noise`), `S x m`."""
        return pooled_noise(self.inferred_noise_sd(hyper), self.observations)

    def log_marginal(self, u: Tensor) -> Tensor:
        """Log p(y | u), shape `S`, differentiable once in u; memory does not grow with S."""
        chunk = max(1, CHUNK // max(self.observations.n_cells, 1) ** 2)

        def log_p(some: Tensor) -> Tensor:
            return self.log_marginal_at(self.priors.values(some), some.shape[0])

        found: Tensor = _InChunks.apply(u, log_p, chunk)
        return found

    def log_marginal_at(self, hyper: Hyper, n_sets: int) -> Tensor:
        """Log p(y | hyper-parameters by name), shape `S`."""
        covariance, residual = self.moments(hyper, n_sets)
        return LogMarginal.apply(covariance, residual.expand(n_sets, -1))


class _InChunks(torch.autograd.Function):
    """A function of rows, some rows at a time; gradients are taken with the values."""

    @staticmethod
    def forward(context: Any, u: Tensor, of: Callable[[Tensor], Tensor], chunk: int) -> Tensor:
        values, gradients = [], []
        for some in u.detach().split(chunk):
            if not context.needs_input_grad[0]:
                values.append(of(some))
                continue
            with torch.enable_grad():
                rows = some.clone().requires_grad_(True)
                value = of(rows)
                if value.requires_grad:
                    gradients += torch.autograd.grad(value.sum(), rows)
                else:
                    gradients.append(torch.zeros_like(rows))
            values.append(value.detach())
        if gradients:
            context.save_for_backward(torch.cat(gradients))
        return torch.cat(values) if values else torch.zeros(0, dtype=torch.float64)

    @staticmethod
    @once_differentiable
    def backward(context: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = context.saved_tensors
        return grads[0][:, None] * gradient, None, None


@runtime_checkable
class Additive(Protocol):
    """A model whose latent properties are sums of Gaussian parts, with weighed hyper-parameters."""

    problem: Problem
    hyper_posterior: HyperPosterior
