"""Checks on what a campaign is told, before it becomes part of the history."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from bayesmat._arguments import checked, real
from bayesmat.data.quantities import quantities
from bayesmat.data.table import Property
from bayesmat.data.units import converter, sd_converter
from bayesmat.errors import ArgumentError, CampaignError, DataError
from bayesmat.explore.standing import Cell
from bayesmat.explore.store import storable
from bayesmat.explore.stored import EventRow, Kind
from bayesmat.oracles.base import Evaluation, Failure

__all__ = ["answer_of", "cells", "payload_of", "reason_of"]


def cells(
    properties: tuple[Property, ...],
    material: str,
    values: Mapping[str, float | str],
    sds: Mapping[str, float],
    units: Mapping[str, str],
) -> dict[str, Cell]:
    """Turn measured values into cells in the units of the table, or say all that is wrong.

    Args:
        properties: The table's.
        material: Key of the row.
        values: By property name; the name of a class for a categorical property.
        sds: Known standard deviations by property name, in the same units.
        units: Units of values that are not given in the property's own.

    Raises:
        CampaignError: Unknown properties or units, values that are not finite, not positive on a
            log scale, or no class of a categorical property; all of them in one message.
    """
    for name, given in (("values", values), ("sds", sds), ("units", units)):
        if not isinstance(given, Mapping):
            raise ArgumentError(
                f"{name} is {given!r}: give a mapping from property names, like {{'gap': 2.9}}."
            )
    found, problems = _read(properties, values, sds, units)
    if problems:
        raise CampaignError(
            f"what was told of {material!r} cannot become part of the history, and none of it "
            "was stored; correct it and tell it again:"
            + "".join(f"\n  {problem}" for problem in problems)
        )
    return found


def payload_of(found: Mapping[str, Cell]) -> dict[str, Any]:
    """Cells as an event holds them."""
    sds = {name: cell.sd for name, cell in found.items() if cell.sd is not None}
    return {"values": {name: cell.value for name, cell in found.items()}, "sds": sds}


def reason_of(reason: str, what: str) -> str:
    """A reason in words.

    Args:
        reason: In words.
        what: What it is a reason for.

    Raises:
        CampaignError: It is empty.
    """
    if not isinstance(reason, str) or not reason.strip():
        raise CampaignError(
            f"{what} has no reason: say in a few words why, for those who read the history."
        )
    return reason.strip()


def _read(
    properties: tuple[Property, ...],
    values: Mapping[str, float | str],
    sds: Mapping[str, float],
    units: Mapping[str, str],
) -> tuple[dict[str, Cell], list[str]]:
    """The cells that can be used, and all that is wrong; a bad sd does not spoil its value."""
    known = {p.name: p for p in properties}
    problems = [
        f"{name!r} is no property of this campaign, which has {list(known)}"
        for name in dict.fromkeys([*values, *sds, *units])
        if name not in known
    ]
    problems += [f"{name!r} has a standard deviation or a unit but no value"
                 for name in {**sds, **units} if name in known and name not in values]  # fmt: skip
    if not values:
        problems.append("no value was given")
    found: dict[str, Cell] = {}
    for name, value in values.items():
        if name not in known:
            continue
        sd = sds.get(name)
        for spread in (None,) if sd is None else (sd, None):
            try:
                found[name] = _cell(known[name], value, spread, units.get(name))
                break
            except (DataError, ArgumentError) as error:
                if f"{name!r}: {error}" not in problems:
                    problems.append(f"{name!r}: {error}")
    return found, problems


def _cell(prop: Property, value: float | str, sd: float | None, unit: str | None) -> Cell:
    if prop.categories is not None:
        return Cell(float(_code(prop, value, sd, unit)))
    if isinstance(value, str):
        value = _read_words(prop, value)
        if sd is not None or unit is not None:
            raise DataError(
                "the unit is written beside the value, and it is not clear which one its standard "
                "deviation is in: give a number, and the unit of both in units={...}"
            )
    number = real(value, "the value")
    spread = None if sd is None else real(sd, "the standard deviation")
    unit = checked(unit, str | None, "the unit")
    if unit is not None:
        number = float(converter(unit, prop.unit)(np.array([number]))[0])
        if spread is not None:
            spread = float(sd_converter(unit, prop.unit)(np.array([spread]))[0])
    if not math.isfinite(number):
        raise DataError(f"{value} is not a finite number; record a failed measurement with `fail`")
    if prop.scale == "log" and number <= 0:
        raise DataError(f"{number:g} {prop.unit} is not positive, and the scale is log")
    if spread is not None and not (math.isfinite(spread) and spread > 0):
        raise DataError(f"standard deviation {sd} is not positive and finite; leave it out")
    return Cell(number, spread)


def _read_words(prop: Property, words: str) -> float:
    """A number that is written with its unit, in the unit of a property; text alone is refused."""
    values, bad, stated = quantities(np.array([words], dtype=object), prop.unit, prop.unit)
    if not stated:
        why = f" ({bad[0][1]})" if bad else ""
        raise DataError(
            f"{words!r} is text{why}; give a number in {prop.unit or '1'!r}, or one with a unit"
        )
    return float(values[0])


def _code(prop: Property, value: float | str, sd: float | None, unit: str | None) -> int:
    names = prop.categories or ()
    if sd is not None or unit is not None:
        raise DataError("a class has neither a standard deviation nor a unit")
    if isinstance(value, str) and value in names:
        return names.index(value)
    raise DataError(f"{value!r} is none of the classes {list(names)}")


def answer_of(
    evaluation: Evaluation,
    answers: tuple[Property, ...],
    properties: tuple[Property, ...],
    aims: Collection[str],
    digest: str,
) -> EventRow:
    """Turn an oracle's answer into an event, in the units of the table where it has the property.

    What the oracle answers besides is stored in the oracle's units. What cannot become part of
    the table (a gap of zero on a log scale) is left out, and the event says so; if none of the
    properties that are aimed at is left, the answer is a failure.

    Args:
        evaluation: The answer.
        answers: The oracle's properties.
        properties: The table's.
        aims: Names of the properties that the goals are about.
        digest: The oracle's.
    """
    key = evaluation.material
    said: dict[str, Any] = {"cost_s": evaluation.cost_s, "oracle": digest}
    if evaluation.failure is not None:
        return EventRow(Kind.FAILED, key, said, evaluation.failure.strip() or "no reason was given")
    known = {p.name for p in properties}
    columns = (*properties, *(p for p in answers if p.name not in known))
    given = {p.name: p.unit for p in answers if p.name in evaluation.values}
    units = {c.name: given[c.name] for c in columns if c.name in given and c.categories is None}
    found, problems = _read(columns, evaluation.values, evaluation.sds, units)
    problems += [f"{name!r}: {reason}" for name, reason in evaluation.left_out.items()]
    if problems and not any(name in aims for name in found):
        return EventRow(Kind.FAILED, key, said, f"{Failure.UNUSABLE}: {'; '.join(problems)}")
    if problems:
        said["left_out"] = storable("; ".join(problems))
    return EventRow(Kind.TOLD, key, {**payload_of(found), **said})
