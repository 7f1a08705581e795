"""Reading and writing tables: every bad row is reported at once, nothing is repaired."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bayesmat._arguments import checked

from ._build import OnInvalid, build
from ._plan import make_plan
from ._raw import frame_raw, read_raw
from ._request import Column, ConditionColumns, PropertyColumns, Request
from .grid import heading, write_grid
from .materials import Kind
from .table import PropertyTable

__all__ = ["Column", "from_frame", "read_csv", "to_csv"]


def read_csv(
    path: str | os.PathLike[str],
    *,
    material: str | None = None,
    kind: Kind | None = None,
    properties: PropertyColumns | None = None,
    conditions: ConditionColumns | None = None,
    group: str | None = None,
    on_invalid: OnInvalid = "raise",
    sheet: str | None = None,
) -> PropertyTable:
    """Read a table of measurements from a comma-separated file in UTF-8, or a workbook (.xlsx).

    Columns are found by their exact label, or by the name before a bracket: the property "gap" is
    found under "gap [hartree]", and that unit is then converted. Empty cells of properties (also
    NaN, NA, N/A, null, None) mean *not measured*. A file written by `to_csv` describes itself.

    What the call leaves out is read from the headings, logged, and kept in `table.assumed`:
    materials in a column called smiles, formula, composition, repeat_unit, psmiles, material or
    name, in any spelling; properties in columns of numbers whose heading says a unit, "Tb [K]",
    "gap (eV)", "T/°C"; their standard deviations in "gap_sd" or "std(gap)"; conditions in
    "@solvent {}", or where they are called temperature or pressure. Numbers without a unit are no
    property until the call says so. What can be read in two ways is an error.

    Args:
        path: The file.
        material: Column of the materials. Where no column holds any and conditions are given, the
            rows are recipes.
        kind: "smiles", "repeat_unit", "composition", "id" or "recipe"; by default what the name of
            the column of materials says, else "smiles".
        properties: Column label to unit ("eV", "log K", "1", "{no|yes}"), Property or Column.
        conditions: Column label to unit, Condition or Column; "{}" takes the categories from the
            file. Conditions must be known in every row.
        group: Column of labels by which rows can be split.
        on_invalid: "raise" stops at bad cells and lists all of them; "drop" leaves out a bad cell
            (the whole row if its material, a condition or its group is bad, or if nothing
            measured is left of it) and records all of it in `table.dropped`.
        sheet: Sheet of a workbook; may be left out where only one holds anything.

    Raises:
        DataError: If the file is empty, in a wrong encoding, or lacks or repeats a column; if a
            unit is unknown; if no row is left; or, with "raise", if any cell is bad.

    Example:
        `read_csv("gaps.csv", material="smiles", properties={"gap": "log eV"})`
    """
    raw = read_raw(Path(checked(path, str | Path, "path")), checked(sheet, str | None, "sheet"))
    plan = make_plan(raw, Request(material, kind, properties, conditions, group))
    return build(raw, plan, on_invalid)


def from_frame(
    frame: pd.DataFrame,
    *,
    material: str | None = None,
    kind: Kind | None = None,
    properties: PropertyColumns | None = None,
    conditions: ConditionColumns | None = None,
    group: str | None = None,
    on_invalid: OnInvalid = "raise",
) -> PropertyTable:
    """Make a table from a data frame; arguments and errors are those of `read_csv`.

    Rows are counted from 2 in messages, as if the frame stood in a spreadsheet below its header.

    >>> frame = pd.DataFrame({"smiles": ["OCC", "CC"], "Tb": [78.4, None]})
    >>> table = from_frame(frame, material="smiles", properties={"Tb": Column("K", unit="degC")})
    >>> table.materials, table.values.tolist()
    (('CCO', 'CC'), [[351.5...], [nan]])
    """
    raw = frame_raw(checked(frame, pd.DataFrame, "frame"))
    plan = make_plan(raw, Request(material, kind, properties, conditions, group))
    return build(raw, plan, on_invalid)


def to_csv(table: PropertyTable, path: str | os.PathLike[str]) -> None:
    """Write a table so that `read_csv(path)` gives the same table again, to the last digit.

    A path that ends with .xlsx is written as a workbook.

    The headings carry what a number alone does not say: "material (smiles)", conditions as
    "@temperature [K]" or "@solvent {dmso|water}", properties as "gap [log eV]" or "state {0|1}",
    "sd(gap) [eV]" where a standard deviation is known, and "group". Empty = not measured.
    `table.dropped` is not part of the table and is not written.

    Raises:
        DataError: The file cannot be written.
    """
    table, path = checked(table, PropertyTable, "table"), checked(path, str | Path, "path")
    header, columns = list[str](), list[Sequence[float | str | None]]()
    if table.kind != "recipe":
        header, columns = [f"material ({table.kind})"], [list(table.materials)]
    for condition, values in zip(table.conditions, table.condition_values.T, strict=True):
        header.append(heading(condition))
        columns.append(_texts(values, condition.categories))
    for prop, values, stds in zip(table.properties, table.values.T, table.stds.T, strict=True):
        header.append(heading(prop))
        columns.append(_texts(values, prop.categories))
        if not np.isnan(stds).all():
            header.append(f"sd({prop.name}) [{prop.unit or 1}]")
            columns.append(_texts(stds, None))
    if table.groups is not None:
        header.append("group")
        columns.append(list(table.groups))
    write_grid(Path(path), header, list(zip(*columns, strict=True)))


def _texts(values: np.ndarray, categories: tuple[str, ...] | None) -> list[float | str | None]:
    if categories is None:
        return [None if np.isnan(v) else float(v) for v in values]
    return [None if np.isnan(v) else categories[int(v)] for v in values]
