"""Simulation-based calibration: does a sampler find the posterior of the prior it is given?"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import Tensor
from tqdm.auto import tqdm

from bayesmat._arguments import checked, seed_of
from bayesmat.data.observations import Observations
from bayesmat.errors import InferenceError
from bayesmat.features.base import Layout
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import layout_of
from bayesmat.models.model import GenerativePrior, PropertyModel

__all__ = ["SBC", "rank_p_values", "sbc"]


@dataclass(frozen=True, eq=False)
class SBC:
    r"""Ranks of true values among posterior draws, over simulated tables.

    If data are simulated from the prior, :math:`\theta \sim p(\theta), y \sim p(y|\theta)`, the
    rank of :math:`\theta` among draws of :math:`p(\theta|y)` is uniform, whatever the model (Talts
    et al. 2018, arXiv:1804.06788). A hump means posteriors too wide, a bowl too narrow, a slope
    biased.

    Attributes:
        ranks: Quantity -> rank of the truth in each simulation, integers 0 to L, `n_simulations`.
        n_draws: Posterior draws L that each truth was ranked among.
        p_values: Probability, if the sampler is exact, of ranks at least as uneven.
        family_rate: Family-wise false-alarm rate of `failures`.
    """

    ranks: Mapping[str, np.ndarray]
    n_draws: int
    p_values: Mapping[str, float]
    family_rate: float = 0.01

    @property
    def failures(self) -> tuple[str, ...]:
        """Quantities whose ranks are not uniform, at one family-wise rate (Holm 1979)."""
        ordered = sorted(self.p_values.items(), key=lambda item: item[1])
        failed = []
        for i, (name, p) in enumerate(ordered):
            if p > self.family_rate / (len(ordered) - i):
                break
            failed.append(name)
        return tuple(failed)

    def to_frame(self) -> pd.DataFrame:
        """One row per quantity: mean normalised rank, its spread against a uniform one's, p."""
        rows = {}
        for name, ranks in self.ranks.items():
            u = (ranks + 0.5) / (self.n_draws + 1)
            rows[name] = (u.mean(), u.std() * np.sqrt(12.0), self.p_values[name])
        columns = ["mean rank (0.5)", "spread (1)", "p"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)

    def __str__(self) -> str:
        n = len(next(iter(self.ranks.values())))
        text = f"{len(self.ranks)} quantities over {n} simulated tables: "
        if not self.failures:
            return text + (
                "all ranks are uniform (smallest p "
                f"{min(self.p_values.values()):.3g}; family-wise rate {self.family_rate:g})."
            )
        frame = self.to_frame()
        words = []
        for name in self.failures:
            mean, spread, p = frame.loc[[name]].to_numpy(float)[0]
            kind = "too wide" if spread < 1 else "too narrow"
            kind = kind if abs(spread - 1) > 2 * abs(mean - 0.5) else "biased"
            words.append(f"{name} (p = {p:.2g}, {kind})")
        return text + "the sampler does not find the posterior of " + ", ".join(words) + "."

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(float_format=lambda v: f"{v:.3g}")
        return f"<p>{html.escape(str(self))}</p>{table}"


