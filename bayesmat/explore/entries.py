"""What follows from the filled rows of a sheet, given all that was stored before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bayesmat.data.far import far_conditions
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.explore.measurements import payload_of
from bayesmat.explore.sheet import FAILURE, value_heading
from bayesmat.explore.standing import Cell, Reading, Standing, stand, start_readings
from bayesmat.explore.stored import About, EventRow, Kind
from bayesmat.explore.surprise import surprises
from bayesmat.explore.written import row_to_json

__all__ = ["Entry", "Outcome", "events_of"]

Say = Callable[[int, str, str], None]


@dataclass(frozen=True)
class Entry:
    """What a sheet says of one row of the campaign.

    Attributes:
        row: Row of the sheet.
        rows: The row that is meant.
        found: Its values by property.
        failure: Why there is none, or "".
        note: A remark, or "".
    """

    row: int
    rows: Rows
    found: Mapping[str, Cell]
    failure: str
    note: str

    @property
    def key(self) -> str:
        """Key of the row that is meant."""
        return self.rows.keys[0]


@dataclass
class Outcome:
    """Keys by what came of their rows; see `SheetRead`."""

    told: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    replicated: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Forget all."""
        for keys in vars(self).values():
            keys.clear()


def events_of(
    entries: Sequence[Entry],
    about: About,
    start: PropertyTable,
    say: Say,
    outcome: Outcome,
    remarks: list[str],
) -> list[EventRow]:
    """What is to be stored of the rows of one material; several with values are replicates.

    Args:
        entries: Its rows, which have one key.
        about: What was proposed and stored of it before.
        start: The table that the campaign began with.
        say: Told of bad cells: the row, the heading, what is wrong.
        outcome: Is told what came of each row.
        remarks: Is told of values that their prediction gave no chance.
    """
    key = entries[0].key
    readings = start_readings(start).get(key, ())
    standing = stand(about.events, readings)
    fresh, repeated = _fresh(entries, about, readings)
    outcome.known += [key] * any(len(f) < len(e.found) for f, e in zip(fresh, entries, strict=True))
    said = None if about.item is None else about.item.prediction
    here: set[str] = set()
    events = []
    for entry, new in zip(entries, fresh, strict=True):
        _contradictions(entry, new, standing, repeated, start, say)
        row = row_to_json(entry.rows, 0)
        note = entry.note if entry.note and entry.note not in standing.notes else None
        if new:
            again = any(name in here or name in standing.cells for name in new)
            payload = payload_of(new) | ({"replicate": True} if again else {})
            events.append(EventRow(Kind.TOLD, key, payload, note, row))
            outcome.told.append(key)
            outcome.replicated += [key] * again
            remarks.extend(str(one) for one in surprises(key, new, said, start.properties))
            here |= set(new)
            if about.item is None and not readings:
                outcome.unasked.append(key)
                remarks.extend(far_conditions(start.rows, entry.rows))
        if entry.failure:
            events += _failed(entry, about, standing, say, outcome)
        if note and not new:
            events.append(EventRow(Kind.NOTED, key, {}, note, row))
            outcome.noted.append(key)
    return events


def _fresh(
    entries: Sequence[Entry], about: About, readings: Sequence[Reading]
) -> tuple[list[dict[str, Cell]], set[str]]:
    """The cells of each row that were not told before, and the properties of which others were.

    A value that was told once is known once: a second row with it is another measurement.
    """
    told: dict[str, list[float]] = {}
    for reading in readings:
        for name, cell in reading.cells.items():
            told.setdefault(name, []).append(cell.value)
    for event in about.events:
        for name, value in event.payload.get("values", {}).items():
            told.setdefault(name, []).append(value)
    repeated: set[str] = set()
    fresh: list[dict[str, Cell]] = []
    for entry in entries:
        fresh.append({})
        for name, cell in entry.found.items():
            known = told.get(name, [])
            at = next((k for k, value in enumerate(known) if _same(cell.value, value)), None)
            if at is None:
                fresh[-1][name] = cell
            else:
                known.pop(at)
                repeated.add(name)
    return fresh, repeated


def _contradictions(
    entry: Entry,
    new: Mapping[str, Cell],
    standing: Standing,
    repeated: set[str],
    start: PropertyTable,
    say: Say,
) -> None:
    """Values beside others that the sheet does not hold."""
    labels = {p.name: value_heading(p) for p in start.properties}
    for name in new:
        before = [cell.value for cell in standing.cells.get(name, ())]
        if before and name not in repeated:
            say(
                entry.row, labels[name], f"told before as {before}: correct that value with "
                "campaign.correct, or tell a replicate with replicate=True",
            )  # fmt: skip


def _failed(
    entry: Entry, about: About, standing: Standing, say: Say, outcome: Outcome
) -> list[EventRow]:
    """A failure, unless it stands, or is of an attempt that was followed by another."""
    told = {event.note for event in about.events if event.kind == Kind.FAILED}
    if standing.failure == entry.failure:
        outcome.known.append(entry.key)
    elif entry.failure in told:
        outcome.superseded.append(entry.key)
    elif standing.failure is not None:
        why = f"failed before ({standing.failure!r}): campaign.retry first"
        say(entry.row, FAILURE, why)
    elif standing.cells:
        say(entry.row, FAILURE, "it has values: campaign.withdraw them first")
    else:
        outcome.failed.append(entry.key)
        return [EventRow(Kind.FAILED, entry.key, {}, entry.failure, row_to_json(entry.rows, 0))]
    return []


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9)
