"""What can be said to a campaign and read of it without its model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from bayesmat._arguments import checked, integer, names
from bayesmat._repr import Shown
from bayesmat.data.rows import Given
from bayesmat.data.table import PropertyTable
from bayesmat.errors import CampaignError
from bayesmat.explore.goals import Goal
from bayesmat.explore.history import History
from bayesmat.explore.identity import carry_overs, latest
from bayesmat.explore.intake import SheetRead, read_sheet
from bayesmat.explore.laboratory import Laboratory, Measured
from bayesmat.explore.log import events_frame
from bayesmat.explore.records import CarryOver, Proposal, Status, proposal_of
from bayesmat.explore.sheet import write_sheet
from bayesmat.explore.store import Store
from bayesmat.explore.surprise import Surprise
from bayesmat.explore.written import goal_from_json, table_from_json

__all__ = ["Logbook"]


class Logbook(Shown):
    """The history of one search: what was measured, corrected, withdrawn, and what follows.

    Attributes:
        url: Where the history is.
        start: The table that the campaign began with.
        goals: What is searched for.
        seed: Seeds every round.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._load()
        self.url = store.url
        self.start = table_from_json(self._row.start_table)
        self.goals: tuple[Goal, ...] = tuple(map(goal_from_json, self._row.settings["goals"]))
        self.seed = self._row.seed
        self._laboratory = Laboratory(store, self.start)

    def tell(
        self,
        material: str | None,
        values: Mapping[str, float | str],
        sds: Mapping[str, float] | None = None,
        *,
        units: Mapping[str, str] | None = None,
        conditions: Given | None = None,
        cost_s: float | None = None,
        note: str | None = None,
        replicate: bool = False,
    ) -> str | None:
        """Add what was measured, proposed or not; it is stored when this returns.

        Args:
            material: A material in any spelling, a key of the history, or what the pool calls a row
                that was proposed; None for recipes.
            values: By property name, in the property's unit; the name of a class for a category.
            sds: Standard deviations of the measurements, where known.
            units: Units of values that are in another unit than the property; converted.
            conditions: What it was measured at, of a table with conditions.
            cost_s: Seconds that the measurement took.
            note: A remark that stays with it.
            replicate: It was measured again. Each replicate is a row of the table, so that the
                noise is inferred from how they scatter.

        Returns:
            What is remarkable: that nobody had proposed it, and each value that lies where its
            prediction gave it no chance (also a `SurprisingValue` warning); None if nothing is.

        Raises:
            MaterialError: The material cannot be read.
            CampaignError: The property was told before, or a property, a unit or a value is wrong
                (all that is wrong is listed; nothing is stored).

        Example:
            `campaign.tell("c1ccc2ccccc2c1", {"gap": 2.9}, {"gap": 0.1})`
        """
        measured = Measured(values, sds, units)
        replicate = checked(replicate, bool, "replicate")
        rows = self._laboratory.asked(material, conditions)
        return self._laboratory.tell(rows, measured, cost_s=cost_s, note=note, replicate=replicate)

    def correct(
        self,
        material: str | None,
        values: Mapping[str, float | str],
        sds: Mapping[str, float] | None = None,
        *,
        reason: str,
        units: Mapping[str, str] | None = None,
        conditions: Given | None = None,
        replicate: int | None = None,
    ) -> str | None:
        """Put values in place of mistyped ones, of the start table too; the old ones stay visible.

        Args:
            material: As in `tell`.
            values: The right values, by property name.
            sds: Their standard deviations; those stated before stay where left out.
            reason: Who corrects it and why.
            units: As in `tell`.
            conditions: As in `tell`.
            replicate: Which of several measurements, the first is 1.

        Returns:
            As `tell`.

        Raises:
            CampaignError: There is no such value, several are possible, or a value is wrong.
        """
        rows, measured = self._laboratory.asked(material, conditions), Measured(values, sds, units)
        replicate = None if replicate is None else integer(replicate, "replicate", least=1)
        return self._laboratory.correct(rows, measured, reason=reason, replicate=replicate)

    def withdraw(
        self,
        material: str | None,
        *,
        reason: str,
        properties: Sequence[str] | None = None,
        conditions: Given | None = None,
        replicate: int | None = None,
    ) -> None:
        """Take back values that are not to be believed, or a failure; they leave the table.

        A proposed material without any value left is not proposed again and does not wait: `tell`
        another value, or `retry` it. One that nobody proposed may be proposed from now on.

        Args:
            material: As in `tell`.
            reason: Who withdraws it and why.
            properties: Which; by default all that is known.
            conditions: As in `tell`.
            replicate: Which of several measurements, the first is 1; by default all.

        Raises:
            CampaignError: There is nothing to take back, or no reason.
        """
        replicate = None if replicate is None else integer(replicate, "replicate", least=1)
        rows = self._laboratory.asked(material, conditions)
        self._laboratory.withdraw(rows, reason=reason, properties=properties, replicate=replicate)

    def fail(
        self,
        material: str | None,
        reason: str,
        *,
        conditions: Given | None = None,
        cost_s: float | None = None,
    ) -> None:
        """Record that a material could not be measured; it is not proposed (again).

        Values that were told of it leave the table.

        Raises:
            MaterialError: The material cannot be read.
            CampaignError: It has a failure already, or the reason is empty.
        """
        self._laboratory.fail(self._laboratory.asked(material, conditions), reason, cost_s=cost_s)

    def retry(
        self,
        materials: Sequence[str] | None = None,
        *,
        conditions: Given | None = None,
        note: str | None = None,
    ) -> tuple[str, ...]:
        """Let proposed materials that failed, or were withdrawn, wait for a result again.

        Use it when a broken oracle was mended: `run` evaluates what waits before it goes on.

        Args:
            materials: Which, any spelling or keys of the history; by default all that failed.
            conditions: Those of all of them, where they are not named by key.
            note: A remark that stays with them.

        Returns:
            Keys of those that wait now.

        Raises:
            CampaignError: One of them was never proposed, or has values.
        """
        if materials is None and conditions:
            raise CampaignError("retry: say which materials are meant under these conditions.")
        if materials is None:
            past = self._history()
            keys = [key for key in past.proposed if past.state(key) == "failed"]
        else:
            given = names(materials, "materials")
            keys = [self._laboratory.asked(one, conditions).keys[0] for one in given]
        return self._laboratory.retry(keys, note=note)

    def note(
        self, words: str, material: str | None = None, *, conditions: Given | None = None
    ) -> None:
        """Add a remark to the history, about a material or about the campaign."""
        about = material is not None or conditions is not None
        rows = self._laboratory.asked(material, conditions) if about else None
        self._laboratory.note(words, rows)

    def sheet(self, path: str | os.PathLike[str], round: int | None = None) -> None:
        """Write what waits for a result as a sheet for the laboratory, .xlsx or .csv.

        A row holds its key, which is not to be changed, material and conditions, the columns of
        the pool (name, price), the prediction with its interval, the reason if there is one, and
        empty cells for value, sd, failure and note. A workbook shows the structures as well.

        Args:
            path: The file.
            round: Only of this round; by default all that waits.

        Raises:
            CampaignError: Nothing waits.
            DataError: The file cannot be written.
        """
        number = None if round is None else integer(round, "round", least=1)
        write_sheet(self._history(), Path(checked(path, str | Path, "path")), number)

    def read_sheet(self, path: str | os.PathLike[str], sheet: str | None = None) -> SheetRead:
        """Store what a laboratory wrote into a sheet: everything, or nothing if a cell is wrong.

        Rows may stay empty, and be filled and read later: what was told before in the same words
        is passed over. Rows that were added without a key are measurements that nobody asked for.
        "n/a", "none" and "no" are empty cells. An sd that is added to a value that was told, a mark
        in place of the reason of a failure and a class that does not exist are wrong.

        Args:
            path: What `sheet` wrote, filled.
            sheet: Sheet of a workbook; may be left out where only one holds anything.

        Raises:
            DataError: Cells are wrong, changed or contradict what was told (all are listed).
        """
        name = checked(sheet, str | None, "sheet")
        file = Path(checked(path, str | Path, "path"))
        return read_sheet(self._store, self._history(), file, name)

    def status(self) -> Status:
        """Where the campaign stands."""
        return self._history().status()

    def history(self, at: int | datetime | None = None) -> pd.DataFrame:
        """One row per proposed material in the order of suggestion, then one per unasked one.

        Columns: `round`, `model` (one more each time the campaign was carried over) and `position`
        from 1; `material`; the conditions; `state` (pending, told, failed, withdrawn);
        `hit`, whether it meets all goals with bounds; `probability` of that, as predicted before
        the measurement; for each property its value (`gap`, the mean of replicates), `gap_sd` as
        stated, `gap_replicates` and their standard deviation `gap_scatter`, and the prediction
        `gap_median`, `gap_lower`, `gap_upper`; `domain_distance`; `cost_s` of all attempts;
        `failure`; `left_out`, what of an oracle's answer could not be used; `origin` (proposed,
        unasked, start); `structure`, the material without conditions; `oracle`, the digest of what
        computed the value, None if it was measured; the largest number of `replicates`;
        `corrections`; `notes`. A property whose columns would bear the name of another (`round`;
        `gap_sd` beside `gap`) stands under `property_round`, a condition `state` under
        `condition_state`. Values in the units of the table, classes by their names, NaN where there
        is none.

        Args:
            at: As it was after this event of `events`, or at this time (UTC if it has no zone).
        """
        return self._history(at).frame()

    def events(self) -> pd.DataFrame:
        """All that happened, in the order of writing; nothing is ever changed or removed.

        One row for each event, or for each property that it is about. Columns: `number`, `time`
        (UTC), `kind` (proposed, told, corrected, withdrawn, failed, retried, noted, carried over),
        `material`, `round`, `property`, `value` and `sd` as told, `was`, the value that left the
        table (classes by their names), `replicate`, and `note`, the reason or remark.
        """
        return events_frame(self._history())

    def surprises(self) -> tuple[Surprise, ...]:
        """Values that stand though the prediction that was made of them gave them no chance."""
        return self._history().surprises()

    def table(self, at: int | datetime | None = None) -> PropertyTable:
        """The start table as corrected, with a row for every measurement since.

        Args:
            at: As in `history`.
        """
        return self._history(at).table()

    def corrected_start(self) -> PropertyTable:
        """The start table with what was corrected, and without what was taken back."""
        return self._history().corrected_start()

    def proposals(self) -> tuple[Proposal, ...]:
        """Every proposal as it is stored, the first round first."""
        return tuple(proposal_of(row, self.start) for row in self._store.read().proposals)

    def carry_overs(self) -> tuple[CarryOver, ...]:
        """When, why and to what the campaign was carried over, the first time first."""
        return carry_overs(self._store.campaign(), self._store.carried())

    def close(self) -> None:
        """Let go of the database; whatever was told is stored already."""
        self._store.close()

    def _load(self) -> None:
        created = self._store.campaign()
        self._carried = self._store.carried()
        self._row = latest(created, self._carried)

    def _history(self, at: int | datetime | None = None) -> History:
        kept = self._store.read().until(checked(at, int | datetime | None, "at"))
        carried = tuple(row.after_round for row in kept.carried)
        return History(self.start, self.goals, kept.proposals, kept.events, carried)
