"""From raw columns and a plan to a table, or to the list of all cells that stand in the way."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Literal, cast, get_args

import numpy as np

from bayesmat._counted import counted
from bayesmat.errors import BadCell, DataError

from ._cells import codes, fault, found_categories, is_absent, numbers, shown
from ._plan import Plan, Source
from ._raw import Raw
from .materials import another_kind, try_canonical
from .properties import Condition, Property
from .quantities import quantities
from .table import PropertyTable
from .units import converter, sd_converter

OnInvalid = Literal["raise", "drop"]

_LOGGER = logging.getLogger(__name__)


@dataclass
class Faults:
    """Bad cells, and what must go with them."""

    raw: Raw
    cells: list[BadCell] = field(default_factory=list)
    lost_rows: set[int] = field(default_factory=set)
    spoilt_rows: set[int] = field(default_factory=set)

    def add(self, at: int, bad: list[tuple[int, str]], *, loses_row: bool) -> None:
        for i, reason in bad:
            cell = shown(self.raw.columns[at][i])
            self.cells.append(BadCell(int(self.raw.rows[i]), self.raw.header[at], cell, reason))
            (self.lost_rows if loses_row else self.spoilt_rows).add(i)


def build(raw: Raw, plan: Plan, on_invalid: OnInvalid) -> PropertyTable:
    """Make the table of a plan.

    Raises:
        DataError: If cells are bad and not to be dropped, or if nothing is left.
    """
    if on_invalid not in get_args(OnInvalid):
        raise DataError(f"on_invalid is {on_invalid!r}; it must be 'raise' or 'drop'.")
    faults = Faults(raw, list(raw.bad))
    keys, hint = keys_of(faults, plan)
    conditions = [condition_of(faults, source) for source in plan.conditions]
    groups = None if plan.group is None else _labels(faults, plan.group)
    measured = [_measured(faults, source) for source in plan.properties]
    cells = tuple(sorted(faults.cells, key=lambda cell: cell.row))
    if cells and on_invalid == "raise":
        raise DataError(
            f"{counted(len(cells), 'cell')} "
            f"of {raw.source} cannot be used.{hint} Nothing was read; correct "
            "them, or pass on_invalid='drop' to leave them out (row 1 is the header):",
            cells,
        )
    is_measured = ~np.isnan(np.column_stack([values for values, _ in measured])).all(axis=1)
    lost = faults.lost_rows | {i for i in faults.spoilt_rows if not is_measured[i]}
    n = len(raw.rows)
    keep = np.array([i for i in range(n) if i not in lost], dtype=np.intp)
    if not keep.size:
        raise DataError(f"no row of {raw.source} is left to make a table of.{hint}", cells)
    return PropertyTable(
        () if keys is None else tuple(keys[i] for i in keep),
        plan.kind,
        tuple(cast(Property, source.quantity) for source in plan.properties),
        np.column_stack([values for values, _ in measured])[keep],
        np.column_stack([stds for _, stds in measured])[keep],
        tuple(condition for condition, _ in conditions),
        np.column_stack([np.empty((n, 0)), *(values for _, values in conditions)])[keep],
        None if groups is None else tuple(groups[i] for i in keep),
        cells,
        plan.assumed,
    )


def keys_of(faults: Faults, plan: Plan) -> tuple[list[str] | None, str]:
    """Canonical keys, none for recipes, and what else the column seems to hold."""
    if plan.material is None:
        return None, ""
    column = ["" if is_absent(cell) else cell for cell in faults.raw.columns[plan.material]]
    found = try_canonical(column, plan.kind)
    bad = [(i, fault(column[i]) or str(k)) for i, k in enumerate(found) if not isinstance(k, str)]
    faults.add(plan.material, bad, loses_row=True)
    hint = another_kind(column, found, plan.kind)
    n_blank = column.count("")
    if not hint and len(column) - n_blank == len(bad) - n_blank > 1:
        hint = " If they are names or codes, pass kind='id'."
    return [str(key) for key in found], hint


def _labels(faults: Faults, at: int) -> list[str]:
    column = faults.raw.columns[at]
    bad = [(i, "the group is missing") for i, cell in enumerate(column) if is_absent(cell)]
    bad += [(i, reason) for i, cell in enumerate(column) if (reason := fault(cell))]
    faults.add(at, bad, loses_row=True)
    return [str(cell).strip() for cell in column]


def condition_of(faults: Faults, source: Source) -> tuple[Condition, np.ndarray]:
    condition = cast(Condition, source.quantity)
    column = faults.raw.columns[source.at]
    if condition.unit is None:
        if condition.categories is None:
            condition = replace(condition, categories=found_categories(column))
        values, bad = codes(column, condition.categories or ())
    else:
        values, bad, _ = quantities(column, source.unit, condition.unit)
    told = {i for i, _ in bad}
    bad += [
        (int(i), "the condition is missing, so the row cannot be compared with others")
        for i in np.flatnonzero(np.isnan(values))
        if int(i) not in told
    ]
    faults.add(source.at, bad, loses_row=True)
    return condition, values


def _measured(faults: Faults, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Values and standard deviations of a property, in its unit."""
    prop = cast(Property, source.quantity)
    column = faults.raw.columns[source.at]
    if prop.categories is not None:
        values, bad = codes(column, prop.categories)
    else:
        values, bad = numbers(column)
        values = converter(source.unit, prop.unit)(values)
        bad += [(int(i), "infinite after conversion") for i in np.flatnonzero(np.isinf(values))]
    if prop.scale == "log":
        impossible = np.flatnonzero(values <= 0)
        bad += [(int(i), "not positive, and the scale of the property is log") for i in impossible]
    stds, bad_stds = _stds(faults, source, values)
    faults.add(source.at, bad, loses_row=False)
    if source.std is not None:
        faults.add(source.std, bad_stds, loses_row=False)
    spoilt = sorted({i for i, _ in bad + bad_stds})
    values[spoilt] = np.nan
    stds[np.isnan(values)] = np.nan
    return values, stds


def _stds(
    faults: Faults, source: Source, values: np.ndarray
) -> tuple[np.ndarray, list[tuple[int, str]]]:
    if source.std is None:
        return np.full(len(values), np.nan), []
    stds, bad = numbers(faults.raw.columns[source.std])
    bad += [(int(i), "negative standard deviation") for i in np.flatnonzero(stds < 0)]
    stds = sd_converter(source.std_unit, source.quantity.unit or "")(stds)
    n_zero = int(np.count_nonzero(stds == 0))
    if n_zero:
        _LOGGER.warning(
            "%d standard deviations of %r are 0: read as unknown, since no measurement is exact",
            n_zero,
            source.quantity.name,
        )
    return np.where(stds > 0, stds, np.nan), bad
