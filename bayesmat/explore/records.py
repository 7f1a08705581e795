"""What a campaign hands out, and how its parts are written as JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from bayesmat._repr import record, sheet, text
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import CampaignError
from bayesmat.explore.goals import AtLeast, AtMost, Goal, Maximize, Minimize, Within
from bayesmat.explore.store import ProposalRow, storable
from bayesmat.models.prediction import Prediction

__all__ = [
    "CarryOver",
    "Proposal",
    "RoundTrace",
    "SamplerStage",
    "Status",
    "goal_from_json",
    "goal_to_json",
    "jsonable",
    "prediction_from_json",
    "prediction_to_json",
    "proposal_of",
    "stage_of",
    "table_from_json",
    "table_to_json",
]

_PARTS = {"prior": "models", "oracle": "oracles", "candidates": "candidates", "rule": "rules"}
_GOALS: tuple[type[Goal], ...] = (Within, AtLeast, AtMost, Maximize, Minimize)


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
    """

    round: int
    prediction: Prediction
    probability: np.ndarray
    scores: np.ndarray
    trace: RoundTrace = field(default_factory=RoundTrace)

    @property
    def materials(self) -> tuple[str, ...]:
        """The materials, best first."""
        return self.prediction.materials

    def to_frame(self) -> pd.DataFrame:
        """One row per material: prediction with its interval, probability and score."""
        frame = self.prediction.to_frame()
        frame.insert(1, "P(goals)", self.probability)
        return frame.assign(score=self.scores)

    def __repr__(self) -> str:
        return text("Proposal", {"round": self.round, "materials": self.materials})

    def __str__(self) -> str:
        head = f"Round {self.round}: {len(self.materials)} materials by {self.trace.rule}"
        return f"{head}\n{_rounded(self.to_frame()).to_string(index=False)}"

    def _repr_html_(self) -> str:
        caption = f"Round {self.round}: {len(self.materials)} materials by {self.trace.rule}"
        return sheet(self.to_frame(), caption=caption)


@dataclass(frozen=True)
class Status:
    """Where a campaign stands.

    Attributes:
        rounds: Proposals made.
        proposed: Materials proposed.
        told: Materials with a result.
        failed: Materials whose evaluation failed.
        pending: Materials that wait for a result, in the order of suggestion.
        hits: Materials whose results meet every goal that has bounds; 0 if no goal has.
        best: The material whose results come nearest to the goals, or `None`.
        best_values: Its results in the units of the properties.
        left_out: Measured materials of which something that the oracle answered could not be used.
    """

    rounds: int
    proposed: int
    told: int
    failed: int
    pending: tuple[str, ...]
    hits: int
    best: str | None
    best_values: Mapping[str, float]
    left_out: int = 0

    def __str__(self) -> str:
        counts = (
            f"{_count(self.rounds, 'round')}, {_count(self.proposed, 'material')} proposed: "
            f"{self.told} measured ({self.hits} meet the goals), {self.failed} failed, "
            f"{len(self.pending)} pending."
        )
        if self.left_out:
            counts += (
                f" Of {_count(self.left_out, 'measured material')} something could not be used "
                "(`left_out` in the history)."
            )
        if self.best is None:
            return counts
        values = ", ".join(f"{name} = {value:.4g}" for name, value in self.best_values.items())
        return f"{counts} Nearest to the goals: {self.best} ({values})."

    def _repr_html_(self) -> str:
        facts = {name: value for name, value in vars(self).items() if name != "best_values"}
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


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.map(lambda v: f"{v:.3g}" if isinstance(v, float) else v)


