"""Cells that hold a number, or a number with a unit of its own: "25 degC" where K is meant."""

from __future__ import annotations

import re

import numpy as np

from bayesmat.errors import DataError

from ._cells import Bad, numbers
from .units import converter, meant_by, sd_converter

__all__ = ["quantities"]

# What follows a number is no unit after a decimal comma ("2,1 eV"), nor of digits alone ("2.1(1)").
_WITH_UNIT = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(?![.,]|[0-9()\s]+$)(\S.*)"
)


def quantities(
    column: np.ndarray, written: str, unit: str, *, of_sds: bool = False
) -> tuple[np.ndarray, Bad, tuple[int, ...]]:
    """Numbers of a column in a unit, the bad cells, and the places that state a unit themselves.

    Args:
        column: Cells.
        written: Unit of the numbers without one.
        unit: Unit of the result.
        of_sds: They are standard deviations, to which offsets (degC to K) do not apply.

    >>> values, bad, stated = quantities(np.array(["25 degC", "300", "warm"]), "K", "K")
    >>> values.tolist(), bad, stated
    ([298.15, 300.0, nan], [(2, 'not a number')], (0,))
    """
    to = sd_converter if of_sds else converter
    plain, bad = numbers(column)
    values, left, stated = to(written, unit)(plain), [], []
    for i, why in bad:
        found = _WITH_UNIT.fullmatch(column[i].strip()) if isinstance(column[i], str) else None
        own = meant_by(found[2], unit) if found else ""
        if found is None or not own:
            left.append((i, why))
            continue
        try:
            value = float(to(own, unit)(np.array([float(found[1])]))[0])
        except DataError:
            left.append((i, f"in {found[2]}, which does not measure the same as {unit or '1'}"))
            continue
        if np.isfinite(value):
            values[i] = value
            stated.append(i)
        else:
            left.append((i, "infinite"))
    return values, left, tuple(stated)
