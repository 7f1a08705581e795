"""The sheet that a laboratory is given: what is asked, what is expected, and cells to fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bayesmat.data.drawing import molecule_png
from bayesmat.data.grid import Heading, heading, is_workbook, write_grid
from bayesmat.data.properties import Property
from bayesmat.data.table import PropertyTable
from bayesmat.errors import CampaignError
from bayesmat.explore.history import History
from bayesmat.explore.stored import ItemRow

__all__ = [
    "FAILURE", "KEY", "NOTE", "beside_heading", "material_heading", "sd_heading", "value_heading",
    "write_sheet", "written_headings",
]  # fmt: skip

KEY, FAILURE, NOTE = "key", "failure", "note"
_STRUCTURE, _REASON, _ROUND = "structure", "reason", "round"
_DIGITS = 4  # of a prediction: more would look like knowledge
_DRAWN = ("smiles", "repeat_unit")

Cells = list[float | str | None]


def material_heading(table: PropertyTable) -> str:
    """Heading of the materials, as in a table."""
    return f"material ({table.kind})"


def value_heading(prop: Property) -> str:
    """Heading of the measured values, with the unit that they are read in."""
    return heading(prop) if prop.categories else f"{prop.name} [{prop.unit or 1}]"


def sd_heading(prop: Property) -> str:
    """Heading of the standard deviations of measured values."""
    return f"sd({prop.name}) [{prop.unit or 1}]"


def write_sheet(history: History, path: Path, round: int | None = None) -> None:
    """Write what waits for a result; see `Campaign.sheet`."""
    chosen = [p for p in history.proposals if round is None or p.round == round]
    if round is not None and not chosen:
        raise CampaignError(f"there is no round {round}: {len(history.proposals)} were proposed.")
    asked = [
        (p.round, item)
        for p in chosen
        for item in p.items
        if history.state(item.material) == "pending"
    ]
    if not asked:
        where = "" if round is None else f" of round {round}"
        raise CampaignError(
            f"no proposal{where} waits for a result, so that a sheet would be empty: ask for a "
            "batch, campaign.suggest(batch=8), or let failures wait again, campaign.retry()."
        )
    start, items = history.start, [item for _, item in asked]
    draws = is_workbook(path) and start.kind in _DRAWN
    columns: dict[str, Cells] = {_STRUCTURE: [None] * len(items)} if draws else {}
    columns[KEY] = [item.material for item in items]
    columns |= _rows(history, items)
    fill = _to_fill(start)
    columns |= _beside(start, items)
    columns[_ROUND] = [number for number, _ in asked]
    columns |= _predictions(start, items)
    reasons: Cells = [item.prediction.get("reason") or None for item in items]
    columns |= {_REASON: reasons} if any(reasons) else {}
    columns |= {label: [None] * len(items) for label in fill}
    materials = history.rows([item.material for item in items]).materials or ()
    write_grid(
        path,
        list(columns),
        list(zip(*columns.values(), strict=True)),
        pictures=[molecule_png(m) for m in materials] if draws else (),
        to_fill=fill,
    )


def written_headings(start: PropertyTable) -> set[str]:
    """Headings that a sheet has for those who read it, and nobody fills."""
    return {_STRUCTURE, _REASON, _ROUND, *_predicted(start)}


def _rows(history: History, items: Sequence[ItemRow]) -> dict[str, Cells]:
    """Materials and conditions to the last digit."""
    rows = history.rows([item.material for item in items])
    columns: dict[str, Cells] = {}
    if rows.materials is not None:
        columns[material_heading(history.start)] = list(rows.materials)
    named = [rows.named(i) for i in range(len(rows))]
    return columns | {heading(c): [one[c.name] for one in named] for c in rows.columns}


def beside_heading(start: PropertyTable, name: str) -> str:
    """Heading of a column of the user's; marked if it could be taken for one of the sheet's own."""
    own = {KEY, FAILURE, NOTE, *written_headings(start)}
    here = Heading.of(name)
    quantities = {*start.property_names, *(c.name for c in start.conditions)}
    is_taken = here.role != "property" or here.name in quantities
    return f"pool: {name}" if is_taken or name.lower() in own else name


def _beside(start: PropertyTable, items: Sequence[ItemRow]) -> dict[str, Cells]:
    said: list[Mapping[str, Any]] = [item.prediction.get("notes") or {} for item in items]
    names = dict.fromkeys(name for one in said for name in one)
    return {beside_heading(start, name): [_cell(one.get(name)) for one in said] for name in names}


def _cell(value: Any) -> float | str | None:
    return value if value is None or isinstance(value, float | int | str) else str(value)


def _predicted(start: PropertyTable, level: float = 0.9) -> list[str]:
    """Headings of median and interval of each property."""
    return [
        f"{p.name} {what} [{p.unit or 1}]"
        for p in start.properties
        for what in ("median", f"{level:.0%} lower", f"{level:.0%} upper")
    ]


def _predictions(start: PropertyTable, items: Sequence[ItemRow]) -> dict[str, Cells]:
    levels = {item.prediction["level"] for item in items}
    labels = _predicted(start, max(levels))
    cells: list[Cells] = [
        [_rounded(item.prediction[end].get(p.name)) for item in items]
        for p in start.properties
        for end in ("median", "lower", "upper")
    ]
    found = zip(labels, cells, strict=True)
    return {label: column for label, column in found if any(c is not None for c in column)}


def _rounded(value: float | str | None) -> float | str | None:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float | int) else value


def _to_fill(start: PropertyTable) -> list[str]:
    cells = [
        label
        for p in start.properties
        for label in ([value_heading(p)] if p.categories else [value_heading(p), sd_heading(p)])
    ]
    return [*cells, FAILURE, NOTE]
