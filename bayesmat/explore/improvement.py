"""Expected improvement for goals without a region, through BoTorch's qLogEI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.objective import MCAcquisitionObjective
from botorch.posteriors.torch import TorchPosterior
from botorch.sampling.get_sampler import get_sampler
from torch import Tensor

from bayesmat._arguments import settle
from bayesmat._bounds import at_least
from bayesmat.errors import ModelError
from bayesmat.explore.board import Board
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import Goal, Maximize, Minimize, aimed, extremes
from bayesmat.explore.select import Selection
from bayesmat.models.base import Fitted

__all__ = ["ImprovementRule", "improvement", "incumbent"]

_AT_ONCE = 25  # candidates whose samples are in memory together


@dataclass(frozen=True)
class ImprovementRule:
    """qLogEI of BoTorch for goals without a region (Maximize, Minimize), greedy over rows.

    Improvement is over the best posterior mean of what was measured, so that noise is not chased.
    Members are chosen one after another with those before pending, so that the batch is joint
    (Ament et al. 2023, arXiv:2310.20708).
    """

    n_samples: int = 128
    shortlist: int = 200
    name: str = "qLogEI"

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
        """Greedy qLogEI over the rows with the best upper quantile."""
        acquisition = improvement(fitted, goals, seed=seed, n_samples=self.n_samples)
        board = Board.of(fitted, candidates, goals)
        sign = 1.0 if isinstance(extremes(goals)[0], Maximize) else -1.0
        optimism = sign * board.marginals.mixture_mean[:, 0] + board.marginals.sd(
            observation=False
        ).squeeze(-1)
        short = torch.topk(optimism, min(self.shortlist, len(optimism))).indices
        rows: list[int] = []
        scores: list[float] = []
        for _ in range(min(batch, len(short))):
            acquisition.set_X_pending(board.features(rows) if rows else None)
            free = [int(i) for i in short if int(i) not in rows]
            with torch.no_grad():
                some = board.features(free)[:, None].split(_AT_ONCE)
                value = torch.cat([acquisition(rows) for rows in some])
            rows.append(free[int(value.argmax())])
            scores.append(float(value.max()))
        return Selection(tuple(rows), tuple(scores))


def incumbent(fitted: Fitted, goals: Sequence[Goal], sign: float) -> float:
    """The best posterior mean of a measured row under the conditions of the goals, in model space.

    Not the best value: of noisy measurements the best one is mostly luck.
    """
    rows = aimed(fitted.table.rows, goals)
    return float((sign * fitted.marginals(rows).mixture_mean[:, 0]).max())


def improvement(
    fitted: Fitted,
    goals: Sequence[Goal],
    *,
    seed: int,
    n_samples: int = 128,
    pending: Tensor | None = None,
) -> qLogExpectedImprovement:
    """BoTorch's qLogEI over the posterior of the one goal's property.

    Raises:
        ModelError: There is not one extreme on a model of one property, or the posterior is none
            that torch draws from.
    """
    wanted = [goal for goal in goals if isinstance(goal, Maximize | Minimize)]
    if len(wanted) != 1 or len(fitted.table.property_names) != 1:
        raise ModelError("qLogEI wants one Maximize or Minimize goal on a one-property model.")
    sign = 1.0 if isinstance(wanted[0], Maximize) else -1.0
    one = fitted.model.posterior(fitted.layout(fitted.table.rows[:1]))
    if not isinstance(one, TorchPosterior):
        raise ModelError(f"qLogEI draws from torch posteriors, not {type(one).__name__}.")
    return qLogExpectedImprovement(
        fitted.model,
        best_f=incumbent(fitted, goals, sign),
        sampler=get_sampler(one, torch.Size([n_samples]), seed=seed),
        objective=_Signed(sign),
        X_pending=pending,
    )


class _Signed(MCAcquisitionObjective):
    """The one property, or its negative for minimisation."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        return self.sign * samples[..., 0]
