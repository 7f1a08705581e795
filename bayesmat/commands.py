"""What the command line runs; a module of its own, so that `--help` need not import it."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from bayesmat._counted import counted
from bayesmat._files import writing
from bayesmat.checkup import doctor
from bayesmat.data._cells import number
from bayesmat.data.grid import read_raw
from bayesmat.data.io import Column, read_csv, to_csv
from bayesmat.data.materials import Kind
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.data.workbook import write_cells
from bayesmat.demo import Demo
from bayesmat.demo import main as demo
from bayesmat.errors import CampaignError, DataError, SurprisingValue
from bayesmat.explore.account import account_of
from bayesmat.explore.calls import names_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import (
    AtLeast,
    AtMost,
    Goal,
    Maximize,
    Minimize,
    Within,
    at_of,
    with_numbers,
)
from bayesmat.explore.history import condition_columns, history_headings
from bayesmat.explore.log import stored_words
from bayesmat.explore.pool import Pool
from bayesmat.explore.pools import read_pool
from bayesmat.explore.records import Proposal
from bayesmat.explore.setup import Setup
from bayesmat.explore.store import url_of
from bayesmat.models.base import fit
from bayesmat.models.prediction import Prediction
from bayesmat.reporting import report, summary
from bayesmat.sources import zoo
from bayesmat.sources.ensemble import SourceEnsemble

__all__ = [
    "AtLeast", "AtMost", "Campaign", "Column", "Demo", "Goal", "Kind", "Maximize", "Minimize",
    "PropertyTable", "Setup", "Within", "account_of", "asked", "at_of", "beside",
    "classes_of", "demo", "doctor", "fit", "history_of", "named", "names_by_key", "names_of",
    "number", "opened", "pool_for", "quietly", "read_csv", "reasons_of", "reopened", "report",
    "setup_of", "shown", "stored", "summary", "to_csv", "url_of", "with_numbers", "write_frame",
    "zoo", "zoo_build", "zoo_card", "zoo_export", "zoo_names",
]  # fmt: skip


T = TypeVar("T")


def opened(file: Path) -> Campaign:
    """A campaign to read and to tell.

    Raises:
        CampaignError: There is none.
    """
    if not file.exists():
        raise CampaignError(f"There is no campaign {file}. Start one: bayesmat campaign create.")
    return Campaign.open(url_of(file))


def setup_of(file: Path, use: Sequence[str] | None = None, pool: Path | None = None) -> Setup:
    """How a campaign was set up, with what is given in place of it; of one made in Python, that.

    Raises:
        CampaignError: There is no campaign, or what was kept of its setup is damaged.
    """
    campaign = opened(file)
    start, goals = campaign.start, campaign.goals
    campaign.close()
    if Setup.file(file).exists():
        setup = Setup.read(file)
    else:
        aims = {goal.property for goal in goals}
        wanted = tuple(name for name in start.property_names if name in aims)
        setup = Setup(wanted, start.kind, (), "none")
    setup = setup.using(use)
    return setup if pool is None else setup.choosing(pool_for(pool, start, at_of(goals)))


def pool_for(file: Path, table: PropertyTable, at: Mapping[str, float | str] | None = None) -> Pool:
    """The pool of a file, read as the table is; conditions that `at` gives may lack in it.

    Raises:
        DataError: It cannot be read, or lacks a column.
    """
    raw = read_raw(file, None)
    named = {c.name: c for c in table.conditions if c.name not in (at or {}) or raw.find(c.name)}
    try:
        return read_pool(file, kind=table.kind, conditions=named)
    except DataError as error:
        lacking = {c.column for c in error.cells if c.reason == "missing column"} & set(named)
        if not lacking:
            raise
        all_at = " ".join(f"--at {name}=VALUE" for name in sorted(lacking))
        raise DataError(
            f"{file} does not say at which {' and '.join(sorted(lacking))} its rows are meant: "
            f"add a column, or give one value for all, {all_at}.",
            error.cells,
        ) from error


def reopened(file: Path, use: Sequence[str] | None = None, pool: Path | None = None) -> Campaign:
    """A campaign with the prior, the oracle and the pool it was created with."""
    setup = setup_of(file, use, pool)
    try:
        return Campaign.open(
            url_of(file), prior=setup.prior(), oracle=setup.calculator(), candidates=setup.pool
        )
    except CampaignError as error:
        kept = Setup.file(file)
        if kept.exists():
            raise
        raise CampaignError(
            f"{kept} is not there, in which `campaign create` keeps what {file} was set up with. "
            f"If {file} was copied, copy that file too. If it was made in Python with a space of "
            f"conditions or candidates of its own, suggest from Python. Otherwise: {error}"
        ) from error


def asked(
    table: PropertyTable,
    materials: Sequence[str] | None,
    at: Mapping[str, float | str],
    source: Path | None,
) -> tuple[Rows, Mapping[str, Sequence[object]]]:
    """What is to be predicted, and the other columns of its file.

    Raises:
        DataError: Neither a material nor a file nor conditions are given, or they do not fit.
    """
    if source is None:
        return Rows.of(table, materials, at or None), {}
    if materials:
        raise DataError("give materials or --from FILE, not both.")
    pool = pool_for(source, table, at)
    return replace(pool, conditions={**pool.conditions, **at}).rows(table), pool.notes


def beside(frame: pd.DataFrame, columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """A frame with more columns at its end."""
    more = pd.DataFrame({name: list(values) for name, values in columns.items()})
    return pd.concat([frame, more], axis=1) if len(more) else frame


def history_of(campaign: Campaign) -> pd.DataFrame:
    """The history with the columns of the pool, and with units in its headings."""
    frame, start = campaign.history(), campaign.start
    notes: dict[str, dict[str, object]] = {}
    for proposal in campaign.proposals():
        for name, column in proposal.notes.items():
            notes.setdefault(name, {}).update(zip(proposal.rows.keys, column, strict=True))
    labels = condition_columns([c.name for c in start.conditions])
    place = list(frame.columns).index("material") + 1 + len(labels)
    for name, of_key in notes.items():
        label = name
        while label in frame:
            label = f"pool {label}"
        frame.insert(place, label, [of_key.get(key) for key in frame["material"]])
        place += 1
    return frame.rename(columns=history_headings(start))


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as .csv, .xlsx or .json.

    Raises:
        DataError: It cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".xlsx":
        rows = [[_cell(v) for v in row] for row in frame.itertuples(index=False)]
        write_cells(path, list(map(str, frame.columns)), rows)
        return
    with writing(path):
        if path.suffix.lower() == ".json":
            frame.to_json(path, orient="records", indent=1, date_format="iso")
        else:
            frame.to_csv(path, index=False)


def _cell(value: object) -> float | str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, Real):
        return float(value)
    return str(value)


def classes_of(file: Path) -> frozenset[str]:
    """The properties of a campaign, if there is one, whose values are names of classes."""
    if not file.exists():
        return frozenset()
    campaign = opened(file)
    campaign.close()
    return frozenset(p.name for p in campaign.start.properties if p.categories is not None)


def quietly(act: Callable[[], T]) -> T:
    """Do something whose warning about a surprising value is in what it returns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SurprisingValue)
        return act()


