"""Files as columns of cells, before anybody says what they mean: CSV or workbook."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from bayesmat._files import writing
from bayesmat.errors import DataError

from ._cells import fault, is_absent, numbers, says_nothing, shown
from ._raw import Heading, Raw, comma_hint, read_raw
from .properties import Condition, Property
from .workbook import SUFFIXES, write_cells

__all__ = [
    "Heading", "Raw", "comma_hint", "fault", "heading", "is_absent", "is_workbook", "numbers",
    "read_raw", "says_nothing", "shown", "write_grid",
]  # fmt: skip


def heading(quantity: Property | Condition) -> str:
    """A heading that says all that a number alone does not: "gap [log eV]", "@solvent {a|b}".

    >>> heading(Condition("T", "K")), heading(Property("state", categories=("gas", "solid")))
    ('@T [K]', 'state {gas|solid}')
    """
    name = f"@{quantity.name}" if isinstance(quantity, Condition) else quantity.name
    text = quantity.text
    return f"{name} {text}" if text.startswith("{") else f"{name} [{text}]"


def is_workbook(path: Path) -> bool:
    """Whether a file is written as a workbook."""
    return path.suffix.lower() in SUFFIXES


def write_grid(
    path: Path,
    header: Sequence[str],
    rows: Sequence[Sequence[float | str | None]],
    *,
    pictures: Sequence[bytes | None] = (),
    to_fill: Sequence[str] = (),
) -> None:
    """Write headings and cells, None as an empty one; pictures and colours only in a workbook.

    Raises:
        DataError: The file cannot be written, or holds a text that no workbook holds.
    """
    if path.suffix.lower() in SUFFIXES - {".xlsx"}:
        raise DataError(f"{path} would hold macros, and there are none: write '.xlsx' or '.csv'.")
    if is_workbook(path):
        write_cells(path, header, rows, pictures=pictures, to_fill=to_fill)
        return
    with writing(path), path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([["" if c is None else c for c in row] for row in rows])
