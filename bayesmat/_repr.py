"""How records show themselves: small tables in notebooks, one line in a console, no addresses.

Every layer may import this. It knows no record: each class says in `_repr_html_` and `__repr__`
what is worth showing, and this module escapes, shortens and lays it out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

__all__ = ["Shown", "listing", "quantiles", "record", "sheet", "table", "text", "words"]

_MAX_ROWS = 20
_MAX_CHARS = 100
_MAX_ITEMS = 6
_ADDRESS = re.compile(r" (?:object )?at 0x[0-9a-fA-F]+")


def words(value: object, limit: int = _MAX_CHARS) -> str:
    """Any value in few characters: numbers to four digits, NaN as a dash, arrays as their shape.

    >>> words(np.zeros((3, 2))), words(0.123456), words({"a": 1, "b": 2}), words(("x", 1.0))
    ('3 x 2 array', '0.1235', 'a: 1, b: 2', 'x, 1')
    """
    if isinstance(value, Tensor | np.ndarray):
        value = value.item() if value.ndim == 0 else " x ".join(map(str, value.shape)) + " array"
    if isinstance(value, float | np.floating):
        return "–" if np.isnan(value) else f"{value:.4g}"
    if isinstance(value, Mapping):
        return _joined([f"{words(k)}: {words(v, 40)}" for k, v in value.items()], limit)
    if isinstance(value, tuple | list | set | frozenset):
        items = sorted(map(words, value)) if isinstance(value, set | frozenset) else value
        return _joined([words(item, 40) for item in items], limit)
    if isinstance(value, str):
        return _short(value, limit)
    if isinstance(value, FunctionType | BuiltinFunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    return _short(_ADDRESS.sub("", " ".join(repr(value).split())), limit)


class Shown:
    """A record that shows its facts: a small table in a notebook, one line in a console.

    Subclasses say what is worth showing in `_facts`; by default the fields of a dataclass, which
    needs `@dataclass(repr=False)`, since a generated `__repr__` would hide this one.
    """

    __slots__ = ()

    def _facts(self) -> Mapping[str, object]:
        names: list[str] = [f.name for f in fields(self)] if is_dataclass(self) else []
        return {name.replace("_", " "): getattr(self, name) for name in names}

    def __repr__(self) -> str:
        return text(type(self).__name__, self._facts())

    def _repr_html_(self) -> str:
        return record(type(self).__name__, self._facts())


def text(name: str, facts: Mapping[str, object]) -> str:
    """One line for a console.

    >>> text("Status", {"rounds": 3, "best": None})
    'Status(rounds=3, best=None)'
    """
    inner = ", ".join(f"{key.replace(' ', '_')}={words(v, 60)}" for key, v in facts.items())
    return f"{name}({inner})"


def table(
    rows: Iterable[Sequence[object]],
    heads: Sequence[str] = (),
    *,
    caption: str = "",
    pictures: Sequence[str] = (),
    limit: int = _MAX_CHARS,
) -> str:
    """Rows as an HTML table; everything is escaped, what is beyond 20 rows is counted.

    Args:
        rows: The cells.
        heads: Headings.
        caption: Stands above.
        pictures: SVG of the first rows, shown in a first column.
        limit: Characters of a cell.

    >>> table([["a<b", 0.5]], ["name", "value"])
    '<table><thead><tr><th>name</th><th>value</th></tr></thead><tbody><tr><td>a&lt;b</td>...'
    """
    rows = list(rows)
    head = _row(heads, "th", "<th></th>" if pictures else "")
    drawn = [f"<td>{svg}</td>" for svg in pictures[:_MAX_ROWS]] or [""] * _MAX_ROWS
    body = "".join(
        _row((words(cell, limit) for cell in row), "td", first)
        for row, first in zip(rows[:_MAX_ROWS], drawn, strict=False)
    )
    if len(rows) > _MAX_ROWS:
        span = max(len(heads), len(rows[0])) + bool(pictures)
        body += f'<tr><td colspan="{span}">… and {len(rows) - _MAX_ROWS} more</td></tr>'
    top = f"<thead>{head}</thead>" if heads else ""
    return f"{_paragraph(caption)}<table>{top}<tbody>{body}</tbody></table>"


def record(title: str, facts: Mapping[str, object]) -> str:
    """Facts by name as an HTML table of two columns."""
    return table(facts.items(), caption=title)


def sheet(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    index: str | None = None,
    pictures: Sequence[str] = (),
    limit: int = _MAX_CHARS,
) -> str:
    """A data frame as an HTML table; with `index` its row labels are a column of that name."""
    columns: list[Sequence[object]] = [frame[name].tolist() for name in frame.columns]
    heads = [str(name) for name in frame.columns]
    if index is not None:
        columns, heads = [frame.index.tolist(), *columns], [index, *heads]
    rows = list(zip(*columns, strict=True))
    return table(rows, heads, caption=caption, pictures=pictures, limit=limit)


def listing(lines: Iterable[str], *, caption: str = "") -> str:
    """Sentences as an HTML list, nothing where there are none."""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return _paragraph(caption) + (f"<ul>{items}</ul>" if items else "")


def quantiles(draws: Mapping[str, Any]) -> list[tuple[str, float, float, float]]:
    """Median and ends of the central 90 % of draws by name, one row per scalar."""
    rows = []
    for name, values in draws.items():
        found = np.quantile(np.asarray(values, dtype=float), [0.5, 0.05, 0.95], axis=0)
        for index in np.ndindex(found.shape[1:]):
            label = f"{name}[{','.join(map(str, index))}]" if index else name
            middle, low, high = (float(q[index]) for q in found)
            rows.append((label, middle, low, high))
    return rows


def _row(cells: Iterable[str], tag: str, first: str = "") -> str:
    written = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{first}{written}</tr>"


def _paragraph(caption: str) -> str:
    return f"<p>{html.escape(caption)}</p>" if caption else ""


def _joined(items: list[str], limit: int) -> str:
    rest = len(items) - _MAX_ITEMS
    more = f", … {rest} more" if rest > 0 else ""
    return _short(", ".join(items[:_MAX_ITEMS]), limit) + more


def _short(value: str, limit: int) -> str:
    return value if len(value) <= limit else value[: limit - 1] + "…"
