"""Rules that choose a batch among candidates, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from botorch.posteriors import GPyTorchPosterior
from torch import Tensor

from bayesmat._arguments import seed_of, settle
from bayesmat._bounds import at_least
from bayesmat._repr import Shown
from bayesmat.errors import ModelError
from bayesmat.explore.acquisition import SpacierValue, expected_squared_distance
from bayesmat.explore.board import Board, best_of
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import Goal, applies
from bayesmat.explore.region import Region
from bayesmat.models.base import Fitted
from bayesmat.models.marginals import log_normal_interval

__all__ = [
    "ExpectedDistanceRule",
    "LiteralSpacierRule",
    "ProbabilityRule",
    "Rule",
    "Selection",
    "SpacierRule",
]


@dataclass(frozen=True)
class Selection(Shown):
    """Chosen rows of the candidates.

    Attributes:
        rows: Positions among the candidates, best first.
        scores: The rule's value of each.
        trace: JSON-able notes of the rule; people read them, programs do not.
        temporary: Property -> region that was aimed at instead of the goals', in physical units.
    """

    rows: tuple[int, ...]
    scores: tuple[float, ...]
    trace: dict[str, Any] = field(default_factory=dict)
    temporary: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settle(self)


class Rule(Protocol):
    """Chooses a batch; deterministic for a seed."""

    @property
    def name(self) -> str:
        """What campaigns store."""
        ...

    def __call__(
        self,
        fitted: Fitted,
        candidates: Candidates,
        goals: Sequence[Goal],
        batch: int,
        *,
        seed: int,
        round: int,
    ) -> Selection:
        """Rows of `candidates`, at most `batch`, each once."""
        ...


@dataclass(frozen=True)
class ProbabilityRule:
    """The batch with the highest probabilities of meeting the goals, none alike.

    `exclusion` is the largest MinMax similarity of two members.
    """

    exclusion: float = 0.5
    name: str = "P(region)"

    def __post_init__(self) -> None:
        settle(self)

    def __call__(
        self,
        fitted: Fitted,
        candidates: Candidates,
        goals: Sequence[Goal],
        batch: int,
        *,
        seed: int,
        round: int,
    ) -> Selection:
        """Greedy by probability."""
        board = Board.of(fitted, candidates, goals)
        board.need_region(self.name, goals)
        log_p = board.marginals.log_probability(board.region.lower, board.region.upper)
        rows, scores = board.greedy([log_p] * batch, self.exclusion)
        return Selection(tuple(rows), tuple(scores), {"best log P": float(log_p.max())})


@dataclass(frozen=True)
class ExpectedDistanceRule:
    """The batch with the smallest expected squared distance to the region, none alike."""

    exclusion: float = 0.5
    name: str = "expected distance"

    def __post_init__(self) -> None:
        settle(self)

    def __call__(
        self,
        fitted: Fitted,
        candidates: Candidates,
        goals: Sequence[Goal],
        batch: int,
        *,
        seed: int,
        round: int,
    ) -> Selection:
        """Greedy by -E dist^2."""
        board = Board.of(fitted, candidates, goals)
        board.need_region(self.name, goals)
        value = -expected_squared_distance(board.marginals, board.region)
        rows, scores = board.greedy([value] * batch, self.exclusion)
        return Selection(tuple(rows), tuple(scores))


@dataclass(frozen=True)
class LiteralSpacierRule:
    r"""The SPACIER rule as published: each member has its own temporary target on the path to U.

    Member k of q aims at :math:`Y^*_k` on the straight line from the data's mean to the centre of
    U, between `start` and 1 of the way, and maximises
    :math:`-\|Y^*-\hat f\|^2 - w\sigma - \lambda\,\mathrm{dist}(Y^*, U)^2`.

    Kept to be compared with; minus sigma hugs the data.
    """

    sigma_weight: float = 1.0
    start: float = 0.25
    distance_weight: float = 1.0
    exclusion: float = 0.5
    name: str = "SPACIER (literal)"

    def __post_init__(self) -> None:
        settle(self)

    def __call__(
        self,
        fitted: Fitted,
        candidates: Candidates,
        goals: Sequence[Goal],
        batch: int,
        *,
        seed: int,
        round: int,
    ) -> Selection:
        """Greedy, one target a member."""
        board = Board.of(fitted, candidates, goals)
        board.need_region(self.name, goals)
        steps = torch.linspace(self.start, 1.0, max(batch, 2), dtype=torch.float64)[:batch]
        targets = [board.region.centre * step for step in steps]  # model space: the mean is 0
        values = [
            SpacierValue(
                fitted.model,
                board.region,
                target,
                sigma_weight=self.sigma_weight,
                distance_weight=self.distance_weight,
            ).of(board.marginals)
            for target in targets
        ]
        rows, scores = board.greedy(values, self.exclusion)
        return Selection(tuple(rows), tuple(scores), {"targets": _physical(fitted, targets)})


@dataclass(frozen=True)
class SpacierRule:
    r"""The SPACIER rule in a Bayesian form: a temporary region, and the joint value of a batch.

    1. The temporary region is U grown by tau toward the data,
       :math:`U_\tau = \{y : \mathrm{dist}(y, U) \le \tau\}`, with the smallest tau for which the
       posterior can reach it: the q best candidates have a mean probability of at least `reach`.
       As the posterior learns, tau falls to 0.
    2. Loss is expected, not plugged in: a member counts with its posterior probability of
       :math:`U_\tau`, noise and hyper-parameters integrated.
    3. The batch is valued jointly, :math:`E[\log(1 + H + n_\tau)]` with H the hits so far and n the
       number of members that land in the region, over joint draws of the posterior. While there are
       few hits the logarithm is strongly concave: errors that candidates share make a second bet on
       the same error worth less, and the batch spreads over what the model does not know. With many
       hits it is nearly linear, and the rule becomes the greedy sum of probabilities.

    No member is more alike to another than `exclusion` (MinMax on counts).

    Attributes:
        reach: Mean probability that the temporary region must promise.
        exclusion: Largest similarity within a batch.
        draws: Joint draws per hyper-parameter set.
        shortlist: Candidates that the joint value is computed for.
    """

    reach: float = 0.3
    exclusion: float = 0.5
    draws: int = 8
    shortlist: int = 256
    name: str = "SPACIER"

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 0, "reach", "exclusion")
        at_least(self, 1, "draws", "shortlist")

    def __call__(
        self,
        fitted: Fitted,
        candidates: Candidates,
        goals: Sequence[Goal],
        batch: int,
        *,
        seed: int,
        round: int,
    ) -> Selection:
        """Greedy by the gain in E log(1 + H + n)."""
        board = Board.of(fitted, candidates, goals)
        board.need_region(self.name, goals)
        tau, region, log_p = self._temporary(board, batch)
        short = torch.topk(log_p, min(self.shortlist, len(log_p))).indices
        hits = self._joint_hits(fitted, board.features(short.tolist()), region, seed)
        found = _hits_so_far(fitted, board.region, goals)
        rows, scores = self._greedy(board, short, hits, batch, found)
        trace = {
            "tau": tau,
            "expected in the temporary region": float(log_p[rows].exp().sum()),
        }
        return Selection(tuple(rows), tuple(scores), trace, _temporary_bounds(fitted, region))

    def _temporary(self, board: Board, batch: int) -> tuple[float, Region, Tensor]:
        """The smallest tau on a grid that the posterior can reach."""
        side = torch.sign(torch.nan_to_num(board.region.centre))  # the data's mean is 0
        for tau in torch.linspace(0, 3, 61, dtype=torch.float64).tolist():
            lower = board.region.lower - tau * (side > 0)
            upper = board.region.upper + tau * (side < 0)
            log_p = board.marginals.log_probability(lower, upper)
            best = torch.topk(log_p, min(batch, len(log_p))).values.exp()
            if float(best.mean()) >= self.reach:
                break
        return tau, Region(lower, upper), log_p

    def _joint_hits(self, fitted: Fitted, X: Tensor, region: Region, seed: int) -> Tensor:
        """P(y in region | f) for joint draws of f at the short list, shape `draws S x n`."""
        with torch.no_grad():
            posterior = fitted.model.posterior(X)
        if not isinstance(posterior, GPyTorchPosterior):
            raise ModelError(f"{self.name} needs joint Gaussians: choose ProbabilityRule.")
        mean = posterior.distribution.loc
        factor = torch.linalg.cholesky(posterior.distribution.covariance_matrix)
        n, m = X.shape[0], len(fitted.table.property_names)
        mean, factor = mean.reshape(-1, n * m), factor.reshape(-1, n * m, n * m)
        generator = torch.Generator().manual_seed(seed_of(seed))
        z = torch.randn(self.draws, *mean.shape, generator=generator, dtype=torch.float64)
        f = mean + torch.einsum("sij,dsj->dsi", factor, z)
        noise = fitted.model.noise_sd[:, None]
        f = f.reshape(self.draws, -1, n, m)
        log_p = log_normal_interval((region.lower - f) / noise, (region.upper - f) / noise)
        return log_p.sum(-1).exp().reshape(-1, n)

    def _greedy(
        self, board: Board, short: Tensor, hits: Tensor, batch: int, found: int
    ) -> tuple[list[int], list[float]]:
        count = torch.full((hits.shape[0],), float(found), dtype=torch.float64)
        nearest = torch.zeros(len(short), dtype=torch.float64)
        free = torch.ones(len(short), dtype=torch.bool)
        rows: list[int] = []
        scores: list[float] = []
        for _ in range(min(batch, len(short))):
            gain = (torch.log1p(count[:, None] + hits) - torch.log1p(count)[:, None]).mean(0)
            limit = self.exclusion
            while not bool((free & (nearest <= limit)).any()):
                limit += 0.1
            at = best_of(gain, free & (nearest <= limit))
            rows.append(int(short[at]))
            scores.append(float(gain[at]))
            count = count + hits[:, at]
            free[at] = False
            nearest = torch.maximum(nearest, board.similarity_to(short, int(short[at])))
        return rows, scores


def _hits_so_far(fitted: Fitted, region: Region, goals: Sequence[Goal]) -> int:
    """Rows of the table whose measured values all lie in the region."""
    columns = [
        scale.to_model(torch.tensor(fitted.table.values[:, j]))
        for j, scale in enumerate(fitted.scales)
    ]
    y = torch.stack(columns, -1)
    inside = (y >= region.lower) & (y <= region.upper)
    meant = torch.tensor(applies(fitted.table.rows, goals))
    return int((meant & (inside | ~region.bounded).all(-1)).sum())


def _temporary_bounds(fitted: Fitted, region: Region) -> dict[str, tuple[float, float]]:
    """Bounds of the bounded properties in physical units."""
    lower, upper = _physical(fitted, [region.lower, region.upper])
    names = fitted.table.property_names
    bounded = region.bounded.tolist()
    return {n: (lower[j], upper[j]) for j, n in enumerate(names) if bounded[j]}


def _physical(fitted: Fitted, targets: Sequence[Tensor]) -> list[list[float]]:
    """Targets in physical units, per member and property."""
    return [
        [float(s.to_physical(v)) for s, v in zip(fitted.scales, target, strict=True)]
        for target in targets
    ]
