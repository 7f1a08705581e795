"""Candidates from a list: materials, recipes, or materials under conditions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from bayesmat._arguments import checked, items, names
from bayesmat._repr import Shown
from bayesmat.data.given import condition_values
from bayesmat.data.grid import Heading
from bayesmat.data.materials import Kind, canonical_all
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.data.units import check_unit
from bayesmat.errors import ArgumentError, DataError, DesignError
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import Goal, applies, at_of, at_words
from bayesmat.models.base import Fitted

__all__ = ["Pool"]

Columns = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Pool(Shown):
    """A fixed list of candidates: materials in any spelling, conditions, or both row by row.

    Attributes:
        materials: Any iterable of strings, one a row; None for recipes.
        conditions: Condition -> one value for all rows, or one for each, in the units of the
            table. May be left out where the goals say at which conditions they are meant.
        notes: Columns that travel with the rows to proposals, sheets and reports (name, price,
            supplier), a value for each row; no model reads them.
        units: Units of conditions that are in others than the table's; they are converted.

    Raises:
        ArgumentError: Something in it is not text, or columns differ in length.
        DesignError: It is empty.

    >>> Pool(["CCO", "CC"], {"temperature": [300, 350]}, {"price": [3.5, 2]})
    Pool(number=2, first=CCO, CC, conditions=temperature, notes=price)
    """

    materials: tuple[str, ...] | None = None
    conditions: Columns = field(default_factory=dict)
    notes: Columns = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.materials is not None:
            object.__setattr__(self, "materials", names(self.materials, "Pool"))
        units = checked(self.units, Mapping[str, str], "Pool(units)")
        object.__setattr__(self, "units", {name: check_unit(unit) for name, unit in units.items()})
        conditions, notes = (
            {name: _column(values, name) for name, values in checked(given, Columns, what).items()}
            for given, what in (
                (self.conditions, "Pool(conditions)"),
                (self.notes, "Pool(notes)"),
            )
        )
        sizes = {len(column) for column in [*conditions.values(), *notes.values()]} - {1}
        sizes |= {1} if self.materials is None else {len(self.materials)}
        if self.materials is None and len(sizes) > 1:
            sizes -= {1}
        if len(sizes) > 1:
            raise ArgumentError(
                f"the columns of the pool have {sorted(sizes)} values: give one for each row."
            )
        (n,) = sizes
        if not n or (self.materials is None and not conditions):
            raise DesignError("the pool holds no material and no condition: name at least one.")
        for name, columns in (("conditions", conditions), ("notes", notes)):
            full = {k: v * n if len(v) == 1 else v for k, v in columns.items()}
            object.__setattr__(self, name, full)

    @staticmethod
    def grid(materials: Sequence[str] | None = None, conditions: Columns | None = None) -> Pool:
        """Every material under every combination of conditions.

        >>> Pool.grid(["CCO", "CC"], {"temperature": [300, 350, 400]}).size
        6
        """
        axes = {name: _column(values, name) for name, values in (conditions or {}).items()}
        keys = [None] if materials is None else list(names(materials, "Pool"))
        rows = list(product(keys, *axes.values()))
        columns = {name: [row[j] for row in rows] for j, name in enumerate(axes, start=1)}
        return Pool(None if materials is None else tuple(str(row[0]) for row in rows), columns)

    @property
    def size(self) -> int:
        """Number of rows."""
        columns = [*self.conditions.values()] if self.materials is None else [self.materials]
        return len(columns[0])

    @property
    def what(self) -> str:
        """What its rows are, in words."""
        return "rows" if self.conditions else "materials"

    @property
    def digest(self) -> str:
        """Hash of materials and conditions; notes may change."""
        text = "\n".join(self.materials or ())
        if self.conditions:
            text += "\n\n" + json.dumps({k: list(v) for k, v in self.conditions.items()})
        if self.units:
            text += "\n\n" + json.dumps(dict(self.units))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def rows(self, table: PropertyTable, goals: Sequence[Goal] = ()) -> Rows:
        """What may be asked of a table.

        Conditions that the pool lacks are those of the goals; rows under others than the goals are
        meant under are left out.

        Raises:
            MaterialError: Some are no such material; all are listed.
            DataError: Conditions are missing, unknown or impossible.
            DesignError: No row is under the conditions of the goals.
        """
        rows = self._every(table, goals)
        return rows.take(self._meant(rows, goals))

    def _every(self, table: PropertyTable, goals: Sequence[Goal]) -> Rows:
        known = [c.name for c in table.conditions if c.name not in self.conditions]
        unread = {label: Heading.of(label).name for label in self.notes}
        if unread := {label: name for label, name in unread.items() if name in known}:
            name = next(iter(unread.values()))
            raise DataError(
                f"the columns {list(unread)} of the pool are called like conditions of the table, "
                "and were read as notes, which no model sees: name them when the pool is read, "
                f"bm.read_pool(..., conditions={{{name!r}: 'K'}}), with their units or '{{}}' for "
                "categories, or rename them."
            )
        at = {name: value for name, value in at_of(goals).items() if name not in self.conditions}
        keys = None if self.materials is None else _keys(self.materials, table.kind)
        return Rows.of(table, keys, {**self._converted(table), **at})

    def _meant(self, rows: Rows, goals: Sequence[Goal]) -> list[int]:
        """Numbers of the rows that a goal is meant under."""
        found = [i for i, is_meant in enumerate(applies(rows, goals)) if is_meant]
        if not found:
            at = at_words(at_of(goals), rows.columns)
            raise DesignError(
                f"the goals are meant{at}, and none of the {self.size} rows of the pool is, so "
                "that no measurement could meet them. Add rows under these "
                "conditions, leave these conditions out of the pool (its materials are then asked "
                "under the goals'), or leave `at` out of the goals."
            )
        return found

    def _converted(self, table: PropertyTable) -> dict[str, Any]:
        """Conditions in the units of a table."""
        found = dict(self.conditions)
        for condition, known in zip(table.conditions, table.condition_values.T, strict=True):
            name = condition.name
            if name in found and name in self.units and condition.unit is not None:
                found[name] = condition_values(condition, found[name], known, self.units[name])
        return found

    def __call__(
        self, fitted: Fitted, goals: Sequence[Goal], *, exclude: Collection[str], seed: int
    ) -> Candidates:
        """The pool without what is excluded."""
        rows = self._every(fitted.table, goals)
        first = {key: i for i, key in reversed(list(enumerate(rows.keys)))}
        kept = [
            i
            for i in self._meant(rows, goals)
            if first[rows.keys[i]] == i and rows.keys[i] not in exclude
        ]
        if not kept:
            raise DesignError(
                f"every one of the {self.size} {self.what} of the pool "
                "has been used or excluded. To go on with a larger pool, call "
                "Campaign.carry_over(url, prior=..., candidates=bm.Pool(...), reason=...)."
            )
        notes = {name: tuple(column[i] for i in kept) for name, column in self.notes.items()}
        source = {"source": f"pool of {self.size}"}
        return Candidates(rows.take(kept), source, notes=notes)

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {"number": self.size}
        if self.materials is not None:
            facts["first"] = self.materials[:4]
        return facts | {k: list(v) for k, v in vars(self).items() if k != "materials" and v}


def _column(values: object, name: str) -> tuple[Any, ...]:
    """One value or several, as a tuple of Python's own numbers and texts."""
    several = not isinstance(values, str) and isinstance(values, Iterable)
    found = items(values, name) if several else [values]
    return tuple(v.item() if isinstance(v, np.generic) else v for v in found)


@lru_cache(maxsize=4)
def _keys(materials: tuple[str, ...], kind: Kind) -> tuple[str, ...]:
    """Half a millisecond a molecule, and every round asks."""
    return canonical_all(materials, kind)
