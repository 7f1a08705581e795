"""Expected improvement for goals without a region, through BoTorch's qLogEI."""

from __future__ import annotations

import math
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
from bayesmat.explore.goals import Goal, Maximize, Minimize, applies
from bayesmat.explore.select import Selection
from bayesmat.models.base import Fitted

__all__ = ["ImprovementRule"]

_AT_ONCE = 25  # candidates whose samples are in memory together


@dataclass(frozen=True)
class ImprovementRule:
    """qLogEI of BoTorch for goals without a region (Maximize, Minimize), greedy over rows.

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
        wanted = [goal for goal in goals if isinstance(goal, Maximize | Minimize)]
        if len(wanted) != 1 or len(fitted.table.property_names) != 1:
            raise ModelError("qLogEI wants one Maximize or Minimize goal on a one-property model.")
        sign = 1.0 if isinstance(wanted[0], Maximize) else -1.0
        board = Board.of(fitted, candidates, goals)
        y = fitted.scales[0].to_model(torch.tensor(fitted.table.values[:, 0]))
        meant = torch.tensor(applies(fitted.table.rows, goals)) & ~torch.isnan(y)
        best = float((sign * y[meant]).max()) if bool(meant.any()) else -math.inf
        optimism = sign * board.marginals.mixture_mean[:, 0] + board.marginals.sd(
            observation=False
        ).squeeze(-1)
        short = torch.topk(optimism, min(self.shortlist, len(optimism))).indices
        one = fitted.model.posterior(board.features([0]))
        if not isinstance(one, TorchPosterior):
            raise ModelError(f"{self.name} draws from torch posteriors, not {type(one).__name__}.")
        sampler = get_sampler(one, torch.Size([self.n_samples]), seed=seed)
        rows: list[int] = []
        scores: list[float] = []
        for _ in range(min(batch, len(short))):
            pending = board.features(rows) if rows else None
            acquisition = qLogExpectedImprovement(
                fitted.model,
                best_f=best,
                sampler=sampler,
                objective=_Signed(sign),
                X_pending=pending,
            )
            free = [int(i) for i in short if int(i) not in rows]
            with torch.no_grad():
                some = board.features(free)[:, None].split(_AT_ONCE)
                value = torch.cat([acquisition(rows) for rows in some])
            rows.append(free[int(value.argmax())])
            scores.append(float(value.max()))
        return Selection(tuple(rows), tuple(scores))


class _Signed(MCAcquisitionObjective):
    """The one property, or its negative for minimisation."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        return self.sign * samples[..., 0]
