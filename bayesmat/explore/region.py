"""The target region that goals draw in model space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat._arguments import checked, names
from bayesmat.data.table import Scale
from bayesmat.errors import ModelError
from bayesmat.explore.goals import Goal, Maximize, Minimize

__all__ = ["Region", "region_of"]


@dataclass(frozen=True, eq=False)
class Region:
    """The target region U: a box in model space over the m properties of a model.

    Attributes:
        lower: Shape `m`, -inf where open.
        upper: Shape `m`, inf where open.
    """

    lower: Tensor
    upper: Tensor

    @property
    def centre(self) -> Tensor:
        """Middle of the box, or the finite bound where one side is open; NaN where both are."""
        middle = 0.5 * (self.lower + self.upper)
        open_above = torch.where(torch.isinf(self.upper), self.lower, middle)
        centre = torch.where(torch.isinf(self.lower), self.upper, open_above)
        return torch.where(torch.isinf(centre), torch.nan, centre)

    @property
    def bounded(self) -> Tensor:
        """Which properties the region says anything about, shape `m`."""
        return ~(torch.isinf(self.lower) & torch.isinf(self.upper))

    def distance(self, f: Tensor) -> Tensor:
        """Euclidean distance of points (`... x m`) to the box, shape `...`."""
        outside = (self.lower - f).clamp(min=0) + (f - self.upper).clamp(min=0)
        return outside.square().sum(-1).sqrt()

    def grown(self, by: Tensor) -> Region:
        """The box with every finite side moved outward by `by` (shape `m`)."""
        return Region(self.lower - by, self.upper + by)


def region_of(goals: Sequence[Goal], properties: Sequence[str], scales: Sequence[Scale]) -> Region:
    """The box in model space that all goals with bounds draw together.

    Raises:
        ModelError: A goal names an unknown property, two goals contradict each other, or a bound
            of a log property is not positive.
    """
    properties = names(properties, "properties")
    scales = checked(scales, tuple[Scale, ...], "scales")
    lower = torch.full((len(properties),), -math.inf, dtype=torch.float64)
    upper = torch.full((len(properties),), math.inf, dtype=torch.float64)
    for goal in goals:
        if goal.property not in properties:
            raise ModelError(f"{goal} names {goal.property!r}, the model knows {list(properties)}.")
        if isinstance(goal, Maximize | Minimize):
            continue
        j = list(properties).index(goal.property)
        low, high = (_to_model(scales[j], bound, goal) for bound in goal.bounds)
        lower[j], upper[j] = max(float(lower[j]), low), min(float(upper[j]), high)
        if not lower[j] < upper[j]:
            raise ModelError(f"the goals on {goal.property!r} leave no value: {list(goals)}.")
    return Region(lower, upper)


def _to_model(scale: Scale, bound: float, goal: Goal) -> float:
    if math.isinf(bound):
        return bound
    if scale.log and bound <= 0:
        raise ModelError(f"{goal}: the property is on a log scale, so bounds must be positive.")
    return float(scale.to_model(torch.tensor(bound, dtype=torch.float64)))
