"""Reading a filled sheet back: all bad rows at once, all of it stored or nothing."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bayesmat._counted import counted
from bayesmat._repr import Shown
from bayesmat.data.given import condition_values
from bayesmat.data.grid import (
    Heading,
    Raw,
    comma_hint,
    fault,
    heading,
    is_absent,
    read_raw,
    says_nothing,
    shown,
)
from bayesmat.data.properties import Condition, Property
from bayesmat.data.quantities import quantities
from bayesmat.data.rows import Rows
from bayesmat.errors import BadCell, BayesmatError, CampaignError, DataError, SurprisingValue
from bayesmat.explore.entries import MARK, Entry, Outcome, events_of, is_mark
from bayesmat.explore.history import History
from bayesmat.explore.measurements import cells
from bayesmat.explore.sheet import (
    FAILURE,
    KEY,
    NOTE,
    beside_heading,
    material_heading,
    sd_heading,
    value_heading,
    written_headings,
)
from bayesmat.explore.standing import Cell
from bayesmat.explore.store import Store
from bayesmat.explore.stored import About, EventRow

__all__ = ["SheetRead", "read_sheet"]


@dataclass(frozen=True, repr=False)
class SheetRead(Shown):
    """What came of reading a sheet.

    Attributes:
        told: Keys of rows with values that were stored.
        failed: Keys of rows whose failure was stored.
        noted: Keys of rows of which only a remark was stored.
        known: Keys of rows of which something was told before in the same words, and passed over.
        superseded: Keys of rows whose failure was told before in the same words, was then tried
            again or withdrawn, and is passed over.
        replicated: Keys that stand in several rows, whose values were stored as replicates.
        unasked: Keys of rows that were measured though nobody proposed them.
        empty: Number of asked rows that are still empty.
        ignored: Headings of the file that nothing is made of.
        lacking: Headings of a sheet that the file lacks though it has others; empty if it has not.
        converted: Values that were written with a unit of their own, and as what they were read.
        remarks: Values that lie where their prediction gave them no chance.
    """

    told: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()
    replicated: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    empty: int = 0
    ignored: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            f"{len(self.told)} measured, {len(self.failed)} failed, {self.empty} still empty.",
            f"Remarks on {', '.join(self.noted)}." * bool(self.noted),
            f"Told before and passed over: {', '.join(self.known)}." * bool(self.known),
            f"Failed in these words before, and passed over: {', '.join(self.superseded)}. What "
            "failed once more needs other words." * bool(self.superseded),
            f"In several rows, kept as replicates: {', '.join(self.replicated)}."
            * bool(self.replicated),
            f"Not proposed, kept as unasked: {', '.join(self.unasked)}." * bool(self.unasked),
            f"Columns that nothing was made of: {list(self.ignored)}." * bool(self.ignored),
            f"The file lacks {list(self.lacking)}: was a column renamed?" * bool(self.lacking),
            f"Converted: {'; '.join(self.converted)}." * bool(self.converted),
            *self.remarks,
        ]
        return " ".join(part for part in parts if part)


@dataclass
class _Sheet:
    """Columns of a sheet by what they are, and all that is wrong with their cells."""

    raw: Raw
    history: History
    source: str
    bad: list[BadCell] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    converted: list[str] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start = self.history.start
        values = {p.name: value_heading(p) for p in start.properties}
        sds = {p.name: sd_heading(p) for p in start.properties}
        conditions = {c.name: heading(c) for c in start.conditions}
        simple = {name: name for name in (KEY, FAILURE, NOTE)}
        for at, label in enumerate(self.raw.header):
            here = Heading.of(label)
            known: str | None = simple.get(label.lower())
            if here.role == "material":
                known = material_heading(start)
            elif here.role == "sd":
                known = sds.get(here.name)
            elif here.role == "condition":
                known = conditions.get(here.name)
            elif known is None:
                known = values.get(here.name)
            if known is None:
                self.ignored.append(label)
                continue
            if known in self.columns:
                raise DataError(
                    f"{self.source} has two columns that may be {known!r}, "
                    f"{self.raw.header[self.columns[known]]!r} and {label!r}: remove or rename one."
                )
            self.columns[known] = at
            if here.text is not None and here.text[:1] != "{" and here.role != "material":
                self.units[known] = here.text.removeprefix("log ")
        own = written_headings(start) | _beside(self.history)
        self.ignored = [one for one in self.ignored if one and one not in own]
        lacking = [one for one in (*values.values(), FAILURE, NOTE) if one not in self.columns]
        self.lacking = lacking if self.ignored else []
        self._check(list(values.values()))

    def _check(self, values: Sequence[str]) -> None:
        lacking = [KEY] * (KEY not in self.columns)
        if lacking or not any(label in self.columns for label in (*values, FAILURE)):
            if hint := comma_hint(self.raw.header):
                raise DataError(f"{self.source} cannot be read, and nothing was stored.{hint}")
            raise DataError(
                f"{self.source} is no sheet of this campaign: it lacks {lacking or values}; it has "
                f"{list(self.raw.header)}. Write one with campaign.sheet('sheet.xlsx'), fill its "
                "cells, and leave the headings as they are."
            )

    def text(self, label: str, i: int) -> str:
        """A cell as text, "" where it is empty or there is no such column."""
        if label not in self.columns:
            return ""
        cell = self.raw.columns[self.columns[label]][i]
        if reason := fault(cell):
            self.say(i, label, reason)
        return "" if is_absent(cell) else shown(cell).strip()

    def words(self, label: str, i: int) -> str:
        """A cell as words, "" where it says that there is nothing to say."""
        text = self.text(label, i)
        is_dash = label == NOTE and not text.strip("-–—")
        return "" if says_nothing(text) or text.lower() in _NOTHING or is_dash else text

    def numbers(
        self, label: str, unit: str, *, of_sds: bool = False
    ) -> tuple[np.ndarray, set[int]]:
        """Numbers in the unit of a column, and the rows where none is though something stands."""
        n = len(self.raw.rows)
        if label not in self.columns:
            return np.full(n, np.nan), set()
        unit, cells = self.units.get(label, unit), self.raw.columns[self.columns[label]]
        found, bad, stated = quantities(cells, unit, unit, of_sds=of_sds)
        for i, reason in bad:
            aside = f" in {unit or '1'}: {_ELSEWHERE}" if reason == "not a number" else ""
            self.say(i, label, reason + aside)
        self.converted += [
            f"{self.raw.header[self.columns[label]]} of row {self.raw.rows[i]}: {cells[i].strip()} "
            f"is {found[i]:.6g} {unit}".rstrip()
            for i in stated
        ]
        return found, {i for i, _ in bad}

    def say(self, i: int, label: str, reason: str) -> None:
        """Add a bad cell."""
        at = self.columns.get(label)
        value = "" if at is None else shown(self.raw.columns[at][i])
        name = label if at is None else self.raw.header[at]
        cell = BadCell(int(self.raw.rows[i]), name, value, reason)
        if cell not in self.bad:
            self.bad.append(cell)


_NOTHING = ("no", "false")
_ELSEWHERE = f"why something failed is written in the column {FAILURE!r}, remarks in {NOTE!r}"


def _beside(history: History) -> set[str]:
    """Headings of the user's own columns."""
    notes = [i.prediction.get("notes") or {} for p in history.proposals for i in p.items]
    return {beside_heading(history.start, name) for note in notes for name in note}


