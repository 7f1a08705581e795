"""What a campaign knows at one moment, in the order of suggestion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from bayesmat._repr import Shown
from bayesmat.data.materials import canonical
from bayesmat.data.table import PropertyTable
from bayesmat.errors import CampaignError
from bayesmat.explore.goals import (
    AtLeast,
    AtMost,
    Goal,
    Maximize,
    Minimize,
    Within,
    goal_words,
    nearest,
    targets_of,
)
from bayesmat.explore.records import Status
from bayesmat.explore.store import ItemRow, ProposalRow, ResultRow
from bayesmat.explore.written import rows_from_json
from bayesmat.oracles.base import Failure

__all__ = ["History", "columns_of"]

State = Literal["pending", "told", "failed"]

_FIRST = ("round", "model", "position", "material", "state", "hit", "probability")
_LAST = ("domain_distance", "cost_s", "failure", "left_out")
_ENDS = ("", "_sd", "_median", "_lower", "_upper")


def columns_of(names: Sequence[str]) -> dict[str, str]:
    """Property -> what its columns in a history start with, so that no two columns have one name.

    That is its name, unless a column of the history or of a property before it has that name.

    >>> columns_of(["gap", "gap_sd", "round"])
    {'gap': 'gap', 'gap_sd': 'property_gap_sd', 'round': 'property_round'}
    """
    taken, found = {*_FIRST, *_LAST}, {}
    for name in names:
        label = name
        while any(f"{label}{end}" in taken for end in _ENDS):
            label = f"property_{label}"
        taken |= {f"{label}{end}" for end in _ENDS}
        found[name] = label
    return found


@dataclass(frozen=True, eq=False, repr=False)
class History(Shown):
    """Start table, proposals and results; the order is that of suggestion, never of completion.

    Attributes:
        start: The table that the campaign began with.
        goals: What is searched for.
        proposals: In the order in which they were made.
        results: Cells by material.
        carried: Rounds after which the campaign was carried over to other parts.
    """

    start: PropertyTable
    goals: tuple[Goal, ...]
    proposals: tuple[ProposalRow, ...]
    results: Mapping[str, tuple[ResultRow, ...]]
    carried: tuple[int, ...] = ()

    @cached_property
    def proposed(self) -> tuple[str, ...]:
        """Every proposed material, in the order of suggestion."""
        return tuple(item.material for p in self.proposals for item in p.items)

    @property
    def known(self) -> frozenset[str]:
        """Keys of what must not be proposed (again): start, told, failed and pending."""
        return frozenset(self.start.rows.keys) | frozenset(self.proposed)

    @property
    def pending(self) -> tuple[str, ...]:
        """Proposed materials that have neither a result nor a failure."""
        return tuple(m for m in self.proposed if m not in self.results)

    def key(self, material: str) -> str:
        """The key of a proposed material, in any spelling.

        Raises:
            MaterialError: It cannot be read.
            CampaignError: It was never proposed.
        """
        key = canonical(material, self.start.kind)
        if key not in self.proposed:
            raise CampaignError(
                f"{material!r} (canonical {key!r}) was never proposed by this campaign, so there "
                f"is no prediction to hold it against. Waiting for results: {list(self.pending)}. "
                "Other measurements belong into the start table."
            )
        return key

    def state(self, material: str) -> State:
        """Where a proposed material stands."""
        rows = self.results.get(material, ())
        if any(row.failure is None for row in rows):
            return "told"
        return "failed" if rows else "pending"

    def left_out(self, material: str) -> str | None:
        """What an oracle answered about a measured material that could not be used, and why."""
        code = f"{Failure.LEFT_OUT}: "
        said = (r.failure for r in self.results.get(material, ()) if r.failure is not None)
        found = next((text.removeprefix(code) for text in said if text.startswith(code)), None)
        return found if self.state(material) == "told" else None

    def values(self, material: str) -> dict[str, float]:
        """Measured values of a material."""
        rows = self.results.get(material, ())
        return {r.property: r.value for r in rows if r.property is not None and r.value is not None}

    def table(self) -> PropertyTable:
        """The start table with a row for every proposed material that has a result."""
        names = self.start.property_names
        rows: list[tuple[ItemRow, int, dict[str, ResultRow]]] = []
        for proposal in self.proposals:
            for item in proposal.items:
                cells = {
                    r.property: r
                    for r in self.results.get(item.material, ())
                    if r.property in names
                }
                if cells:
                    rows.append((item, proposal.round, cells))
        if not rows:
            return self.start
        return self.start.append(
            rows_from_json([item for item, _, _ in rows], self.start),
            {n: [_number(c[n].value if n in c else None) for _, _, c in rows] for n in names},
            {n: [_number(c[n].sd if n in c else None) for _, _, c in rows] for n in names},
            groups=None if self.start.groups is None else [f"round {r}" for _, r, _ in rows],
        )

    def frame(self) -> pd.DataFrame:
        """One row per proposed material; see `Campaign.history`."""
        extra = {
            r.property: None
            for rows in self.results.values()
            for r in rows
            if r.property is not None
        }
        names = columns_of(list(dict.fromkeys([*self.start.property_names, *extra])))
        records = [
            self._record(proposal.round, position, item, names)
            for proposal in self.proposals
            for position, item in enumerate(proposal.items, start=1)
        ]
        return pd.DataFrame(records, columns=_columns(names, self.start.property_names))

    def _record(
        self, round_: int, position: int, item: ItemRow, names: Mapping[str, str]
    ) -> dict[str, object]:
        cells = {r.property: r for r in self.results.get(item.material, ())}
        said = item.prediction
        state = self.state(item.material)
        failure = next((r.failure for r in cells.values() if r.failure), None)
        record: dict[str, object] = {
            "round": round_,
            "model": 1 + sum(after < round_ for after in self.carried),
            "position": position,
            "material": item.material,
            "state": state,
            "hit": self.hit(item.material) if state == "told" and self._bounded else None,
            "probability": _number(said["probability"]),
            "domain_distance": _number(said["domain_distance"]),
            "cost_s": _number(
                max((r.cost_s for r in cells.values() if r.cost_s is not None), default=None)
            ),
            "failure": None if state == "told" else failure,
            "left_out": self.left_out(item.material),
        }
        for name, label in names.items():
            cell = cells.get(name)
            record[label] = _number(cell.value if cell else None)
            record[f"{label}_sd"] = _number(cell.sd if cell else None)
            for key in ("median", "lower", "upper"):
                record[f"{label}_{key}"] = _number(said[key].get(name))
        return record

    def hit(self, material: str) -> bool:
        """Whether a material's results meet every goal that has bounds."""
        values = self.values(material)
        return all(g.property in values and g.met(values[g.property]) for g in self._bounded)

    def status(self) -> Status:
        """Counts, hits and the best material so far."""
        told = [m for m in self.proposed if self.state(m) == "told"]
        scales = dict(zip(self.start.property_names, self.start.scales, strict=True))
        targets = targets_of(self.goals, self.start.properties)
        found = nearest([self.values(m) for m in told], targets, scales)
        best = None if found is None else told[found]
        return Status(
            rounds=len(self.proposals),
            proposed=len(self.proposed),
            told=len(told),
            failed=sum(self.state(m) == "failed" for m in self.proposed),
            pending=self.pending,
            hits=sum(self.hit(m) for m in told) if self._bounded else 0,
            best=best,
            best_values={} if best is None else self.values(best),
            left_out=sum(self.left_out(m) is not None for m in told),
        )

    @property
    def _bounded(self) -> list[Within | AtLeast | AtMost]:
        return [g for g in self.goals if not isinstance(g, Maximize | Minimize)]

    def _facts(self) -> dict[str, object]:
        return {
            "start": self.start,
            "goals": [goal_words(goal, self.start.properties) for goal in self.goals],
            "rounds": len(self.proposals),
            "proposed": len(self.proposed),
            "pending": len(self.pending),
        }


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _columns(names: Mapping[str, str], predicted: Sequence[str]) -> list[str]:
    """Column names of the history: fixed ones, then each property with what was said of it."""
    columns = [*_FIRST]
    for name, label in names.items():
        ends = _ENDS if name in predicted else _ENDS[:2]
        columns += [f"{label}{end}" for end in ends]
    return [*columns, *_LAST]
