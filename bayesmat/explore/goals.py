"""Goals in physical units, and the target region they draw in model space."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat.data.table import Property, Scale
from bayesmat.errors import ModelError

__all__ = [
    "AtLeast", "AtMost", "Goal", "Maximize", "Minimize", "Region", "Within", "goal_words",
    "region_of",
]  # fmt: skip


@dataclass(frozen=True)
class Within:
    """Reach the closed interval [lower, upper] of a property, in its unit.

    >>> Within("gap", 2.0, 2.5).met(2.25)
    True
    """

    property: str
    lower: float
    upper: float

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise ModelError(
                f"Within({self.property!r}): lower {self.lower} is not below upper {self.upper}."
            )

    @builtins.property
    def bounds(self) -> tuple[float, float]:
        """Physical bounds."""
        return self.lower, self.upper

    def met(self, value: float) -> bool:
        """Whether a measured value meets the goal."""
        return self.bounds[0] <= value <= self.bounds[1]


@dataclass(frozen=True)
class AtLeast:
    """Stay at or above a value."""

    property: str
    lower: float

    @builtins.property
    def bounds(self) -> tuple[float, float]:
        """Physical bounds."""
        return self.lower, math.inf

    def met(self, value: float) -> bool:
        """Whether a measured value meets the goal."""
        return value >= self.lower


@dataclass(frozen=True)
class AtMost:
    """Stay at or below a value."""

    property: str
    upper: float

    @builtins.property
    def bounds(self) -> tuple[float, float]:
        """Physical bounds."""
        return -math.inf, self.upper

    def met(self, value: float) -> bool:
        """Whether a measured value meets the goal."""
        return value <= self.upper


@dataclass(frozen=True)
class Maximize:
    """Find the largest values; there is no region, so use `ExpectedImprovement`."""

    property: str


@dataclass(frozen=True)
class Minimize:
    """Find the smallest values; there is no region, so use `ExpectedImprovement`."""

    property: str


Goal = Within | AtLeast | AtMost | Maximize | Minimize


def goal_words(goal: Goal, properties: Sequence[Property]) -> str:
    """A goal with its unit.

    >>> goal_words(Within("gap", 2.0, 2.5), [Property("gap", "eV")])
    'gap: Within 2 to 2.5 eV'
    """
    unit = {p.name: f" {p.unit}".rstrip() for p in properties}.get(goal.property, "")
    ends = [f"{value:g}" for name, value in vars(goal).items() if name != "property"]
    bounds = f" {' to '.join(ends)}{unit}" if ends else ""
    return f"{goal.property}: {type(goal).__name__}{bounds}"


@dataclass(frozen=True, eq=False)
class Region:
    """The target region U: a box in model space over the m properties of a model.

    Attributes:
        lower: Shape `m`, -inf where open.
        upper: Shape `m`, inf where open.
    """

    lower: Tensor
    upper: Tensor

    @builtins.property
    def centre(self) -> Tensor:
        """Middle of the box, or the finite bound where one side is open; NaN where both are."""
        middle = 0.5 * (self.lower + self.upper)
        open_above = torch.where(torch.isinf(self.upper), self.lower, middle)
        centre = torch.where(torch.isinf(self.lower), self.upper, open_above)
        return torch.where(torch.isinf(centre), torch.nan, centre)

    @builtins.property
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
