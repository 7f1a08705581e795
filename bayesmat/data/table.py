"""The property table: (material, conditions) x properties, NaN where nothing was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import pandas as pd
import torch

from bayesmat._arguments import array, checked, names
from bayesmat._counted import counted
from bayesmat._repr import sheet
from bayesmat.errors import ArgumentError, BadCell, DataError

from .drawing import structures
from .materials import Kind, canonical_all
from .observations import Observations, Scale
from .properties import Condition, Property
from .rows import Given, Rows, bad_conditions, spans

__all__ = ["Condition", "Observations", "Property", "PropertyTable", "Scale"]


Labels = tuple[str, ...] | None


def _matrix(values: object, shape: tuple[int, int], what: str) -> np.ndarray:
    matrix = np.array(array(values, what))
    if matrix.shape != shape:
        raise DataError(f"{what} have shape {matrix.shape}, but {shape} is needed (rows, columns).")
    matrix.setflags(write=False)
    return matrix


def _where(mask: np.ndarray) -> list[int]:
    return [int(i) for i in np.flatnonzero(mask)]


def _index(rows: object) -> np.ndarray:
    """Rows as an array; what is none, ragged or masked, has a kind that no index has."""
    try:
        index = np.asarray(None if np.ma.is_masked(rows) else rows)
    except ValueError:
        index = np.asarray(None)
    return index if index.size else index.astype(np.intp).reshape(-1)


def _nothing() -> np.ndarray:
    return np.empty((0, 0))


def _bad_values(prop: Property, y: np.ndarray, sd: np.ndarray) -> list[tuple[int, str]]:
    """Row index and reason of every impossible value of one property."""
    bad = [(i, "infinite") for i in _where(np.isinf(y))]
    if prop.scale == "log":
        bad += [(i, "not positive, and the scale is log") for i in _where(y <= 0)]
    if prop.categories is not None:
        codes = np.where(np.isnan(y), 0.0, y)
        wrong = (codes != np.floor(codes)) | (codes < 0) | (codes >= len(prop.categories))
        bad += [(i, "not the code of a category") for i in _where(wrong & ~np.isinf(y))]
    known = ~np.isnan(sd)
    if prop.categories is not None:
        bad += [(i, "a class has no standard deviation") for i in _where(known)]
    bad += [
        (i, f"standard deviation {sd[i]:g} is not positive and finite (unknown is NaN)")
        for i in _where(known & ~((sd > 0) & np.isfinite(sd)))
    ]
    bad += [(i, "standard deviation without a value") for i in _where(known & np.isnan(y))]
    return bad


@dataclass(frozen=True, eq=False)
class PropertyTable:
    """Measurements of materials: rows are (material, conditions), columns are properties.

    NaN means *not measured*; it is never filled in. Several rows of one material under the same
    conditions are replicates. Arrays are copied and read-only. Build tables with
    `bayesmat.read_csv` or `bayesmat.from_frame`, which convert units and report bad rows.

    Attributes:
        materials: Keys of the rows, `n`; any spelling is brought to the canonical one. None makes
            a table of recipes, whose rows are told apart by their conditions, written as text.
        kind: What the keys are: "smiles", "repeat_unit", "composition", "id" or "recipe".
        properties: Columns of `values`, `m`.
        values: Physical values in the units of the properties, `n x m`; codes of categories.
        stds: Standard deviations of `values`, `n x m`; NaN where unknown.
        conditions: Columns of `condition_values`, `c`.
        condition_values: Physical values or codes of the conditions, `n x c`, all known.
        groups: A label per row to split by (a laboratory, a class), or None.
        dropped: What a reader with `on_invalid="drop"` left out.
        assumed: What a reader took for granted because its call did not say, in sentences.

    Raises:
        MaterialError: If materials cannot be read; all are listed.
        DataError: If shapes disagree, names repeat, or values are impossible (all are listed).

    >>> table = PropertyTable(("CCO", "CC"), "smiles", (Property("Tb", "K"),), [[351.4], [184.6]])
    >>> table.n_rows, table.property_names
    (2, ('Tb',))
    """

    materials: tuple[str, ...]  # None is given for recipes, and replaced by their keys
    kind: Kind
    properties: tuple[Property, ...]
    values: np.ndarray
    stds: np.ndarray = field(default_factory=_nothing)
    conditions: tuple[Condition, ...] = ()
    condition_values: np.ndarray = field(default_factory=_nothing)
    groups: tuple[str, ...] | None = None
    dropped: tuple[BadCell, ...] = ()
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in (
            ("properties", tuple[Property, ...]),
            ("conditions", tuple[Condition, ...]),
            ("groups", tuple[str, ...] | None),
            ("dropped", tuple[BadCell, ...]),
            ("assumed", tuple[str, ...]),
        ):
            given = checked(getattr(self, name), kind, f"PropertyTable({name})")
            object.__setattr__(self, name, given)
        object.__setattr__(self, "materials", self._read_keys())
        n, m, c = len(self.materials), len(self.properties), len(self.conditions)
        names = [p.name for p in self.properties] + [c.name for c in self.conditions]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise DataError(f"properties or conditions share the names {repeated}; rename them.")
        if self.groups is not None and len(self.groups) != n:
            raise DataError(f"{len(self.groups)} group labels for {n} rows; give one per row.")
        if self.groups is not None and not all(label.strip() for label in self.groups):
            raise DataError("some group labels are blank; such rows could not be told apart.")
        unknown = _nothing().shape
        stds = array(self.stds, "standard deviations")
        stds = stds if stds.shape != unknown else np.full((n, m), np.nan)
        given = array(self.condition_values, "condition values")
        given = given if given.shape != unknown else np.full((n, c), np.nan)
        for name, matrix in (
            ("values", _matrix(self.values, (n, m), "values")),
            ("stds", _matrix(stds, (n, m), "standard deviations")),
            ("condition_values", _matrix(given, (n, c), "condition values")),
        ):
            object.__setattr__(self, name, matrix)
        self._check_cells()

    def _read_keys(self) -> tuple[str, ...]:
        """Canonical keys of the materials; of recipes, their conditions in words."""
        if self.kind != "recipe":
            if self.materials is None:
                raise DataError(
                    f"a table of kind {self.kind!r} needs materials: give strings, one a row."
                )
            return canonical_all(self.materials, self.kind)
        if not self.conditions:
            raise DataError("recipes consist of conditions, and there are none: name at least one.")
        shape = (len(array(self.values, "values")), len(self.conditions))
        given = _matrix(self.condition_values, shape, "condition values")
        if bad_conditions(self.conditions, given):
            return ("",) * shape[0]  # _check_cells lists what is wrong
        return Rows(None, given, self.conditions).keys

    def _check_cells(self) -> None:
        cells = [
            BadCell(i + 2, prop.name, f"{self.values[i, j]:g}", reason)
            for j, prop in enumerate(self.properties)
            for i, reason in _bad_values(prop, self.values[:, j], self.stds[:, j])
        ]
        cells += bad_conditions(self.conditions, self.condition_values, first=2)
        if cells:
            raise DataError("the table holds impossible values (first row of data is 2):", cells)

    @property
    def rows(self) -> Rows:
        """Materials and conditions of the rows: what a model of this table is asked about."""
        materials = None if self.kind == "recipe" else self.materials
        return Rows(materials, self.condition_values, self.conditions)

    @property
    def n_rows(self) -> int:
        """Number of rows, n."""
        return len(self.materials)

    @property
    def property_names(self) -> tuple[str, ...]:
        """Names in column order."""
        return tuple(p.name for p in self.properties)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Map of each property to model space, from the measured cells; identity for categories."""
        return tuple(
            Scale(False, 0.0, 1.0) if p.categories else Scale.of(column, log=p.scale == "log")
            for p, column in zip(self.properties, self.values.T, strict=True)
        )

    def observations(self, scales: Sequence[Scale] | None = None) -> Observations:
        """Measured cells in long form and model space, row by row.

        Args:
            scales: One per property; the table's own where None. Give the training table's when
                this table is held out.

        Raises:
            DataError: If there is not one scale per property.
        """
        scales = self.scales if scales is None else checked(scales, tuple[Scale, ...], "scales")
        if len(scales) != len(self.properties):
            raise DataError(f"{len(scales)} scales for {len(self.properties)} properties.")
        y = torch.full(self.values.shape, torch.nan, dtype=torch.float64)
        yvar = y.clone()
        values, stds = torch.from_numpy(self.values.copy()), torch.from_numpy(self.stds.copy())
        for j, scale in enumerate(scales):
            y[:, j] = scale.to_model(values[:, j])
            yvar[:, j] = scale.sd_to_model(values[:, j], stds[:, j]) ** 2
        rows, columns = torch.nonzero(~values.isnan(), as_tuple=True)
        return Observations(
            rows, columns, y[rows, columns], yvar[rows, columns], self.n_rows, self.property_names
        )

    def subset(self, rows: Sequence[int] | np.ndarray) -> PropertyTable:
        """Table of these rows (indices, or a mask of n booleans), in this order.

        Raises:
            DataError: If a mask is of another length, or the table has no such row.
        """
        index = self.row_numbers(rows)
        return replace(
            self,
            materials=tuple(self.materials[i] for i in index),
            values=self.values[index],
            stds=self.stds[index],
            condition_values=self.condition_values[index],
            groups=None if self.groups is None else tuple(self.groups[i] for i in index),
        )

    def row_numbers(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Numbers from 0 of these rows: of indices (-1 is the last row), or a mask of n booleans.

        Raises:
            DataError: If a mask is of another length, or the table has no such row.
        """
        index = _index(rows)
        if index.dtype.kind not in "iub" or index.ndim != 1:
            raise ArgumentError(
                "rows must be a list of row numbers, like [0, 2], or a mask of True and False, one "
                f"for each row; got {rows!r}."
            )
        if index.dtype == np.bool_:
            if index.shape != (self.n_rows,):
                raise DataError(f"a mask of shape {index.shape} cannot select {self.n_rows} rows.")
            index = np.flatnonzero(index)
        if absent := [int(i) for i in index if not -self.n_rows <= i < self.n_rows]:
            raise DataError(f"there are no rows {absent[:20]}; the table has {self.n_rows} rows.")
        return np.arange(self.n_rows)[index]

    def select(self, properties: Sequence[str]) -> PropertyTable:
        """Table of these properties, in this order.

        Raises:
            DataError: If the table lacks one of them.
        """
        columns = [self._column(name) for name in names(properties, "properties")]
        return replace(
            self,
            properties=tuple(self.properties[j] for j in columns),
            values=self.values[:, columns],
            stds=self.stds[:, columns],
        )

    def append(
        self,
        materials: Sequence[str] | None,
        values: Mapping[str, Sequence[float] | float] | np.ndarray,
        stds: Mapping[str, Sequence[float] | float] | np.ndarray | None = None,
        *,
        conditions: Given | None = None,
        groups: Sequence[str] | None = None,
    ) -> PropertyTable:
        """Table with these rows below its own.

        Args:
            materials: Keys of the table's kind, canonical or not, `k`, or `Rows`; None for recipes.
            values: Physical values per property, or `k x m`; a property left out is not measured.
            stds: Their standard deviations; unknown where left out.
            conditions: Values by condition (categories by name), or `k x c`; needed if the table
                has any.
            groups: Labels, needed if the table has any.

        Raises:
            DataError: If a material or value is impossible, or conditions or groups are lacking.
        """
        rows = Rows.of(self, materials, conditions)
        n = len(rows)
        if (groups is None) != (self.groups is None):
            raise DataError("give `groups` for appended rows exactly when the table has groups.")
        of_rows = checked(groups, Labels, "groups")
        return replace(
            self,
            materials=(*self.materials, *rows.texts),
            values=np.vstack([self.values, _columns(values, self.property_names, n)]),
            stds=np.vstack([self.stds, _columns(stds, self.property_names, n)]),
            condition_values=np.vstack([self.condition_values, rows.conditions]),
            groups=None if of_rows is None else (*(self.groups or ()), *of_rows),
        )

    def check_continuous(self, names: Sequence[str]) -> None:
        """Refuse properties with categories: models here read numbers, and codes are none.

        Raises:
            DataError: Some of the named properties have categories; all are listed.
        """
        classes = [p for p in self.properties if p.name in names and p.categories is not None]
        if classes:
            listed = "; ".join(f"{p.name!r} ({', '.join(p.categories or ())})" for p in classes)
            raise DataError(
                f"there is no likelihood for classes yet, and the codes 0, 1, 2 ... of {listed} "
                "would be fitted as if they were measured numbers. Leave the property out of the "
                "prior, or make it a condition."
            )

    def to_frame(self) -> pd.DataFrame:
        """Data frame in physical units.

        Columns: material, the conditions, then each property followed by `sd(name)` where any
        standard deviation is known, and group. Categories appear by name.
        """
        frame: dict[str, object] = {**self.rows.frame_columns()}
        for prop, column, sd in zip(self.properties, self.values.T, self.stds.T, strict=True):
            frame[prop.name] = _names(column, prop.categories)
            if not np.isnan(sd).all():
                frame[f"sd({prop.name})"] = sd
        if self.groups is not None:
            frame["group"] = list(self.groups)
        return pd.DataFrame(frame)

    def _column(self, name: str) -> int:
        if name not in self.property_names:
            raise DataError(f"the table has no property {name!r}; it has {self.property_names}.")
        return self.property_names.index(name)

    def __reduce__(self) -> tuple[type[PropertyTable], tuple[object, ...]]:
        """Copies and pickles are checked again, and their arrays are read-only too."""
        return type(self), tuple(getattr(self, f.name) for f in fields(self))

    def __repr__(self) -> str:
        cells = ", ".join(
            f"{p.label}: {np.count_nonzero(~np.isnan(v))}"
            for p, v in zip(self.properties, self.values.T, strict=True)
        )
        said = f"; assumed: {'; '.join(self.assumed)}" if self.assumed else ""
        under = spans(self.rows)
        rows = f"{counted(self.n_rows, 'row')} of {self.kind}"
        kind = f"{rows}{f'; conditions {under}' * bool(under)}"
        return f"PropertyTable({kind}; measured {cells or 'nothing'}{said})"

    def _repr_html_(self) -> str:
        units = {p.name: p.unit for p in self.properties if p.unit}
        units |= {c.name: c.unit for c in self.conditions if c.unit}
        units |= {f"sd({name})": unit for name, unit in units.items()}
        frame = self.to_frame()
        frame.columns = [f"{n} [{units[n]}]" if n in units else n for n in frame.columns]
        note = f"{counted(self.n_rows, 'row')} of {self.kind}; – = not measured"
        pictures = structures(self.materials, self.kind)
        return sheet(frame, caption="; ".join([note, *self.assumed]), pictures=pictures)


def _names(column: np.ndarray, categories: tuple[str, ...] | None) -> object:
    if categories is None:
        return column
    return [None if np.isnan(code) else categories[int(code)] for code in column]


def _columns(
    given: Mapping[str, Sequence[float] | float] | np.ndarray | None, names: tuple[str, ...], n: int
) -> np.ndarray:
    """Matrix `n x len(names)` of what was given by name, NaN elsewhere."""
    if given is None:
        return np.full((n, len(names)), np.nan)
    if isinstance(given, pd.DataFrame):
        given = {str(name): given[name].to_numpy() for name in given}
    if not isinstance(given, Mapping):
        return _matrix(given, (n, len(names)), "appended values")
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise DataError(f"the table has no columns {unknown}; it has {names}.")
    matrix = np.full((n, len(names)), np.nan)
    for name, column in given.items():
        cells = np.atleast_1d(array(column, f"values of {name!r}"))
        if cells.shape != (n,):
            raise DataError(f"{name!r} has shape {cells.shape} for {n} appended materials.")
        matrix[:, names.index(name)] = cells
    return matrix
