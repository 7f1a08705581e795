"""Physical units: the one file that knows pint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import pint

from bayesmat.errors import DataError

__all__ = [
    "are_alike",
    "check_unit",
    "converter",
    "has_zero",
    "is_part",
    "is_remark",
    "is_temperature",
    "is_unit",
    "meant_by",
    "misread",
    "sd_converter",
]

_DIMENSIONLESS = ("", "1")
# What pint reads in a way that a materials scientist hardly ever means.
_TWO_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "au": "'hartree' or 'bohr' (pint reads an astronomical unit)",
        "a.u.": "'hartree' or 'bohr' for atomic units, '1' for arbitrary ones",
        "C": "'degC', or 'coulomb' if charge is meant",
        "F": "'degF', or 'farad' if capacitance is meant",
        "k": "'K' (pint reads the Boltzmann constant)",
        "pH": "'1' for a pH (pint reads a picohenry)",
        "mol%": "'%' (pint reads a hundredth of a mole)",
        "mm Hg": "'mmHg'",
        "in Hg": "'inHg'",
    }
)
_LIKELY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"au": ("hartree", "bohr"), "a.u.": ("hartree", "bohr"), "C": ("degC",), "F": ("degF",),
     "k": ("K",), "mol%": ("%",), "mm Hg": ("mmHg",), "in Hg": ("inHg",)}
)  # fmt: skip
_PARTS = frozenset({"%", "percent", "‰", "permille", "ppm"})
_GLUED = re.compile(r"/\s*m[KCsg]\b")
_AFTER_SLASH = re.compile(r"/[^/()]*?[A-Za-z0-9^]\s*(?:\*|·|\s)\s*[A-Za-z°]")
_SIGNS = str.maketrans(
    {"℃": "degC", "℉": "degF", "\u212b": "Å", "º": "°", "˚": "°"}
    | dict.fromkeys("\u00a0\u2009\u202f", " ")
    | dict.fromkeys("−–", "-")
    | dict.fromkeys("⋅∙•", "·")
)
_USUAL = (
    "eV", "meV", "K", "degC", "hartree", "bohr", "debye", "GPa", "MPa", "kPa", "Pa", "torr", "nm",
    "angstrom", "kJ/mol", "kcal/mol", "J/mol", "g/cm^3", "kg/m^3", "g/mol", "mol/L", "kelvin",
)  # fmt: skip
_HINTS: Mapping[str, str] = MappingProxyType(
    {unit.lower(): unit for unit in _USUAL}
    | {"celsius": "degC", "ha": "hartree", "cm-1": "cm^-1", "wt%": "%", "vol%": "%", "at%": "%"}
    | {"pct": "%", "percent": "%", "fahrenheit": "degF", "centigrade": "degC"}
)
# Words of headings that pint takes for units (deci-foot, milliday, fathoms of water).
_REMARKS = frozenset(
    "a b c in at pt u count bit x y as am ct dft md bp water mercury chain link rod hand point "
    "pole pk pts slug grain dot den unit uk".split()
)
_PER_PARTICLE = 96.485


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry:
    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


_DEGREES = re.compile(
    r"(?:\b[Dd]eg(?:rees?|\.)?|°)\s?([CF]|[cf](?=elsius|ahrenheit))(?:elsius|ahrenheit)?\b"
)
_BARE_POWER = re.compile(r"(?<=[A-Za-zµμÅΩ])(-?\d+)(?![\w^])")


def _spelled(unit: str) -> str:
    """With signs that pint lacks replaced, and powers marked as such: cm3, cm-1."""
    unit = _DEGREES.sub(lambda m: f"deg{m[1].upper()}", unit.translate(_SIGNS).strip())
    powered = _BARE_POWER.sub(r"^\1", unit)
    if powered == unit:
        return unit
    try:
        _registry().parse_units(unit)
    except Exception:  # pint's parser raises a dozen types on malformed text
        return powered
    return unit


@lru_cache(maxsize=512)
def _parse(unit: str) -> pint.Unit:
    try:
        return _registry().parse_units(unit)
    except Exception as error:  # pint's parser raises a dozen types on malformed text
        known = _HINTS.get(unit.lower().replace(" ", ""))
        hint = f" Perhaps {known!r}?" if known else ""
        raise DataError(
            f"unknown unit {unit!r}: values could not be compared or converted.{hint} Write a unit "
            "that pint knows, with explicit powers and products, such as 'eV', 'g/cm^3', 'W/(m*K)' "
            "or 'degC'; '1' means dimensionless."
        ) from error


def check_unit(unit: str) -> str:
    """Return the unit without stray blanks, "" for dimensionless, if pint knows it.

    Raises:
        DataError: If the unit is unknown, or can mean two things (C, au, W/m K).

    >>> check_unit(" g/cm3 "), check_unit("1"), check_unit("℃")
    ('g/cm^3', '', 'degC')
    """
    if not isinstance(unit, str):
        raise DataError(f"the unit is {unit!r}; write it as text, such as 'eV', or '1' for none.")
    unit = _spelled(unit)
    if unit in _DIMENSIONLESS:
        return ""
    if unit in _TWO_MEANINGS:
        raise DataError(f"the unit {unit!r} can mean two things: write {_TWO_MEANINGS[unit]}.")
    if _GLUED.search(unit) or _AFTER_SLASH.search(unit):
        raise DataError(
            f"the unit {unit!r} does not say what stands below the line: write brackets, such as "
            "'W/(m*K)' or 'J/(mol*K)'."
        )
    _parse(unit)
    return unit


def is_unit(text: str) -> bool:
    """Whether a remark in a heading is a unit: "°C" is one, "DSC" or a footnote "a" is none.

    >>> [is_unit(text) for text in ("°C", "g/cm^3", "DSC", "HOMO-LUMO", "a")]
    [True, True, False, False, False]
    """
    text = text.translate(_SIGNS).strip()
    if not text or any(map(is_remark, text.split())):
        return False
    if text in _TWO_MEANINGS or text.lower().replace(" ", "") in _HINTS:
        return True
    try:
        _parse(_spelled(text))
    except DataError:
        return bool(_GLUED.search(text))
    return True


def is_temperature(unit: str) -> bool:
    """Whether a valid unit is one of temperature.

    >>> is_temperature("degF"), is_temperature("eV")
    (True, False)
    """
    return bool(unit) and _parse(unit).dimensionality == _parse("K").dimensionality


def is_remark(word: str) -> bool:
    """Whether a word of a heading is a remark, although a unit is called so, too."""
    return word in _REMARKS


def is_part(unit: str) -> bool:
    """Whether a unit is a part of one, such as "%"."""
    return unit in _PARTS


def meant_by(text: str, unit: str) -> str:
    """The unit that a heading means by a text if its property is in a unit; "" if by none.

    >>> meant_by("C", "K"), meant_by("Celsius", "K"), meant_by("C", "eV"), meant_by("DSC", "K")
    ('degC', 'degC', '', '')
    """
    if text in _TWO_MEANINGS:
        likely = _LIKELY.get(text, ())
        return next((one for one in likely if _dimension(one) == _dimension(unit)), "")
    if not is_unit(text):
        return ""
    return _HINTS.get(text.lower().replace(" ", "")) or _spelled(text)


def misread(text: str) -> str:
    """The unit that people mean by a text which pint takes for another one, or "".

    >>> misread("EV"), misread("eV"), misread("cm-1")
    ('eV', '', '')
    """
    meant = _HINTS.get(text.lower().replace(" ", ""), "")
    if not meant or not is_unit(text) or text in _TWO_MEANINGS:
        return ""
    try:
        return "" if _dimension(text) == _dimension(meant) else meant
    except DataError:
        return ""


def _dimension(unit: str) -> object:
    return _parse(check_unit(unit)).dimensionality


def are_alike(one: str, other: str, *, of_sds: bool = False) -> bool:
    """Whether two units measure the same thing by other numbers, so that these can be mistaken.

    >>> are_alike("degC", "K"), are_alike("point", "K"), are_alike("kelvin", "K")
    (True, False, False)
    >>> are_alike("degC", "K", of_sds=True), are_alike("%", "1")
    (False, True)
    """
    if _dimension(one) != _dimension(other):
        return False
    numbers = np.array([0.0, 1.0, 2.0])
    converted = (sd_converter if of_sds else converter)(one, other)(numbers)
    return not np.allclose(converted, numbers, rtol=1e-9, atol=0.0)


def has_zero(unit: str) -> bool:
    """Whether 0 in a unit means nothing at all, so that ratios and logarithms have a meaning.

    >>> has_zero("K"), has_zero("degC")
    (True, False)
    """
    unit = check_unit(unit)
    if not unit:
        return True
    base = _registry().Quantity(np.array([0.0, 1.0, 2.0]), _parse(unit)).to_base_units().magnitude
    return bool(base[0] == 0.0 and np.isclose(base[2], 2 * base[1], rtol=1e-9, atol=0.0))


def _per_particle(source: str, target: str) -> str:
    """A hint where one unit counts a mole and the other a particle."""
    for molar, single in ((source, target), (target, source)):
        if not molar or not single:
            continue
        if _parse(molar).dimensionality == _parse(f"({single})/mol").dimensionality:
            return (
                f" {molar!r} is per mole and {single!r} per particle: for the latter write "
                f"'{single}/particle' (1 eV/particle is {_PER_PARTICLE} kJ/mol), and it is "
                "converted."
            )
    return ""


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
        known = [_HINTS.get(unit.lower(), unit) for unit in (source, target)]
        meant = [
            repr(hint) for hint, unit in zip(known, (source, target), strict=True) if hint != unit
        ]
        hint = f" Perhaps {' and '.join(meant)}?" if meant else ""
        raise DataError(
            f"values in {source or '1'!r} cannot be converted to {target or '1'!r}: the two units "
            "do not measure the same quantity. Correct the unit of the file or of the property."
            + hint
            + _per_particle(source, target)
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
