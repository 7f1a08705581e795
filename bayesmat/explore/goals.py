"""Goals in physical units, and the target region they draw in model space."""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from bayesmat._arguments import checked, instance, real
from bayesmat.data.given import condition_values
from bayesmat.data.rows import Rows, number_text
from bayesmat.data.table import Condition, Property, PropertyTable, Scale
from bayesmat.errors import ArgumentError, CampaignError, ModelError

__all__ = [
    "AtLeast", "AtMost", "Goal", "Maximize", "Minimize", "Target", "Within", "aimed",
    "applies", "at_of", "at_words", "extremes", "goal_words", "goals_of", "nearest", "spelled",
    "targets_of", "with_numbers",
]  # fmt: skip


At = Mapping[str, float | str]


@dataclass(frozen=True)
class Within:
    """Reach the closed interval [lower, upper] of a property, in its unit.

    Every goal may say under which conditions (`at`, by name; categories by theirs) the property is
    meant; a condition that it does not name is that of the row.

    >>> Within("gap", 2.0, 2.5).met(2.25)
    True
    >>> Within("viscosity", 1.0, 2.0, at={"temperature": 298.15}).at
    {'temperature': 298.15}
    """

    property: str
    lower: float
    upper: float
    at: At = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _numbers(self, "lower", "upper")
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
        value = checked(value, float, "value")
        return self.bounds[0] <= value <= self.bounds[1]


@dataclass(frozen=True)
class AtLeast:
    """Stay at or above a value."""

    property: str
    lower: float
    at: At = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _numbers(self, "lower")

    @builtins.property
    def bounds(self) -> tuple[float, float]:
        """Physical bounds."""
        return self.lower, math.inf

    def met(self, value: float) -> bool:
        """Whether a measured value meets the goal."""
        value = checked(value, float, "value")
        return value >= self.lower


@dataclass(frozen=True)
class AtMost:
    """Stay at or below a value."""

    property: str
    upper: float
    at: At = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _numbers(self, "upper")

    @builtins.property
    def bounds(self) -> tuple[float, float]:
        """Physical bounds."""
        return -math.inf, self.upper

    def met(self, value: float) -> bool:
        """Whether a measured value meets the goal."""
        value = checked(value, float, "value")
        return value <= self.upper


@dataclass(frozen=True)
class Maximize:
    """Find the largest values; there is no region, so the rule is `ImprovementRule`."""

    property: str
    at: At = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _numbers(self)


@dataclass(frozen=True)
class Minimize:
    """Find the smallest values; there is no region, so the rule is `ImprovementRule`."""

    property: str
    at: At = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _numbers(self)


Goal = Within | AtLeast | AtMost | Maximize | Minimize


def _numbers(goal: object, *bounds: str) -> None:
    """Read the name and the bounds of a goal, of any real number type."""
    kind = type(goal).__name__
    name = instance(
        vars(goal)["property"], str, f"{kind}(property)", "name a property, like 'gap'."
    )
    object.__setattr__(goal, "property", name)
    given = checked(vars(goal)["at"], At, f"{kind}({name!r}): at")
    if lost := [n for n, v in given.items() if not isinstance(v, str) and not math.isfinite(v)]:
        raise ModelError(
            f"{kind}({name!r}): the conditions {lost} of `at` are no finite numbers: give the "
            "values that the property is meant at, or leave them out."
        )
    object.__setattr__(goal, "at", dict(given))
    for bound in bounds:
        value = real(vars(goal)[bound], f"{kind}({name!r}): {bound}")
        if not math.isfinite(value):
            raise ModelError(
                f"{kind}({name!r}): {bound} is {value}; give a finite number, or AtLeast or AtMost "
                "for a region that is open on one side."
            )
        object.__setattr__(goal, bound, value)


def goals_of(goals: object) -> tuple[Goal, ...]:
    """Goals as a campaign takes them, from any iterable; one goal alone is a list of one.

    Raises:
        ArgumentError: Something that is no goal.
        CampaignError: There is none.
    """
    if isinstance(goals, Within | AtLeast | AtMost | Maximize | Minimize):
        return (goals,)
    if isinstance(goals, str | Mapping | type) or not isinstance(goals, Iterable):
        raise ArgumentError(f"goals is {goals!r}: give a list, like [Within('gap', 2.0, 2.5)].")
    found = tuple(goals)
    wrong = [g for g in found if not isinstance(g, Within | AtLeast | AtMost | Maximize | Minimize)]
    if wrong:
        raise ArgumentError(
            f"{wrong} are no goals: write Within, AtLeast, AtMost, Maximize or Minimize."
        )
    if not found:
        raise CampaignError("a campaign without goals has nothing to look for: give at least one.")
    return found


