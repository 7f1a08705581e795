"""The conditioned property graph as a BoTorch model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from botorch.acquisition.objective import PosteriorTransform
from botorch.posteriors import GPyTorchPosterior, Posterior
from botorch.posteriors.fully_bayesian import GaussianMixturePosterior
from gpytorch.distributions import MultitaskMultivariateNormal, MultivariateNormal
from torch import Tensor
from typing_extensions import override

from bayesmat.data.table import Observations
from bayesmat.errors import ModelError
from bayesmat.inference.grid import HyperPosterior, SMCIntegrator
from bayesmat.models.answers import LeftOutCells, Parameters, Points
from bayesmat.models.conditioning import Problem
from bayesmat.models.gaussian import JointPrior, Pair, Phi, positive_definite
from bayesmat.models.graph_answers import (
    all_draws,
    by_kind,
    predicted_cells,
    replicate,
    shares,
    simulated_scores,
    weighed,
)
from bayesmat.models.left_out import Restandardised, left_out
from bayesmat.models.marginals import Marginals, check_finite_rows, noise_origins
from bayesmat.models.model import PriorDraws, PropertyModel
from bayesmat.models.report import FitReport

__all__ = ["GraphModel"]


def _values(observations: Observations) -> list[tuple[int, float, float]]:
    """Property, value and known variance (-1: none) of every cell."""
    variances = observations.yvar.nan_to_num(-1.0).tolist()
    return list(zip(observations.columns.tolist(), observations.y.tolist(), variances, strict=True))


LARGEST = 2**24  # numbers in one matrix of `marginals`: 134 MB
FLOOR = 1e-9  # GPyTorch warns of variances below 1e-10


class GraphModel(PropertyModel):
    """The exact posterior of a linear property graph, an equal-weight mixture over S sets.

    ``posterior(X)`` for X of shape `batch_shape x q x D` is Gaussian for S = 1, otherwise a
    `GaussianMixturePosterior` of shape `batch_shape x S x q x m`, in model space (standardised,
    log where declared) and in the order of `properties`.
    """

    def __init__(self, problem: Problem, hyper: HyperPosterior) -> None:
        """Factorise the measured cells at every particle of `hyper`."""
        super().__init__()
        self.problem = problem
        self.hyper_posterior = hyper
        self.hyper = problem.priors.values(hyper.u)
        self.conditioned = problem.conditioned(hyper.u)
        self.n_sets = hyper.u.shape[0]
        self._is_fully_bayesian = self.n_sets > 1
        self._is_ensemble = self.n_sets > 1
        self._mixing = problem.joint.mixing(self.hyper, self.n_sets)

    @property
    @override
    def properties(self) -> tuple[str, ...]:
        """Names of the m outputs."""
        return self.problem.observations.properties

    @property
    @override
    def num_outputs(self) -> int:
        """M."""
        return len(self.properties)

    @property
    @override
    def batch_shape(self) -> torch.Size:
        """`S` for a mixture, empty for a single Gaussian."""
        return torch.Size([self.n_sets]) if self.n_sets > 1 else torch.Size([])

    @property
    @override
    def report(self) -> FitReport:
        """What was fitted, in words and numbers."""
        priors, problem = self.problem.priors, self.problem
        return FitReport(
            n_cells=problem.observations.n_cells,
            inference=self.hyper_posterior.named(priors.values),
            hyper=self.hyper,
            shares=shares(problem, self.hyper, self.n_sets),
            loo=None,
        )

    @property
    @override
    def draws(self) -> dict[str, Tensor]:
        """Hyper-parameter particles by name, `S` each."""
        return self.hyper

    @property
    @override
    def inferred_noise_sd(self) -> Tensor:
        """Noise sd of cells without a stated one, per set and property, shape `S x m`."""
        return self.problem.inferred_noise_sd(self.hyper)

    @property
    @override
    def noise_sd(self) -> Tensor:
        """Noise sd of a new measurement per set and property (`pooled_noise`), shape `S x m`."""
        return self.problem.noise_sd(self.hyper)

    @property
    @override
    def uninformed(self) -> frozenset[str]:
        """The noise of properties all of whose cells state theirs."""
        origins = zip(self.problem.joint.nodes, noise_origins(self.observations), strict=True)
        return frozenset(node.noise for node, origin in origins if "inferred" not in origin)

    @property
    @override
    def observations(self) -> Observations:
        """The measured cells."""
        return self.problem.observations

    @property
    @override
    def points(self) -> Points:
        """All weighed points; of large tables the kept particles, which are cheaper."""
        u, log_weights, weighting = weighed(self.problem, self.hyper_posterior)
        return Points(self.problem.priors.values(u), log_weights, weighting, u)

    @override
    def left_out(self, units: Tensor, space: Restandardised | None = None) -> LeftOutCells:
        """In closed form at every point (`models.left_out`)."""
        u, _, _ = weighed(self.problem, self.hyper_posterior)
        known = self.conditioned if u is self.hyper_posterior.u else None
        return predicted_cells(self.problem, u, units, space, known)

    @property
    @override
    def pointwise(self) -> Tensor:
        """Log density of every cell given the other cells, `S x k`."""
        return left_out(self.conditioned).log_density

    @override
    def replicate(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """New measurements of the same cells, jointly: `R x k`."""
        return replicate(self.problem, self.hyper, self.conditioned, chosen, generator)

    @override
    def simulated_scores(self, n: int, generator: torch.Generator) -> Tensor:
        """Correlated as left-out errors are that share their training cells."""
        return simulated_scores(self.conditioned, n, generator)

    @override
    def labelled(self, draws: PriorDraws | None = None) -> Parameters:
        """Hyper-parameters by kind: noise by property, weights by term, slopes by edge ..."""
        hyper = self.hyper if draws is None else draws.parameters
        return by_kind(self.problem.joint.nodes, hyper, noise_origins(self.observations))

    @override
    def complete(self) -> GraphModel:
        """The model with as many draws as points were weighed (`graph_answers.all_draws`)."""
        found = all_draws(self.problem, self.hyper_posterior)
        return self if found is self.hyper_posterior else GraphModel(self.problem, found)

    @override
    def update(self, observations: Observations, X: Tensor, *, seed: int) -> GraphModel:
        r"""The posterior when cells have arrived, from this one (`SMCIntegrator.update`).

        Centres, scales and lengthscale units stay those of the first fit, so that the prior is the
        same one; with many new rows a new fit reads them off all rows.

        Args:
            observations: All cells, old and new, in this model's space.
            X: All rows.
            seed: Seeds resampling and moves.

        Raises:
            ModelError: Other properties, or a cell of this model is missing among the new ones.
        """
        old = self.problem
        if observations.properties != self.properties:
            raise ModelError(
                f"The new observations have the properties {observations.properties}, the model "
                f"{self.properties}."
            )
        gone = Counter(_values(old.observations)) - Counter(_values(observations))
        if gone:
            raise ModelError(
                f"The update has {observations.n_cells} cells, the model "
                f"{old.observations.n_cells}, of which {gone.total()} are not among them: give all "
                "cells, old and new, as they were. To take cells away or change them, fit again."
            )
        new = Problem.of(old.joint, old.priors, old.encoder, observations, X)
        integrator = SMCIntegrator(
            n=min(len(self.hyper_posterior.points), 256), n_particles=self.n_sets
        )
        found = integrator.update(
            self.hyper_posterior, old.log_marginal, new.log_marginal, seed=seed
        )
        return GraphModel(new, found)

    @override
    def state(self) -> dict[str, object]:
        """The posterior of the hyper-parameters, and what kernels and parents were scaled by.

        The scales are those of the first fit, which `update` keeps: the table no longer tells.
        """
        return {
            "hyper": self.hyper_posterior,
            "prepared": tuple(node.prepared for node in self.problem.joint.nodes),
            "parents": tuple(p and p[1:] for p in self.problem.encoder.computed),
        }

    @staticmethod
    def restored(problem: Problem, state: Mapping[str, Any], X: Tensor) -> GraphModel:
        """The model whose `state` this is, from its cells as newly compiled."""
        scaled = zip(state["prepared"], state["parents"], strict=True)
        nodes = tuple(
            replace(node, prepared=prepared, parent_sd=parent[1] if parent else 1.0)
            for node, (prepared, parent) in zip(problem.joint.nodes, scaled, strict=True)
        )
        known = zip(problem.encoder.computed, state["parents"], strict=True)
        computed = tuple(None if now is None else (now[0], *then) for now, then in known)
        encoder = replace(problem.encoder, computed=computed)
        joint = JointPrior(nodes)
        same = Problem.of(joint, problem.priors, encoder, problem.observations, X)
        return GraphModel(same, state["hyper"])

    @override
    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: PosteriorTransform | Callable[[Posterior], Posterior] | None = None,
    ) -> Posterior:
        """Joint posterior of the q points and the m properties.

        Args:
            X: Shape `batch_shape x q x D`.
            output_indices: Columns of the properties wanted; all by default.
            observation_noise: Add the noise of a new measurement (`noise_sd`), or variances of
                your own in model space, broadcast to `batch_shape x q x m`.
            posterior_transform: Applied last.
        """
        outputs = list(range(self.num_outputs)) if output_indices is None else output_indices
        batch, q = X.shape[:-2], X.shape[-2]
        phi = self.problem.encoder(X.reshape(-1, q, X.shape[-1]))
        flat = self.problem.encoder(X.reshape(-1, X.shape[-1]))
        b = phi.terms[0][0].shape[0]
        prior_mean = self.problem.joint.mean(flat, self.hyper, self.n_sets)
        pair = self.problem.joint.pair(flat, self.problem.phi)
        means, halves = [], []
        for p in outputs:
            cross, half = self._cross(pair, p)
            mean = prior_mean[..., p] + (cross @ self.conditioned.alpha[..., None])[..., 0]
            means.append(mean.reshape(self.n_sets, b, q))
            halves.append(half.reshape(self.n_sets, -1, b, q).transpose(1, 2))
        mean = torch.stack(means, -1)
        check_finite_rows(mean)
        covariance = self._covariance(phi, outputs, halves, b, q)
        if isinstance(observation_noise, Tensor):
            given = observation_noise.expand(*batch, q, len(outputs)).reshape(b, q * len(outputs))
            covariance = covariance + torch.diag_embed(given)
        elif observation_noise:
            noise = self.noise_sd[:, outputs].square()[:, None, None, :].expand(-1, b, q, -1)
            covariance = covariance + torch.diag_embed(noise.reshape(self.n_sets, b, -1))
        result = self._wrap(mean, covariance, batch)
        return result if posterior_transform is None else posterior_transform(result)

    def _cross(self, pair: Pair, p: int) -> tuple[Tensor, Tensor]:
        """Covariance of property p at n rows with the cells: `S x n x k`, and L^-1 of it."""
        index, columns = self.problem.index, self.problem.observations.columns
        total: Tensor = torch.zeros((), dtype=torch.float64)
        for r in range(len(self.problem.joint.nodes)):
            weight = self._mixing[:, p, r][:, None] * self._mixing[:, columns, r]
            if not bool(weight.any()):
                continue
            gram = self.problem.joint.node_covariance(r, pair, self.hyper)
            total = total + weight[:, None, :] * gram[..., index]
        half = torch.linalg.solve_triangular(
            self.conditioned.chol, total.transpose(-1, -2), upper=False
        )
        return total, half

    def _covariance(
        self, phi: Phi, outputs: list[int], halves: list[Tensor], b: int, q: int
    ) -> Tensor:
        """Posterior covariance, interleaved by property: `S x b x (q m) x (q m)`."""
        m = len(outputs)
        pair = self.problem.joint.pair(phi, phi)
        grams = [
            self.problem.joint.node_covariance(r, pair, self.hyper)
            for r in range(len(self.problem.joint.nodes))
        ]
        blocks = torch.zeros(self.n_sets, b, q, m, q, m, dtype=torch.float64)
        size = torch.zeros(self.n_sets, b, dtype=torch.float64)
        for i, p in enumerate(outputs):
            for j, o in enumerate(outputs):
                prior: Tensor = torch.zeros((), dtype=torch.float64)
                for r, gram in enumerate(grams):
                    weight = self._mixing[:, p, r] * self._mixing[:, o, r]
                    prior = prior + weight[:, None, None, None] * gram
                if i == j:
                    diagonal = torch.diagonal(prior, dim1=-2, dim2=-1)
                    size = torch.maximum(size, diagonal.amax(-1).expand_as(size))
                blocks[:, :, :, i, :, j] = prior - halves[i].transpose(-1, -2) @ halves[j]
        covariance = blocks.reshape(self.n_sets, b, q * m, q * m)
        torch.diagonal(covariance, dim1=-2, dim2=-1).add_(FLOOR)
        return positive_definite(covariance, scale=size)

    def _wrap(self, mean: Tensor, covariance: Tensor, batch: torch.Size) -> Posterior:
        """A BoTorch posterior of the shapes that its acquisition functions expect."""
        mean, covariance = mean.transpose(0, 1), covariance.transpose(0, 1)
        if self.n_sets == 1:
            mean, covariance = mean[:, 0], covariance[:, 0]
        lead = batch if self.n_sets == 1 else (*batch, self.n_sets)
        mean = mean.reshape(*lead, *mean.shape[-2:])
        covariance = covariance.reshape(*lead, *covariance.shape[-2:])
        if mean.shape[-1] == 1:
            mvn = MultivariateNormal(mean[..., 0], covariance)
        else:
            mvn = MultitaskMultivariateNormal(mean, covariance, interleaved=True)
        return GPyTorchPosterior(mvn) if self.n_sets == 1 else GaussianMixturePosterior(mvn)

    @override
    def marginals(self, X: Tensor, *, chunk: int = 512) -> Marginals:
        """Component means and latent variances of every row, for screening.

        Args:
            X: Shape `n x D`.
            chunk: Rows at a time; fewer where S sets of k cells would make large matrices.
        """
        if X.dim() != 2:
            raise ModelError(f"marginals() wants n x D, got shape {tuple(X.shape)}.")
        means, variances = [], []
        chunk = max(1, min(chunk, LARGEST // self.conditioned.alpha.numel()))
        with torch.no_grad():
            for rows in X.split(chunk):
                mean, variance = self._marginal_chunk(self.problem.encoder(rows))
                means.append(mean)
                variances.append(variance)
        if not means:
            empty = torch.zeros(self.n_sets, 0, self.num_outputs, dtype=torch.float64)
            return Marginals(empty, empty, self.noise_sd)
        return Marginals(torch.cat(means, 1), torch.cat(variances, 1), self.noise_sd)

    def _marginal_chunk(self, phi: Phi) -> tuple[Tensor, Tensor]:
        prior_mean = self.problem.joint.mean(phi, self.hyper, self.n_sets)
        own = [
            self.problem.joint.node_variance(r, phi, self.hyper)
            for r in range(len(self.problem.joint.nodes))
        ]
        pair = self.problem.joint.pair(phi, self.problem.phi)
        means, variances = [], []
        for p in range(self.num_outputs):
            cross, half = self._cross(pair, p)
            means.append(prior_mean[..., p] + (cross @ self.conditioned.alpha[..., None])[..., 0])
            prior: Tensor = torch.zeros((), dtype=torch.float64)
            for r, variance in enumerate(own):
                prior = prior + self._mixing[:, p, r].square()[:, None] * variance
            variances.append((prior - half.square().sum(-2)).clamp(min=1e-12))
        return torch.stack(means, -1), torch.stack(variances, -1)
