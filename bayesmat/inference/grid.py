"""Integrating hyper-parameters whose prior is N(0, I): a weighted grid, or tempered SMC."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pandas as pd
import torch
from torch import Tensor

from bayesmat.errors import InferenceError

from .chains import COLUMNS, population_table
from .laplace import Laplace
from .moves import MoveRule, standard_normal
from .pareto import pareto_k
from .population import SMC
from .report import ESS_LIMIT, PARETO_LIMIT, InferenceReport
from .seeds import spawn
from .smc import Stage, effective_sample_size, systematic_resample

__all__ = ["Grid", "HyperPosterior", "Integrator", "LaplaceIntegrator", "SMCIntegrator"]

LogDensity = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class HyperPosterior:
    """Points u with their weights, and equal-weight particles resampled from them.

    Attributes:
        u: Equal-weight particles, shape `S x d`: what models average over.
        points: Everything that was weighed, shape `N x d`.
        log_weights: Normalised log weights of `points`, shape `N`.
        families: Points that descend from one draw of the prior share a number, `N`.
        report: What the run says about itself.
        stages: The temperatures, empty for a grid.
    """

    u: Tensor
    points: Tensor
    log_weights: Tensor
    families: Tensor
    report: InferenceReport
    stages: tuple[Stage, ...] = ()

    @staticmethod
    def point(u: Tensor) -> HyperPosterior:
        """A single known set of hyper-parameters (shape `1 x d`); it has no evidence."""
        report = InferenceReport("given hyper-parameters", 0.0)
        return HyperPosterior(u, u, torch.zeros(1), torch.zeros(1, dtype=torch.long), report)

    def named(self, values: Callable[[Tensor], dict[str, Tensor]]) -> InferenceReport:
        """The report with one row per named hyper-parameter, ``values(u)`` by name."""
        if len(self.points) < 2:
            return self.report
        draws = values(self.points)
        if not self.stages:
            return replace(self.report, table=_weighted_table(draws, self.log_weights))
        return replace(self.report, table=population_table(draws, self.families))


class Integrator(Protocol):
    """Integrates a likelihood over u ~ N(0, I)."""

    def __call__(
        self,
        log_likelihood: LogDensity,
        d: int,
        *,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> HyperPosterior:
        """Posterior particles of u for a likelihood that maps `S x d` to `S`."""
        ...


@dataclass(frozen=True)
class Grid:
    """A quasi-random grid over the prior, weighted by the likelihood.

    `n` scrambled Sobol points mapped to N(0, I) are weighted by p(y | u), so predictions average
    over the grid instead of maximising (which makes intervals too narrow). Use it up
    to about 4 hyper-parameters and some tens of rows: one batched evaluation. Beyond, the posterior
    is too small a part of the prior (simulation-based calibration finds 8,192 points biased for 7
    hyper-parameters at 12 rows); watch the ESS in the report and use `SMCIntegrator`.
    """

    n: int = 1024
    n_particles: int = 64

    def __call__(
        self,
        log_likelihood: LogDensity,
        d: int,
        *,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> HyperPosterior:
        """Weigh the grid, then resample it to `n_particles` equal weights.

        It is one evaluation, so `checkpoint` is not used.
        """
        start = time.perf_counter()
        engine = torch.quasirandom.SobolEngine(max(d, 1), scramble=True, seed=seed)
        uniform = engine.draw(self.n, dtype=torch.float64)[:, :d].clamp(1e-9, 1 - 1e-9)
        points = torch.special.ndtri(uniform)
        with torch.no_grad():
            log_l = torch.cat([log_likelihood(chunk) for chunk in points.split(256)])
        if not torch.isfinite(log_l).any():
            raise InferenceError(
                "The likelihood is zero everywhere on the grid: check the data for NaN."
            )
        total = float(torch.logsumexp(log_l, 0))
        log_w = log_l - total
        ess = effective_sample_size(log_w)
        index = systematic_resample(log_w, torch.Generator().manual_seed(seed))
        report = InferenceReport(
            method=f"grid of {self.n}",
            seconds=time.perf_counter() - start,
            table=_weighted_table({"u": points}, log_w),
            n_draws=self.n,
            n_evaluations=self.n,
            log_evidence=total - math.log(self.n),
            log_evidence_sd=math.sqrt(max(self.n / ess - 1.0, 0.0) / self.n),
        )
        each = torch.arange(self.n)
        return HyperPosterior(points[_thin(index, self.n_particles)], points, log_w, each, report)


@dataclass(frozen=True)
class SMCIntegrator:
    """Tempered SMC over u, by Hamiltonian moves.

    Use it as the default: exact in the limit, 0.3 to 3 s for 100 rows and 10 hyper-parameters.

    Attributes:
        n: Particles in the run.
        n_particles: Equal-weight particles kept for the model.
        sweeps: Sweeps per temperature; a sweep moves particles until they have forgotten where
            they were (see `SMC`).
        final_sweeps: Further sweeps at the posterior.
        kept: Populations of the last sweeps kept for the report's figures.
        move: None is `HMC()`.
    """

    n: int = 256
    n_particles: int = 64
    sweeps: int = 1
    final_sweeps: int = 3
    kept: int = 1
    move: MoveRule | None = None

    def __call__(
        self,
        log_likelihood: LogDensity,
        d: int,
        *,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> HyperPosterior:
        """Run the engine from `n` prior draws; `checkpoint` is a file to continue from."""
        generator = torch.Generator().manual_seed(seed)
        u = torch.randn(self.n, d, generator=generator, dtype=torch.float64)
        smc = SMC(self.n, self.sweeps, self.final_sweeps, self.kept, self.move)
        target = standard_normal(log_likelihood)
        found = smc.run(target, u, seed=seed + 1, checkpoint=checkpoint)
        return self._posterior(found.u, found.families, found.stages, found.report)

    def update(
        self, posterior: HyperPosterior, old: LogDensity, new: LogDensity, *, seed: int
    ) -> HyperPosterior:
        r"""Carry a posterior to more data: iterated batch importance sampling.

        Particles of :math:`p(u \mid y)` are weighed by :math:`p(y' \mid y, u) = L'(u)/L(u)`,
        resampled, and moved by kernels that leave the new posterior invariant; where the new
        cells surprise, the weights are tempered. The evidence is multiplied by
        :math:`p(y' \mid y)` (Chopin 2002, doi:10.1093/biomet/89.3.539).

        Args:
            posterior: The posterior so far, of this integrator or another.
            old: Log likelihood of the cells so far.
            new: Log likelihood with the new cells.
            seed: Seeds resampling and moves.
        """
        index = torch.arange(len(posterior.points))
        if len(posterior.stages) == 0:
            generator = torch.Generator().manual_seed(spawn(seed, "resampling"))
            index = systematic_resample(posterior.log_weights, generator)
        index = _thin(index, self.n)
        u, ancestors = posterior.points[index], posterior.families[index]
        if len(u) < 2:
            raise InferenceError(
                "A single given set of hyper-parameters is not a posterior: fit before updating."
            )
        prior = standard_normal(old)

        def target(v: Tensor) -> tuple[Tensor, Tensor]:
            log_prior, before = prior(v)
            return log_prior + before, new(v) - before

        smc = SMC(len(u), 1, 2, self.kept, self.move)
        found = smc.run(target, u, seed=spawn(seed, "moves"))
        families = ancestors[found.families]
        first = posterior.report
        report = replace(
            found.report,
            n_families=int(families.unique().numel()),
            method=found.report.method.replace("SMC,", "SMC update,"),
            log_evidence=first.log_evidence + found.report.log_evidence,
            log_evidence_sd=math.hypot(first.log_evidence_sd, found.report.log_evidence_sd),
        )
        return self._posterior(found.u, families, found.stages, report)

    def _posterior(
        self, u: Tensor, families: Tensor, stages: tuple[Stage, ...], report: InferenceReport
    ) -> HyperPosterior:
        newest = len(u) - len(u) // self.kept
        keep = newest + _thin(torch.arange(len(u) - newest), self.n_particles)
        weights = torch.full((len(u),), -math.log(len(u)), dtype=torch.float64)
        return HyperPosterior(u[keep], u, weights, families, report, stages)


@dataclass(frozen=True)
class LaplaceIntegrator:
    """Importance sampling around the mode, with tempered SMC where that fails.

    Use it for some tens of cells and more, where the posterior of the hyper-parameters is close to
    a Gaussian and every evaluation is dear: one search for the mode and `n` evaluations, against
    tens of thousands of gradients of SMC. Where the weights' Pareto k exceeds 0.7, fewer than 100
    draws are effective or no proper mode is found, `SMCIntegrator` takes over, and the report says
    so. Not for a handful of cells: a second mode that the search did not find leaves no trace in
    the weights.

    Attributes:
        n: Draws that are weighed.
        n_particles: Equal-weight particles kept for the model.
    """

    n: int = 1024
    n_particles: int = 64

    def __call__(
        self,
        log_likelihood: LogDensity,
        d: int,
        *,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> HyperPosterior:
        """Find the mode, weigh `n` draws around it; `checkpoint` is used by SMC only."""
        start = time.perf_counter()
        smc = SMCIntegrator(n_particles=self.n_particles)
        if d == 0:
            return smc(log_likelihood, d, seed=seed, checkpoint=checkpoint)
        generator = torch.Generator().manual_seed(seed)
        u = torch.randn(64, d, generator=generator, dtype=torch.float64)
        target = standard_normal(log_likelihood)
        try:
            points, log_w, n_evaluations = Laplace(draws=self.n).run(target, u, seed=seed)
            k = pareto_k(log_w)
        except InferenceError:
            points, log_w, n_evaluations, k = u, torch.zeros(64), 64, math.inf
        ess = effective_sample_size(log_w)
        if k > PARETO_LIMIT or ess < ESS_LIMIT:
            why = f"Pareto k was {k:.2f}" if k > PARETO_LIMIT else f"it gave {ess:.0f} draws"
            found = smc(log_likelihood, d, seed=seed, checkpoint=checkpoint)
            method = f"{found.report.method}, after Laplace failed ({why})"
            return replace(found, report=replace(found.report, method=method))
        total = float(torch.logsumexp(log_w, 0))
        index = systematic_resample(log_w, generator)
        report = InferenceReport(
            method="Laplace's approximation, importance-corrected",
            seconds=time.perf_counter() - start,
            table=_weighted_table({"u": points}, log_w - total),
            n_draws=self.n,
            n_evaluations=n_evaluations,
            log_evidence=total - math.log(self.n),
            log_evidence_sd=math.sqrt(max(self.n / ess - 1.0, 0.0) / self.n),
            pareto_k=k,
        )
        keep = points[_thin(index, self.n_particles)]
        return HyperPosterior(keep, points, log_w - total, torch.arange(self.n), report)


def _weighted_table(draws: dict[str, Tensor], log_weights: Tensor) -> pd.DataFrame:
    """Weighted moments; Kish's effective sample size stands for bulk and tails."""
    ess = effective_sample_size(log_weights)
    weights = torch.softmax(log_weights, 0)
    rows = {}
    for name, value in draws.items():
        flat = value.reshape(len(value), -1)
        mean = weights @ flat
        sd = (weights @ (flat - mean).square()).sqrt()
        for i, (m, s) in enumerate(zip(mean.tolist(), sd.tolist(), strict=True)):
            label = name if value.dim() == 1 else f"{name}[{i}]"
            rows[label] = (m, s, math.nan, ess, ess, s / math.sqrt(ess))
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS))


def _thin(index: Tensor, n: int) -> Tensor:
    """N evenly spaced entries (systematic resampling keeps copies side by side)."""
    if n >= len(index):
        return index
    at = torch.linspace(0, len(index) - 1, n, dtype=torch.float64).round().long()
    return index[at]
