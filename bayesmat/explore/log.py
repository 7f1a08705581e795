"""The events of a campaign as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesmat.data.properties import Property
from bayesmat.explore.history import History
from bayesmat.explore.standing import Standing, stand, start_readings
from bayesmat.explore.stored import EventRow, Kind

__all__ = ["events_frame", "stored_words"]

_COLUMNS = (
    "number", "time", "kind", "material", "round", "property", "value", "sd", "was", "replicate",
    "note",
)  # fmt: skip


def events_frame(history: History) -> pd.DataFrame:
    """One row for each event, or for each property that it is about; see `Campaign.events`."""
    starts = start_readings(history.start)
    known = {p.name: p for p in history.start.properties}
    past: dict[str, list[EventRow]] = {}
    records: list[dict[str, Any]] = []
    for event in history.events:
        start = starts.get(event.material or "", ())
        before = past.setdefault(event.material or "", [])
        then = stand(before, start) if event.kind in _REPLACING else Standing()
        head = {"number": event.number, "time": event.created, "kind": event.kind,
                "material": event.material, "round": event.payload.get("round"),
                "note": event.note}  # fmt: skip
        records += [head | _named(cell, known) for cell in _cells(event, then)] or [head]
        before.append(event)
    frame = pd.DataFrame(records, columns=list(_COLUMNS))
    return frame.astype({"number": "int64", "round": "Int64", "replicate": "Int64"})


_REPLACING = (Kind.TOLD, Kind.CORRECTED, Kind.WITHDRAWN, Kind.FAILED)


def _cells(event: EventRow, then: Standing) -> Iterator[dict[str, Any]]:
    said = event.payload
    if event.kind == Kind.TOLD:
        for name, value in said["values"].items():
            before = len(then.cells.get(name, ()))
            sd = said["sds"].get(name, np.nan)
            yield {"property": name, "value": value, "sd": sd, "replicate": before + 1}
    if event.kind == Kind.CORRECTED:
        for name, number in said["of"].items():
            sd = said["sds"].get(name, np.nan)
            new = {"value": said["values"][name], "sd": sd}
            for cell in _was(then, name, (number,)):
                yield cell | new
    if event.kind == Kind.WITHDRAWN:
        for name, numbers in said.get("of", {}).items():
            yield from _was(then, name, numbers)
    if event.kind == Kind.FAILED:
        for name in then.cells:
            yield from _was(then, name, None)


def _named(cell: Mapping[str, Any], known: Mapping[str, Property]) -> dict[str, Any]:
    """A cell with the names of classes."""
    prop = known.get(cell["property"])
    if prop is None:
        return {**cell}
    return {**cell, **{k: prop.named(cell[k]) for k in ("value", "was") if k in cell}}


def _was(then: Standing, name: str, numbers: Any) -> Iterator[dict[str, Any]]:
    """Values that leave the table."""
    for place, reading in enumerate(then.telling(name), start=1):
        if numbers is None or reading.number in numbers:
            yield {"property": name, "was": reading.cells[name].value, "replicate": place}


def stored_words(
    events: pd.DataFrame, kind: str, properties: Sequence[Property], names: Mapping[str, str]
) -> str:
    """What the last event of a kind stored, in one line; empty if there is none.

    Args:
        events: As `events_frame` makes them.
        kind: Such as "told".
        properties: Say units.
        names: Key -> what people call the row.
    """
    found = events[events["kind"] == kind]
    if found.empty:
        return ""
    rows = found[found["number"] == found["number"].iloc[-1]].to_dict("records")
    key, note = rows[0]["material"], rows[0]["note"]
    known = {p.name: p for p in properties}
    cells = [_cell_words(row, known) for row in rows if isinstance(row["property"], str)]
    said = ", ".join(cells)
    if kind == Kind.FAILED:
        said = note + f" ({said} withdrawn)" * bool(cells)
    name = f" ({names[key]})" if names.get(key) else ""
    return f"{_HEADS[kind]} {key}{name}: {said or 'its failure'}."


_HEADS: Mapping[str, str] = {
    Kind.TOLD: "Stored:", Kind.CORRECTED: "Corrected:", Kind.WITHDRAWN: "Withdrawn:",
    Kind.FAILED: "Failed:",
}  # fmt: skip


def _cell_words(row: Mapping[str, Any], known: Mapping[str, Property]) -> str:
    name, value, was = row["property"], row["value"], row["was"]
    prop = known.get(name)
    if pd.isna(value):
        return f"{name} = {_value_words(was, prop)}"
    sd = "" if np.isnan(row["sd"]) else f" (sd {row['sd']:.6g})"
    before = "" if pd.isna(was) else f" in place of {_value_words(was, prop)}"
    again = f", replicate {row['replicate']}" if pd.isna(was) and row["replicate"] > 1 else ""
    return f"{name} = {_value_words(value, prop)}{sd}{before}{again}"


def _value_words(value: float | str, prop: Property | None) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.6g} {prop.unit if prop else ''}".rstrip()