def read_sheet(store: Store, history: History, path: Path, sheet: str | None = None) -> SheetRead:
    """Store what a laboratory wrote into a sheet; see `Campaign.read_sheet`."""
    page = _Sheet(read_raw(path, sheet), history, str(path))
    page.bad.extend(page.raw.bad)
    entries, n_empty = _entries(page)
    start, of_key = history.start, dict[str, list[Entry]]()
    for entry in entries:
        of_key.setdefault(entry.key, []).append(entry)
    outcome, remarks = Outcome(), list[str]()

    def make(about: Callable[[str], About]) -> list[EventRow]:
        outcome.clear()
        remarks.clear()
        new = [
            event
            for key, rows in of_key.items()
            for event in events_of(rows, about(key), start, page.say, outcome, remarks)
        ]
        if page.bad:
            bad = sorted(page.bad, key=lambda cell: cell.row)
            raise DataError(
                f"{counted(len(bad), 'cell')} "
                f"of {path} cannot be used, and nothing was stored. Correct them "
                "and read the sheet again (row 1 is the header):",
                bad,
            )
        return new

    store.append_all(make)
    for one in remarks:
        warnings.warn(one, SurprisingValue, stacklevel=3)
    lists = {name: tuple(dict.fromkeys(keys)) for name, keys in vars(outcome).items()}
    return SheetRead(
        **lists, empty=n_empty, ignored=tuple(page.ignored), lacking=tuple(page.lacking),
        converted=tuple(page.converted), remarks=tuple(remarks),
    )  # fmt: skip


def _entries(page: _Sheet) -> tuple[list[Entry], int]:
    """What the sheet says row by row, and how many asked rows it says nothing of."""
    start, entries, empty = page.history.start, list[Entry](), set[str]()
    columns = {p.name: _values(page, p) for p in start.properties}
    sds = {p.name: page.numbers(sd_heading(p), p.unit, of_sds=True) for p in start.properties}
    for i in range(len(page.raw.rows)):
        cells_of = {name: found[i] for name, (found, _) in columns.items()}
        values = {name: value for name, value in cells_of.items() if value is not None}
        given = {n: float(found[i]) for n, (found, _) in sds.items() if not math.isnan(found[i])}
        is_spoilt = any(i in bad for _, bad in [*columns.values(), *sds.values()])
        failure, note = page.words(FAILURE, i), page.words(NOTE, i)
        is_filled = bool(values or given or failure or note or is_spoilt)
        rows = _asked(page, i, is_filled=is_filled)
        if rows is None or not is_filled:
            empty |= set() if rows is None else {rows.keys[0]}
            continue
        if failure and values:
            both = "the row has values, too: leave the failure or the values empty"
            page.say(i, FAILURE, MARK if is_mark(failure) else both)
            continue
        for prop in start.properties:
            if prop.name in given and prop.name not in values and i not in columns[prop.name][1]:
                page.say(i, sd_heading(prop), "no value beside it: write both, or neither")
        beside = {name: sd for name, sd in given.items() if name in values}
        found = _cells(page, i, rows.keys[0], values, beside) if values else {}
        entries.append(Entry(i, rows, found, failure, note))
    several = Counter(entry.key for entry in entries)
    doubtful = {entry.key for entry in entries if entry.failure and several[entry.key] > 1}
    for entry in entries:
        if entry.key in doubtful:
            page.say(
                entry.row, KEY, f"{entry.key} stands in {several[entry.key]} filled rows, and one "
                "says that it failed: keep that row, or those with values",
            )  # fmt: skip
    return entries, len(empty - set(several))


