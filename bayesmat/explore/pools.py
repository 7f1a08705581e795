"""Pools from what a laboratory has: a CSV file, a workbook, a data frame."""

from __future__ import annotations

import os

import pandas as pd

from bayesmat.data.listing import ConditionColumns, OnInvalid, read_listing
from bayesmat.data.materials import Kind
from bayesmat.explore.pool import Pool

__all__ = ["read_pool"]


def read_pool(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    material: str | None = None,
    kind: Kind | None = None,
    conditions: ConditionColumns | None = None,
    sheet: str | None = None,
    on_invalid: OnInvalid = "raise",
) -> Pool:
    """Read what may be asked for: a row is a material, a recipe, or a material under conditions.

    Every other column (name, price, supplier) travels with its row to proposals, sheets and
    reports; no model reads it.

    Args:
        source: A comma-separated file in UTF-8, a workbook (.xlsx), or a data frame.
        material: Column of the materials; found as in `read_csv` where left out.
        kind: "smiles", "repeat_unit", "composition", "id" or "recipe"; by default what the name of
            the column says, else "smiles".
        conditions: Column label to unit, Condition or Column, as in `read_csv`. By default the
            columns marked by "@", and temperature or pressure with a unit; `{}` takes none.
        sheet: Sheet of a workbook; may be left out where only one holds anything.
        on_invalid: "raise" stops at bad cells and lists all of them; "drop" leaves their rows out
            and logs them.

    Raises:
        DataError: The file cannot be read or lacks a column, or cells are bad.

    >>> frame = pd.DataFrame({"SMILES": ["OCC", "CC"], "price": [3.5, 2.0], "name": ["a", "b"]})
    >>> read_pool(frame)
    Pool(number=2, first=CCO, CC, notes=price, name)
    """
    found = read_listing(
        source,
        material=material,
        kind=kind,
        conditions=conditions,
        sheet=sheet,
        on_invalid=on_invalid,
    )
    return Pool(found.materials, found.conditions, found.notes, found.units)
