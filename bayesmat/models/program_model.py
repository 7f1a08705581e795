"""A conditioned program as a BoTorch model: the same draws for every candidate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from botorch.acquisition.objective import PosteriorTransform
from botorch.posteriors import Posterior
from botorch.posteriors.ensemble import EnsemblePosterior
from botorch.sampling.get_sampler import GetSampler
from botorch.sampling.index_sampler import IndexSampler
from torch import Tensor
from typing_extensions import override

from bayesmat.data.table import Observations
from bayesmat.errors import ModelError
from bayesmat.inference.report import InferenceRun
from bayesmat.models.answers import LeftOutCells, Parameters, Points
from bayesmat.models.left_out import LeftOut, Restandardised
from bayesmat.models.marginals import Marginals, pooled_noise
from bayesmat.models.model import PriorDraws, PropertyModel
from bayesmat.models.report import FitReport

__all__ = ["DrawsPosterior", "EveryDraw", "ProgramModel"]

Evaluate = Callable[[dict[str, Tensor], Tensor], tuple[Tensor, Tensor]]


class DrawsPosterior(EnsemblePosterior):
    """An equal-weight ensemble whose member s is posterior draw s at every candidate."""


class EveryDraw(IndexSampler):
    """Uses every draw exactly once, and the same draws for every candidate.

    BoTorch's `IndexSampler` draws members afresh for each element of a batch, so that identical
    candidates get different values. BoTorch finds this sampler by itself where an acquisition
    function is given none.
    """

    @override
    def _construct_base_samples(self, posterior: EnsemblePosterior) -> None:
        """Index s for sample s, in every batch."""
        n = posterior.ensemble_size
        self.sample_shape = torch.Size([n])
        shape = (n, *(1 for _ in posterior.batch_shape))
        index = torch.arange(n).reshape(shape).expand(n, *posterior.batch_shape)
        self.register_buffer("base_samples", index.contiguous())


@GetSampler.register(DrawsPosterior)
def _every_draw(
    posterior: DrawsPosterior, sample_shape: torch.Size, seed: int | None = None
) -> EveryDraw:
    return EveryDraw(torch.Size([posterior.ensemble_size]), seed=seed)


def at(draws: Mapping[str, Tensor], s: int) -> dict[str, Tensor]:
    """Draw s of every site."""
    return {name: values[s] for name, values in draws.items()}


def n_draws(draws: Mapping[str, Tensor]) -> int:
    """Number of draws."""
    return len(next(iter(draws.values())))


def log_normal(y: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Log density of y."""
    return -0.5 * ((y - mean).square() / variance + variance.log() + math.log(2 * math.pi))


@dataclass(frozen=True, eq=False)
class Sampled:
    """What a fit leaves behind.

    Attributes:
        draws: Kept draws by site, `S x ...`.
        noise_sd: Noise sd per draw and property, `S x m`.
        run: The whole run of the sampler.
        observations: The measured cells.
        X: The rows of these cells, `rows x D`.
        seed: The seed, reused for simulated noise.
    """

    draws: dict[str, Tensor]
    noise_sd: Tensor
    run: InferenceRun
    observations: Observations
    X: Tensor
    seed: int


