"""Mistakes with which values are entered, how common they are, and how to undo them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

import numpy as np

from bayesmat.data.units import converter
from bayesmat.errors import DataError

__all__ = ["Slip", "best_slip", "slips"]

ACCEPTED = 1.96
GENUINE = 0.5  # prior probability that a contradicted value is no slip
WIDE = 3.0  # scale, in predictive sds, of the Cauchy distribution of genuine outliers
_SISTERS = (
    ("K", "degC", "degF"),
    ("Pa", "kPa", "MPa", "GPa", "bar", "atm", "mmHg", "psi"),
    ("pm", "angstrom", "bohr", "nm"),
    ("s", "min", "h"),
)
_RARE = {"degF", "psi", "pm", "bohr", "meV", "1/cm"}
_ENERGIES = {
    "eV": 1.0, "meV": 1000.0, "hartree": 1 / 27.211386, "kJ/mol": 96.48533,
    "kcal/mol": 23.06055, "J/mol": 96485.33, "1/cm": 8065.544,
}  # fmt: skip


@dataclass(frozen=True)
class Slip:
    """A way in which a value can have been entered wrongly, and how to undo it."""

    name: str
    undo: Callable[[float], float]
    weight: float = 1.0


def _times(factor: float) -> Callable[[float], float]:
    return lambda y: y * factor


def _over(factor: float) -> Callable[[float], float]:
    return lambda y: y / factor


def _plus(shift: float) -> Callable[[float], float]:
    return lambda y: y + shift


@lru_cache(maxsize=64)
def slips(unit: str) -> tuple[Slip, ...]:
    """Mistakes that are plausible for values in a unit, with how common each is."""
    found = [*_unit_slips(unit)]
    scale = 0.2 if unit in _SISTERS[0] else 1.0  # nobody mistakes K for mK
    for k, weight in ((1, 1.0), (2, 0.3), (3, 1.0), (6, 0.3)):
        size = f"{10**k}" if k < 4 else f"10^{k}"
        found.append(Slip(f"{size} times too large", _over(10.0**k), scale * weight))
        found.append(Slip(f"{size} times too small", _times(10.0**k), scale * weight))
    found.append(Slip("entered with the wrong sign", lambda y: -y, 0.3))
    found.append(
        Slip(
            "entered as its logarithm (base 10)",
            lambda y: 10**y if abs(y) < 30 else math.nan,
            0.3,
        )
    )
    found.append(
        Slip(
            "entered as its natural logarithm",
            lambda y: math.exp(y) if abs(y) < 60 else math.nan,
            0.3,
        )
    )
    return tuple(found)


def _unit_slips(unit: str) -> Iterator[Slip]:
    for family in _SISTERS:
        for other in family:
            change = _change(other, unit)
            if change is not None:
                yield Slip(f"entered in {other}", change, 0.1 if other in _RARE else 1.0)
    if unit in _ENERGIES:
        for other, size in _ENERGIES.items():
            if other != unit:
                factor = _ENERGIES[unit] / size
                weight = 0.3 if other in _RARE else 1.0
                yield Slip(f"entered in {other}", _times(factor), weight)
    elif "J" in unit or "cal" in unit:
        yield Slip("entered in calories instead of joules", lambda y: y * 4.184)
        yield Slip("entered in joules instead of calories", lambda y: y / 4.184)


def _change(source: str, target: str) -> Callable[[float], float] | None:
    if source == target or not target:
        return None
    try:
        convert = converter(source, target)
    except DataError:
        return None
    return lambda y: float(convert(np.array([y]))[0])


def _swaps(value: float) -> Iterator[Slip]:
    """Neighbouring digits of a value that may have been typed in the wrong order."""
    sign, digits, exponent = Decimal(f"{value:.6g}").as_tuple()
    last = int(exponent) + len(digits) - 2
    pairs = [(i, b - a) for i, (a, b) in enumerate(pairwise(digits)) if a != b and (i or b)]
    for i, apart in pairs:
        shift = (-1) ** sign * 9 * apart * 10.0 ** (last - i)
        yield Slip("two digits swapped", _plus(shift), 0.3 / len(pairs))


def best_slip(value: float, z: Callable[[float], float], unit: str) -> tuple[Slip | None, float]:
    """The slip that explains a value best, and its probability against a genuine outlier.

    Densities are of the z that the stored value has, so that a slip which maps much onto little
    (a logarithm, a power of ten) pays for it by its slope. A genuine outlier is as probable
    beforehand as a slip, and Cauchy about the prediction, with a scale of 3 sds.

    Args:
        value: As it was entered.
        z: Standardised error that a value would have; infinite if it cannot be.
        unit: Unit of the value.

    Returns:
        The slip, or None if none brings the value inside the central 95 %.
    """
    step = 1e-4 * abs(value) if value else 1e-10

    def slope(f: Callable[[float], float]) -> float:
        return abs(z(f(value + step)) - z(f(value - step)))

    possible = [
        slip for slip in [*slips(unit), *_swaps(value)] if math.isfinite(z(slip.undo(value)))
    ]
    total = sum(slip.weight for slip in possible)
    genuine = GENUINE / (math.pi * WIDE * (1 + (z(value) / WIDE) ** 2))
    best, most = None, 0.0
    for slip in possible:
        apart = z(slip.undo(value))
        if abs(apart) > ACCEPTED:
            continue
        density = math.exp(-0.5 * apart**2) / math.sqrt(2 * math.pi)
        density *= slope(slip.undo) / slope(lambda y: y)
        weight = (1 - GENUINE) * slip.weight / total * density
        if weight > most:
            best, most = slip, weight
    return best, most / (most + genuine)
