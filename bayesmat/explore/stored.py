"""What the rows of a campaign's record hold, whatever database it is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

__all__ = [
    "About",
    "CampaignRow",
    "CarriedRow",
    "EventRow",
    "ItemRow",
    "Kept",
    "Kind",
    "ProposalRow",
    "utc",
]

_UNSTORED = datetime(1, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What happened. Whoever reads events passes over kinds that it does not know."""

    PROPOSED = "proposed"
    TOLD = "told"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"
    RETRIED = "retried"
    NOTED = "noted"
    CARRIED_OVER = "carried over"
    POOL_CHANGED = "pool changed"


@dataclass(frozen=True)
class CampaignRow:
    """How the campaign was created: JSON-able settings, start table, versions; digest; seed."""

    settings: dict[str, Any]
    start_table: dict[str, Any]
    prior_digest: str
    versions: dict[str, str]
    seed: int


@dataclass(frozen=True)
class ItemRow:
    """One proposed material with the prediction that was made for it."""

    material: str
    prediction: dict[str, Any]


@dataclass(frozen=True)
class ProposalRow:
    """One round's proposal: its materials in the order of the rule, and how it came about."""

    round: int
    trace: dict[str, Any]
    items: tuple[ItemRow, ...]


@dataclass(frozen=True)
class CarriedRow:
    """That the rounds after `after_round` are made with these parts, since when, and why."""

    after_round: int
    prior_digest: str
    parts: dict[str, Any]
    versions: dict[str, str]
    reason: str
    created: datetime


@dataclass(frozen=True)
class EventRow:
    """Something that was learned; `number` and `created` are given when it is stored.

    Attributes:
        kind: See `Kind`.
        material: Key of the row that it is about, if it is about one.
        payload: What was learned, by kind:
            told: `values` and `sds` by property, `cost_s`, `replicate` (a measurement of its own,
            beside an earlier one), `left_out` (what of an oracle's answer could not be used),
            `oracle` (the digest of what answered; a laboratory has none).
            corrected: `of`, by property the number of the measurement (that of the first event that
            told it; below zero a row of the start table, -1 the first), new `values` and `sds`.
            withdrawn: `of`, by property the numbers of the measurements.
            failed: `cost_s`, `oracle`. proposed: `round`.
        note: Reason or remark, in words.
        row: Material and conditions apart, where there are conditions.
        number: Counts from 1 in the order of writing.
        created: When, UTC.
    """

    kind: str
    material: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    note: str | None = None
    row: dict[str, Any] | None = None
    number: int = 0
    created: datetime = _UNSTORED


@dataclass(frozen=True)
class About:
    """All that is stored about one material: its proposal, if any, and the events about it."""

    item: ItemRow | None
    events: tuple[EventRow, ...]


@dataclass(frozen=True)
class Kept:
    """All that is kept of a campaign since its start, as it was at one moment.

    Attributes:
        proposals: The first round first.
        events: All that happened, in the order of writing.
        carried: Every change of parts, the first one first.
    """

    proposals: tuple[ProposalRow, ...]
    events: tuple[EventRow, ...]
    carried: tuple[CarriedRow, ...]

    def until(self, at: int | datetime | None) -> Kept:
        """What had happened up to an event (by its number) or a time; everything for None."""
        if at is None:
            return self
        if isinstance(at, datetime):
            events = tuple(e for e in self.events if e.created <= utc(at))
        else:
            events = tuple(e for e in self.events if e.number <= at)
        rounds = {e.payload["round"] for e in events if e.kind == Kind.PROPOSED}
        changes = sum(e.kind == Kind.CARRIED_OVER for e in events)
        proposals = tuple(p for p in self.proposals if p.round in rounds)
        return Kept(proposals, events, self.carried[:changes])


def utc(stored: datetime) -> datetime:
    """SQLite forgets the time zone, PostgreSQL answers in its own."""
    return stored.astimezone(UTC) if stored.tzinfo else stored.replace(tzinfo=UTC)
