"""What a campaign hands out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from bayesmat._counted import counted
from bayesmat._repr import record, sheet, text
from bayesmat.data.drawing import structures
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.explore.calls import names_of
from bayesmat.explore.stored import ProposalRow
from bayesmat.explore.written import jsonable, prediction_from_json
from bayesmat.models.prediction import Prediction

__all__ = [
    "CarryOver",
    "Proposal",
    "RoundTrace",
    "SamplerStage",
    "Status",
    "proposal_of",
    "stage_of",
]

_PROSE = 1000  # characters of a cell that may hold a reason
_PARTS = {"prior": "models", "oracle": "oracles", "candidates": "candidates", "rule": "rules"}


@dataclass(frozen=True)
class SamplerStage:
    """One temperature of the sampler that made the candidates.

    Attributes:
        beta: Inverse temperature; 1 is the target.
        ess_fraction: Effective number of particles, of all.
        acceptance: Share of moves that were accepted, if it moved.
        unique_fraction: Distinct particles, of all.
    """

    beta: float
    ess_fraction: float
    acceptance: float | None = None
    unique_fraction: float | None = None


@dataclass(frozen=True)
class RoundTrace:
    """How a proposal came about: what reports read, and in `notes` what only people read.

    Attributes:
        rule: Name of the rule.
        candidates: Digest of the candidate source.
        n_candidates: How many there were.
        n_pending: Materials that were waiting for a result.
        report: The fit's report, a sentence a line.
        seconds: Spent on `fit`, `candidates` and `select`.
        temporary: Property -> region that the rule aimed at, in the property's unit.
        stages: Temperatures of the sampler; none for a pool.
        versions: Package -> installed version.
        notes: What rule (`selection`) and candidate source (`source`) said besides.
    """

    rule: str = ""
    candidates: str = ""
    n_candidates: int = 0
    n_pending: int = 0
    report: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    temporary: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    stages: tuple[SamplerStage, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Write the trace; infinities become text, NaN nothing."""
        written: dict[str, Any] = jsonable(vars(self))
        return written

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> RoundTrace:
        """Read a trace, also one of an earlier version, whose rule and source kept own keys."""
        known = {f.name: written[f.name] for f in dataclasses.fields(cls) if f.name in written}
        if "notes" not in written:
            notes = {name: written.get(name) or {} for name in ("selection", "source")}
            n = notes["source"].get("n_particles") or 1
            known |= {
                "notes": notes,
                "temporary": notes["selection"].get("temporary") or {},
                "stages": [stage_of(s, n) for s in notes["source"].get("stages") or ()],
            }
        stages = tuple(s if isinstance(s, SamplerStage) else SamplerStage(**s)
                       for s in known.pop("stages", ()))  # fmt: skip
        regions = known.pop("temporary", {}).items()
        temporary = {name: (float(low), float(high)) for name, (low, high) in regions}
        return cls(**known, stages=stages, temporary=temporary)


