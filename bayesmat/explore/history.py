"""What a campaign knows at one moment, in the order of suggestion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bayesmat._repr import Shown
from bayesmat.data.rows import Rows
from bayesmat.data.table import Property, PropertyTable
from bayesmat.explore.goals import (
    AtLeast,
    AtMost,
    Goal,
    Maximize,
    Minimize,
    Within,
    applies,
    goal_words,
    nearest,
    targets_of,
)
from bayesmat.explore.records import Status
from bayesmat.explore.standing import (
    Cell,
    Reading,
    Standing,
    State,
    Summary,
    stand,
    start_readings,
    summary,
)
from bayesmat.explore.stored import EventRow, ItemRow, Kind, ProposalRow
from bayesmat.explore.surprise import Surprise, surprises
from bayesmat.explore.written import rows_from_json

__all__ = ["History", "columns_of", "condition_columns", "history_headings"]

_FIRST = ("round", "model", "position", "material", "state", "hit", "probability")
_LAST = (
    "domain_distance", "cost_s", "failure", "left_out", "origin", "structure", "oracle",
    "replicates", "corrections", "notes",
)  # fmt: skip
_MEASURED = ("", "_sd", "_replicates", "_scatter")
_PREDICTED = ("_median", "_lower", "_upper")
_ENDS = (*_MEASURED, *_PREDICTED)


def columns_of(names: Sequence[str], conditions: Sequence[str] = ()) -> dict[str, str]:
    """Property -> what its columns in a history start with, so that no two columns have one name.

    That is its name, unless a column of the history or of a property before it has that name.

    >>> columns_of(["gap", "gap_sd", "round"])
    {'gap': 'gap', 'gap_sd': 'property_gap_sd', 'round': 'property_round'}
    """
    taken, found = {*_FIRST, *_LAST, *condition_columns(conditions).values()}, {}
    for name in names:
        label = name
        while any(f"{label}{end}" in taken for end in _ENDS):
            label = f"property_{label}"
        taken |= {f"{label}{end}" for end in _ENDS}
        found[name] = label
    return found


def condition_columns(conditions: Sequence[str]) -> dict[str, str]:
    """Condition -> its column in a history: its name, unless a column of the history has that name.

    >>> condition_columns(["temperature", "state"])
    {'temperature': 'temperature', 'state': 'condition_state'}
    """
    taken, found = {*_FIRST, *_LAST, *conditions}, {}
    for name in conditions:
        label = name
        while label in taken - {name} or label in (*_FIRST, *_LAST):
            label = f"condition_{label}"
        taken.add(label)
        found[name] = label
    return found


def history_headings(start: PropertyTable) -> dict[str, str]:
    """Column of a history -> the same with its unit, where it has one."""
    conditions = condition_columns([c.name for c in start.conditions])
    labels = columns_of(start.property_names, list(conditions))
    units = {conditions[c.name]: c.unit for c in start.conditions}
    for p in start.properties:
        ends = [end for end in _ENDS if end != "_replicates"]
        units |= {f"{labels[p.name]}{end}": p.unit for end in ends}
    return {label: f"{label} [{unit}]" for label, unit in units.items() if unit}


@dataclass(frozen=True, eq=False, repr=False)
class History(Shown):
    """Everything that is known, in the order of suggestion, however the results came in.

    Attributes:
        start: The table that the campaign began with.
        goals: What is searched for.
        proposals: The first round first.
        events: What was learned, in the order of writing.
        carried: For each time the parts were changed, the number of rounds made before.
    """

    start: PropertyTable
    goals: tuple[Goal, ...]
    proposals: tuple[ProposalRow, ...]
    events: Sequence[EventRow]
    carried: tuple[int, ...] = ()

    @cached_property
    def items(self) -> dict[str, ItemRow]:
        """Key -> proposed row, in the order of suggestion."""
        return {item.material: item for p in self.proposals for item in p.items}

    @cached_property
    def proposed(self) -> tuple[str, ...]:
        """Keys of all that was proposed, in the order of suggestion."""
        return tuple(self.items)

    @cached_property
    def unasked(self) -> tuple[str, ...]:
        """Keys of what was spoken of though never proposed, in the order of its first event."""
        spoken = dict.fromkeys(e.material for e in self.events if e.material is not None)
        return tuple(key for key in spoken if key not in self.items)

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """Key -> what stands, for all that was proposed or has events."""
        events: dict[str, list[EventRow]] = {key: [] for key in (*self.proposed, *self.unasked)}
        asked = {p.round: [item.material for item in p.items] for p in self.proposals}
        for event in self.events:
            if event.material is not None:
                events[event.material].append(event)
            elif event.kind == Kind.PROPOSED:
                for key in asked[event.payload["round"]]:
                    events[key].append(event)
        return {key: stand(told, self._starts.get(key, ())) for key, told in events.items()}

    @property
    def known(self) -> frozenset[str]:
        """Keys of what must not be proposed (again): start, proposed, told and failed.

        What was never proposed, and of which all that was told has been withdrawn, is not known.
        """
        states = {key: self.state(key) for key in self.unasked}
        gone = {key for key, state in states.items() if state == "withdrawn"}
        told = {key for key, state in states.items() if state in ("told", "failed")}
        return frozenset((*self.proposed, *told)) | (frozenset(self._starts) - gone)

    @property
    def pending(self) -> tuple[str, ...]:
        """Keys of what was proposed and waits for a result."""
        return tuple(key for key in self.proposed if self.state(key) == "pending")

    def state(self, key: str) -> State:
        """Where a row stands that was proposed or spoken of."""
        return self.standings[key].state

    def rows(self, keys: Sequence[str]) -> Rows:
        """The rows of keys that were proposed or spoken of."""
        return rows_from_json([self._items[key] for key in keys], self.start)

    def left_out(self, key: str) -> str | None:
        """What an oracle answered about a measured material that could not be used, and why."""
        return self.standings[key].left_out if self.state(key) == "told" else None

    def values(self, key: str) -> dict[str, float]:
        """Measured values of a row: of replicates the mean, of classes the commonest."""
        found = self.standings[key].cells
        return {
            name: summary(cells, self._properties.get(name)).value for name, cells in found.items()
        }

    def table(self) -> PropertyTable:
        """The start table as corrected, with a row for every measurement since.

        Proposed rows come in the order of suggestion, then unasked ones in that of telling.
        Replicates are rows of their own.
        """
        names = self.start.property_names
        rounds = {item.material: p.round for p in self.proposals for item in p.items}
        rows: list[tuple[str, Reading]] = []
        for key in (*self.proposed, *self.unasked):
            readings = self.standings[key].readings
            rows += [
                (key, r) for r in readings if r.number > 0 and any(n in names for n in r.cells)
            ]
        table = self.corrected_start()
        if not rows:
            return table
        nothing = Cell(np.nan, np.nan)
        of_rows = [rounds.get(key) for key, _ in rows]
        return table.append(
            self.rows([key for key, _ in rows]),
            {n: [r.cells.get(n, nothing).value for _, r in rows] for n in names},
            {n: [_number(r.cells.get(n, nothing).sd) for _, r in rows] for n in names},
            groups=None
            if self.start.groups is None
            else ["unasked" if r is None else f"round {r}" for r in of_rows],
        )

    def corrected_start(self) -> PropertyTable:
        """The start table with what was corrected, and without what was taken back."""
        touched = [
            reading
            for key in (*self.proposed, *self.unasked)
            for before, reading in zip(
                self._starts.get(key, ()),
                (r for r in self.standings[key].readings if r.number < 0),
                strict=True,
            )
            if before.cells != reading.cells
        ]
        if not touched:
            return self.start
        values, stds = self.start.values.copy(), self.start.stds.copy()
        for reading in touched:
            cells = [reading.cells.get(n, Cell(np.nan, None)) for n in self.start.property_names]
            values[-reading.number - 1] = [cell.value for cell in cells]
            stds[-reading.number - 1] = [_number(cell.sd) for cell in cells]
        emptied = {-r.number - 1 for r in touched if not r.cells}
        kept = [i for i in range(self.start.n_rows) if i not in emptied]
        return replace(self.start, values=values, stds=stds).subset(kept)

    def frame(self) -> pd.DataFrame:
        """One row per proposed material and one per unasked; see `Campaign.history`."""
        standings = [self.standings[key] for key in (*self.proposed, *self.unasked)]
        extra = sorted({name for s in standings for name in s.cells})
        conditions = [c.name for c in self.start.conditions]
        every = list(dict.fromkeys([*self.start.property_names, *extra]))
        names = columns_of(every, conditions)
        records = [
            {"round": p.round, "model": 1 + sum(after < p.round for after in self.carried),
             "position": position, **self._record(item.material, names)}
            for p in self.proposals for position, item in enumerate(p.items, start=1)
        ]  # fmt: skip
        records += [self._record(key, names) for key in self._shown]
        labels = list(condition_columns(conditions).values())
        columns = _columns(names, self.start.property_names, labels)
        frame = pd.DataFrame(records, columns=columns)
        return frame.astype(dict.fromkeys(("round", "model", "position"), "Int64"))

    def status(self) -> Status:
        """Counts, hits and the best material so far."""
        states = Counter(self.state(key) for key in self.proposed)
        asked = [key for key in self.proposed if self.state(key) == "told"]
        spoken = [
            key for key in self.unasked if any(r.number > 0 for r in self.standings[key].readings)
        ]
        told = [*asked, *spoken]
        scales = dict(zip(self.start.property_names, self.corrected_start().scales, strict=True))
        targets = targets_of(self.goals, self.start.properties, self.start.conditions)
        ranked = [key for key in told if key in self._meant]
        found = nearest([self.values(key) for key in ranked], targets, scales)
        best = None if found is None else ranked[found]
        every = [self.standings[key] for key in (*self.proposed, *self.unasked)]
        failures = [s.failure for s in every if s.state == "failed" and s.failure is not None]
        return Status(
            rounds=len(self.proposals),
            proposed=len(self.proposed),
            told=len(asked),
            failed=states["failed"],
            pending=self.pending,
            hits=sum(self.hit(m) for m in asked) if self._bounded else 0,
            best=best,
            best_values={} if best is None else self._named(self.values(best)),
            best_hits=best is not None and bool(self._bounded) and self.hit(best),
            left_out=sum(self.left_out(m) is not None for m in told),
            withdrawn=states["withdrawn"],
            unasked=sum(map(self._adds, spoken)),
            corrected=sum(s.corrections > 0 for s in every),
            replicated=sum(any(len(c) > 1 for c in s.cells.values()) for s in every),
            failures=dict(Counter(reason.split(":")[0] for reason in failures).most_common()),
            bounded=bool(self._bounded),
            noun="recipe" if self.start.kind == "recipe" else "material",
        )

    def _adds(self, key: str) -> bool:
        """Whether more was told of an unasked row than replicates of what the start knew."""
        known = {name for reading in self._starts.get(key, ()) for name in reading.cells}
        return any(r.number > 0 and set(r.cells) - known for r in self.standings[key].readings)

    @cached_property
    def _meant(self) -> frozenset[str]:
        """Keys of the rows under the conditions that the goals are meant under."""
        rows = self.rows((*self.proposed, *self.unasked))
        return frozenset(key for key, is_meant in zip(rows.keys, applies(rows, self.goals),
                                                      strict=True) if is_meant)  # fmt: skip

    def surprises(self) -> tuple[Surprise, ...]:
        """Values that stand though the prediction that was made of them gave them no chance."""
        return tuple(
            found
            for key, item in self.items.items()
            for reading in self.standings[key].readings
            for found in surprises(key, reading.cells, item.prediction, self.start.properties)
        )

    def hit(self, key: str) -> bool:
        """Whether a row's results meet every goal that has bounds, where the goals are meant."""
        if key not in self._meant:
            return False
        values = self.values(key)
        return all(g.property in values and g.met(values[g.property]) for g in self._bounded)

    def _record(self, key: str, names: Mapping[str, str]) -> dict[str, object]:
        standing, item = self.standings[key], self.items.get(key)
        said = {} if item is None else item.prediction
        told = standing.state == "told"
        found = {n: summary(cells, self._properties.get(n)) for n, cells in standing.cells.items()}
        origin = "start" if key in self._starts else "unasked"
        row = self.rows([key])
        labels = condition_columns([c.name for c in self.start.conditions])
        record: dict[str, object] = {
            "material": key,
            **{labels[name]: value for name, value in row.named(0).items()},
            "state": standing.state,
            "hit": self.hit(key) if told and self._bounded else None,
            "probability": _number(said.get("probability")),
            "domain_distance": _number(said.get("domain_distance")),
            "cost_s": _number(standing.cost_s),
            "failure": standing.failure,
            "left_out": self.left_out(key),
            "origin": origin if item is None else "proposed",
            "structure": None if row.materials is None else row.materials[0],
            "oracle": standing.oracle,
            "replicates": max((s.replicates for s in found.values()), default=0),
            "corrections": standing.corrections,
            "notes": "; ".join(standing.notes) or None,
        }
        named = self._named({n: s.value for n, s in found.items()})
        for name, label in names.items():
            cell = found.get(name, Summary())
            values = (named.get(name, np.nan), cell.sd, cell.replicates, cell.scatter)
            record |= {f"{label}{end}": v for end, v in zip(_MEASURED, values, strict=True)}
            ends = {end: said.get(end[1:], {}).get(name) for end in _PREDICTED}
            record |= {f"{label}{end}": _number(value) for end, value in ends.items()}
        return record

    def _named(self, values: Mapping[str, float]) -> dict[str, float | str]:
        known = self._properties
        return {n: known[n].named(v) if n in known else v for n, v in values.items()}

    @cached_property
    def _properties(self) -> dict[str, Property]:
        return {p.name: p for p in self.start.properties}

    @cached_property
    def _starts(self) -> dict[str, tuple[Reading, ...]]:
        return start_readings(self.start)

    @cached_property
    def _items(self) -> dict[str, ItemRow]:
        """Key -> proposed row, or one that says as much of an unasked one."""
        said = {e.material: ItemRow(e.material, {"row": e.row}) for e in self.events if e.material}
        return {**said, **self.items}

    @property
    def _shown(self) -> tuple[str, ...]:
        """Unasked rows of which more was said than remarks."""
        said = {e.material for e in self.events if e.kind != Kind.NOTED}
        return tuple(key for key in self.unasked if key in said)

    @property
    def _bounded(self) -> list[Within | AtLeast | AtMost]:
        return [g for g in self.goals if not isinstance(g, Maximize | Minimize)]

    def _facts(self) -> dict[str, object]:
        return {
            "start": self.start,
            "goals": [goal_words(goal, self.start) for goal in self.goals],
            "rounds": len(self.proposals),
            "proposed": len(self.proposed),
            "pending": len(self.pending),
        }


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _columns(
    names: Mapping[str, str], predicted: Sequence[str], conditions: Sequence[str]
) -> list[str]:
    """Column names of the history: fixed ones, then each property with what was said of it."""
    at = _FIRST.index("material") + 1
    columns = [*_FIRST[:at], *conditions, *_FIRST[at:]]
    for name, label in names.items():
        columns += [f"{label}{end}" for end in (_ENDS if name in predicted else _MEASURED)]
    return [*columns, *_LAST]