def _values(page: _Sheet, prop: Property) -> tuple[list[float | str | None], set[int]]:
    label = value_heading(prop)
    if prop.categories is not None:
        texts = [page.text(label, i) for i in range(len(page.raw.rows))]
        return [_class(prop.categories, text) for text in texts], set()
    found, bad = page.numbers(label, prop.unit)
    return [None if math.isnan(v) else float(v) for v in found], bad


def _class(categories: Sequence[str], text: str) -> str | None:
    """The name of a class; programs write truth values in capitals."""
    if text in categories:
        return text
    if text.lower() in ("true", "false"):
        alike = [name for name in categories if name.lower() == text.lower()]
        return alike[0] if len(alike) == 1 else text
    return None if says_nothing(text) else text


def _cells(
    page: _Sheet,
    i: int,
    key: str,
    values: Mapping[str, float | str],
    sds: Mapping[str, float],
) -> Mapping[str, Cell]:
    """Values in the units of the table; what is wrong with them is said of the row."""
    start = page.history.start
    labels = {p.name: value_heading(p) for p in start.properties}
    units = {n: page.units[labels[n]] for n in values if labels.get(n) in page.units}
    of_sds = {p.name: page.units.get(sd_heading(p)) for p in start.properties}
    other = [n for n in sds if n in units and of_sds[n] not in (None, units[n])]
    for name in other:
        page.say(i, KEY, f"the sd of {name!r} is in another unit than its value")
    try:
        return cells(start.properties, key, values, sds, units)
    except CampaignError as error:
        for line in str(error).split("\n")[1:]:
            name = next((n for n in labels if line.strip().startswith(repr(n))), "")
            page.say(i, labels.get(name, ""), line.strip().removeprefix(f"{name!r}: "))
        return {}


def _asked(page: _Sheet, i: int, *, is_filled: bool) -> Rows | None:
    """The row that is meant: by its key, else by its material and conditions."""
    start, history, key = page.history.start, page.history, page.text(KEY, i)
    label = material_heading(start)
    material = page.text(label, i) or None
    given = {c.name: page.text(heading(c), i) for c in start.conditions}
    known = {*history.proposed, *history.unasked}
    if key and key not in known and key not in start.rows.keys:
        page.say(
            i, KEY, "no row of this campaign: the cell was changed, or the sheet is another "
            "campaign's; leave it empty where something was measured that nobody asked for",
        )  # fmt: skip
        return None
    if key and material is None and not any(given.values()):
        return _of_key(history, key)
    if not key and not is_filled:
        return None
    conditions = _conditions(page, i, given)
    if conditions is None:
        return None
    try:
        one = None if start.kind == "recipe" else [material or ""]
        rows = Rows.of(start, one, conditions)
    except BayesmatError as error:
        page.say(i, label if material else KEY, " ".join(str(error).split()))
        return None
    if key and rows.keys[0] != key:
        page.say(i, KEY, f"the row says {rows.keys[0]!r}, its key another: one of them was changed")
        return None
    return rows


def _of_key(history: History, key: str) -> Rows:
    if key in history.start.rows.keys:
        return history.start.rows.take([history.start.rows.keys.index(key)])
    return history.rows([key])


def _conditions(page: _Sheet, i: int, given: Mapping[str, str]) -> dict[str, float | str] | None:
    """The conditions of a row; what is wrong with them is said of their own columns."""
    start, found = page.history.start, dict[str, float | str]()
    for condition, known in zip(start.conditions, start.condition_values.T, strict=True):
        label, text = heading(condition), given[condition.name]
        try:
            found[condition.name] = _condition(page, condition, text, known)
        except BayesmatError as error:
            page.say(i, label, str(error))
    return found if len(found) == len(start.conditions) else None


def _condition(page: _Sheet, condition: Condition, text: str, known: np.ndarray) -> float | str:
    """A number in the unit of the table, or the name of a category."""
    if not text:
        raise DataError(
            "the condition is missing, without which the row cannot be compared with others"
        )
    written = page.units.get(heading(condition))
    value = float(condition_values(condition, text, known, written)[0])
    return text if condition.categories is not None else value
