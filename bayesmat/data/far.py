"""Conditions far outside of all that was measured, and the slip that would explain them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from bayesmat.data.properties import Condition
from bayesmat.data.rows import Rows
from bayesmat.data.slips import Slip, slips
from bayesmat.errors import SurprisingValue

__all__ = ["far_conditions", "warn_far"]

_FAR = 3.0  # spans of the measured values beyond their ends
_FAR_SLIP = 1.0  # the same, where another unit explains it
_NEAR = 0.25  # spans beyond the ends that an undone slip may leave
_ROUGH = 0.02  # of the value, where all were measured at one


def far_conditions(measured: Rows, asked: Rows) -> tuple[str, ...]:
    """A sentence for each condition of which some row lies far outside of the measured ones.

    Far is more than three times the measured span beyond its end; one span is enough where the
    value in another unit lies among the measured ones.

    Args:
        measured: The rows of the table.
        asked: Rows with the same conditions.

    >>> T = (Condition("temperature", "degC"),)
    >>> far_conditions(Rows(("C", "C"), [[10.0], [70.0]], T), Rows(("C",), [[298.15]], T))
    ('temperature 298.15 degC lies far outside of the measured 10 to 70 degC: 25 degC (entered in \
K)?',)
    """
    if not len(measured):
        return ()
    columns = enumerate(asked.columns)
    return tuple(
        said
        for j, condition in columns
        if condition.categories is None
        for said in _said(condition, measured.conditions[:, j], asked.conditions[:, j])
    )


def warn_far(measured: Rows, asked: Rows) -> None:
    """Say what `far_conditions` finds as `SurprisingValue` warnings of the caller's caller."""
    for said in far_conditions(measured, asked):
        warnings.warn(said, SurprisingValue, stacklevel=3)


def _said(condition: Condition, known: np.ndarray, asked: np.ndarray) -> Iterator[str]:
    low, high = float(known.min()), float(known.max())
    beyond = np.maximum(low - asked, asked - high)
    value = float(asked[np.argmax(beyond)]) if len(asked) else low
    excess = float(beyond.max(initial=0.0))
    slip = _slip(condition, value, low, high) if excess > _FAR_SLIP * (high - low) else None
    is_far = high > low and excess > _FAR * (high - low)
    if slip is None and not is_far:
        return
    unit = f" {condition.unit}".rstrip()
    ends = f"{low:.5g}{f' to {high:.5g}' if high > low else ''}{unit}"
    hint = f": {slip.undo(value):.5g}{unit} ({slip.name})?" if slip else "."
    yield f"{condition.name} {value:.5g}{unit} lies far outside of the measured {ends}{hint}"


def _slip(condition: Condition, value: float, low: float, high: float) -> Slip | None:
    """The likeliest unit that brings a value among the measured ones."""
    near, middle = _NEAR * (high - low) or _ROUGH * abs(low), 0.5 * (low + high)
    explaining = [
        slip
        for slip in slips(condition.unit or "")
        if slip.name.startswith("entered in ") and low - near <= slip.undo(value) <= high + near
    ]
    return max(explaining, key=lambda s: (s.weight, -abs(s.undo(value) - middle)), default=None)
