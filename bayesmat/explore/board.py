"""What every rule looks at: the candidates under the conditions of the goals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat._arguments import checked
from bayesmat._repr import Shown
from bayesmat.data.rows import Rows
from bayesmat.errors import ModelError
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import Goal, aimed, extremes
from bayesmat.explore.region import Region, region_of
from bayesmat.features.base import Layout
from bayesmat.models.base import Fitted
from bayesmat.models.marginals import Marginals
from bayesmat.models.similarity import Similarity

__all__ = ["Board", "best_of"]

_SHORTLIST = 400


@dataclass(frozen=True, eq=False, repr=False)
class Board(Shown):
    """What every rule looks at: marginals of all candidates, and who resembles whom."""

    marginals: Marginals
    region: Region
    similarity: Similarity | None
    layout: Layout
    rows: Rows

    @staticmethod
    def of(fitted: Fitted, candidates: Candidates, goals: Sequence[Goal]) -> Board:
        """Look at the candidates once."""
        fitted = checked(fitted, Fitted, "fitted")
        candidates = checked(candidates, Candidates, "candidates")
        region = region_of(goals, fitted.table.property_names, fitted.scales)
        rows = aimed(candidates.rows, goals)
        return Board(fitted.marginals(rows), region, fitted.similarity, fitted.layout, rows)

    def features(self, rows: Iterable[int]) -> Tensor:
        """X of some candidates, made anew: for a large pool it is too large to be kept."""
        return self.layout(self.rows.take(list(rows)))

    def need_region(self, rule: str, goals: Sequence[Goal]) -> None:
        """Refuse goals without bounds."""
        if extremes(goals) or not bool(self.region.bounded.any()):
            raise ModelError(
                f"{rule} steers toward a region, and the goals have no bound: give Within, AtLeast "
                "or AtMost, or choose ImprovementRule for Maximize and Minimize."
            )

    def similarity_to(self, rows: Tensor, row: int) -> Tensor:
        """Similarity of candidates `rows` to one candidate; 0 where a model reads no feature."""
        if self.similarity is None:
            return torch.zeros(len(rows), dtype=torch.float64)
        one = self.similarity.columns(self.features([row]))
        some = self.similarity.columns(self.features(rows.tolist()))
        return self.similarity.between(some, one)[:, 0]

    def greedy(self, values: Sequence[Tensor], exclusion: float) -> tuple[list[int], list[float]]:
        """One row per vector of values, none more alike than `exclusion` to one before.

        Where the exclusion leaves nothing, it is relaxed in steps of 0.1: a batch is full while
        candidates last.
        """
        n = len(values[0])
        nearest = torch.zeros(n, dtype=torch.float64)
        free = torch.ones(n, dtype=torch.bool)
        rows: list[int] = []
        scores: list[float] = []
        for value in values[:n]:
            limit = exclusion
            while not bool((free & (nearest <= limit)).any()):
                limit += 0.1
            allowed = free & (nearest <= limit)
            row = best_of(value, allowed)
            rows.append(row)
            scores.append(float(value[row]))
            free[row] = False
            short = torch.topk(value, min(_SHORTLIST, n)).indices
            nearest[short] = torch.maximum(nearest[short], self.similarity_to(short, row))
        return rows, scores

    def _facts(self) -> dict[str, object]:
        m = self.marginals.mean
        return {"candidates": m.shape[1], "properties": m.shape[2], "components": m.shape[0]}


def best_of(value: Tensor, allowed: Tensor) -> int:
    """Position of the largest allowed value, which may be -inf."""
    positions = allowed.nonzero()[:, 0]
    return int(positions[value[positions].argmax()])
