"""What follows from the filled rows of a sheet, given all that was stored before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bayesmat.data.far import far_conditions
from bayesmat.data.properties import Property
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.explore.measurements import payload_of
from bayesmat.explore.sheet import FAILURE, sd_heading, value_heading
from bayesmat.explore.standing import Cell, Reading, Standing, spoken, stand, start_readings
from bayesmat.explore.stored import About, EventRow, Kind
from bayesmat.explore.surprise import surprises
from bayesmat.explore.written import row_to_json

__all__ = ["MARK", "Entry", "Outcome", "events_of", "is_mark"]

Say = Callable[[int, str, str], None]

MARK = (
    "a mark, which may mean anything: write in words why it failed, such as 'decomposed', or leave "
    "the cell empty where it did not fail"
)
_MARKS = frozenset({"x", "xx", "xxx", "y", "yes", "true", "ok"})


def is_mark(failure: str) -> bool:
    """Whether a reason has no words: "-", "x", "?"."""
    return failure.lower() in _MARKS or not any(map(str.isalpha, failure))


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
    past = _past(about, readings)
    known = {p: _known(entries, p.name, past.get(p.name, ())) for p in start.properties}
    fresh = [
        {p.name: e.found[p.name] for p in known if p.name in e.found and i not in known[p]}
        for i, e in enumerate(entries)
    ]
    for prop, measured in known.items():
        for i, was in measured.items():
            _changed_sd(entries[i], prop, was, standing, say)
    repeated = {prop.name for prop, measured in known.items() if measured}
    outcome.known += [key] * bool(repeated)
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


def _past(about: About, readings: tuple[Reading, ...]) -> dict[str, list[list[Cell]]]:
    """Property -> each measurement that was ever told, as every cell that it ever was."""
    found: dict[str, dict[int, list[Cell]]] = {}
    for n in range(len(about.events) + 1):
        for reading in stand(about.events[:n], readings).readings:
            for name, cell in reading.cells.items():
                cells = found.setdefault(name, {}).setdefault(reading.number, [])
                cells += [cell] * (cell not in cells)
    return {name: list(of_number.values()) for name, of_number in found.items()}


def _known(
    entries: Sequence[Entry], name: str, past: Sequence[list[Cell]]
) -> dict[int, list[Cell]]:
    """Place of each row that says again what was told of a property -> that measurement.

    A value that was told once is known once: a second row with it is another measurement. Rows
    that agree in the sd find theirs first, then those that leave it out.
    """
    found: dict[int, list[Cell]] = {}
    left = list(past)
    for agree in (_same_sd, _silent, _same):
        for i, entry in enumerate(entries):
            cell = None if i in found else entry.found.get(name)
            if cell is None:
                continue
            at = next((k for k, was in enumerate(left) if any(agree(cell, o) for o in was)), None)
            if at is not None:
                found[i] = left.pop(at)
    return found


def _same(cell: Cell, old: Cell) -> bool:
    return _close(cell.value, old.value)


def _silent(cell: Cell, old: Cell) -> bool:
    return _same(cell, old) and cell.sd is None


def _same_sd(cell: Cell, old: Cell) -> bool:
    if cell.sd is None or old.sd is None:
        return _silent(cell, old) and old.sd is None
    return _same(cell, old) and _close(cell.sd, old.sd)


def _changed_sd(
    entry: Entry, prop: Property, was: Sequence[Cell], standing: Standing, say: Say
) -> None:
    """A known value with an sd that it never had: a sheet adds, and changes nothing."""
    sd, now = entry.found[prop.name].sd, was[-1]
    told = standing.cells.get(prop.name, ())
    if sd is None or now not in told or any(c.sd is not None and _close(sd, c.sd) for c in was):
        return
    before = "no sd" if now.sd is None else f"sd {now.sd:.6g}"
    which = f", with replicate={told.index(now) + 1}" if len(told) > 1 else ""
    say(
        entry.row, sd_heading(prop), f"the value was told before, with {before}, and a sheet does "
        f"not change what was told: correct it, campaign.correct({entry.key!r}, {{{prop.name!r}: "
        f"{now.value:.12g}}}, sds={{{prop.name!r}: {sd:.12g}}}, reason=...){which}",
    )  # fmt: skip


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
    told = spoken(standing.cells, start.properties)
    for name in new:
        before = told.get(name)
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
    elif is_mark(entry.failure):
        say(entry.row, FAILURE, MARK)
    else:
        outcome.failed.append(entry.key)
        return [EventRow(Kind.FAILED, entry.key, {}, entry.failure, row_to_json(entry.rows, 0))]
    return []


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9)
