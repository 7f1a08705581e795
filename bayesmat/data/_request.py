"""What a reader is asked for: the arguments of its call."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bayesmat._arguments import checked, settle
from bayesmat.errors import ArgumentError

from .materials import Kind
from .properties import Condition, Property


@dataclass(frozen=True)
class Column:
    """How a column of a file becomes a property or a condition.

    Attributes:
        quantity: What it becomes, or its unit as in `Property.parse`: "eV", "log K", "{no|yes}".
        unit: Unit of the numbers in the file where it differs; they are converted.
        std: Column of standard deviations, in the unit of the file or of its own heading
            (0 = not known).

    >>> Column("log eV", unit="hartree", std="gap_sd").unit
    'hartree'
    """

    quantity: str | Property | Condition
    unit: str | None = None
    std: str | None = None

    def __post_init__(self) -> None:
        settle(self)


PropertyColumns = Mapping[str, str | Property | Column]
ConditionColumns = Mapping[str, str | Condition | Column]


@dataclass(frozen=True)
class Request:
    """The arguments of a reader."""

    material: str | None
    kind: Kind | None
    properties: PropertyColumns | None
    conditions: ConditionColumns | None
    group: str | None

    def __post_init__(self) -> None:
        for name in ("material", "group"):
            checked(getattr(self, name), str | None, name)
        for name in ("properties", "conditions"):
            _check_columns(getattr(self, name), name)


def _check_columns(given: object, name: str) -> None:
    """Refuse what is no mapping from columns to units."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        one = [given] if isinstance(given, str) or not isinstance(given, Iterable) else [*given]
        label = one[0] if one and isinstance(one[0], str) else "gap"
        raise ArgumentError(
            f"{name} is {given!r}: a unit is part of a quantity, so give a mapping from each "
            f'column to its unit, {name}={{{json.dumps(label, ensure_ascii=False)}: "eV"}}; '
            '"1" stands for no unit, "{no|yes}" for categories.'
        )
    for label, column in given.items():
        checked(label, str, f"a column of {name}")
        checked(column, str | Property | Condition | Column, f"{name}[{label!r}]")
