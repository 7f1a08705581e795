"""What a laboratory says of a campaign's materials, checked and added to its history."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bayesmat._arguments import instance, names, real
from bayesmat.data.far import far_conditions
from bayesmat.data.materials import try_canonical
from bayesmat.data.rows import Given, Rows
from bayesmat.data.table import PropertyTable
from bayesmat.errors import CampaignError, SurprisingValue
from bayesmat.explore.calls import name_in
from bayesmat.explore.measurements import cells, payload_of, reason_of
from bayesmat.explore.standing import Reading, Standing, spoken, stand, start_readings
from bayesmat.explore.store import Store
from bayesmat.explore.stored import About, EventRow, Kind
from bayesmat.explore.surprise import surprises
from bayesmat.explore.written import row_to_json

__all__ = ["Laboratory", "Measured"]


@dataclass(frozen=True)
class Measured:
    """Values as they are told: by property name, with their sds and units where stated."""

    values: Mapping[str, float | str]
    sds: Mapping[str, float] | None = None
    units: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Laboratory:
    """Adds events to the history of one campaign; each method is one transaction.

    Attributes:
        store: Where the history is.
        start: The table that the campaign began with.
    """

    store: Store
    start: PropertyTable

    def tell(
        self,
        rows: Rows,
        measured: Measured,
        *,
        cost_s: float | None,
        note: str | None,
        replicate: bool,
    ) -> str | None:
        """Add a measurement, and say what is remarkable about it; see `Campaign.tell`."""
        (key,) = rows.keys
        found = self._cells(key, measured)
        said = payload_of(found)
        said |= {} if cost_s is None else {"cost_s": real(cost_s, "cost_s")}
        said |= {"replicate": True} if replicate else {}
        unasked: list[str] = []
        odd: list[str] = []
        note = None if note is None else reason_of(note, f"the note on {key!r}")

        def make(about: About) -> list[EventRow]:
            standing = self._standing(key, about)
            told = spoken(standing.cells, self.start.properties)
            again = {n: told[n] for n in found if n in told}
            if again and not replicate:
                raise CampaignError(_told_before(key, again))
            if replicate and not again:
                raise CampaignError(
                    f"{sorted(found)} of {key!r} was not measured before, so that there is nothing "
                    "to replicate: tell it without replicate=True. Nothing was stored."
                )
            if about.item is None and key not in self._starts:
                unasked.append(f"{key} was not proposed: it is kept as an unasked measurement.")
                odd.extend(far_conditions(self.start.rows, rows))
            odd.extend(self._surprises(key, found, about))
            return [EventRow(Kind.TOLD, key, said, note, row_to_json(rows, 0))]

        self.store.append(key, make)
        for one in odd:
            warnings.warn(one, SurprisingValue, stacklevel=3)
        return "\n".join([*unasked, *odd]) or None

    def correct(
        self, rows: Rows, measured: Measured, *, reason: str, replicate: int | None
    ) -> str | None:
        """Put values in place of others; see `Campaign.correct`."""
        (key,) = rows.keys
        found = self._cells(key, measured)
        reason = reason_of(reason, f"the correction of {key!r}")
        odd: list[str] = []

        def make(about: About) -> list[EventRow]:
            standing = self._standing(key, about)
            of = {name: self._one(standing, key, name, replicate).number for name in found}
            odd.extend(self._surprises(key, found, about))
            said = {"of": of, **payload_of(found)}
            return [EventRow(Kind.CORRECTED, key, said, reason, row_to_json(rows, 0))]

        self.store.append(key, make)
        for one in odd:
            warnings.warn(one, SurprisingValue, stacklevel=3)
        return "\n".join(odd) or None

    def withdraw(
        self, rows: Rows, *, reason: str, properties: Sequence[str] | None, replicate: int | None
    ) -> None:
        """Take values, or a failure, back; see `Campaign.withdraw`."""
        (key,) = rows.keys
        reason = reason_of(reason, f"the withdrawal of {key!r}")
        chosen = None if properties is None else names(properties, "properties")

        def make(about: About) -> list[EventRow]:
            standing = self._standing(key, about)
            if chosen is None and standing.state == "failed":
                return [EventRow(Kind.WITHDRAWN, key, {"of": {}}, reason, row_to_json(rows, 0))]
            of: dict[str, list[int]] = {}
            for name in chosen or standing.cells or (None,):
                told = self._told(standing, key, name)
                if replicate is None:
                    of[str(name)] = [r.number for r in told]
                else:
                    of[str(name)] = [self._one(standing, key, str(name), replicate).number]
            return [EventRow(Kind.WITHDRAWN, key, {"of": of}, reason, row_to_json(rows, 0))]

        self.store.append(key, make)

    def fail(self, rows: Rows, reason: str, *, cost_s: float | None) -> None:
        """Say that there is no value, and why; see `Campaign.fail`."""
        (key,) = rows.keys
        reason = reason_of(reason, f"the failure of {key!r}")
        said = {} if cost_s is None else {"cost_s": real(cost_s, "cost_s")}

        def make(about: About) -> list[EventRow]:
            before = self._standing(key, about).failure
            if before is not None:
                raise CampaignError(
                    f"a failure of {key!r} was recorded before ({before!r}). If it was tried again,"
                    " say so first: campaign.retry([...])."
                )
            return [EventRow(Kind.FAILED, key, said, reason, row_to_json(rows, 0))]

        self.store.append(key, make)

    def retry(self, keys: Sequence[str], *, note: str | None) -> tuple[str, ...]:
        """Let failed and withdrawn proposals wait again; those that do so already stay as they are.

        Raises:
            CampaignError: Some were never proposed, or have values (all are listed).
        """
        wrong: list[str] = []
        for key in keys:
            about = self.store.about(key)
            if about.item is None:
                wrong.append(f"{key!r} was never proposed")
            elif self._standing(key, about).state == "told":
                wrong.append(f"{key!r} has values; withdraw them first")
        if wrong:
            raise CampaignError(
                "only proposed materials that failed or were withdrawn can be tried again; nothing "
                "was stored:" + "".join(f"\n  {problem}" for problem in wrong)
            )

        def make(about: About) -> list[EventRow]:
            item = about.item
            if item is None or self._standing(item.material, about).state not in _CLOSED:
                return []
            row = item.prediction.get("row")
            return [EventRow(Kind.RETRIED, item.material, {}, note, row)]

        return tuple(key for key in keys if self.store.append(key, make))

    def note(self, words: str, rows: Rows | None) -> None:
        """Add a remark about one material, or about the campaign."""
        key = None if rows is None else rows.keys[0]
        row = None if rows is None else row_to_json(rows, 0)
        event = EventRow(Kind.NOTED, key, {}, reason_of(words, "the note"), row)
        self.store.append(key, lambda _: [event])

    def asked(self, material: str | None, conditions: Given | None) -> Rows:
        """One row, in any spelling; a key of the history (conditions included) is one, too.

        What is no material may be what the pool calls a row that was proposed.

        Raises:
            DataError: The row cannot be read.
            CampaignError: Several rows are meant.
        """
        if isinstance(material, str):
            found = self._known(material, conditions) or self._called(material, conditions)
            if found is not None:
                return found
        hint = "give the text of one material, or None for a recipe."
        one = None if material is None else [instance(material, str, "material", hint)]
        rows = Rows.of(self.start, one, conditions)
        if len(rows) != 1:
            raise CampaignError(
                f"conditions have {len(rows)} values each: tell of one row at a time."
            )
        return rows

    def _known(self, key: str, conditions: Given | None) -> Rows | None:
        """The row of a key of the history that holds conditions."""
        if not self.start.conditions or conditions is not None:
            return None
        at = self._starts.get(key)
        if at is not None:
            return self.start.rows.take([-at[0].number - 1])
        row = _row(self.store.about(key))
        return None if row is None else Rows.of(self.start, *_parts(row))

    def _called(self, name: str, conditions: Given | None) -> Rows | None:
        """The proposed row that the pool calls so; None if there is none, or it is a material."""
        kind = self.start.kind
        if not name.strip() or (kind in _READ and isinstance(try_canonical([name], kind)[0], str)):
            return None
        about = self.store.about(name)
        if about.item is not None or about.events:
            return None  # a key of the history is meant before a name is
        items = [item for proposal in self.store.read().proposals for item in proposal.items]
        rows = {
            i.material: i.prediction.get("row") or {"material": i.material, "conditions": None}
            for i in items
        }
        texts = {key: row["material"] for key, row in rows.items()}
        if name in {*texts.values(), *(self.start.materials or ())}:
            return None
        called = {i.material: name_in(i.prediction.get("notes") or {}).casefold() for i in items}
        found = [rows[key] for key in rows if called[key] == name.strip().casefold()]
        if conditions is not None:
            found = [
                {"material": m, "conditions": conditions} for m in {r["material"]: 0 for r in found}
            ]
        if len(found) > 1:
            shown = ", ".join(repr(key) for key in rows if called[key] == name.strip().casefold())
            raise CampaignError(
                f"several rows are called {name!r}: {shown}. Give the one that is meant as it "
                "stands here."
            )
        return Rows.of(self.start, *_parts(found[0])) if found else None

    @cached_property
    def _starts(self) -> dict[str, tuple[Reading, ...]]:
        return start_readings(self.start)

    def _standing(self, key: str, about: About) -> Standing:
        return stand(about.events, self._starts.get(key, ()))

    def _told(self, standing: Standing, key: str, name: str | None) -> tuple[Reading, ...]:
        told = () if name is None else standing.telling(name)
        if not told:
            what = "nothing" if name is None else f"no {name!r}"
            known = spoken(standing.cells, self.start.properties)
            raise CampaignError(
                f"{what} of {key!r} was told: there is {known or 'nothing'} so far."
            )
        return told

    def _one(self, standing: Standing, key: str, name: str, replicate: int | None) -> Reading:
        """The measurement that is meant."""
        told = self._told(standing, key, name)
        values = spoken(standing.cells, self.start.properties)[name]
        listed = ", ".join(
            f"{k}: {v if isinstance(v, str) else f'{v:.6g}'}" for k, v in enumerate(values, start=1)
        )
        if replicate is None and len(told) > 1:
            raise CampaignError(
                f"{name} of {key!r} was measured {len(told)} times ({listed}): say which is meant, "
                "replicate=1."
            )
        if replicate is not None and not 1 <= replicate <= len(told):
            raise CampaignError(
                f"{name} of {key!r} has no replicate {replicate}: there is {listed}."
            )
        return told[(replicate or 1) - 1]

    def _cells(self, key: str, measured: Measured) -> dict[str, Any]:
        given = (measured.values, measured.sds or {}, measured.units or {})
        return cells(self.start.properties, key, *given)

    def _surprises(self, key: str, found: Mapping[str, Any], about: About) -> list[str]:
        said = None if about.item is None else about.item.prediction
        return [str(one) for one in surprises(key, found, said, self.start.properties)]


_CLOSED = ("failed", "withdrawn")
_READ = ("smiles", "repeat_unit", "composition")  # kinds that not every text is


def _row(about: About) -> dict[str, Any] | None:
    if about.item is not None:
        return about.item.prediction.get("row")
    return next((e.row for e in about.events if e.row is not None), None)


def _parts(row: Mapping[str, Any]) -> tuple[list[str] | None, Given | None]:
    return None if row["material"] is None else [row["material"]], row["conditions"]


def _told_before(key: str, again: Mapping[str, list[float | str]]) -> str:
    return (
        f"{sorted(again)} of {key!r}: told before, or known from the start ({dict(again)}), and "
        "nothing was stored. Say what this is: tell(..., replicate=True) if it was measured again; "
        "correct(..., reason=...) if the earlier value was mistyped; withdraw(..., reason=...) if "
        "the earlier value is not to be believed, then tell it."
    )