def extremes(goals: Sequence[Goal]) -> list[Maximize | Minimize]:
    """The goals without bounds.

    Raises:
        ModelError: They stand beside others, or there are several: no rule weighs one against the
            other.
    """
    found = [goal for goal in goals if isinstance(goal, Maximize | Minimize)]
    if found and len(goals) > 1:
        raise ModelError(
            f"{found[0]} stands beside {len(goals) - 1} other goals, and no rule weighs an extreme "
            "against them: write a bound instead, such as AtLeast or AtMost of the best value so "
            "far, or leave the others out."
        )
    return found


@dataclass(frozen=True)
class Target:
    """What all goals say together about one property.

    Attributes:
        prop: The property.
        lower: Lower end of the region, -inf where it is open.
        upper: Upper end.
        sign: 1 if the property is maximised, -1 if it is minimised.
        at: The conditions that it is meant under.
        conditions: Those of the table, for their units.

    >>> str(Target(Property("gap", "eV"), 2.0, 2.5))
    'gap between 2 and 2.5 eV'
    """

    prop: Property
    lower: float = -math.inf
    upper: float = math.inf
    sign: int = 0
    at: At = field(default_factory=dict, hash=False)
    conditions: tuple[Condition, ...] = ()

    @builtins.property
    def is_region(self) -> bool:
        """Whether there is a region to hit."""
        return math.isfinite(self.lower) or math.isfinite(self.upper)

    def distance(self, value: float) -> float:
        """Distance to the middle of the region, or to its one finite end, on the model's scale."""
        to_scale = math.log if self.prop.scale == "log" else float
        ends = [to_scale(end) for end in (self.lower, self.upper) if math.isfinite(end)]
        return abs(to_scale(value) - sum(ends) / len(ends)) if ends else math.nan

    def shortfall(self, value: float, scale: Scale) -> tuple[float, float]:
        """How far a value is outside the region, and from its middle (0 for one end).

        Of an extreme the second number falls as values become better. Both in model space.

        >>> Target(Property("gap", "eV", "log"), 2.0, 8.0).shortfall(4.0, Scale(True, 0.0, 1.0))
        (0.0, 0.0)
        """
        y, low, high = (
            end
            if math.isinf(end)
            else float(scale.to_model(torch.tensor(end, dtype=torch.float64)))
            for end in (value, self.lower, self.upper)
        )
        closed = math.isfinite(low) and math.isfinite(high)
        middle = abs(y - 0.5 * (low + high)) if closed else 0.0
        return max(low - y, y - high, 0.0), middle - self.sign * y

    def __str__(self) -> str:
        return f"{self._wanted()}{at_words(self.at, self.conditions)}"

    def _wanted(self) -> str:
        name, unit = self.prop.name.replace("_", " "), f" {self.prop.unit}".rstrip()
        if not self.is_region:
            return f"{ ({1: 'largest', -1: 'smallest'}.get(self.sign, 'extreme')) } {name}"
        if math.isinf(self.lower):
            return f"{name} of at most {self.upper:g}{unit}"
        if math.isinf(self.upper):
            return f"{name} of at least {self.lower:g}{unit}"
        return f"{name} between {self.lower:g} and {self.upper:g}{unit}"


def targets_of(
    goals: Sequence[Goal], properties: Sequence[Property], conditions: Sequence[Condition] = ()
) -> tuple[Target, ...]:
    """The goals by property, in the order in which the properties are first named.

    >>> ends = AtLeast("gap", 2.0), AtMost("gap", 2.5)
    >>> [str(target) for target in targets_of(ends, [Property("gap", "eV")])]
    ['gap between 2 and 2.5 eV']
    """
    known = {p.name: p for p in properties}
    merged: dict[str, Target] = {}
    for goal in goals:
        prop = known[goal.property]
        target = merged.get(prop.name, Target(prop, at=goal.at, conditions=tuple(conditions)))
        if isinstance(goal, Maximize | Minimize):
            target = replace(target, sign=1 if isinstance(goal, Maximize) else -1)
        else:
            low, high = max(target.lower, goal.bounds[0]), min(target.upper, goal.bounds[1])
            target = replace(target, lower=low, upper=high)
        merged[goal.property] = target
    return tuple(merged.values())