class ProgramModel(PropertyModel):
    """The posterior of a program: S equally likely functions.

    ``posterior(X)`` for X of shape `batch_shape x q x D` is an ensemble with values of shape
    `batch_shape x S x q x m`, in model space; a gradient flows from the values to X. The cost is S
    runs of the program on all rows at once.
    """

    def __init__(self, properties: tuple[str, ...], evaluate: Evaluate, sampled: Sampled) -> None:
        """`evaluate` maps (one draw by site, rows `n x D`) to the latent f, `n x m`, and noise."""
        super().__init__()
        self._properties = properties
        self._evaluate = evaluate
        self.sampled = sampled

    @property
    @override
    def properties(self) -> tuple[str, ...]:
        """Names of the m outputs."""
        return self._properties

    @property
    @override
    def num_outputs(self) -> int:
        """M."""
        return len(self._properties)

    @property
    @override
    def batch_shape(self) -> torch.Size:
        """Empty: the draws are the ensemble's, not a batch's."""
        return torch.Size([])

    @property
    def n_draws(self) -> int:
        """Number of draws S."""
        return self.sampled.noise_sd.shape[0]

    @property
    @override
    def inferred_noise_sd(self) -> Tensor:
        """Noise sd of cells without a stated one, per draw and property, `S x m`."""
        return self.sampled.noise_sd

    @property
    @override
    def noise_sd(self) -> Tensor:
        """Noise sd of a new measurement per draw and property (`pooled_noise`), `S x m`."""
        return pooled_noise(self.sampled.noise_sd, self.sampled.observations)

    @property
    @override
    def draws(self) -> dict[str, Tensor]:
        """The kept draws by site, `S x ...`."""
        return self.sampled.draws

    @property
    def run(self) -> InferenceRun:
        """Every draw of every site by chain, and the report: see `bayesmat.check.convergence`."""
        return self.sampled.run

    @property
    @override
    def observations(self) -> Observations:
        """The measured cells."""
        return self.sampled.observations

    @property
    @override
    def points(self) -> Points:
        """The kept draws, equally weighted."""
        return Points.of_draws(self.draws, self.n_draws)

    def _cells(self) -> tuple[Tensor, Tensor]:
        """Latent value and noise variance of every cell under every draw, `S x k`."""
        obs = self.observations
        with torch.no_grad():
            f = self.latent(self.sampled.X)[:, obs.rows, obs.columns]
        noise = self.inferred_noise_sd[:, obs.columns].square()
        return f, torch.where(obs.yvar.isnan(), noise, obs.yvar)

    @override
    def left_out(self, units: Tensor, space: Restandardised | None = None) -> LeftOutCells:
        r"""Draw by draw, f and the noise being given: reweighting does the rest.

        In the space of the other cells, :math:`z' = (z - a)/d`, a cell has mean
        :math:`a + d f` and noise :math:`d\sigma` (a stated sd stays what it is).
        """
        obs, (f, noise) = self.observations, self._cells()
        n_units = int(units.max()) + 1
        if space is None:
            m = len(obs.properties)
            zero = torch.zeros(n_units, m, dtype=torch.float64)
            space = Restandardised(zero, zero + 1)
        before = log_normal(obs.y, f, noise).sum(1)
        shift, factor = space.shift[:, obs.columns], space.factor[:, obs.columns]
        total = torch.empty(len(f), n_units, dtype=torch.float64)
        for u in range(n_units):
            inflated = torch.where(obs.yvar.isnan(), factor[u].square() * noise, noise)
            total[:, u] = log_normal(obs.y, shift[u] + factor[u] * f, inflated).sum(1) - before
        own, each = factor[units, torch.arange(len(units))], torch.arange(len(units))
        mean = shift[units, each] + own * f
        noise = torch.where(obs.yvar.isnan(), own.square() * noise, noise)
        density = torch.zeros(len(f), n_units, dtype=torch.float64)
        density.index_add_(1, units, log_normal(obs.y, mean, noise))
        cells = LeftOut(obs.y - mean, noise + 1e-24, density, total - density)
        return LeftOutCells(mean, noise.sqrt(), cells)

    @property
    @override
    def pointwise(self) -> Tensor:
        """Log density of every cell given the sites, `S x k`."""
        return log_normal(self.observations.y, *self._cells())

    @override
    def replicate(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """New measurements of the same cells, jointly: `R x k`."""
        f, noise = self._cells()
        z = torch.randn(len(chosen), f.shape[1], generator=generator, dtype=torch.float64)
        return f[chosen] + noise.sqrt()[chosen] * z

    @override
    def labelled(self, draws: PriorDraws | None = None) -> Parameters:
        """Sites as they stand, in the chains that the kept draws can be told apart into."""
        found = super().labelled(draws)
        if draws is not None:
            return found
        kept = self.run.kept(self.n_draws)
        counts = torch.bincount(kept // self.run.n_draws, minlength=self.run.n_chains)
        chains = self.run.n_chains if bool((counts == counts[0]).all()) else 1
        stats = {name: v.flatten()[kept] for name, v in self.run.stats.items()}
        return replace(found, chains=chains, stats=stats)

    @override
    def complete(self) -> ProgramModel:
        """The model with every draw of the run."""
        draws, X = self.run.flat(), self.sampled.X[:1]
        with torch.no_grad():
            noise = [self._evaluate(at(draws, s), X)[1] for s in range(n_draws(draws))]
        sampled = replace(self.sampled, draws=draws, noise_sd=torch.stack(noise))
        return ProgramModel(self.properties, self._evaluate, sampled)

    @override
    def update(self, observations: Observations, X: Tensor, *, seed: int) -> ProgramModel:
        """Not available: a program is sampled again when cells arrive.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            "a program has no evidence path to continue on: fit it again with all cells "
            "(bm.fit), or write the dependence as a PropertyGraph."
        )

    @override
    def state(self) -> dict[str, object]:
        """Every draw, and the noise of those that are kept."""
        kept = self.sampled
        return {"run": kept.run, "noise_sd": kept.noise_sd, "seed": kept.seed}

    def latent(self, X: Tensor) -> Tensor:
        """The latent properties of rows `n x D` under every draw, `S x n x m`."""
        draws = self.sampled.draws
        return torch.stack([self._evaluate(at(draws, s), X)[0] for s in range(self.n_draws)])

    @override
    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: PosteriorTransform | Callable[[Posterior], Posterior] | None = None,
    ) -> Posterior:
        """The joint posterior of q points and m properties, draw by draw.

        Args:
            X: Shape `batch_shape x q x D`.
            output_indices: Columns of the properties wanted; all by default.
            observation_noise: Add simulated noise, the same for equal positions in each batch; of
                `noise_sd`, or of your own variances in model space, `batch_shape x q x m`.
            posterior_transform: Applied last.
        """
        batch, q, m = X.shape[:-2], X.shape[-2], self.num_outputs
        flat = self.latent(X.reshape(-1, X.shape[-1]))
        values = flat.reshape(self.n_draws, math.prod(batch), q, m).transpose(0, 1)
        if isinstance(observation_noise, Tensor) or observation_noise:
            generator = torch.Generator().manual_seed(self.sampled.seed)
            shape = (self.n_draws, q, m)
            noise = torch.randn(shape, generator=generator, dtype=torch.float64)
            sd = self.noise_sd[:, None]
            if isinstance(observation_noise, Tensor):
                given = observation_noise.expand(*batch, q, m).reshape(-1, 1, q, m)
                sd = given.sqrt()
            values = values + noise * sd
        values = values.reshape(*batch, self.n_draws, q, m)
        outputs = list(range(m)) if output_indices is None else output_indices
        result = DrawsPosterior(values[..., outputs])
        return result if posterior_transform is None else posterior_transform(result)

    @override
    def marginals(self, X: Tensor, *, chunk: int = 512) -> Marginals:
        """One component per draw, whose variance is numerically nothing.

        Args:
            X: Shape `n x D`.
            chunk: Rows at a time.
        """
        if X.dim() != 2:
            raise ModelError(f"marginals() wants n x D, got shape {tuple(X.shape)}.")
        with torch.no_grad():
            parts = [self.latent(rows) for rows in X.split(chunk)] if len(X) else []
        empty = torch.zeros(self.n_draws, 0, self.num_outputs, dtype=torch.float64)
        mean = torch.cat([empty, *parts], 1)
        return Marginals(mean, torch.full_like(mean, 1e-12), self.noise_sd)

    @property
    @override
    def report(self) -> FitReport:
        """What was fitted, in words and numbers."""
        run = self.sampled.run
        noise = {
            f"{p}: noise": self.inferred_noise_sd[:, j] for j, p in enumerate(self._properties)
        }
        scalars = {k: v.flatten() for k, v in self.sampled.draws.items() if v[0].numel() == 1}
        return FitReport(
            n_cells=self.sampled.observations.n_cells,
            inference=run.report,
            hyper=scalars | noise,
            shares={},
            loo=None,
        )
