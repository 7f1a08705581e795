"""Files and frames as raw columns with the row numbers that a spreadsheet shows."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from bayesmat.errors import BadCell, DataError

from ._cells import Spoilt
from .units import is_unit
from .workbook import SUFFIXES, read_cells

_MAX_SHOWN = 60
_OTHER_BOOKS = frozenset({".xls", ".xlsb", ".ods", ".numbers"})
_BRACKETS = re.compile(r"^(?P<name>.*?)\s*(?P<text>\[[^][]*\]|\{[^{}]*\}|\([^()]*\))$", re.DOTALL)
_LOOSE = re.compile(r"\s+/\s+|,\s+|\s+in\s+")
_LETTERS = frozenset("KVJWgs%‰℃℉")
_QUOTIENT = re.compile(r"^(?P<name>[A-Za-z]\w*)/(?P<text>K|[^\W\d_]{2,}\S*)$")
# A sign or a power tells a unit from the lower half of a ratio.
_MARKED = re.compile(r"^(?P<name>[^/]*[^/\s])/(?P<text>[°º˚℃℉%‰].*|[^/]*[⁻^−–-]\d.*|[^/]*⁻.*)$")
_SD = re.compile(r"^sd\((?P<name>.*)\)\s*\[(?P<text>[^][]*)\]$", re.DOTALL)


@dataclass(frozen=True)
class Heading:
    """What the heading of a column says: "gap [eV]", "@solvent {water|dmso}", "sd(gap) [eV]".

    A unit may also stand in round brackets or after a comma, a slash or "in" ("gap (eV)",
    "gap, eV", "T / K"), if it is one; other remarks ("Tg (DSC)") belong to the name.
    """

    name: str
    text: str | None = None
    role: str = "property"

    @staticmethod
    def of(label: str) -> Heading:
        """Read a heading; one without brackets has text None."""
        label = label.strip()
        sd = _SD.match(label)
        if sd:
            return Heading(sd["name"], sd["text"], "sd")
        role = "condition" if label.startswith("@") else "property"
        label = label.removeprefix("@")
        match = _BRACKETS.match(label)
        if not match or not match["name"]:
            return Heading(*_loose(label), role)
        name, text = match["name"], match["text"]
        if text[0] == "(":
            if name == "material":
                return Heading(name, text[1:-1], "material")
            if is_unit(text[1:-1]):
                return Heading(name.rstrip("/, ") or name, text[1:-1], role)
            inner = _BRACKETS.match(name)
            if inner and is_unit(inner["text"][1:-1]):  # "Tg (K) (DSC)"
                return Heading(f"{inner['name']} {text}", inner["text"][1:-1], role)
            return Heading(label, None, role)
        return Heading(name, text[1:-1] if text[0] == "[" else text, role)


def _loose(label: str) -> tuple[str, str | None]:
    """The name and the unit of a heading without brackets: "Tb, degC", "rho / g cm^-3", "x/%"."""
    found = [(label[: mark.start()], label[mark.end() :]) for mark in _LOOSE.finditer(label)]
    found += [(m["name"], m["text"]) for form in (_QUOTIENT, _MARKED) if (m := form.match(label))]
    for name, text in found:
        if name and is_unit(text) and (len(text) > 1 or text in _LETTERS):
            return name, text
    return label, None


@dataclass(frozen=True, eq=False)
class Raw:
    """Columns as they stand in a file, before any of it is believed.

    Attributes:
        source: Name for messages.
        header: Labels of the columns.
        columns: One array per label, `n`; text from a file, anything from a frame.
        rows: Row numbers as a spreadsheet shows them, `n`.
        bad: Rows that have another number of cells than the header; they are in no column.
    """

    source: str
    header: tuple[str, ...]
    columns: tuple[np.ndarray, ...]
    rows: np.ndarray
    bad: tuple[BadCell, ...] = ()

    def find(self, label: str) -> list[int]:
        """Positions of the columns with this label, or else with this name before brackets."""
        exact = [j for j, here in enumerate(self.header) if here == label.strip()]
        named = [j for j, here in enumerate(self.header) if Heading.of(here).name == label.strip()]
        return exact or [j for j in named if Heading.of(self.header[j]).role != "sd"]


def read_raw(path: Path, sheet: str | None = None) -> Raw:
    """Read a workbook (.xlsx), or a comma-separated UTF-8 file.

    Raises:
        DataError: If the file is absent, empty, not text in UTF-8, or not comma-separated values;
            or if a workbook is damaged or does not say which sheet is meant.
    """
    if path.suffix.lower() in SUFFIXES:
        return _of_workbook(path, read_cells(path, sheet))
    if sheet is not None:
        raise DataError(f"{path} is no .xlsx file, so it has no sheet {sheet!r}: leave sheet out.")
    if path.suffix.lower() in _OTHER_BOOKS:
        raise DataError(f"{path} is a workbook of another format: save it as .xlsx or as .csv.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}.") from error
    text = _decode(path, data)
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        records = list(reader)
    except csv.Error as error:
        raise DataError(
            f"{path} is not a table of comma-separated values: {error} near line "
            f"{reader.line_num}."
            + (
                comma_hint(text.partition("\n")[0].split(","))
                or " A quotation mark may be unclosed."
            )
        ) from error
    header = tuple(label.strip() for label in records[0]) if records else ()
    body = [
        (i, cells) for i, cells in enumerate(records[1:], start=2) if any(map(str.strip, cells))
    ]
    if not any(header) or not body:
        raise DataError(
            f"{path} is empty: it needs a header row and at least one row of data below it."
        )
    return _columns(str(path), header, body)


def _of_workbook(path: Path, rows: list[tuple[int, list[object]]]) -> Raw:
    """The first row that is not empty holds the headings."""
    (first, cells), *body = rows
    merged = [BadCell(first, "", "", cell.reason) for cell in cells if isinstance(cell, Spoilt)]
    if merged:
        raise DataError(f"the headings of {path} cannot be read: give each column one.", merged)
    if not body:
        raise DataError(f"{path} is empty: it needs at least one row of data below its headings.")
    columns = tuple(np.array([row[j] for _, row in body] + [None], dtype=object)[:-1]
                    for j in range(len(cells)))  # fmt: skip
    header = tuple(str(cell).strip() for cell in cells)
    return Raw(str(path), header, columns, np.array([i for i, _ in body], dtype=np.int64))


def _columns(source: str, header: tuple[str, ...], body: list[tuple[int, list[str]]]) -> Raw:
    width = len(header)
    good, bad = [], []
    for row, cells in body:
        if len(cells) == width or (len(cells) > width and not any(map(str.strip, cells[width:]))):
            good.append((row, cells[:width]))
        else:
            reason = f"{len(cells)} cells, but the header has {width}"
            bad.append(BadCell(row, "", _shorten(",".join(cells)), reason))
    by_column = zip(*(cells for _, cells in good), strict=True) if good else [()] * width
    return Raw(
        source,
        header,
        tuple(np.array(column, dtype=object) for column in by_column),
        np.array([row for row, _ in good], dtype=np.int64),
        tuple(bad),
    )


def _decode(path: Path, data: bytes) -> str:
    hint = "Save it as 'CSV UTF-8'; a guess could turn units and names into other characters."
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data:
        raise DataError(f"{path} is not UTF-8 text (UTF-16, a spreadsheet or an archive?). {hint}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    cells = []
    for row, line in enumerate(data.splitlines(), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            shown = _shorten(line.decode("utf-8", errors="backslashreplace"))
            cells.append(BadCell(row, "", shown, f"byte 0x{line[error.start]:02x} is not UTF-8"))
    raise DataError(f"{path} has a wrong encoding, it is not UTF-8. {hint}", cells)


def comma_hint(header: Sequence[str]) -> str:
    """What to do about a header that is divided by other marks than commas; else ""."""
    marks = {";": "semicolons", "\t": "tabs"}
    found = [name for mark, name in marks.items() if ",".join(header).count(mark) >= len(header)]
    return (
        f" Its columns are divided by {found[0]}, as spreadsheets of many countries write them. "
        "Save it with commas between the columns and decimal points, or, which needs no settings, "
        "as a workbook (.xlsx)."
        if found
        else ""
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


def frame_raw(frame: pd.DataFrame) -> Raw:
    """Columns of a data frame; its first row counts as row 2, below the header.

    Raises:
        DataError: If the frame has no rows or columns.
    """
    if frame.empty:
        raise DataError("the data frame is empty: it needs at least one row and one column.")
    columns = tuple(frame.iloc[:, j].to_numpy(dtype=object) for j in range(frame.shape[1]))
    labels: Sequence[object] = list(frame.columns)
    rows = np.arange(2, len(frame) + 2)
    return Raw("the data frame", tuple(str(label).strip() for label in labels), columns, rows)
