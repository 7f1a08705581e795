"""Workbooks (.xlsx): cells as text that a table is read from, and tables with pictures written."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.drawing.image import Image
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from bayesmat._files import write_atomically, writing
from bayesmat.errors import DataError

from ._cells import Spoilt

__all__ = ["SUFFIXES", "read_cells", "write_cells"]

SUFFIXES = frozenset({".xlsx", ".xlsm"})
_FAULTS = (OSError, BadZipFile, KeyError, ValueError, TypeError, EOFError, InvalidFileException)
_MOST_WIDE = 60
_NARROWEST = 8
_POINTS_PER_PIXEL = 0.75
_PIXELS_PER_CHARACTER = 7.0
_HEAD = PatternFill("solid", fgColor="E8EEF4")
_TO_FILL = PatternFill("solid", fgColor="FFF8DC")


def read_cells(path: Path, sheet: str | None = None) -> list[tuple[int, list[object]]]:
    """Rows that are not empty, with their numbers, cells as a comma-separated file holds them.

    Numbers and truth values become text, dates stay what they are. What a merged cell covers and
    a formula that was never computed become `Spoilt` cells, which say so wherever they are used.

    Args:
        path: The workbook.
        sheet: Name of the worksheet; may be left out where only one holds anything.

    Raises:
        DataError: The file cannot be read, or has no such sheet, or several.
    """
    with _reading(path) as content:
        book = load_workbook(BytesIO(content))
        page = _page(path, book.worksheets, sheet)
        computed: Worksheet | None = None
        if any(cell.data_type == "f" for row in page.iter_rows() for cell in row):
            computed = load_workbook(BytesIO(content), data_only=True)[page.title]
        covered = _covered(page)
        rows = [
            (number, [_cell(cell, computed, covered) for cell in row])
            for number, row in enumerate(page.iter_rows(), start=1)
        ]
    filled = [(number, cells) for number, cells in rows if any(map(_is_filled, cells))]
    width = max((j + 1 for _, cells in filled for j, c in enumerate(cells) if c != ""), default=0)
    return [(number, cells[:width]) for number, cells in filled]


@contextmanager
def _reading(path: Path) -> Iterator[bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}.") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # validations and styles that openpyxl does not keep
            yield content
    except _FAULTS as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} is no workbook that can be read ({error}): it may be damaged, protected by a "
            "password, or of another format. Save it as 'Excel workbook (.xlsx)' without one."
        ) from error


def _page(path: Path, pages: Sequence[Worksheet], sheet: str | None) -> Worksheet:
    titles = [page.title for page in pages]
    if sheet is not None:
        found = [page for page in pages if page.title == sheet]
        if not found:
            raise DataError(f"{path} has no sheet {sheet!r}; it has {titles}.")
        return found[0]
    seen = [page for page in pages if page.sheet_state == "visible"]
    full = [page for page in seen if any(c.value is not None for r in page.iter_rows() for c in r)]
    if len(full) > 1:
        names = [page.title for page in full]
        raise DataError(
            f"{path} has {len(full)} sheets that hold something, {names}: say which, "
            f"sheet={names[0]!r}."
        )
    if not full:
        raise DataError(
            f"{path} is empty: it needs a header row and at least one row of data below it."
        )
    return full[0]


def _covered(page: Worksheet) -> dict[tuple[int, int], str]:
    """Cells that a merged one covers -> the merged one; a merged heading names no column."""
    return {
        (row, column): str(merged)
        for merged in page.merged_cells.ranges
        for row in range(merged.min_row, merged.max_row + 1)
        for column in range(merged.min_col, merged.max_col + 1)
        if (row, column) != (merged.min_row, merged.min_col)
    }


def _is_filled(cell: object) -> bool:
    return bool(cell.text if isinstance(cell, Spoilt) else str(cell).strip())


def _cell(cell: Cell, computed: Worksheet | None, covered: Mapping[tuple[int, int], str]) -> object:
    """Text, a date, or what says why there is none."""
    value: object = cell.value
    if merged := covered.get((cell.row, cell.column)):
        reason = f"covered by the merged cells {merged}: unmerge them, and write each value"
        return Spoilt("", reason)
    if cell.data_type == "f" and computed is not None:
        value = computed.cell(cell.row, cell.column).value
        if value is None:
            reason = "a formula whose value is not in the file: open and save it in a spreadsheet"
            return Spoilt(str(cell.value), reason)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        if "%" in cell.number_format:
            return f"{100 * value:.12g}%"
        return repr(value)
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date()
    return value if isinstance(value, date) else str(value)


def write_cells(
    path: Path,
    header: Sequence[str],
    rows: Sequence[Sequence[float | str | None]],
    *,
    title: str = "table",
    pictures: Sequence[bytes | None] = (),
    to_fill: Sequence[str] = (),
) -> None:
    """Write a sheet: text as text, numbers as numbers to the last digit, None as an empty cell.

    Args:
        path: The workbook, written whole or not at all.
        header: Headings.
        rows: Cells below them.
        title: Name of the sheet.
        pictures: A PNG for each row, or None, shown in the first column.
        to_fill: Columns that somebody is to fill, which are coloured.

    Raises:
        DataError: The file cannot be written, or a text holds what no workbook can.
    """
    book = Workbook()
    page = book.active
    if not isinstance(page, Worksheet):
        raise DataError(f"{path}: a workbook without a sheet cannot be written.")
    page.title = title
    cells: list[list[float | str | None]] = [[*header], *map(list, rows)]
    for i, row in enumerate(cells, start=1):
        for j, value in enumerate(row, start=1):
            _put(path, page.cell(i, j), value)
    for j, label in enumerate(header, start=1):
        page.cell(1, j).font = Font(bold=True)
        page.cell(1, j).fill = _TO_FILL if label in to_fill else _HEAD
        for i in range(2, len(cells) + 1) if label in to_fill else ():
            page.cell(i, j).fill = _TO_FILL
        longest = max(len("" if r[j - 1] is None else str(r[j - 1])) for r in cells)
        width = min(_MOST_WIDE, max(_NARROWEST, longest + 2))
        page.column_dimensions[get_column_letter(j)].width = width
    page.freeze_panes = "B2"
    _draw(page, pictures)
    out = BytesIO()
    book.save(out)
    with writing(path):
        write_atomically(path, out.getvalue())


def _put(path: Path, cell: Cell, value: float | str | None) -> None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return
    if isinstance(value, str):
        if ILLEGAL_CHARACTERS_RE.search(value):
            raise DataError(
                f"{path} cannot hold {value!r}: no workbook holds control characters. Remove them, "
                "or write a .csv file."
            )
        cell.value, cell.data_type = value, "s"  # a text that begins with '=' is no formula
        cell.alignment = Alignment(vertical="center", wrap_text=True)
        return
    # As text of a number: openpyxl would round a number itself to 16 digits.
    cell.value, cell.data_type = repr(value), "n"
    cell.alignment = Alignment(vertical="center")


def _draw(page: Worksheet, pictures: Sequence[bytes | None]) -> None:
    for row, png in enumerate(pictures, start=2):
        if png is not None:
            image = Image(BytesIO(png))
            page.add_image(image, f"A{row}")
            page.row_dimensions[row].height = image.height * _POINTS_PER_PIXEL
            width = image.width / _PIXELS_PER_CHARACTER
            page.column_dimensions["A"].width = max(width, page.column_dimensions["A"].width)
