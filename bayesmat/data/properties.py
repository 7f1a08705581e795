"""Properties and conditions: named quantities with a unit or with categories."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from bayesmat._arguments import checked, settle
from bayesmat.errors import DataError

from .units import check_unit, has_zero

__all__ = ["Condition", "Property"]

RESERVED = ("group", "material")
_BRACKETS = ("]", "}")
_OTHER_LOG = re.compile(r"(?:log|ln|lg)(?:10|2|e)?\s*[\s(](?P<unit>[^\s()].*?)\)?$", re.IGNORECASE)


def _check_name(name: str, what: str) -> None:
    reason = ""
    if not name or name != name.strip():
        reason = "it is empty or has blanks around it"
    elif name in RESERVED:
        reason = "the table uses this word for a column of its own"
    elif name.startswith("@") or name.startswith("sd("):
        reason = "files mark conditions with '@' and standard deviations with 'sd('"
    elif name.endswith(_BRACKETS):
        reason = "files write the unit or categories in brackets after the name; leave them out"
    elif "\n" in name or "\r" in name:
        reason = "it spans several lines"
    elif any("\ud800" <= c <= "\udfff" or c == "\0" for c in name):
        reason = "it holds what is no character"
    if reason:
        raise DataError(f"{name!r} cannot name a {what}: {reason}. Choose another name.")


def _check_categories(name: str, categories: tuple[str, ...]) -> None:
    bad = [c for c in categories if not c or c != c.strip() or any(s in c for s in "|{}\n\r")]
    if bad:
        raise DataError(
            f"categories {bad} of {name!r} cannot be written to a file: they are empty, have "
            "blanks around them, or contain one of | { }. Rename them."
        )
    if not categories or len(set(categories)) != len(categories):
        raise DataError(f"{name!r} needs distinct categories, got {list(categories)}.")


@dataclass(frozen=True)
class Property:
    """A named quantity that can be measured: continuous with a unit, or categorical.

    Positive quantities that span more than a factor of three or so belong on the log scale.

    Attributes:
        name: What the table, the graph and the goals call it.
        unit: As pint writes it ("eV", "g/cm^3"); "" is dimensionless ("1" is accepted).
        scale: "log" models the logarithm; every value must then be positive.
        categories: Names of the classes of a categorical property, in the order of their codes.

    Raises:
        DataError: If the unit is unknown, the name is unusable, or the parts do not fit together.

    >>> Property("gap", "eV", "log")
    Property(name='gap', unit='eV', scale='log', categories=None)
    """

    name: str
    unit: str = ""
    scale: Literal["linear", "log"] = "linear"
    categories: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        settle(self)
        _check_name(self.name, "property")
        object.__setattr__(self, "unit", check_unit(self.unit))
        if self.scale not in ("linear", "log"):
            raise DataError(
                f"property {self.name!r} has scale {self.scale!r}; it must be 'linear' or 'log'."
            )
        if self.scale == "log" and not has_zero(self.unit):
            raise DataError(
                f"property {self.name!r} has the scale log of {self.unit!r}, whose zero is a "
                "convention: a logarithm of it means nothing. Use a unit that starts at nothing, "
                "such as 'K', or the linear scale."
            )
        if self.categories is not None:
            object.__setattr__(self, "categories", tuple(self.categories))
            _check_categories(self.name, self.categories)
            if self.unit or self.scale != "linear":
                raise DataError(
                    f"property {self.name!r} has categories, so it can have neither a unit "
                    f"({self.unit!r}) nor a log scale: its values are only codes."
                )

    @staticmethod
    def parse(name: str, text: str) -> Property:
        """Read "eV", "log eV", "1", "log" (dimensionless) or "{low|high}" (categories).

        >>> Property.parse("gap", "log eV").scale
        'log'
        >>> Property.parse("state", "{solid|liquid}").categories
        ('solid', 'liquid')
        """
        text = checked(text, str, "the unit or the categories").strip()
        if text.startswith("{") and text.endswith("}"):
            return Property(name, categories=tuple(text[1:-1].split("|")))
        first, _, rest = text.partition(" ")
        if first != "log" and (other := _OTHER_LOG.match(text)):
            raise DataError(
                f"{text!r} is no unit: write 'log {other['unit']}' for values in "
                f"{other['unit']!r} that are modelled as logarithms (of any base); if the numbers "
                "are logarithms themselves, they are dimensionless: write '1'."
            )
        return Property(name, rest, "log") if first == "log" else Property(name, text)

    @property
    def text(self) -> str:
        """What `parse` reads back: "log eV", "1", "{low|high}"."""
        if self.categories is not None:
            return "{" + "|".join(self.categories) + "}"
        unit = self.unit or "1"
        return f"log {unit}" if self.scale == "log" else unit

    def named(self, value: float) -> float | str:
        """A value as people read it: the name of a class for its code.

        >>> Property("state", categories=("gas", "solid")).named(1.0), Property("gap").named(1.0)
        ('solid', 1.0)
        """
        if self.categories is None or math.isnan(value):
            return value
        return self.categories[int(value)]

    @property
    def label(self) -> str:
        """Name with the unit, for axes and tables: "gap [eV]", "state"."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True)
class Condition:
    """What else defines a measurement: temperature, solvent, pressure, a process variable.

    Rows that differ in a condition are not replicates of each other.

    Attributes:
        name: What the table calls it.
        unit: As pint writes it, "" is dimensionless; None for a categorical condition.
        categories: Names in the order of their codes; None together with unit None means that a
            reader takes them from the file.

    Raises:
        DataError: If the unit is unknown, or both a unit and categories are given.

    >>> Condition("temperature", "K")
    Condition(name='temperature', unit='K', categories=None)
    """

    name: str
    unit: str | None = None
    categories: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        settle(self)
        _check_name(self.name, "condition")
        if self.unit is not None:
            object.__setattr__(self, "unit", check_unit(self.unit))
        if self.categories is not None:
            object.__setattr__(self, "categories", tuple(self.categories))
            _check_categories(self.name, self.categories)
            if self.unit is not None:
                raise DataError(f"condition {self.name!r} has both a unit and categories.")

    @property
    def label(self) -> str:
        """Name with the unit, for axes and tables: "temperature [K]", "solvent"."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    @staticmethod
    def parse(name: str, text: str) -> Condition:
        """Read "K", "1", "{water|ethanol}", or "{}" (categories as found in the file).

        >>> Condition.parse("solvent", "{water|ethanol}").categories
        ('water', 'ethanol')
        """
        text = checked(text, str, "the unit or the categories").strip()
        if text == "{}":
            return Condition(name)
        if text.startswith("{") and text.endswith("}"):
            return Condition(name, categories=tuple(text[1:-1].split("|")))
        return Condition(name, text)

    @property
    def text(self) -> str:
        """What `parse` reads back: "K", "1", "{water|ethanol}"."""
        if self.unit is None:
            return "{" + "|".join(self.categories or ()) + "}"
        return self.unit or "1"
