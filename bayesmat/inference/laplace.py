"""Laplace's approximation: the curvature at the mode, corrected by importance weights."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bayesmat._arguments import seed_of, settle
from bayesmat.errors import InferenceError

from .chains import population_table
from .modes import IMPOSSIBLE, ascend, curvature, possible
from .moves import Target
from .pareto import pareto_k
from .pyro_program import Model, ProgramTarget
from .report import InferenceReport, InferenceRun
from .seeds import spawn
from .smc import effective_sample_size, systematic_resample

__all__ = ["Laplace"]


@dataclass(frozen=True)
class Laplace:
    r"""Settings of Laplace's approximation of a Pyro program's posterior.

    .. math:: p(u \mid y) \approx N(\hat u, H^{-1}), \qquad H = -\nabla^2 \log p(\hat u, y)

    in the unconstrained space of the sites. Draws of q, a Student-t with that centre and scale, are
    weighed by p/q and resampled, so that where q covers the posterior the draws are those of the
    posterior; the report's Pareto k says whether it does (below 0.7), and the evidence is the mean
    weight. The heavier tails of q keep weights bounded where the posterior is skewed (Geweke 1989,
    doi:10.2307/1913710).

    Use it for smooth unimodal posteriors when even SMC is too slow, or as a first look. Not for
    funnels, several modes, or sparsity priors: Pareto k will say so.

    Attributes:
        draws: Draws of q, and of the result.
        starts: Draws of the prior among which the best start is taken.
        dof: Degrees of freedom of q.
    """

    draws: int = 1000
    starts: int = 64
    dof: int = 5

    def __post_init__(self) -> None:
        settle(self)
        if self.draws < 20 or self.starts < 1 or self.dof < 1:
            raise InferenceError(
                f"Laplace was asked for {self.draws} draws, {self.starts} starts and {self.dof} "
                "degrees of freedom: it needs at least 20, 1 and 1."
            )

    def __call__(
        self,
        model: Model,
        *,
        seed: int,
        checkpoint: str | Path | None = None,
        key: object = None,
    ) -> InferenceRun:
        """Approximate the posterior of a Pyro model without arguments.

        Args:
            model: A callable with `pyro.sample` statements, some of them observed.
            seed: Seeds starts, draws and resampling.
            checkpoint: Not used: there is one short optimisation.
            key: Not used either.

        Raises:
            InferenceError: No mode was found, or the density is not curved downwards there.
        """
        seed = seed_of(seed)
        start = time.perf_counter()
        target = ProgramTarget.of(model, seed=seed)
        u = target.prior_draws(self.starts, seed=seed)
        points, log_w, n_evaluations = self.run(target, u, seed=seed)
        generator = torch.Generator().manual_seed(spawn(seed, "resampling"))
        index = systematic_resample(log_w, generator)
        ess = effective_sample_size(log_w)
        draws = target.constrained(points[index])
        table = population_table(draws, index)
        report = InferenceReport(
            method="Laplace's approximation, importance-corrected",
            seconds=time.perf_counter() - start,
            table=table.assign(
                ess_bulk=table["ess_bulk"].clip(upper=ess),
                ess_tail=table["ess_tail"].clip(upper=ess),
            ),
            n_draws=self.draws,
            n_evaluations=n_evaluations,
            log_evidence=float(torch.logsumexp(log_w, 0)) - math.log(self.draws),
            log_evidence_sd=math.sqrt(max(self.draws / ess - 1.0, 0.0) / self.draws),
            pareto_k=pareto_k(log_w),
        )
        return InferenceRun({k: v[None] for k, v in draws.items()}, report, index)

    def run(self, target: Target, starts: Tensor, *, seed: int) -> tuple[Tensor, Tensor, int]:
        """Weighted draws of any target: points `S x d`, log weights p/q, evaluations.

        Args:
            target: Log prior and log likelihood of vectors.
            starts: Draws of the prior, `N x d`; the best is where the search for the mode begins.
            seed: Seeds the draws.

        Raises:
            InferenceError: No mode was found, or the density is not curved downwards there.
        """
        mode, n_gradients = _mode(target, starts)
        factor = _factor(target, mode)
        z, log_q = _student(self.draws, len(mode), self.dof, spawn(seed, "draws"))
        points = mode + z @ factor.T
        with torch.no_grad():
            parts = [target(some) for some in points.split(64)]
        log_p = torch.cat([log_prior + log_likelihood for log_prior, log_likelihood in parts])
        log_q = log_q - torch.diagonal(factor).log().sum()
        n_evaluations = len(starts) + n_gradients + 2 * len(mode) + self.draws
        return points, possible(log_p - log_q), n_evaluations


def _student(n: int, d: int, dof: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draws of the standard multivariate Student-t, `n x d`, and their log density."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d + dof, generator=generator, dtype=torch.float64)
    z = z[:, :d] / (z[:, d:].square().mean(-1, keepdim=True)).sqrt()
    constant = math.lgamma((dof + d) / 2) - math.lgamma(dof / 2) - 0.5 * d * math.log(dof * math.pi)
    return z, constant - 0.5 * (dof + d) * torch.log1p(z.square().sum(-1) / dof)


def _mode(target: Target, starts: Tensor) -> tuple[Tensor, int]:
    """The mode uphill of the best start, and the gradients it took."""
    with torch.no_grad():
        log_prior, log_likelihood = target(starts)
    total = possible(log_prior + log_likelihood)
    if not torch.isfinite(total).any():
        raise InferenceError(IMPOSSIBLE)
    u, _, n_gradients = ascend(target, starts[total.argmax()])
    return u, n_gradients


def _factor(target: Target, mode: Tensor) -> Tensor:
    """Cholesky factor of the inverse Hessian."""
    values, vectors = curvature(target, mode)
    if not bool((values > 1e-8).all()):
        raise InferenceError(
            f"The log density is not curved downwards at its mode (curvatures {values[:3].tolist()}"
            " ...): a direction is not informed by prior and data. Tighten the prior, or use SMC."
        )
    return torch.linalg.cholesky(vectors @ torch.diag(1 / values) @ vectors.T)
