"""Values become few words, tables are escaped, and what is cut is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from bayesmat import _repr


class Handle:
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "–"),
        (1 / 3, "0.3333"),
        (np.float64(2e-9), "2e-09"),
        (True, "True"),
        (None, "None"),
        (torch.zeros(3, 2), "3 x 2 array"),
        (torch.tensor(1.5), "1.5"),
        ((), ""),
        (frozenset({"b", "a"}), "a, b"),
        (range(3), "range(0, 3)"),
        (list(range(9)), "0, 1, 2, 3, 4, 5, … 3 more"),
        (len, "builtins.len"),
        (lambda: 0, "tests.unit.test_repr.<lambda>"),
        ("x" * 300, "x" * 99 + "…"),
    ],
)
def test_words(value: object, expected: str) -> None:
    assert _repr.words(value) == expected


def test_words_hold_no_address() -> None:
    for value in (Handle(), [Handle()], {"a": Handle()}, Handle().__init__):
        assert "0x" not in _repr.words(value)


@dataclass(frozen=True, repr=False)
class Point(_repr.Shown):
    x: float
    long_name: tuple[str, ...] = ()


def test_a_dataclass_shows_its_fields() -> None:
    point = Point(0.123456, ("<i>", "b"))
    assert repr(point) == "Point(x=0.1235, long_name=<i>, b)"
    html = point._repr_html_()
    assert "<p>Point</p>" in html
    assert "<tr><td>long name</td><td>&lt;i&gt;, b</td></tr>" in html


def test_tables_escape_heads_cells_and_captions() -> None:
    html = _repr.table([["<td>"]], ["<th>"], caption="<p>")
    assert html == (
        "<p>&lt;p&gt;</p><table><thead><tr><th>&lt;th&gt;</th></tr></thead>"
        "<tbody><tr><td>&lt;td&gt;</td></tr></tbody></table>"
    )
    assert _repr.listing(["a < b"]) == "<ul><li>a &lt; b</li></ul>"


def test_an_empty_frame_is_a_table() -> None:
    html = _repr.sheet(pd.DataFrame({"gap [eV]": []}))
    assert "gap [eV]" in html
    assert "<tbody></tbody>" in html


def test_a_frame_shows_its_labels() -> None:
    frame = pd.DataFrame({"mean": [1.0]}, index=["rho"])
    assert "<td>rho</td><td>1</td>" in _repr.sheet(frame, index="scalar")


def test_quantiles_are_of_the_draws_one_row_per_scalar() -> None:
    draws = torch.arange(101.0)
    rows = _repr.quantiles({"a": draws, "b": torch.stack([draws, -draws], -1)})
    assert rows == [("a", 50, 5, 95), ("b[0]", 50, 5, 95), ("b[1]", -50, -95, -5)]


def test_pictures_stand_before_the_cells_that_they_show() -> None:
    rows = [[f"<{i}>"] for i in range(25)]
    html = _repr.table(rows, ["name"], pictures=[f"<svg>{i}</svg>" for i in range(25)])
    assert "<tr><th></th><th>name</th></tr>" in html
    assert "<tr><td><svg>3</svg></td><td>&lt;3&gt;</td></tr>" in html
    assert html.count("<svg>") == 20
    assert '<td colspan="2">… and 5 more</td>' in html


def test_cells_of_prose_are_shown_whole_where_that_is_asked_for() -> None:
    frame = pd.DataFrame({"reason": ["x" * 300]})
    assert "x" * 300 in _repr.sheet(frame, limit=1000)
    assert "x" * 300 not in _repr.sheet(frame)
