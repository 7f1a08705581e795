"""What an update may bring: new cells, while those before stand as they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from bayesmat._counted import counted
from bayesmat.data.table import PropertyTable
from bayesmat.errors import ModelError, listed

__all__ = ["check_additions"]

Cell = tuple[str, tuple[float, ...], str, float, float]


def check_additions(old: PropertyTable, new: PropertyTable) -> None:
    """Refuse a table in which a cell of an older one is missing or changed, or a unit is another.

    A posterior is carried to more data by the likelihood of the new cells alone; a value that was
    corrected or withdrawn would count twice, once as it was and once as it is.

    Args:
        old: The table of the fit.
        new: The table of the update, in any order of rows.

    Raises:
        ModelError: Cells of `old` are not in `new`, or properties or conditions of one name differ
            in unit, scale or categories; they are listed with what stands there now.
    """
    before, after = (
        {p.name: str(p) for p in table.properties} | {c.name: str(c) for c in table.conditions}
        for table in (old, new)
    )
    other = [
        f"{before[name]} in the fit, now {text}"
        for name, text in after.items()
        if before.get(name, text) != text
    ]
    if other:
        raise ModelError(
            "the numbers of this update mean something else than those of the fit. Convert them "
            f"(bm.read_csv does, given the unit of the fit), or fit again:\n{listed(other)}"
        )
    missing = Counter(_cells(old)) - Counter(_cells(new))
    if not missing:
        return
    extra = Counter(_cells(new)) - Counter(_cells(old))
    lines = []
    for cell in missing.elements():
        material, conditions, name, value, sd = cell
        now = [c for c in extra if c[:3] == cell[:3]]
        instead = f"now {_shown(now[0][3], now[0][4])}" if now else "now missing"
        at = f" at {list(conditions)}" if conditions else ""
        lines.append(f"{material!r}{at}, {name!r}: {_shown(value, sd)} in the fit, {instead}")
    cells = counted(len(lines), "cell of the fit", "cells of the fit", verb="are")
    raise ModelError(
        f"an update takes additions only, and {cells} not in the table "
        f"as they were. Fit again (bm.fit) where values were corrected or withdrawn:\n"
        f"{listed(lines)}"
    )


def _cells(table: PropertyTable) -> Iterator[Cell]:
    """Material, conditions, property, value and sd (-1: not stated) of every measured cell."""
    for i, j in np.argwhere(~np.isnan(table.values)).tolist():
        sd = float(table.stds[i, j])
        conditions = tuple(map(float, table.condition_values[i]))
        value = float(table.values[i, j])
        yield (
            table.materials[i],
            conditions,
            table.property_names[j],
            value,
            -1.0 if sd != sd else sd,
        )


def _shown(value: float, sd: float) -> str:
    return f"{value:g}" if sd < 0 else f"{value:g} +- {sd:g}"
