"""Lists of candidates as a file or a frame holds them: materials, conditions, other columns."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from numbers import Real
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from bayesmat._arguments import checked
from bayesmat._counted import counted
from bayesmat.errors import DataError, listed

from ._assumed import complete, conditions_said
from ._build import Faults, OnInvalid, condition_of, keys_of
from ._cells import is_absent, shown
from ._plan import plan_of
from ._raw import frame_raw, read_raw
from ._request import ConditionColumns, Request
from .materials import Kind

__all__ = ["Listing", "read_listing"]

_LOGGER = logging.getLogger(__name__)
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_REAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MOST_DIGITS = 15  # that a float keeps

Note = str | int | float | None


@dataclass(frozen=True)
class Listing:
    """Rows that may be asked for.

    Attributes:
        materials: Canonical keys; None for recipes.
        kind: What they are.
        conditions: Values by condition, categories by their names.
        units: Units of the conditions that have one.
        notes: Every other column: numbers, text, None where a cell is empty.
    """

    materials: tuple[str, ...] | None
    kind: Kind
    conditions: Mapping[str, tuple[float | str, ...]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)


def read_listing(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    material: str | None = None,
    kind: Kind | None = None,
    conditions: ConditionColumns | None = None,
    sheet: str | None = None,
    on_invalid: OnInvalid = "raise",
) -> Listing:
    """Read a list; the arguments are those of `read_csv`, and what is left out is read alike.

    Raises:
        DataError: The file cannot be read or lacks a column, or cells are bad (all are listed).
    """
    given = checked(source, str | Path | pd.DataFrame, "source")
    if on_invalid not in get_args(OnInvalid):
        raise DataError(f"on_invalid is {on_invalid!r}; it must be 'raise' or 'drop'.")
    if isinstance(given, pd.DataFrame):
        raw = frame_raw(given)
    else:
        raw = read_raw(Path(given), checked(sheet, str | None, "sheet"))
    said = conditions_said(raw) if conditions is None else {}
    at_once = said if kind == "recipe" and conditions is None else conditions
    request, _ = complete(raw, Request(material, kind, {}, at_once, None))
    if conditions is None:
        own = {label: one for label, one in said.items() if label != request.material}
        request = replace(request, conditions=own)
    plan = plan_of(raw, replace(request, properties={}, group=None), ())
    faults = Faults(raw, list(raw.bad))
    keys, hint = keys_of(faults, plan)
    columns = [condition_of(faults, source) for source in plan.conditions]
    kept = _kept(faults, hint, on_invalid)
    used = {plan.material, *(source.at for source in plan.conditions)}
    return Listing(
        None if keys is None else tuple(keys[i] for i in kept),
        plan.kind,
        {c.name: _values(c.categories, values[kept]) for c, values in columns},
        {c.name: c.unit for c, _ in columns if c.unit is not None},
        {
            label: note_column(raw.columns[at][kept])
            for at, label in enumerate(raw.header)
            if at not in used and label
        },
    )


def _kept(faults: Faults, hint: str, on_invalid: OnInvalid) -> np.ndarray:
    cells, raw = tuple(sorted(faults.cells, key=lambda cell: cell.row)), faults.raw
    kept = np.array([i for i in range(len(raw.rows)) if i not in faults.lost_rows], dtype=np.intp)
    if cells and (on_invalid == "raise" or not kept.size):
        raise DataError(
            f"{counted(len(cells), 'cell')} "
            f"of {raw.source} cannot be used.{hint} Correct them, or pass "
            "on_invalid='drop' to leave their rows out (row 1 is the header):",
            cells,
        )
    if cells:
        _LOGGER.warning("%d cells of %s, left out:\n%s", len(cells), raw.source, listed(cells))
    return kept


def _values(categories: tuple[str, ...] | None, values: np.ndarray) -> tuple[float | str, ...]:
    if categories is None:
        return tuple(map(float, values))
    return tuple(categories[int(code)] for code in values)


def note_column(column: np.ndarray) -> tuple[Note, ...]:
    """Cells that no model reads: numbers where all are numbers as people write them, else text.

    >>> note_column(np.array(["3.5", "", "2"], dtype=object)), note_column(np.array(["007", "1"]))
    ((3.5, None, 2.0), ('007', '1'))
    """
    cells = [None if is_absent(cell) else cell for cell in column]
    if all(c is None or (isinstance(c, Real) and not isinstance(c, bool | np.bool_))
           for c in cells):  # fmt: skip
        return tuple(None if c is None else _number(c) for c in cells)
    texts = [
        None if c is None else c.isoformat() if isinstance(c, date) else shown(c).strip()
        for c in cells
    ]
    if all(t is None or _WHOLE.fullmatch(t) for t in texts):
        return tuple(None if t is None else int(t) for t in texts)
    if all(t is None or _is_number(t) for t in texts):
        return tuple(None if t is None else float(t) for t in texts)
    return tuple(texts)


def _is_number(text: str) -> bool:
    digits = re.sub(r"\D", "", text.lower().split("e")[0])
    return (
        bool(_REAL.fullmatch(text))
        and len(digits) <= _MOST_DIGITS
        and bool(np.isfinite(float(text)))
    )


def _number(cell: object) -> Note:
    number = cell.item() if isinstance(cell, np.generic) else cell
    if isinstance(number, int):
        return number
    found = float(str(number))
    return found if np.isfinite(found) else str(found)
