"""What is asked: materials, the conditions that they are under, or both."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd

from bayesmat._arguments import array, checked, names
from bayesmat._repr import Shown
from bayesmat.errors import BadCell, DataError

from .given import condition_values, example_of
from .materials import canonical_all
from .properties import Condition

if TYPE_CHECKING:
    from .table import PropertyTable

__all__ = ["Given", "Rows", "number_text", "spans"]

Given = Mapping[str, object] | pd.DataFrame | np.ndarray
_NAMED = 4  # categories that are named one by one
_DIGITS = 12  # of a condition in the key of a row: 25 degC and 298.15 K are one temperature


@dataclass(frozen=True, eq=False, repr=False)
class Rows(Shown, Sequence[str]):
    """What a model is asked about, an oracle answers, a proposal holds: (material, conditions).

    It is a sequence of texts: the materials, or of recipes, which have no material, the keys.
    Whatever reads a list of materials reads this too; a slice is `Rows` again.

    Attributes:
        materials: Canonical, `n`; None for recipes, which consist of conditions alone.
        conditions: Values in the units of `columns`, codes of categories, `n x c`.
        columns: The conditions, `c`.

    Raises:
        DataError: Shapes disagree, or a value is not finite or not the code of a category (all are
            listed).

    >>> temperature = Condition("temperature", "K")
    >>> Rows(("CCO", "CC"), [[298.15], [350.0]], (temperature,)).keys
    ('CCO, temperature=298.15 K', 'CC, temperature=350 K')
    >>> Rows(None, [[0.5]], (Condition("x", ""),)).keys, Rows(("CCO",)).keys
    (('x=0.5',), ('CCO',))
    """

    materials: tuple[str, ...] | None
    conditions: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    columns: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        columns = checked(self.columns, tuple[Condition, ...], "Rows(columns)")
        given = np.array(array(self.conditions, "the conditions"), dtype=np.float64)
        if self.materials is not None:
            object.__setattr__(self, "materials", names(self.materials, "Rows(materials)"))
            if not columns:
                given = np.empty((len(self.materials), 0))
        n = len(given) if self.materials is None else len(self.materials)
        if given.shape != (n, len(columns)):
            raise DataError(
                f"conditions have shape {given.shape}, {(n, len(columns))} is needed: a row for "
                f"each of {n}, a column for each of {[c.name for c in columns]}."
            )
        if cells := bad_conditions(columns, given):
            raise DataError("these conditions are impossible (the first row is 1):", cells)
        given.setflags(write=False)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "conditions", given)

    @staticmethod
    def of(
        table: PropertyTable,
        materials: Sequence[str] | None = None,
        conditions: Given | None = None,
    ) -> Rows:
        """What is asked of a table, in any spelling.

        Args:
            table: Says what a material is, and which conditions there are.
            materials: Any spelling; left out for recipes. `Rows` are taken as they are.
            conditions: By name, or a data frame of such columns: one value for all rows or one for
                each, categories by their names, numbers also with a unit ("25 degC"); or `n x c`
                numbers. Needed if the table has conditions.

        Raises:
            MaterialError: Materials that cannot be read, all at once.
            DataError: Conditions are missing, unknown, too many or impossible.

        >>> from bayesmat.data.table import Property, PropertyTable
        >>> table = PropertyTable(
        ...     None,
        ...     "recipe",
        ...     (Property("y"),),
        ...     [[1.0]],
        ...     conditions=(Condition("x", ""),),
        ...     condition_values=[[0.5]],
        ... )
        >>> Rows.of(table, conditions={"x": [0.1, 0.2]}).keys
        ('x=0.1', 'x=0.2')
        """
        if isinstance(materials, Rows):
            return materials._for(table, conditions)
        keys = None
        if table.kind != "recipe":
            if materials is None:
                raise DataError(f"no material is given: the table holds a {table.kind} in each row")
            keys = canonical_all(materials, table.kind)
        elif materials is not None:
            raise DataError(
                "the table holds recipes, which have no material: leave materials out, and give "
                f"conditions={{{table.conditions[0].name!r}: ...}}."
            )
        n = None if keys is None else len(keys)
        given = _read(table.conditions, conditions, n, table.condition_values)
        return Rows(keys, given, table.conditions)

    def _for(self, table: PropertyTable, conditions: Given | None) -> Rows:
        """These, if they can be asked of a table."""
        if conditions is not None:
            raise DataError("rows have their conditions: leave conditions out, or give materials.")
        if self.columns != table.conditions or (self.materials is None) != (table.kind == "recipe"):
            raise DataError(
                f"the rows have the conditions {list(map(str, self.columns))} of "
                f"{'recipes' if self.materials is None else 'materials'}, the table has "
                f"{list(map(str, table.conditions))} of kind {table.kind!r}: make them with "
                "Rows.of(table, ...)."
            )
        if self.materials is None:
            return self
        return Rows(canonical_all(self.materials, table.kind), self.conditions, self.columns)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The materials; of recipes the keys."""
        return self.keys if self.materials is None else self.materials

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """One text for each row, equal for equal rows: its identity in histories and pools."""
        if not self.columns:
            return self.materials or ()
        columns = [_words(c, v) for c, v in zip(self.columns, self.conditions.T, strict=True)]
        parts = columns if self.materials is None else [list(self.materials), *columns]
        return tuple(map(", ".join, zip(*parts, strict=True)))

    def named(self, i: int) -> dict[str, float | str]:
        """The conditions of one row by name; categories by their names."""
        return {
            c.name: float(v) if c.categories is None else c.categories[int(v)]
            for c, v in zip(self.columns, self.conditions[i], strict=True)
        }

    def frame_columns(self, *, units: bool = False) -> dict[str, list[object]]:
        """What stands in the columns of a frame: material, if there is one, then conditions.

        Args:
            units: Write the units of conditions into the headings.
        """
        named = [self.named(i) for i in range(len(self))]
        first: dict[str, list[object]] = {}
        if self.materials is not None:
            first["material"] = list(self.materials)
        return {
            **first,
            **{
                f"{c.name} [{c.unit}]" if units and c.unit else c.name: [r[c.name] for r in named]
                for c in self.columns
            },
        }

    def under(self, conditions: Mapping[str, float | str]) -> Rows:
        """These rows with some conditions replaced by one value each.

        Raises:
            DataError: There is no such condition or category.
        """
        known = [c.name for c in self.columns]
        if unknown := [name for name in conditions if name not in known]:
            raise DataError(f"conditions {unknown} are unknown: there are {known or 'none'}.")
        given = np.array(self.conditions)
        for name, value in conditions.items():
            j = known.index(name)
            given[:, j] = condition_values(self.columns[j], value, self.conditions[:, j])
        return Rows(self.materials, given, self.columns)

    def distinct(self) -> Rows:
        """Each row once, in the order first seen."""
        first = {key: i for i, key in reversed(list(enumerate(self.keys)))}
        return self if len(first) == len(self) else self.take(sorted(first.values()))

    def without(self, keys: Collection[str]) -> Rows:
        """The rows whose key is none of these."""
        return self.take([i for i, key in enumerate(self.keys) if key not in keys])

    def take(self, rows: Sequence[int] | np.ndarray) -> Rows:
        """Some of the rows, in this order."""
        index = [int(i) for i in rows]
        some = None if self.materials is None else tuple(self.materials[i] for i in index)
        return Rows(some, self.conditions[index], self.columns)

    def __len__(self) -> int:
        return len(self.conditions)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Rows: ...

    def __getitem__(self, index: int | slice) -> str | Rows:
        if isinstance(index, slice):
            some = None if self.materials is None else self.materials[index]
            return Rows(some, self.conditions[index], self.columns)
        return self.texts[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __reduce__(self) -> tuple[type[Rows], tuple[object, ...]]:
        """Copies and pickles are read-only too."""
        return type(self), (self.materials, np.array(self.conditions), self.columns)

    def _facts(self) -> dict[str, object]:
        return {"rows": len(self), "first": self.keys[:4]}


def spans(rows: Rows) -> str:
    """Each condition with the values that it takes, in few digits; empty without conditions.

    >>> T, S = Condition("T", "K"), Condition("solvent", None, ("dmf", "water"))
    >>> spans(Rows(None, [[300, 0], [350, 1]], (T, S)))
    'T [K]: 300 to 350, solvent: dmf, water'
    """
    said = []
    for condition, values in zip(rows.columns, rows.conditions.T, strict=True):
        name = f"{condition.name} [{condition.unit}]" if condition.unit else condition.name
        if condition.categories is not None:
            here = [condition.categories[int(v)] for v in np.unique(values)]
            many = ", ".join(here) if len(here) <= _NAMED else f"{len(here)} categories"
            said.append(f"{name}: {many}")
        elif len(values):
            low, high = f"{values.min():.4g}", f"{values.max():.4g}"
            said.append(f"{name}: {low}{f' to {high}' * (low != high)}")
    return ", ".join(said)


def number_text(value: float) -> str:
    """A condition as keys and messages write it.

    >>> number_text(350.0), number_text(0.1 + 0.2), number_text(-0.0)
    ('350', '0.3', '0')
    """
    return f"{value + 0.0:.{_DIGITS}g}"


def bad_conditions(
    columns: Sequence[Condition], values: np.ndarray, first: int = 1
) -> list[BadCell]:
    """Every value that is not finite or not the code of a category; rows count from `first`."""
    cells = []
    for j, condition in enumerate(columns):
        column = values[:, j]
        wrong = ~np.isfinite(column)
        if condition.unit is None:
            codes = np.where(wrong, 0.0, column)
            n = len(condition.categories or ())
            wrong |= (codes != np.floor(codes)) | (codes < 0) | (codes >= n)
        cells += [
            BadCell(i + first, condition.name, f"{column[i]:g}", "condition unknown or not a code")
            for i in map(int, np.flatnonzero(wrong))
        ]
    return cells


def _words(condition: Condition, values: np.ndarray) -> list[str]:
    if condition.categories is not None:
        texts = [
            json.dumps(name, ensure_ascii=False) if ", " in name and "=" in name else name
            for name in condition.categories  # quoted where it could be read as two conditions
        ]
        return [f"{condition.name}={texts[int(v)]}" for v in values]
    unit = f" {condition.unit}".rstrip()
    return [f"{condition.name}={number_text(v)}{unit}" for v in values.tolist()]


def _read(
    columns: tuple[Condition, ...], given: Given | None, n: int | None, known: np.ndarray
) -> np.ndarray:
    """Values by name or as a matrix as `n x c` numbers."""
    wanted = [c.name for c in columns]
    if given is None:
        given = {}
    if isinstance(given, pd.DataFrame):
        given = {str(name): given[name].to_numpy() for name in given}
    if not isinstance(given, Mapping):
        matrix = array(given, "conditions")
        rows = n if n is not None else (len(matrix) if matrix.ndim else 0)
        if matrix.shape != (rows, len(wanted)):
            raise DataError(
                f"conditions {wanted} need an array of shape {(rows, len(wanted))}, got "
                f"{matrix.shape}: give one row of conditions for each material."
            )
        return matrix
    missing, unknown = [w for w in wanted if w not in given], [g for g in given if g not in wanted]
    if missing or unknown:
        lacking = [f"conditions {missing} are missing"] * bool(missing)
        foreign = [f"conditions {unknown} are unknown"] * bool(unknown)
        raise DataError(
            f"{' and '.join(lacking + foreign)}: the table has {wanted or 'none'}, and each must "
            f"be known wherever something is asked{_example(columns, missing, known)}."
        )
    found = {
        c.name: condition_values(c, given[c.name], seen)
        for c, seen in zip(columns, known.T, strict=True)
    }
    sizes = {len(v) for v in found.values() if len(v) != 1}
    if n is None:
        n = max(sizes, default=1)
    wrong = {name: len(v) for name, v in found.items() if len(v) not in (1, n)}
    if wrong:
        raise DataError(f"conditions have {wrong} values for {n} rows: give one, or one for each.")
    return np.column_stack(
        [np.empty((n, 0)), *(np.broadcast_to(found[name], (n,)) for name in wanted)]
    )


def _example(columns: Sequence[Condition], missing: Sequence[str], known: np.ndarray) -> str:
    """How one of the missing conditions may be given."""
    for condition, values in zip(columns, known.T, strict=True):
        if condition.name in missing:
            return f", as in conditions={{{condition.name!r}: {example_of(condition, values)!r}}}"
    return ""
