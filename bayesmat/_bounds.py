"""Bounds of the numbers that records are made of, checked where the records are made."""

from __future__ import annotations

import math

from bayesmat.errors import ArgumentError

__all__ = ["at_least"]


def at_least(record: object, least: float, *fields: str, above: bool = False) -> None:
    """Refuse fields of a settled record that are not finite or lie below a bound; None passes.

    Args:
        record: The record.
        least: The smallest value that is allowed; minus infinity asks for a finite number only.
        fields: Names of the fields.
        above: Whether `least` itself is refused, too.

    Raises:
        ArgumentError: A field is NaN, infinite or too small.
    """
    for name in fields:
        value = getattr(record, name)
        is_enough = value is None or (value > least if above else value >= least)
        if is_enough and (value is None or math.isfinite(value)):
            continue
        bound = f" above {least:g}" if above else f" of at least {least:g}"
        raise ArgumentError(
            f"{type(record).__name__}({name}) is {value}: give a finite number"
            f"{bound if math.isfinite(least) else ''}."
        )