def with_numbers(goals: Sequence[Goal], rows: Rows) -> tuple[Goal, ...]:
    """The goals with conditions in numbers, in the units of rows, where words give a unit.

    >>> from bayesmat.data import Condition
    >>> rows = Rows(("CCO",), [[300.0]], (Condition("temperature", "K"),))
    >>> with_numbers([AtLeast("Cp", 100.0, at={"temperature": "25 degC"})], rows)[0].at
    {'temperature': 298.15}
    """
    columns = zip(rows.columns, rows.conditions.T, strict=True)
    known = {c.name: (c, values) for c, values in columns if c.categories is None}

    def number(name: str, value: float | str) -> float | str:
        if not isinstance(value, str) or name not in known:
            return value
        condition, values = known[name]
        return float(condition_values(condition, value, values)[0])

    return tuple(replace(g, at={n: number(n, v) for n, v in g.at.items()}) for g in goals)


def at_of(goals: Sequence[Goal]) -> At:
    """The conditions that the goals are meant under; none where they leave that to the rows.

    Raises:
        ModelError: They differ, so that no one row could answer them all.
    """
    given = [goal.at for goal in goals]
    texts = [{name: spelled(value) for name, value in at.items()} for at in given]
    if any(text != texts[0] for text in texts):
        raise ModelError(
            f"the goals are meant under different conditions, {[dict(at) for at in given]}, and a "
            "measurement has one: give all of them the same `at`, or a campaign each."
        )
    return given[0] if given else {}


def aimed(rows: Rows, goals: Sequence[Goal]) -> Rows:
    """The rows under the conditions that the goals are meant under.

    >>> from bayesmat.data import Condition
    >>> T = (Condition("temperature", "K"),)
    >>> goal = AtLeast("Cp", 100.0, at={"temperature": 350})
    >>> aimed(Rows(("CCO",), [[298.15]], T), [goal]).keys
    ('CCO, temperature=350 K',)
    """
    at = at_of(goals)
    if not at:
        return rows
    return rows.under(at)


def applies(rows: Rows, goals: Sequence[Goal]) -> list[bool]:
    """Whether the goals are meant under the conditions of each row."""
    return [a == b for a, b in zip(rows.keys, aimed(rows, goals).keys, strict=True)]


def nearest(
    found: Sequence[Mapping[str, float]],
    targets: Sequence[Target],
    scales: Mapping[str, Scale],
) -> int | None:
    """Which of several materials comes nearest to all targets: the one ranking of results.

    Least outside of the regions first, then nearest to their middles or farthest towards the
    extreme, summed over the targets in model space; the first of equals.

    Args:
        found: Property -> value, of each material; one without a value of each target is not
            ranked.
        targets: What is searched for.
        scales: Property -> scale of the start table as corrected.
    """
    aimed = [target for target in targets if target.is_region or target.sign]
    names = {target.prop.name for target in targets}
    ranked = [i for i, values in enumerate(found) if names <= set(values)] if aimed else []

    def off(i: int) -> tuple[float, float]:
        each = [t.shortfall(found[i][t.prop.name], scales[t.prop.name]) for t in aimed]
        return sum(outside for outside, _ in each), sum(inside for _, inside in each)

    return min(ranked, key=off, default=None)


def goal_words(goal: Goal, table: PropertyTable) -> str:
    """A goal with the units of its table.

    >>> table = PropertyTable(("CCO",), "smiles", (Property("gap", "eV"),), [[1.0]])
    >>> goal_words(Within("gap", 2.0, 2.5), table)
    'gap: Within 2 to 2.5 eV'
    """
    unit = {p.name: f" {p.unit}".rstrip() for p in table.properties}.get(goal.property, "")
    ends = [f"{v:g}" for name, v in vars(goal).items() if name not in ("property", "at")]
    bounds = f" {' to '.join(ends)}{unit}" if ends else ""
    return f"{goal.property}: {type(goal).__name__}{bounds}{at_words(goal.at, table.conditions)}"


def spelled(value: float | str) -> str:
    """A condition as keys write it, so that 1 and "1" name one category.

    >>> spelled(1.0), spelled("1")
    ('1', '1')
    """
    return value if isinstance(value, str) else number_text(value)


def at_words(at: At, conditions: Sequence[Condition] = ()) -> str:
    """Where a goal is meant, in words, numbers with the units of the table's conditions.

    >>> at_words({"temperature": 298.15, "phase": "gas"}, [Condition("temperature", "K")])
    ' at temperature = 298.15 K, phase = gas'
    """
    units = {c.name: f" {c.unit}".rstrip() for c in conditions if c.categories is None}
    said = [
        f"{n} = {spelled(v)}" + units.get(n, "") * (not isinstance(v, str)) for n, v in at.items()
    ]
    return f" at {', '.join(said)}" if said else ""