def sbc(
    prior: GenerativePrior,
    X: Tensor,
    template: Observations,
    *,
    layout: Layout | None = None,
    n_simulations: int = 200,
    n_draws: int = 31,
    seed: int,
    family_rate: float = 0.01,
) -> SBC:
    """Simulate tables from a prior, fit each, and rank the truth among the posterior draws.

    Ranked are all scalar parameters (kernel weights, lengthscales, rho, noise, sites), the latent
    properties of some rows, measured or not, and the log likelihood, which is the most sensitive
    to posteriors that are wrong only jointly (Modrak et al. 2023, doi:10.1214/23-BA1404).

    Use it when a prior or a sampler is new. It tests the computation, not whether the prior
    suits the data. 200 simulations find intervals that are off by some 15 %; they cost as many
    fits.

    Args:
        prior: Anything that can be drawn from (graphs and programs).
        X: Rows, `n x D`, each with a measured cell, so that scales read off them agree.
        template: Which cells are measured and which have known noise; its `y` is ignored.
        layout: What made X: the prior's own features (``layout_of(prior)``) when not given.
        n_simulations: Tables.
        n_draws: Posterior draws L kept of each fit, evenly thinned.
        seed: Seeds prior draws, noise, fits and ties.
        family_rate: Family-wise false-alarm rate.

    Raises:
        InferenceError: A row has no measured cell, or a fit has fewer than `n_draws` draws.
    """
    prior, X = checked(prior, GenerativePrior, "prior"), checked(X, Tensor, "X")
    template = checked(template, Observations, "template")
    n_simulations = checked(n_simulations, int, "n_simulations")
    n_draws, seed = checked(n_draws, int, "n_draws"), seed_of(seed)
    family_rate = checked(family_rate, float, "family_rate")
    bare = set(range(len(X))) - set(template.rows.tolist())
    if bare:
        raise InferenceError(
            f"Rows {sorted(bare)[:10]} have no measured cell: scales of kernels are read off the "
            "measured rows, so that the simulated and the fitted prior would differ. Leave them "
            "out, or measure one property of each."
        )
    layout = layout_of(prior) if layout is None else layout
    truth = prior.sample(X, n_simulations, layout=layout, seed=seed)
    values = truth.measurements(template, seed=spawn(seed, "noise"))
    rng = np.random.default_rng(seed)
    ranks: dict[str, list[int]] = {}
    for s in tqdm(range(n_simulations), desc="simulated tables", delay=2, leave=False):
        observations = replace(template, y=values[s])
        model = prior.condition(observations, X, layout=layout, seed=spawn(seed, f"fit {s}"))
        true = {name: value[s] for name, value in truth.parameters.items()}
        drawn = _posterior(model, X, n_draws, seed=spawn(seed, f"draws {s}"))
        found = _quantities(prior, observations, X, layout, true, truth.f[s], drawn)
        for name, (one, many) in found.items():
            below, equal = int((many < one).sum()), int((many == one).sum())
            ranks.setdefault(name, []).append(below + int(rng.integers(equal + 1)))
    arrays = {name: np.array(values) for name, values in ranks.items()}
    p = rank_p_values(list(arrays.values()), n_draws, seed=seed)
    return SBC(arrays, n_draws, dict(zip(arrays, p, strict=True)), family_rate)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Thinned posterior draws: parameters by name `L x ...`, latent f `L x n x m`."""

    parameters: Mapping[str, Tensor]
    f: Tensor


def _posterior(model: PropertyModel, X: Tensor, n_draws: int, *, seed: int) -> _Drawn:
    marginals = model.marginals(X)
    n = len(marginals.mean)
    if n < n_draws:
        raise InferenceError(
            f"The fit keeps {n} draws and the ranks need {n_draws}: ask for fewer, or let the "
            "sampler keep more."
        )
    at = torch.linspace(0, n - 1, n_draws, dtype=torch.float64).round().long()
    generator = torch.Generator().manual_seed(seed)
    mean, sd = marginals.mean[at], marginals.variance[at].sqrt()
    f = mean + sd * torch.randn(mean.shape, generator=generator, dtype=torch.float64)
    return _Drawn({name: value[at] for name, value in model.draws.items()}, f)


def _quantities(
    prior: GenerativePrior,
    observations: Observations,
    X: Tensor,
    layout: Layout,
    true: Mapping[str, Tensor],
    f: Tensor,
    drawn: _Drawn,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Quantity -> (its true value, its posterior draws `L`)."""
    out: dict[str, tuple[Tensor, Tensor]] = {}
    for name, value in true.items():
        many = drawn.parameters[name].reshape(len(drawn.f), -1)
        for i, one in enumerate(value.reshape(-1)):
            label = name if value.numel() == 1 else f"{name}[{i}]"
            out[label] = (one, many[:, i])
    for j, prop in enumerate(observations.properties):
        for row in (0, len(X) - 1):
            out[f"{prop}: f of row {row}"] = (f[row, j], drawn.f[:, row, j])
    one = {name: value[None] for name, value in true.items()}
    out["log likelihood"] = (
        prior.log_likelihood(one, observations, X, layout=layout)[0],
        prior.log_likelihood(drawn.parameters, observations, X, layout=layout),
    )
    return out


def rank_p_values(
    ranks: Sequence[np.ndarray], n_draws: int, *, seed: int, n_replicates: int = 20_000
) -> list[float]:
    r"""Probability of ranks at least as uneven as these, if they are uniform on 0 ... L.

    The statistic is the smallest binomial tail probability of the empirical distribution over all
    rank values, its null distribution simulated: no bins are chosen, and both ends are as well
    watched as the middle (Saeilynoja, Buerkner and Vehtari 2022, doi:10.1007/s11222-022-10090-6).

    Args:
        ranks: One array of integers for each quantity, all of the same length.
        n_draws: L.
        seed: Seeds the null distribution.
        n_replicates: Its size; the smallest p it can state is about 1 / `n_replicates`.
    """
    n_draws = checked(n_draws, int, "n_draws")
    n_replicates, seed = checked(n_replicates, int, "n_replicates"), seed_of(seed)
    n = len(ranks[0])
    levels = np.arange(1, n_draws + 1) / (n_draws + 1)
    counts = np.arange(n + 1)[:, None]
    lower = stats.binom.cdf(counts, n, levels)
    upper = stats.binom.sf(counts - 1, n, levels)
    tail = np.minimum(lower, upper)
    rng = np.random.default_rng(seed)
    null = np.empty(n_replicates)
    for start in range(0, n_replicates, 1000):
        size = min(1000, n_replicates - start)
        cells = rng.multinomial(n, np.full(n_draws + 1, 1 / (n_draws + 1)), size=size)
        null[start : start + size] = _smallest_tail(cells, tail)
    observed = [
        float(_smallest_tail(np.bincount(r, minlength=n_draws + 1)[None], tail)[0]) for r in ranks
    ]
    return [float((1 + (null <= value).sum()) / (1 + n_replicates)) for value in observed]


def _smallest_tail(cells: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """Smallest tail probability of the cumulative counts, for cells `R x (L + 1)`."""
    cumulative = cells.cumsum(1)[:, :-1]
    return np.asarray(tail[cumulative, np.arange(tail.shape[1])].min(1))