def stage_of(record: Mapping[str, Any], n_particles: int) -> SamplerStage:
    """A stage from a record of the string sampler."""
    unique, acceptance = record.get("unique"), record.get("acceptance")
    share = None if unique is None else unique / n_particles
    return SamplerStage(record["beta"], record["ess"] / n_particles, acceptance, share)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A recommended batch, as it is stored.

    Attributes:
        round: Counted from 1.
        prediction: What the posterior said about each material before it was measured.
        probability: P(a measurement meets all goals that have bounds), shape `n`; NaN if none has.
        scores: The rule's value of each material, shape `n`.
        trace: How the proposal came about.
        notes: Columns of the pool that travel with the rows.
        reasons: What each prediction rests on, in words; none of earlier versions' proposals.
    """

    round: int
    prediction: Prediction
    probability: np.ndarray
    scores: np.ndarray
    trace: RoundTrace = field(default_factory=RoundTrace)
    notes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def rows(self) -> Rows:
        """What is proposed, best first: materials, conditions or both."""
        return self.prediction.rows

    @property
    def materials(self) -> tuple[str, ...]:
        """The materials, best first; of recipes, their conditions in words."""
        return self.prediction.materials

    @property
    def names(self) -> tuple[str, ...]:
        """What people call the rows, if the pool has a column of names; else empty strings."""
        return names_of(self.notes, len(self.rows))

    def to_frame(self) -> pd.DataFrame:
        """One row per material: prediction, score, and probability where a goal has bounds."""
        own = ("P(goals)", "score", "reason")
        frame = self.prediction.to_frame().rename(columns={n: f"condition {n}" for n in own})
        place = len(self.rows.frame_columns())
        for name, column in self.notes.items():
            label = name
            while label in frame or label in own:
                label = f"pool {label}"
            frame.insert(place, label, list(column))
            place += 1
        if self.is_bounded:
            frame.insert(place, "P(goals)", self.probability)
        frame = frame.assign(score=self.scores)
        return frame.assign(reason=list(self.reasons)) if self.reasons else frame

    def __repr__(self) -> str:
        return text("Proposal", {"round": self.round, "rows": self.rows.keys})

    def __str__(self) -> str:
        frame = self.to_frame().drop(columns="reason", errors="ignore")
        place = len(self.rows.frame_columns())
        beside = frame.columns[place : place + len(self.notes)]
        settings = frame.columns[:place]
        frame = frame.assign(
            **_rounded(frame[settings], 6), **_rounded(frame.drop(columns=[*settings, *beside]), 3)
        )
        why = zip(self.rows.keys, self.reasons, strict=False)
        lines = [f"{key}: {reason}" for key, reason in why]
        return "\n".join(
            [self._head(), frame.to_string(index=False), *filter(None, [self.scored]), *lines]
        )

    def _repr_html_(self) -> str:
        pictures = structures(self.rows.materials, self.prediction.kind)
        caption = ". ".join(filter(None, [self._head().removesuffix("."), self.scored]))
        return sheet(self.to_frame(), caption=caption, pictures=pictures, limit=_PROSE)

    def _head(self) -> str:
        what = "recipe" if self.rows.materials is None else "material"
        head = f"Round {self.round}: {counted(len(self.rows), what)} by {self.trace.rule}"
        return f"{head}. {self.aim}" if self.aim else head

    @property
    def is_bounded(self) -> bool:
        """Whether a probability of meeting the goals is known; extremes have none."""
        return bool(np.isfinite(self.probability).any())

    @property
    def scored(self) -> str:
        """What the rule's score of a row means, in words; empty of a rule of one's own."""
        return _SCORES.get(self.trace.rule, "")

    @property
    def aim(self) -> str:
        """The temporary region that a rule aimed at on its way, in words; empty if it had none."""
        units = {p.name: f" {p.unit}".rstrip() for p in self.prediction.properties}
        aims = [
            f"{name} of {_ends(low, high)}{units.get(name, '')}"
            for name, (low, high) in self.trace.temporary.items()
        ]
        if not aims or self.trace.notes.get("selection", {}).get("tau") == 0:
            return ""
        return f"It aims at {' and '.join(aims)}, on the way to the goals that P(goals) is of."


_SCORES = {
    "qLogNEI": "Score: log of the expected improvement by a row and those above it together.",
    "qLogEI": "Score: log of the expected improvement by a row and those above it together.",
    "P(region)": "Score: log of the probability of meeting the goals.",
    "expected distance": "Score: minus the expected squared distance to the goals, 0 at best.",
    "SPACIER": "Score: what a row adds to E[log(1 + hits)] of those above it, so that it falls.",
    "SPACIER (literal)": "Score: value for the temporary target of a row, each row its own.",
}


def _ends(low: float, high: float) -> str:
    if np.isinf(low):
        return f"at most {high:.4g}"
    return f"at least {low:.4g}" if np.isinf(high) else f"{low:.4g} to {high:.4g}"


@dataclass(frozen=True)
class Status:
    """Where a campaign stands.

    Attributes:
        rounds: Proposals made.
        proposed: Materials proposed.
        told: Proposed materials with a result.
        failed: Proposed materials that failed, and were not tried again since.
        pending: Materials that wait for a result, in the order of suggestion.
        hits: Proposed materials whose results meet every goal that has bounds; 0 if no goal has.
        best: The material whose results come nearest to the goals, or `None`.
        best_values: Its results in the units of the properties, classes by name.
        best_hits: Whether they meet every goal that has bounds.
        left_out: Measured materials of which something that the oracle answered could not be used.
        withdrawn: Proposed materials of which all that was known has been taken back.
        unasked: Materials that were measured though nobody proposed them; a replicate of the start
            is none.
        corrected: Materials of which a value was corrected.
        replicated: Materials that were measured more than once.
        failures: Reason up to its colon -> how many materials, the commonest first.
        bounded: Whether any goal has bounds, so that there can be hits.
        noun: What a row is called: "material" or "recipe".
    """

    rounds: int
    proposed: int
    told: int
    failed: int
    pending: tuple[str, ...]
    hits: int
    best: str | None
    best_values: Mapping[str, float | str]
    left_out: int = 0
    withdrawn: int = 0
    unasked: int = 0
    corrected: int = 0
    replicated: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    bounded: bool = True
    noun: str = "material"
    best_hits: bool = False

    @property
    def reasons(self) -> str:
        """The reasons of failures in brackets, counted where there are several; else empty."""
        each = [f"{n} {reason}" for reason, n in self.failures.items()]
        found = ", ".join(self.failures if len(each) == 1 else each)
        return f" ({found})" if found else ""

    def __str__(self) -> str:
        verb = "meets" if self.hits == 1 else "meet"
        hits = f" ({self.hits} {verb} the goals)" if self.bounded else ""
        counts = (
            f"{counted(self.rounds, 'round')}, {counted(self.proposed, self.noun)} proposed: "
            f"{self.told} measured{hits}, {self.failed} failed{self.reasons},"
            f"{f' {self.withdrawn} withdrawn,' if self.withdrawn else ''} "
            f"{len(self.pending)} pending."
        )
        besides = [
            f"{counted(n, self.noun)} {said}"
            for n, said in (
                (self.unasked, "measured unasked"),
                (self.corrected, "corrected"),
                (self.replicated, "with replicates"),
            )
            if n
        ]
        counts += f" Besides: {', '.join(besides)}." if besides else ""
        if self.left_out:
            counts += (
                f" Of {counted(self.left_out, f'measured {self.noun}')} something could not be "
                "used (`left_out` in the history)."
            )
        if self.best is None:
            return counts
        values = ", ".join(
            f"{name} = {value if isinstance(value, str) else f'{value:.4g}'}"
            for name, value in self.best_values.items()
        )
        what = "Nearest to the goals" if self.bounded else "Best since the start"
        what = "Among those that meet the goals" if self.best_hits else what
        return f"{counts} {what}: {self.best} ({values})."

    def _repr_html_(self) -> str:
        hidden = ("best_values", "best_hits", "failures", "bounded", "noun")
        facts = {name: value for name, value in vars(self).items() if name not in hidden}
        facts |= {f"failed: {reason}": n for reason, n in self.failures.items()}
        return record("Status", facts | {f"best: {k}": v for k, v in self.best_values.items()})


@dataclass(frozen=True)
class CarryOver:
    """That a campaign went on with another prior, oracle, rule or candidates.

    Attributes:
        after_round: The last round made with the former parts.
        time: When, UTC.
        reason: Who carried it over and why.
        changed: Part or package -> what it was and what it is; packages are recorded although
            their numbers may be the same.
    """

    after_round: int
    time: datetime
    reason: str
    changed: Mapping[str, tuple[str | None, str | None]]

    def __str__(self) -> str:
        changes = ", ".join(f"{name} {then} -> {now}" for name, (then, now) in self.changed.items())
        rounds = f"round {self.after_round}" if self.after_round else "the start"
        parts = " and ".join(words for name, words in _PARTS.items() if name in self.changed)
        return (
            f"Carried over after {rounds} ({self.time:%Y-%m-%d %H:%M} UTC): {self.reason}. Rounds "
            f"before and after were made under different {parts} ({changes})."
        )


def _rounded(frame: pd.DataFrame, digits: int) -> pd.DataFrame:
    return frame.map(lambda v: f"{v:.{digits}g}" if isinstance(v, float) else v)


def proposal_of(row: ProposalRow, table: PropertyTable) -> Proposal:
    """Read a proposal from the store; `table` is the start table."""
    prediction, probability, scores = prediction_from_json(row.items, table)
    said = [item.prediction.get("notes", {}) for item in row.items]
    notes = {name: [note.get(name) for note in said] for name in dict.fromkeys(chain(*said))}
    trace = RoundTrace.from_json(row.trace)
    why = tuple(str(item.prediction.get("reason") or "") for item in row.items)
    reasons = why if any(why) else ()
    return Proposal(row.round, prediction, probability, scores, trace, notes, reasons)
