"""What the columns of a file are to become; everything wrong with the header at once."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import cast

from bayesmat.errors import BadCell, DataError

from ._assumed import complete
from ._raw import Heading, Raw, comma_hint
from ._request import Column, Request
from ._stated import stated
from .materials import Kind
from .properties import Condition, Property
from .units import check_unit, converter, is_part, is_temperature, sd_converter

_LOGGER = logging.getLogger(__name__)
_DEGREES = {"C": "degC", "F": "degF"}
_LOGARITHM = re.compile(r"(?:^|[\s_(\[])(?:[Ll]og|ln|Ln|LN|lg|LOG)(?:10|2|e)?(?=[\s_(A-Z]|$)")
_RELATIVE = re.compile(r"(?:^|[\W_])(?:rel|relative|rsd)(?=[\W_]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """Where a property or condition stands in the file and in which unit."""

    quantity: Property | Condition
    at: int
    unit: str
    std: int | None = None
    std_unit: str = ""


@dataclass(frozen=True)
class Plan:
    """Positions of everything that the table is made of."""

    material: int | None
    kind: Kind
    properties: tuple[Source, ...]
    conditions: tuple[Source, ...]
    group: int | None
    assumed: tuple[str, ...] = ()


@dataclass
class Finder:
    """Resolves labels to positions and collects what is wrong with the header."""

    raw: Raw
    bad: list[BadCell] = field(default_factory=list)

    def find(self, label: str) -> int:
        found = self.raw.find(label)
        if len(found) == 1:
            return found[0]
        reason = f"duplicate column, {len(found)} of this name" if found else "missing column"
        self.bad.append(BadCell(1, label, label, reason))
        return -1

    def source(self, label: str, given: str | Property | Condition | Column, role: str) -> Source:
        column = given if isinstance(given, Column) else Column(given)
        at = self.find(label)
        std = None if column.std is None else self.find(column.std)
        quantity: Property | Condition = Property("unknown")
        try:
            quantity = _quantity(label, column.quantity, role)
            unit = self._unit(at, column, quantity)
            converter(unit, quantity.unit or "")
            std_unit = unit if std is None else self._std_unit(std, unit, column, quantity)
            if std is not None:
                sd_converter(std_unit, quantity.unit or "")
            return Source(quantity, at, unit, std, std_unit)
        except DataError as error:
            self.bad.append(BadCell(1, label, str(column.unit or column.quantity), str(error)))
            return Source(quantity, at, "")

    def _label(self, at: int) -> str:
        return self.raw.header[at] if at >= 0 else ""

    def _unit(self, at: int, column: Column, quantity: Property | Condition) -> str:
        """The unit of the numbers: as the call, else the heading, else the property says."""
        label, default = self._label(at), quantity.unit or ""
        heading = Heading.of(label)
        if column.unit is None and quantity.categories is None:
            _check_numbers(heading.name, quantity)
        written = _written(heading, default)
        if column.unit is None:
            if written is None and quantity.unit is not None and quantity.categories is None:
                _notice(label, default)
            return default if written is None else written
        given = check_unit(column.unit)
        if written is not None and given != written:
            raise DataError(
                f"the heading says the unit is {written!r}, the call says {column.unit!r}; "
                "remove one of them."
            )
        return given

    def _std_unit(self, at: int, unit: str, column: Column, quantity: Property | Condition) -> str:
        """The unit of the standard deviations: as their heading, else the values say."""
        label = self._label(at)
        heading = Heading.of(label)
        written = _written(heading, unit)
        if heading.role != "sd":
            if column.unit is None:
                _check_numbers(label, quantity)
            _check_sds(label, written, unit)
        return unit if written is None else written


def _written(heading: Heading, default: str) -> str | None:
    """The unit that a heading says for sure."""
    text = heading.text
    if text is None or text.startswith("{"):
        return None
    if text in _DEGREES and is_temperature(default):
        text = _DEGREES[text]
    return Property.parse("written", text).unit


def _notice(label: str, unit: str) -> None:
    """Say, or refuse, what a heading whose unit is not read for sure seems to say of it."""
    found = stated(label, unit)
    if found:
        raise DataError(
            f"the heading holds {found.words!r}, the property is in {unit or '1'!r}: say in which "
            f"unit the numbers of the file are, Column({unit or '1'!r}, unit={found.unit!r}) or "
            f"Column({unit or '1'!r}, unit={unit or '1'!r})."
        )
    if label.endswith(")"):
        _LOGGER.warning(
            "what stands in brackets in the heading %r is not a unit: its numbers are read in %r",
            label,
            unit or "1",
        )


def _check_sds(label: str, written: str | None, unit: str) -> None:
    """Refuse standard deviations that are shares of their values, or of a unit that is unsure."""
    found = stated(label, unit, of_sds=True) if written is None else None
    share = written or (found.unit if found else "")
    if _RELATIVE.search(label) or (is_part(share) and not is_part(unit)):
        raise DataError(
            f"the heading {label!r} says that the standard deviations are shares of the values, "
            f"and they would be read in {unit or '1'!r}: multiply them by the values, and name "
            f"the column 'sd [{unit or '1'}]'."
        )
    if found:
        raise DataError(
            f"the heading {label!r} holds {found.words!r}, the values are in {unit or '1'!r}: say "
            f"in which unit the standard deviations are, in brackets at the end of their heading, "
            f"'sd [{found.unit}]' or 'sd [{unit or '1'}]'."
        )


def _check_numbers(name: str, quantity: Property | Condition) -> None:
    """Refuse numbers that the heading calls logarithms where values in a unit are asked for."""
    is_log = isinstance(quantity, Property) and quantity.scale == "log"
    if _LOGARITHM.search(name) and (quantity.unit or is_log):
        unit = quantity.unit or "1"
        raise DataError(
            f"the heading {name!r} says that the numbers are logarithms, and they would be read "
            f"as values in {unit!r}. Ask for '1' to model the logarithms themselves, or write the "
            f"values; if they are values already, say so: Column({'log ' * is_log + unit!r}, "
            f"unit={unit!r})."
        )


def _quantity(label: str, given: str | Property | Condition, role: str) -> Property | Condition:
    if isinstance(given, str):
        name = Heading.of(label).name
        return Property.parse(name, given) if role == "property" else Condition.parse(name, given)
    if isinstance(given, Property) != (role == "property"):
        raise DataError(f"{given.name!r} was given as a {role}, but it is not one.")
    return given


def make_plan(raw: Raw, request: Request) -> Plan:
    """Find every column of the request.

    Raises:
        DataError: If columns are missing or repeated, or units unknown; all of them are listed.
    """
    request, assumed = complete(raw, request)
    if not request.properties:
        raise DataError(
            "no property was asked for: name columns and units, properties={'Tb': 'K'}."
        )
    return plan_of(raw, request, assumed)


def plan_of(raw: Raw, request: Request, assumed: tuple[str, ...]) -> Plan:
    """Find the columns of a request that leaves nothing open.

    Raises:
        DataError: If columns are missing or repeated, or units unknown; all of them are listed.
    """
    finder = Finder(raw)
    plan = Plan(
        None if request.material is None else finder.find(request.material),
        cast(Kind, request.kind),
        tuple(finder.source(k, v, "property") for k, v in (request.properties or {}).items()),
        tuple(finder.source(k, v, "condition") for k, v in (request.conditions or {}).items()),
        None if request.group is None else finder.find(request.group),
        assumed,
    )
    if finder.bad:
        raise DataError(
            f"the columns of {raw.source} do not fit the request; it has {list(raw.header)}."
            + comma_hint(raw.header),
            finder.bad,
        )
    if assumed:
        lines = "".join(f"\n  {line}" for line in assumed)
        _LOGGER.warning(
            "%s: what the call leaves open was read from the file:%s", raw.source, lines
        )
    return plan
