"""The account of a campaign as plain data: what was asked, predicted, proposed and found.

Reports and figures are drawn from it, so that they can be tried on numbers typed by hand.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from bayesmat._counted import counted
from bayesmat._repr import Shown
from bayesmat.data.rows import Rows
from bayesmat.data.table import Condition, Property, PropertyTable, Scale
from bayesmat.explore.calls import Call, Forecast
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import Target, applies, nearest, targets_of
from bayesmat.explore.history import columns_of, condition_columns
from bayesmat.explore.identity import latest
from bayesmat.explore.records import Proposal, Status
from bayesmat.explore.store import Store
from bayesmat.models.report import FitReport

__all__ = ["Account", "Call", "Forecast", "Target", "account_of"]

NAN = float("nan")


@dataclass(frozen=True, eq=False, repr=False)
class Account(Shown):
    """Everything that a report of a campaign shows.

    Attributes:
        kind: Kind of the materials; SMILES and repeat units are drawn.
        targets: What was aimed at; the first is the one that ranks.
        calls: Proposals in the order of suggestion.
        start: Property -> values known before the first round, as they stand.
        temporary: Property -> round -> temporary target region, in the property's unit.
        stages: Stages of the sampler: `round`, `stage`, `beta`, `ess_fraction`, `acceptance`,
            `unique_fraction`; empty for a pool.
        fit_lines: The fit report of the last round, a sentence per line.
        shares: Group of features -> draws of its share of the first target's variance.
        base_rate: Probability that a random draw is a hit, where known.
        notes: Sentences that a reader must know, such as what the oracle computes.
        changes: When, why and to what the campaign was carried over, a sentence each.
        provenance: What produced it: versions, seed, digests.
        known: Rows of the start table of which nothing was said since.
        unasked: What was measured, or failed, though nobody proposed it, and rows of the start
            table that were corrected, withdrawn or measured again, in the order of telling.
        status: Counts of measured, failed (by reason), withdrawn, waiting, corrected, replicated.
        conditions: The conditions of the rows, with their units.
        events: All that was told, corrected, withdrawn and noted, as `Campaign.events`.
        surprises: Values to which their predictions gave no chance, a sentence each.
        has_oracle: Whether values are computed by an oracle; else a laboratory measures them.
        before: Those of `start` that were measured under the conditions of the goals; None if all.
    """

    kind: str
    targets: tuple[Target, ...]
    calls: tuple[Call, ...]
    start: Mapping[str, Sequence[float]] = field(default_factory=dict)
    temporary: Mapping[str, Mapping[int, tuple[float, float]]] = field(default_factory=dict)
    stages: pd.DataFrame = field(default_factory=pd.DataFrame)
    fit_lines: tuple[str, ...] = ()
    shares: Mapping[str, np.ndarray] = field(default_factory=dict)
    base_rate: float | None = None
    notes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    known: tuple[Call, ...] = ()
    unasked: tuple[Call, ...] = ()
    status: Status | None = None
    conditions: tuple[Condition, ...] = ()
    events: pd.DataFrame = field(default_factory=pd.DataFrame)
    has_oracle: bool = True
    surprises: tuple[str, ...] = ()
    before: Mapping[str, Sequence[float]] | None = None

    @property
    def verb(self) -> str:
        """How values came about: "computed", "measured", or both."""
        told = [c for c in (*self.calls, *self.unasked) if c.values and c.state]
        kinds = {call.oracle is not None for call in told} or {self.has_oracle}
        return " or ".join(
            {True: "computed", False: "measured"}[kind] for kind in sorted(kinds)[::-1]
        )

    @property
    def has_region(self) -> bool:
        """Whether any target has bounds, so that there can be hits."""
        return any(target.is_region for target in self.targets)

    def is_hit(self, call: Call) -> bool:
        """Whether every region was hit; never true while a value is missing.

        Nor under other conditions than the goals are meant under.
        """
        regions = [t for t in self.targets if t.is_region]
        return (
            call.is_meant
            and bool(regions)
            and all(t.lower <= call.values.get(t.prop.name, NAN) <= t.upper for t in regions)
        )

    @property
    def hits(self) -> np.ndarray:
        """Whether each call was a hit, `n`."""
        return np.array([self.is_hit(call) for call in self.calls], dtype=bool)

    @property
    def n_rounds(self) -> int:
        """Number of rounds."""
        return len({call.round for call in self.calls})

    @property
    def best(self) -> Call | None:
        """What comes nearest to the targets, asked or not, as in `Campaign.status`."""
        scales = {
            t.prop.name: Scale.of(
                np.array(self.start.get(t.prop.name, ())), log=t.prop.scale == "log"
            )
            for t in self.targets
        }
        events = self.events.to_dict("records")
        told = {event["material"] for event in events if event["kind"] == "told"}
        since = [call for call in self.unasked if call.round == 0 or call.material in told]
        calls = [call for call in (*self.calls, *since) if call.is_meant]
        found = nearest([call.values for call in calls], self.targets, scales)
        return None if found is None else calls[found]

    def predicts(self, name: str) -> bool:
        """Whether any call carried a prediction of the property."""
        return any(name in call.forecasts for call in self.calls)

    def frame(self, name: str) -> pd.DataFrame:
        """One row per call that predicted a property: the forecast, the value, the hit."""
        rows = [
            {
                "round": call.round,
                "material": call.material,
                **vars(call.forecasts[name]),
                "value": call.values.get(name, NAN),
                "hit": self.is_hit(call),
                "state": call.standing,
            }
            for call in self.calls
            if name in call.forecasts
        ]
        return pd.DataFrame(rows)

    def judged(self, name: str) -> pd.DataFrame:
        """`frame` restricted to the calls whose value is known."""
        frame = self.frame(name)
        return frame[frame["value"].notna()] if len(frame) else frame

    def _facts(self) -> dict[str, object]:
        return {
            "targets": [str(target) for target in self.targets],
            "rounds": self.n_rounds,
            "proposals": len(self.calls),
            "hits": int(self.hits.sum()),
            "failures": sum(call.failure is not None for call in self.calls),
            "unasked": len(self.unasked),
        }


def account_of(
    campaign: Campaign,
    *,
    base_rate: float | None = None,
    notes: Sequence[str] = (),
    fit_report: FitReport | None = None,
) -> Account:
    """Read the account of a campaign from its history.

    Args:
        campaign: A campaign, opened with or without its prior.
        base_rate: Probability that a random draw from the same prior is a hit, where known.
        notes: Sentences that a reader must know.
        fit_report: Shown instead of the one stored with the last proposal.
    """
    proposals = campaign.proposals()
    history = campaign.history().to_dict("records")
    provenance = _provenance(campaign, proposals)
    meant = _meant(history, campaign)
    calls = [
        replace(_call(row, campaign, proposals), is_meant=is_meant)
        for row, is_meant in zip(history, meant, strict=True)
    ]
    asked = [_is_asked(row) for row in history]
    targets = targets_of(campaign.goals, campaign.start.properties, campaign.start.conditions)
    start = campaign.corrected_start()
    return Account(
        kind=campaign.start.kind,
        targets=targets,
        calls=tuple(compress(calls, asked)),
        start=_measured(start),
        before=_measured(start.subset(applies(start.rows, campaign.goals))),
        temporary=_temporary(proposals),
        stages=_stages(proposals),
        fit_lines=_fit_lines(proposals, fit_report),
        shares=_shares(fit_report, targets),
        base_rate=base_rate,
        notes=tuple(notes),
        changes=tuple(map(str, campaign.carry_overs())),
        provenance=provenance,
        known=_known(start, {call.material for call in calls}),
        unasked=tuple(call for call, is_asked in zip(calls, asked, strict=True) if not is_asked),
        status=campaign.status(),
        conditions=campaign.start.conditions,
        events=campaign.events(),
        surprises=tuple(one.said for one in campaign.surprises()),
        has_oracle="oracle (digest)" in provenance,
    )


def _meant(history: Sequence[Mapping[Any, Any]], campaign: Campaign) -> list[bool]:
    """Whether the goals are meant under the conditions of each row of a history."""
    start = campaign.start
    columns = condition_columns([c.name for c in start.conditions])
    given = {name: [row[column] for row in history] for name, column in columns.items()}
    keys = None if start.kind == "recipe" else [row["structure"] for row in history]
    return applies(Rows.of(start, keys, given), campaign.goals)


def _measured(table: PropertyTable) -> dict[str, list[float]]:
    """Property -> measured values."""
    columns = zip(table.property_names, table.values.T, strict=True)
    return {name: column[~np.isnan(column)].tolist() for name, column in columns}


def _is_asked(row: Mapping[Any, Any]) -> bool:
    return bool(row["origin"] == "proposed")


def _known(start: PropertyTable, spoken: Collection[str]) -> tuple[Call, ...]:
    """Rows of a start table, but for those that others speak of."""
    found = []
    for i, key in enumerate(start.rows.keys):
        if key in spoken:
            continue
        row = start.rows.take([i])
        pairs = zip(start.property_names, start.values[i].tolist(), strict=True)
        values = {name: value for name, value in pairs if math.isfinite(value)}
        structure = None if row.materials is None else row.materials[0]
        at = row.named(0)
        found.append(Call(-1, key, {}, values, state="told", structure=structure, conditions=at))
    return tuple(found)


def _fit_lines(proposals: Sequence[Proposal], fit_report: FitReport | None) -> tuple[str, ...]:
    if fit_report is not None:
        return fit_report.lines
    return tuple(proposals[-1].trace.report.splitlines()) if proposals else ()


def _shares(fit_report: FitReport | None, targets: Sequence[Target]) -> dict[str, np.ndarray]:
    shares = fit_report.shares.get(targets[0].prop.name, {}) if fit_report is not None else {}
    return {group: particles.numpy() for group, particles in shares.items()}


def _call(row: Mapping[Any, Any], campaign: Campaign, proposals: Sequence[Proposal]) -> Call:
    round_ = int(row["round"]) if _is_asked(row) else 0
    asked = proposals[round_ - 1] if round_ else None
    level = 0.9 if asked is None else asked.prediction.level
    forecasts, values, replicates, scatter = {}, {}, {}, {}
    conditions = [c.name for c in campaign.start.conditions]
    labels = columns_of(campaign.start.property_names, conditions)
    for prop in campaign.start.properties:
        name, label = prop.name, labels[prop.name]
        value = _code(row[label], prop)
        if math.isfinite(value):
            values[name], replicates[name] = value, int(row[f"{label}_replicates"])
        if math.isfinite(row[f"{label}_scatter"]):
            scatter[name] = float(row[f"{label}_scatter"])
        low, mid, high = (float(row[f"{label}_{end}"]) for end in ("lower", "median", "upper"))
        if all(map(math.isfinite, (low, mid, high))):
            forecasts[name] = Forecast.from_interval(
                (low, mid, high), prop, value=value, level=level
            )
    named = {name: row[column] for name, column in condition_columns(conditions).items()}
    place = int(row["position"]) - 1 if round_ else 0
    noted = {} if asked is None else {n: column[place] for n, column in asked.notes.items()}
    return Call(
        -1 if row["origin"] == "start" else round_,
        str(row["material"]),
        forecasts,
        values,
        _text(row["failure"]),
        float(row["probability"]),
        float(row["domain_distance"]),
        _text(row["left_out"]),
        state=str(row["state"]),
        structure=_text(row["structure"]),
        conditions=named,
        replicates=replicates,
        scatter=scatter,
        corrections=int(row["corrections"]),
        notes=_text(row["notes"]),
        oracle=_text(row["oracle"]),
        reason=asked.reasons[place] if asked is not None and asked.reasons else "",
        columns=noted,
    )


def _code(value: float | str, prop: Property) -> float:
    """A value of the history as a number: of the name of a class its code."""
    if isinstance(value, str) and prop.categories is not None:
        return float(prop.categories.index(value))
    return float(value)


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None


def _temporary(proposals: Sequence[Proposal]) -> dict[str, dict[int, tuple[float, float]]]:
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for proposal in proposals:
        if proposal.trace.notes.get("selection", {}).get("tau") == 0:
            continue  # the region itself
        for name, ends in proposal.trace.temporary.items():
            found.setdefault(name, {})[proposal.round] = ends
    return found


def _stages(proposals: Sequence[Proposal]) -> pd.DataFrame:
    rows = [
        {"round": proposal.round, "stage": number, **vars(stage)}
        for proposal in proposals
        for number, stage in enumerate(proposal.trace.stages, start=1)
    ]
    return pd.DataFrame(rows).fillna(NAN)


def _provenance(campaign: Campaign, proposals: Sequence[Proposal]) -> dict[str, str]:
    store = Store(campaign.url)
    row = latest(store.campaign(), store.carried())
    store.close()
    n = campaign.start.n_rows
    oracle = row.settings.get("oracle")
    rules = dict.fromkeys(p.trace.rule for p in proposals)
    facts = {
        "seed": str(row.seed),
        "history": campaign.url,
        "prior (digest)": row.prior_digest,
        **({"oracle (digest)": oracle} if oracle else {}),
        "candidates (digest)": ", ".join(dict.fromkeys(p.trace.candidates for p in proposals)),
        "rule": ", ".join(rules),
        "start": counted(n, "measured row"),
    }
    used = {name: [version] for name, version in row.versions.items()}
    for proposal in proposals:
        for name, version in proposal.trace.versions.items():
            used.setdefault(name, []).append(version)
    return facts | {f"{k} (version)": ", ".join(dict.fromkeys(v)) for k, v in used.items()}
