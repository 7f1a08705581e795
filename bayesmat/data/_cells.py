"""Columns of text to numbers and codes, with a reason for every cell that resists."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from numbers import Real

import numpy as np
import pandas as pd

from bayesmat.errors import DataError

# What people and programs write for "not measured"; compared in lower case.
_EMPTY = frozenset({"", "nan", "na", "n/a", "#n/a", "null", "none", "<na>"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DATE = (
    "spreadsheets make one of a number such as 3.5 or 1/2: give the cell the format Text, and "
    "write the number again"
)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)

Bad = list[tuple[int, str]]


@dataclass(frozen=True)
class Spoilt:
    """A cell of a workbook whose content cannot be known: what it shows, and why."""

    text: str
    reason: str

    def __str__(self) -> str:
        return self.text


def fault(cell: object) -> str:
    """Why nothing can be made of a cell whatever its column is, or ""."""
    return cell.reason if isinstance(cell, Spoilt) else ""


def is_absent(value: object) -> bool:
    """Whether a cell holds nothing at all: None, NaN or blanks."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or value is pd.NA or value is pd.NaT


def says_nothing(text: str) -> bool:
    """Whether a cell is empty, or says in words that it is: "n/a", "none"."""
    return text.strip().lower() in _EMPTY


def numbers(column: np.ndarray) -> tuple[np.ndarray, Bad]:
    """Numbers of a column, NaN where the cell is empty or bad, and the bad cells."""
    values = np.full(len(column), np.nan)
    bad: Bad = []
    for i, cell in enumerate(column):
        if isinstance(cell, str):
            text = cell.strip()
            if _NUMBER.fullmatch(text):
                values[i] = float(text)
            elif not says_nothing(text):
                bad.append((i, _why_not_number(text)))
        elif isinstance(cell, Real) and not isinstance(cell, bool | np.bool_):
            values[i] = _double(cell)
        elif isinstance(cell, date) and not is_absent(cell):
            bad.append((i, f"a date; {_DATE}"))
        elif not is_absent(cell):
            reason = fault(cell) or f"not a number but of type {type(cell).__name__}"
            bad.append((i, reason))
    bad += [(int(i), "infinite") for i in np.flatnonzero(np.isinf(values))]
    return np.where(np.isinf(values), np.nan, values), bad


def number(text: str) -> float:
    """A single number, by the rules of a cell.

    Raises:
        DataError: It is empty or not a number; the message says how to write it.

    >>> number("2.5e3")
    2500.0
    """
    values, bad = numbers(np.array([text], dtype=object))
    if np.isnan(values[0]):
        raise DataError(f"{text!r} is {bad[0][1] if bad else 'not a number'}.")
    return float(values[0])


def _double(cell: Real) -> float:
    """A whole number beyond the largest float is infinite, as it is when written in a file."""
    try:
        return float(cell)
    except OverflowError:
        return math.inf


def shown(cell: object) -> str:
    """A cell as a message shows it; Python refuses to write numbers of thousands of digits."""
    if is_absent(cell):
        return ""
    try:
        return str(cell)
    except ValueError:
        return f"a number of type {type(cell).__name__} with thousands of digits"


def _why_not_number(text: str) -> str:
    if _INFINITY.fullmatch(text):
        return "infinite"
    first = text.split()[0]  # a unit may follow
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", first):
        point, plain = text.replace(",", "."), text.replace(",", "")
        return f"ambiguous: a decimal comma ({point}) or a thousands separator ({plain})? write one"
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", first):
        return "not a number; write a decimal point instead of the comma"
    if re.fullmatch(r"[+-]?[0-9]{1,3}(?:[ ,.'’\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?", text):
        return "not a number; leave out the thousands separators"
    if text[0] in "−–" and _NUMBER.fullmatch(text[1:]):
        return "not a number; its minus sign is a typographic one, write '-'"
    if text[-1] == "%" and _NUMBER.fullmatch(text[:-1].strip()):
        return "not a number; leave out the sign and give the column the unit '%'"
    if text[0] in "<>≤≥~≈":
        return "not a number but a limit or an estimate"
    return "not a number"


def codes(column: np.ndarray, categories: tuple[str, ...]) -> tuple[np.ndarray, Bad]:
    """Index of each cell in the categories, NaN where it is empty or bad, and the bad cells."""
    known = {category: float(code) for code, category in enumerate(categories)}
    values = np.full(len(column), np.nan)
    bad: Bad = []
    for i, cell in enumerate(column):
        text = "" if is_absent(cell) else str(cell).strip()
        if reason := fault(cell):
            bad.append((i, reason))
        elif text in known:
            values[i] = known[text]
        elif not says_nothing(text):
            bad.append((i, f"unknown category; expected one of {', '.join(categories)}"))
    return values, bad


def found_categories(column: np.ndarray) -> tuple[str, ...]:
    """Sorted distinct texts of a column."""
    texts = {str(cell).strip() for cell in column if not is_absent(cell) and not fault(cell)}
    return tuple(sorted(texts))
