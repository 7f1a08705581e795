"""Physical units: the one file that knows pint."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pint

from bayesmat.errors import DataError

__all__ = ["check_unit", "converter", "sd_converter"]

_DIMENSIONLESS = ("", "1")


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry:
    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


@lru_cache(maxsize=512)
def _parse(unit: str) -> pint.Unit:
    try:
        return _registry().parse_units(unit)
    except Exception as error:  # pint's parser raises a dozen types on malformed text
        raise DataError(
            f"unknown unit {unit!r}: values could not be compared or converted. Write a unit that "
            "pint knows, with explicit powers and products, such as 'eV', 'g/cm^3', 'W/(m*K)' or "
            "'degC'; '1' means dimensionless."
        ) from error


def check_unit(unit: str) -> str:
    """Return the unit without stray blanks, "" for dimensionless, if pint knows it.

    Raises:
        DataError: If the unit is unknown.

    >>> check_unit(" g/cm^3 "), check_unit("1")
    ('g/cm^3', '')
    """
    unit = unit.strip()
    if unit in _DIMENSIONLESS:
        return ""
    _parse(unit)
    return unit


@lru_cache(maxsize=512)
def converter(source: str, target: str) -> Callable[[np.ndarray], np.ndarray]:
    """Function that converts values in one unit into another.

    Raises:
        DataError: If a unit is unknown or the two do not measure the same thing.

    >>> converter("degC", "K")(np.array([0.0, 100.0]))
    array([273.15, 373.15])
    """
    source, target = check_unit(source), check_unit(target)
    if source == target:
        return lambda values: np.asarray(values, dtype=np.float64)
    start, end = _parse(source), _parse(target)
    if start.dimensionality != end.dimensionality:
        raise DataError(
            f"values in {source or '1'!r} cannot be converted to {target or '1'!r}: the two units "
            "do not measure the same quantity. Correct the unit of the file or of the property."
        )

    def convert(values: np.ndarray) -> np.ndarray:
        quantity = _registry().Quantity(np.asarray(values, dtype=np.float64), start)
        return np.asarray(quantity.to(end).magnitude, dtype=np.float64)

    return convert


def sd_converter(source: str, target: str) -> Callable[[np.ndarray], np.ndarray]:
    """Function that converts standard deviations: offsets (degC to K) do not apply to them.

    Raises:
        DataError: If the conversion is not affine (decibel, pH), so that no factor exists.

    >>> sd_converter("degC", "K")(np.array([2.0]))
    array([2.])
    """
    at = converter(source, target)(np.array([0.0, 1.0, 2.0]))
    steps = np.diff(at)
    if not np.isfinite(at).all() or not np.isclose(steps[0], steps[1], rtol=1e-9, atol=0.0):
        raise DataError(
            f"standard deviations in {source!r} cannot be converted to {target!r}: the conversion "
            "is not linear. Give them in the unit of the property."
        )
    # The exact factor where there is no offset; a difference of offsets loses digits.
    factor = at[1] if at[0] == 0.0 else round(float(steps[0]), 12)
    return lambda values: np.asarray(values, dtype=np.float64) * factor