def jsonable(value: Any) -> Any:
    """Return a value that every JSON database can hold: NaN as null, infinities as text.

    >>> jsonable({"x": (1, float("nan"), np.float64(2.0)), 3: float("inf")})
    {'x': [1, None, 2.0], '3': 'inf'}
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {storable(str(k)): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, str):
        return storable(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise CampaignError(
        f"{value!r} cannot be stored: the history of a campaign holds numbers, text, lists and "
        "mappings only. Leave it out of the trace, or write it as text."
    )


def goal_to_json(goal: Goal) -> dict[str, Any]:
    """Write a goal.

    >>> goal_to_json(Within("gap", 2.0, 2.5))
    {'goal': 'Within', 'property': 'gap', 'lower': 2.0, 'upper': 2.5}
    """
    return {"goal": type(goal).__name__, **dataclasses.asdict(goal)}


def goal_from_json(written: Mapping[str, Any]) -> Goal:
    """Read what `goal_to_json` wrote."""
    fields = {k: v for k, v in written.items() if k != "goal"}
    return {cls.__name__: cls for cls in _GOALS}[written["goal"]](**fields)


def table_to_json(table: PropertyTable) -> dict[str, Any]:
    """Write a table without conditions, to the last digit."""
    return {
        "kind": table.kind,
        "materials": list(table.materials),
        "properties": [dataclasses.asdict(p) for p in table.properties],
        "values": jsonable(table.values),
        "stds": jsonable(table.stds),
        "groups": None if table.groups is None else list(table.groups),
    }


def table_from_json(written: Mapping[str, Any]) -> PropertyTable:
    """Read what `table_to_json` wrote."""
    groups = written["groups"]
    shape = (len(written["materials"]), len(written["properties"]))
    return PropertyTable(
        tuple(written["materials"]),
        written["kind"],
        tuple(_property(p) for p in written["properties"]),
        np.array(written["values"], dtype=np.float64).reshape(shape),
        np.array(written["stds"], dtype=np.float64).reshape(shape),
        groups=None if groups is None else tuple(groups),
    )


def _property(written: Mapping[str, Any]) -> Property:
    categories = written["categories"]
    return Property(
        written["name"],
        written["unit"],
        written["scale"],
        None if categories is None else tuple(categories),
    )


_BY_PROPERTY = ("median", "lower", "upper", "latent_sd", "observation_sd")


def prediction_to_json(
    prediction: Prediction, probability: np.ndarray, scores: Sequence[float]
) -> list[dict[str, Any]]:
    """Write a batch's predictions, one record for each material."""
    names = [p.name for p in prediction.properties]
    matrices = {
        "median": prediction.median,
        "lower": prediction.lower,
        "upper": prediction.upper,
        "latent_sd": prediction.latent_sd,
        "observation_sd": prediction.observation_sd,
    }
    return [
        {
            **{k: dict(zip(names, jsonable(m[i]), strict=True)) for k, m in matrices.items()},
            "level": prediction.level,
            "domain_distance": jsonable(prediction.domain_distance[i]),
            "probability": jsonable(probability[i]),
            "score": jsonable(float(scores[i])),
        }
        for i in range(len(prediction.materials))
    ]


def prediction_from_json(
    materials: Sequence[str],
    written: Sequence[Mapping[str, Any]],
    properties: Sequence[Property],
) -> tuple[Prediction, np.ndarray, np.ndarray]:
    """Read what `prediction_to_json` wrote: prediction, probabilities, scores."""

    def column(key: str) -> np.ndarray:
        return np.array([w[key] for w in written], dtype=np.float64)

    present = tuple(p for p in properties if p.name in written[0]["median"])
    median, lower, upper, latent_sd, observation_sd = (
        np.array([[w[key][p.name] for p in present] for w in written], dtype=np.float64)
        for key in _BY_PROPERTY
    )
    prediction = Prediction(
        tuple(materials),
        present,
        median,
        lower,
        upper,
        written[0]["level"],
        latent_sd,
        observation_sd,
        column("domain_distance"),
    )
    return prediction, column("probability"), column("score")


def proposal_of(row: ProposalRow, properties: Sequence[Property]) -> Proposal:
    """Read a proposal from the store; `properties` are those of the start table."""
    materials, written = zip(*((i.material, i.prediction) for i in row.items), strict=True)
    prediction, probability, scores = prediction_from_json(materials, written, properties)
    return Proposal(row.round, prediction, probability, scores, RoundTrace.from_json(row.trace))
