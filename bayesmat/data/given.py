"""Conditions as callers give them: numbers, numbers with a unit in words, names of categories."""

from __future__ import annotations

from numbers import Number

import numpy as np
import pandas as pd

from bayesmat._arguments import array, items
from bayesmat.errors import ArgumentError, DataError

from .properties import Condition
from .quantities import quantities
from .units import converter

__all__ = ["condition_values", "example_of"]

_NOTHING = np.empty(0)


def example_of(condition: Condition, known: np.ndarray = _NOTHING) -> float | str:
    """A value that a condition may have, such as people know it: a middle one of the measured.

    >>> example_of(Condition("temperature", "K"), np.array([300.0, 310.0, 320.0]))
    310.0
    """
    if condition.categories is not None:
        return condition.categories[0]
    finite = np.sort(known[np.isfinite(known)])
    return float(f"{finite[len(finite) // 2]:.6g}") if len(finite) else 1.0


def condition_values(
    condition: Condition,
    given: object,
    known: np.ndarray = _NOTHING,
    written: str | None = None,
) -> np.ndarray:
    """Numbers in the unit of a condition, or codes of its categories, in one dimension.

    Args:
        condition: What they are values of.
        given: One or several; a number may be written with its own unit, "25 degC".
        known: Measured values, for the example in an error.
        written: Unit of numbers without one; by default that of the condition.

    Raises:
        ArgumentError: Something is no number, or its unit measures something else.
        DataError: A category is unknown, or values are nested.

    >>> condition_values(Condition("temperature", "K"), ["25 degC", 300])
    array([298.15, 300.  ])
    """
    unit = condition.unit or ""
    what = f"the condition {condition.name!r}{f' [{unit}]' if unit else ''}"
    if condition.categories is not None:
        column = array(_codes(condition, given), what)
    elif _has_text(given):
        column = _read(condition, what, given, known, written or unit)
    else:
        column = converter(unit if written is None else written, unit)(array(given, what))
    if column.ndim > 1:
        raise DataError(
            f"{what} has values of shape {column.shape}: give one value, or a flat list with one "
            "for each row."
        )
    return np.atleast_1d(column)


def _has_text(given: object) -> bool:
    if isinstance(given, str):
        return True
    several = isinstance(given, list | tuple | np.ndarray | pd.Series)
    return several and any(isinstance(cell, str) for cell in np.asarray(given, dtype=object).flat)


def _read(
    condition: Condition, what: str, given: object, known: np.ndarray, written: str
) -> np.ndarray:
    """Numbers of words."""
    cells = np.atleast_1d(np.asarray(given, dtype=object))
    if cells.ndim > 1:
        return cells
    unit = condition.unit or ""
    values, bad, _ = quantities(cells, written, unit)
    bad += [(int(i), "empty") for i in np.flatnonzero(np.isnan(values)) if i not in dict(bad)]
    if bad:
        wrong = dict.fromkeys(f"{cells[i]!r} ({why})" for i, why in bad)
        example = f"{example_of(condition, known)} {unit}".rstrip()
        raise ArgumentError(
            f"{what} is {', '.join(wrong)}: give numbers, or numbers with a unit, as in "
            f"conditions={{{condition.name!r}: {example!r}}}."
        )
    return values


def _codes(condition: Condition, given: object) -> list[object]:
    """Codes of categories that are given by name; of numbers, too, where names are numbers."""
    is_one = isinstance(given, str | Number | np.generic) or getattr(given, "ndim", 1) == 0
    cells = [given] if is_one else items(given, condition.name)
    plain = [np.asarray(c).item() if getattr(c, "ndim", 1) == 0 else c for c in cells]
    named = condition.categories or ()
    known: dict[object, float] = {name: float(i) for i, name in enumerate(named)}
    has_numbers = any(_number(name) is not None for name in named)
    codes: list[object] = []
    unknown: set[str] = set()
    for cell in plain:
        text = str(cell).strip()
        if text in known:
            codes.append(known[text])
        elif isinstance(cell, str) or has_numbers:
            alike = [] if isinstance(cell, str) else [n for n in named if _number(n) == cell]
            codes += [known[alike[0]]] if len(alike) == 1 else []
            unknown |= {text} if len(alike) != 1 else set()
        else:
            codes.append(cell)
    if unknown:
        raise DataError(
            f"the condition {condition.name!r} knows {list(named)}, not {sorted(unknown)}."
        )
    return codes


def _number(name: str) -> float | None:
    """The number that the name of a category is."""
    try:
        return float(name)
    except ValueError:
        return None