def reasons_of(proposal: Proposal) -> Sequence[str]:
    """Why each row was proposed; none of a proposal that was stored without."""
    return [str(reason) for reason in proposal.reasons if reason]


def named(key: str, name: str) -> str:
    """The key of a row, and in brackets what people call it."""
    return f"{key} ({name})" if name else key


def names_by_key(campaign: Campaign) -> dict[str, str]:
    """Key of each proposed row -> what people call it, or ""."""
    return {k: n for p in campaign.proposals() for k, n in zip(p.rows.keys, p.names, strict=True)}


def stored(campaign: Campaign, kind: str) -> str:
    """What the last event of a kind ("told", "corrected") stored, in one line."""
    properties = campaign.start.properties
    return stored_words(campaign.events(), kind, properties, names_by_key(campaign))


def shown(
    prediction: Prediction,
    probability: np.ndarray | None = None,
    title: str = "",
    names: Sequence[str] = (),
) -> Table:
    """A prediction as a table of the terminal, conditions in columns of their own.

    One property is named above the table, several in a column.
    """
    rows, several = prediction.rows, len(prediction.properties) > 1
    label = [] if several else [prediction.properties[0].label]
    heading = escape(": ".join(filter(None, (title, *label))))
    table = Table(title=heading, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    if rows.materials is not None:
        table.add_column("material", overflow="fold", min_width=12)
    elif any(names):
        table.add_column("name", overflow="fold")
    for c in rows.columns:
        head = escape(f"{c.name} [{c.unit}]") if c.unit else c.name
        table.add_column(head, justify="right" if c.categories is None else "left", overflow="fold")
    if several:
        table.add_column("property", overflow="fold")
    for head in ("median", f"{prediction.level:.0%} interval", "distance"):
        table.add_column(head, justify="right", no_wrap=True)
    if probability is not None:
        table.add_column("P(goals)", justify="right", no_wrap=True)
    for i in range(len(rows)):
        what = _row_cells(rows, i, names[i] if any(names) else None)
        for j, prop in enumerate(prediction.properties):
            median, low, high = (
                m[i, j] for m in (prediction.median, prediction.lower, prediction.upper)
            )
            cells = [escape(prop.label)] if several else []
            cells += [f"{median:.3g}", f"{low:.3g} - {high:.3g}"]
            cells.append(f"{prediction.domain_distance[i]:.2f}")
            cells += [f"{probability[i]:.0%}"] if probability is not None else []
            table.add_row(*(what if j == 0 else [""] * len(what)), *cells)
    return table


def _row_cells(rows: Rows, i: int, name: str | None) -> list[str]:
    """Material with its name, of recipes the name, and conditions as cells of the terminal."""
    first = [] if name is None else [name]
    if rows.materials is not None:
        first = [named(rows.materials[i], name or "")]
    under = [v if isinstance(v, str) else f"{v:.6g}" for v in rows.named(i).values()]
    return [escape(cell) for cell in (*first, *under)]


def zoo_names() -> dict[str, str]:
    """Name -> what it is, and what it takes to have it."""
    found = {}
    for name in zoo.names():
        recipe = zoo.RECIPES.get(name)
        about = "imported" if recipe is None else recipe.about
        found[name] = about if zoo.is_there(name) else f"{about} (trained when first asked for)"
    return found


def zoo_build(name: str, exclude: Path | None, seed: int) -> SourceEnsemble:
    """Train one of the recipes, without the molecules of a file."""
    lines = [] if exclude is None else exclude.read_text("utf-8").split("\n")
    return zoo.load(name, exclude=[line.strip() for line in lines if line.strip()], seed=seed)


def zoo_export(name: str, file: Path) -> str:
    """Write an ensemble into one file; its SHA-256."""
    zoo.write_file(zoo.load(name), file)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def zoo_card(ensemble: SourceEnsemble) -> Table:
    """The card of an ensemble as a table of the terminal."""
    card = ensemble.card
    title = (
        f"{card['name']}: {counted(len(ensemble.networks), 'network')}, learned from "
        f"{counted(card['n_train'], 'material')}"
    )
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in ("property", "unit", "learned", "held out", "MAE", "of mean", "R2", "in 90%"):
        table.add_column(head, justify="left" if head in ("property", "unit") else "right")
    for task in card["tasks"]:
        cells = [task.get(key) for key in ("mae", "mae_mean", "r2", "coverage90")]
        said = ["" if v is None else f"{v:.3g}" for v in cells]
        table.add_row(
            task["name"], task["unit"] or "1", str(task["n_train"]), str(task["n_test"]), *said
        )
    return table
