"""Expected improvement for goals without a region, through BoTorch's qLogNEI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.objective import MCAcquisitionObjective
from botorch.posteriors.torch import TorchPosterior
from botorch.sampling.base import MCSampler
from botorch.sampling.get_sampler import get_sampler
from torch import Tensor

from bayesmat._arguments import settle
from bayesmat._bounds import at_least
from bayesmat.data.rows import Rows
from bayesmat.errors import ModelError
from bayesmat.explore.board import Board
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import Goal, Maximize, aimed, extremes
from bayesmat.explore.select import Selection
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import Fitted
from bayesmat.models.marginals import Marginals

__all__ = ["ImprovementRule", "improvement", "incumbents"]

_AT_ONCE = 25  # candidates whose samples are in memory together
_HOPEFUL = 64  # measured rows among which the incumbents are looked for
_INCUMBENTS = 4


@dataclass(frozen=True)
class ImprovementRule:
    """qLogNEI of BoTorch for goals without a region (Maximize, Minimize), greedy over rows.

    Improvement is over the best *true* value of what was measured, which differs from draw to draw
    of the posterior: noise is not chased, and measuring the best row again is no improvement.
    Members are chosen one after another with those before pending, so that the batch is joint
    (Letham et al. 2019, 10.1214/18-BA1110; Ament et al. 2023, arXiv:2310.20708).
    """

    n_samples: int = 128
    shortlist: int = 200
    name: str = "qLogNEI"

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 1, "n_samples", "shortlist")

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
        """Greedy qLogNEI over the rows with the best upper quantile."""
        acquisition = improvement(fitted, goals, seed=seed, n_samples=self.n_samples)
        board = Board.of(fitted, candidates, goals)
        short = _optimistic(board.marginals, _sign(goals), max(self.shortlist, batch))
        rows: list[int] = []
        scores: list[float] = []
        for _ in range(min(batch, len(short))):
            acquisition.set_X_pending(board.features(rows) if rows else None)
            free = [i for i in short if i not in rows]
            with torch.no_grad():
                some = board.features(free)[:, None].split(_AT_ONCE)
                value = torch.cat([acquisition(rows) for rows in some])
            rows.append(free[int(value.argmax())])
            scores.append(float(value.max()))
        return Selection(tuple(rows), tuple(scores))


def incumbents(fitted: Fitted, goals: Sequence[Goal], *, seed: int, n_samples: int = 128) -> Rows:
    """The measured rows, four at most, that are most often the best one in a draw of the posterior.

    Looked for among the 64 most optimistic rows, under the conditions of the goals. The others are
    left out: what they would add to the best of a draw is small, and each costs a solve.
    """
    known = aimed(fitted.table.rows, goals).distinct()
    sign = _sign(goals)
    known = known.take(_optimistic(fitted.marginals(known), sign, _HOPEFUL))
    with torch.no_grad():
        posterior = fitted.model.posterior(fitted.layout(known))
        draws = sign * _sampler(fitted, n_samples, seed)(posterior)[..., 0]
    wins = torch.bincount(draws.reshape(-1, len(known)).argmax(-1), minlength=len(known))
    best = wins.argsort(descending=True, stable=True)[:_INCUMBENTS]
    return known.take([int(i) for i in best if wins[i]])


def improvement(
    fitted: Fitted,
    goals: Sequence[Goal],
    *,
    seed: int,
    n_samples: int = 128,
    pending: Tensor | None = None,
) -> qLogNoisyExpectedImprovement:
    """BoTorch's qLogNEI over the posterior of the one goal's property.

    Raises:
        ModelError: There is not one extreme on a model of one property, or the posterior is none
            that torch draws from.
    """
    if len(extremes(goals)) != 1 or len(fitted.table.property_names) != 1:
        raise ModelError("qLogNEI wants one Maximize or Minimize goal on a one-property model.")
    rows = incumbents(fitted, goals, seed=spawn(seed, "incumbents"), n_samples=n_samples)
    return qLogNoisyExpectedImprovement(
        fitted.model,
        X_baseline=fitted.layout(rows),
        sampler=_sampler(fitted, n_samples, seed),
        objective=_Signed(_sign(goals)),
        X_pending=pending,
        prune_baseline=False,  # BoTorch draws for it from the global state
        cache_root=False,
    )


def _sign(goals: Sequence[Goal]) -> float:
    return 1.0 if isinstance(extremes(goals)[0], Maximize) else -1.0


def _optimistic(marginals: Marginals, sign: float, n: int) -> list[int]:
    """The n rows with the best mean plus sd."""
    sd = marginals.sd(observation=False)[:, 0]
    optimism = sign * marginals.mixture_mean[:, 0] + sd
    found: list[int] = torch.topk(optimism, min(n, len(optimism))).indices.tolist()
    return found


def _sampler(fitted: Fitted, n_samples: int, seed: int) -> MCSampler:
    one = fitted.model.posterior(fitted.layout(fitted.table.rows[:1]))
    if not isinstance(one, TorchPosterior):
        raise ModelError(f"qLogNEI draws from torch posteriors, not {type(one).__name__}.")
    return get_sampler(one, torch.Size([n_samples]), seed=seed)


class _Signed(MCAcquisitionObjective):
    """The one property, or its negative for minimisation."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        return self.sign * samples[..., 0]
