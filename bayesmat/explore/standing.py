"""What stands about one material after everything that was learned: a fold over its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal

import numpy as np

from bayesmat.data.table import Property, PropertyTable
from bayesmat.explore.stored import EventRow, Kind

__all__ = [
    "Cell", "Reading", "Standing", "State", "Summary", "spoken", "stand", "start_readings",
    "summary",
]  # fmt: skip

State = Literal["pending", "told", "failed", "withdrawn"]


@dataclass(frozen=True)
class Cell:
    """A value that stands, its stated sd, and how often it was corrected."""

    value: float
    sd: float | None = None
    corrected: int = 0


@dataclass(frozen=True)
class Reading:
    """What was measured together: one row of the table.

    Attributes:
        number: Of the event that told it first; below zero a row of the start table, -1 the first.
        cells: By property.
        replicate: Whether it was told beside an earlier measurement.
    """

    number: int
    cells: Mapping[str, Cell]
    replicate: bool = False


@dataclass(frozen=True)
class Standing:
    """What stands about one material.

    Attributes:
        readings: Measurements, the earliest first.
        failure: Why there is no value, if somebody said so.
        withdrawn: All that was known was taken back.
        left_out: What of an oracle's answer could not be used, and why.
        oracle: Digest of the oracle that answered last; None if a laboratory did.
        cost_s: Seconds of all attempts whose cost was stated; None if none was.
        corrections: How often a value was corrected.
        notes: Remarks, reasons of corrections and withdrawals, and of failures that were tried
            again, the earliest first.
    """

    readings: tuple[Reading, ...] = ()
    failure: str | None = None
    withdrawn: bool = False
    left_out: str | None = None
    oracle: str | None = None
    cost_s: float | None = None
    corrections: int = 0
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """Where the material stands, if it was proposed or told."""
        if self.cells:
            return "told"
        if self.failure is not None:
            return "failed"
        return "withdrawn" if self.withdrawn else "pending"

    @property
    def cells(self) -> dict[str, tuple[Cell, ...]]:
        """What stands, by property; several cells are replicates."""
        found: dict[str, tuple[Cell, ...]] = {}
        for reading in self.readings:
            for name, cell in reading.cells.items():
                found[name] = (*found.get(name, ()), cell)
        return found

    def telling(self, name: str) -> tuple[Reading, ...]:
        """The measurements of one property, the earliest first."""
        return tuple(r for r in self.readings if name in r.cells)


@dataclass(frozen=True)
class Summary:
    """A property of one material in numbers: the value, its stated sd, replicates and scatter."""

    value: float = np.nan
    sd: float = np.nan
    replicates: int = 0
    scatter: float = np.nan


def summary(cells: Sequence[Cell], prop: Property | None) -> Summary:
    """Mean, stated sd of the mean, number and scatter of replicates; of classes the commonest.

    >>> summary([Cell(1.0), Cell(3.0)], None)
    Summary(value=2.0, sd=nan, replicates=2, scatter=1.4142135623730951)
    """
    if not cells:
        return Summary()
    values = [cell.value for cell in cells]
    if prop is not None and prop.categories is not None:
        return Summary(Counter(values).most_common(1)[0][0], np.nan, len(cells))
    sds = [np.nan if cell.sd is None else cell.sd for cell in cells]
    if len(cells) == 1:
        return Summary(values[0], sds[0], 1)
    sd = float(np.sqrt(np.square(sds).sum()) / len(sds))
    return Summary(float(np.mean(values)), sd, len(cells), float(np.std(values, ddof=1)))


def spoken(
    told: Mapping[str, Sequence[Cell]], properties: Sequence[Property]
) -> dict[str, list[float | str]]:
    """Property -> the values of its cells as people read them, classes by their names."""
    known = {p.name: p for p in properties}
    return {
        name: [known[name].named(c.value) if name in known else c.value for c in cells]
        for name, cells in told.items()
    }


def start_readings(table: PropertyTable) -> dict[str, tuple[Reading, ...]]:
    """Key -> the rows of a start table that measure it."""
    found: dict[str, tuple[Reading, ...]] = {}
    names = table.property_names
    for i, key in enumerate(table.rows.keys):
        pairs = zip(names, table.values[i].tolist(), table.stds[i].tolist(), strict=True)
        cells = {n: Cell(v, None if np.isnan(s) else s) for n, v, s in pairs if not np.isnan(v)}
        found[key] = (*found.get(key, ()), Reading(-i - 1, cells))
    return found


def stand(events: Iterable[EventRow], start: tuple[Reading, ...] = ()) -> Standing:
    """What stands about a material after these events, which are all about it.

    Args:
        events: In the order in which they were written.
        start: Its rows in the start table.

    >>> told = EventRow(Kind.TOLD, "C", {"values": {"gap": 39.8}, "sds": {}}, number=3)
    >>> said = {"of": {"gap": 3}, "values": {"gap": 3.98}, "sds": {}}
    >>> stand([told, EventRow(Kind.CORRECTED, "C", said, "a slip", number=4)]).cells
    {'gap': (Cell(value=3.98, sd=None, corrected=1),)}
    """
    return reduce(_after, events, Standing(start))


def _after(was: Standing, event: EventRow) -> Standing:
    step = _STEPS.get(event.kind)
    if step is None:
        return was
    now, notes = step(was, event), was.notes
    if was.failure is not None and event.kind in _AGAIN:
        notes = (*notes, f"failed before: {was.failure}")
    if event.note is not None and event.kind != Kind.FAILED:
        notes = (*notes, event.note)
    return replace(now, notes=notes)


def _told(was: Standing, event: EventRow) -> Standing:
    said = event.payload
    cells = _cells(said)
    readings, replicate = list(was.readings), bool(said.get("replicate"))
    open_ = [i for i, r in enumerate(readings) if r.number > 0 and not r.replicate]
    free = [i for i in open_ if not set(readings[i].cells) & set(cells)]
    if free and not replicate:
        first = readings[free[0]]
        readings[free[0]] = replace(first, cells={**first.cells, **cells})
    else:
        readings.append(Reading(event.number, cells, replicate))
    return replace(
        was,
        readings=tuple(readings),
        failure=None,
        withdrawn=False,
        left_out=said.get("left_out"),
        oracle=said.get("oracle"),
        cost_s=_cost(was, said),
    )


def _corrected(was: Standing, event: EventRow) -> Standing:
    said, readings = event.payload, []
    new = _cells(said)
    for reading in was.readings:
        cells = dict(reading.cells)
        for name, number in said["of"].items():
            if number == reading.number and name in cells:
                old = cells[name]
                sd = new[name].sd if name in said["sds"] else old.sd
                cells[name] = Cell(new[name].value, sd, old.corrected + 1)
        readings.append(replace(reading, cells=cells))
    return replace(was, readings=tuple(readings), corrections=was.corrections + 1)


def _withdrawn(was: Standing, event: EventRow) -> Standing:
    of: Mapping[str, Sequence[int]] = event.payload.get("of", {})
    left = [
        replace(r, cells={n: c for n, c in r.cells.items() if r.number not in of.get(n, ())})
        for r in was.readings
    ]
    kept = tuple(r for r in left if r.cells or r.number < 0)
    gone = not any(r.cells for r in kept)
    return replace(was, readings=kept, failure=None, withdrawn=gone)


def _failed(was: Standing, event: EventRow) -> Standing:
    """No value stands beside a failure: whoever says that it failed does not believe it."""
    kept = tuple(replace(r, cells={}) for r in was.readings if r.number < 0)
    return replace(
        was,
        readings=kept,
        failure=event.note or "no reason was given",
        withdrawn=False,
        oracle=event.payload.get("oracle"),
        cost_s=_cost(was, event.payload),
    )


def _retried(was: Standing, event: EventRow) -> Standing:
    return replace(was, failure=None, withdrawn=False)


def _proposed(was: Standing, event: EventRow) -> Standing:
    """It waits, also if something that nobody had asked for was taken back before."""
    return replace(was, withdrawn=False)


def _noted(was: Standing, event: EventRow) -> Standing:
    return was


_AGAIN = (Kind.RETRIED, Kind.TOLD, Kind.FAILED)  # after a failure, what tries or tried again
_STEPS: dict[str, Callable[[Standing, EventRow], Standing]] = {
    Kind.TOLD: _told,
    Kind.CORRECTED: _corrected,
    Kind.WITHDRAWN: _withdrawn,
    Kind.FAILED: _failed,
    Kind.RETRIED: _retried,
    Kind.NOTED: _noted,
    Kind.PROPOSED: _proposed,
}


def _cells(said: Mapping[str, Any]) -> dict[str, Cell]:
    return {name: Cell(value, said["sds"].get(name)) for name, value in said["values"].items()}


def _cost(was: Standing, said: Mapping[str, Any]) -> float | None:
    known = [c for c in (was.cost_s, said.get("cost_s")) if c is not None]
    return sum(known) if known else None
