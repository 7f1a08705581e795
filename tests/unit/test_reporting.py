"""The report says what the account says, and needs nothing but itself."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesmat import plots
from bayesmat.data.table import Property
from bayesmat.errors import DataError
from bayesmat.explore.account import Account, Call, Forecast, Target
from bayesmat.reporting import page, read_arms, summary

GAP = Property("gap", "eV", "log")
SMILES = ("O=C1c2ccccc2-c2ccccc21", "c1ccc2ccccc2c1", "O=c1c2ccccc2sc2ccccc12", "CCO")
FOUND = (2.25, 2.9, 2.4, math.nan)


def _account() -> Account:
    calls = []
    for i, (smiles, value) in enumerate(zip(SMILES, FOUND, strict=True)):
        done = math.isfinite(value)
        forecast = Forecast.from_interval((2.0, 2.4, 2.8), GAP, value=value)
        failure = None if done else "embedding failed: <no conformer>"
        values = {"gap": value} if done else {}
        calls.append(Call(i // 2 + 1, smiles, {"gap": forecast}, values, failure, 0.5, 0.3))
    return Account(
        "smiles",
        (Target(GAP, 2.0, 2.5),),
        tuple(calls),
        start={"gap": [4.0, 9.0]},
        temporary={"gap": {1: (2.4, 3.0)}},
        fit_lines=("gap: networks explain <half>.",),
        shares={"networks": np.linspace(0.2, 0.6, 20)},
        base_rate=0.02,
        notes=("A GFN1 orbital gap, not an optical gap.",),
        provenance={"seed": "7"},
    )


@pytest.fixture(autouse=True)
def _tiny_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn once, in the test of the page; elsewhere their bytes do not matter."""
    if "well_formed" not in request.node.name:
        monkeypatch.setattr(plots, "png", lambda figure, dpi: b"picture")


class _Reader(HTMLParser):
    """Collects text, addresses and unclosed tags."""

    VOID = frozenset({"meta", "img", "br", "link", "rect", "line", "circle", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


def test_summary_counts_hits_and_says_what_was_expected() -> None:
    words = " ".join(summary(_account()))
    assert "gap between 2 and 2.5 eV" in words
    assert "In 2 rounds 3 of 4 proposals have been computed, 1 failed." in words
    assert "2 hits (67% of the computed ones), the first in round 1" in words
    assert "would have given 0.1 (base rate 2.0%)" in words
    assert "had expected 1.5" in words
    assert "Best material: O=C1c2ccccc2-c2ccccc21, gap 2.25 eV." in words
    assert "Of the 3 values of gap, the 90% intervals stated beforehand hold 67%" in words


def test_page_is_well_formed_and_asks_no_server() -> None:
    arms = {"ours": np.cumsum(np.ones((3, 4)), 1), "random": np.zeros((3, 4))}
    html = page(_account(), arms=arms, source="a script")
    reader = _read(html)
    assert reader.open == []
    assert reader.addresses
    assert all(address.startswith("data:image/png;base64,") for address in reader.addresses)
    assert "default-src 'none'" in html
    assert not re.search(r"<script|@import|url\(", html)


def test_page_tells_the_whole_story() -> None:
    arms = {"ours": np.cumsum(np.ones((3, 4)), 1)}
    text = " ".join(_read(page(_account(), arms=arms, source="a script")).words)
    for words in (
        "Search for gap between 2 and 2.5 eV",
        "The path to the target",
        "Round 2",
        "1 hit of 2",
        "2.40 (2.00–2.80)",
        "2.25 eV",
        "stated chance of a hit 50%",
        "Precomputed by a script over 3 paired seeds; not run for this page.",
        "Were the predictions honest?",
        "What the model learned",
        "gap: networks explain <half>.",
        "embedding failed: <no conformer>",
        "A GFN1 orbital gap, not an optical gap.",
        "seed",
    ):
        assert words in text, words


def test_every_molecule_is_drawn_and_hits_are_marked() -> None:
    html = page(_account())
    for smiles in SMILES:
        assert f'aria-label="{smiles}"' in html
    assert html.count('<div class="card hit">') == 2
    assert html.count('<div class="card failed">') == 1


def test_materials_that_are_not_molecules_are_written() -> None:
    calls = tuple(
        replace(call, material=f"<sample {i}>") for i, call in enumerate(_account().calls)
    )
    text = _read(page(replace(_account(), kind="id", calls=calls))).words
    assert "<sample 3>" in text


def test_a_campaign_without_results_still_has_a_report() -> None:
    calls = tuple(replace(call, values={}, failure=None) for call in _account().calls)
    account = replace(_account(), calls=calls, base_rate=None)
    text = " ".join(_read(page(account)).words)
    assert "0 of 4 proposals have been computed, 4 are waiting" in text
    assert "honest" not in text


def test_sampler_section_appears_with_stages() -> None:
    stages = pd.DataFrame(
        {
            "round": [1, 1],
            "stage": [1, 2],
            "beta": [0.3, 1.0],
            "ess_fraction": [0.5, 0.8],
            "acceptance": [0.1, 0.2],
            "unique_fraction": [0.9, 0.6],
        }
    )
    assert "The sampler" not in page(_account())
    assert "The sampler" in page(replace(_account(), stages=stages))


def test_goals_without_a_region_have_no_hits() -> None:
    account = replace(_account(), targets=(Target(GAP),))
    words = " ".join(summary(account))
    assert "extreme gap" in words
    assert "hits" not in words
    assert "The proposals" in page(account)


def test_arms_are_read(tmp_path: Path) -> None:
    path = tmp_path / "arms.json"
    path.write_text(json.dumps({"source": "x.py", "arms": {"a": {"hits": [[0, 1], [1, 2]]}}}))
    arms, source = read_arms(path)
    assert source == "x.py"
    np.testing.assert_array_equal(arms["a"], [[0, 1], [1, 2]])


@pytest.mark.parametrize(
    "content",
    ["not json", "{}", '{"arms": {}}', '{"arms": {"a": {"hits": [[0, 1], [1]]}}}', "[1]"],
)
def test_unusable_arms_say_what_is_needed(tmp_path: Path, content: str) -> None:
    path = tmp_path / "arms.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"learning curves|rectangular"):
        read_arms(path)


def test_an_empty_campaign_says_what_to_do() -> None:
    with pytest.raises(DataError, match="no proposal yet"):
        page(replace(_account(), calls=()))


def test_the_page_says_what_was_left_out_of_an_answer() -> None:
    first, *others = _account().calls
    calls = (replace(first, left_out="'dipole': nan is not a finite number"), *others)
    text = " ".join(_read(page(replace(_account(), calls=calls))).words)
    assert "left out: 'dipole': nan is not a finite number" in text


def test_the_best_material_is_shown_with_every_property_that_was_aimed_at() -> None:
    dipole = Property("dipole", "debye")
    calls = tuple(replace(c, values=c.values | {"dipole": 1.0}) for c in _account().calls[:3])
    account = replace(
        _account(), targets=(Target(GAP, 2.0, 2.5), Target(dipole, upper=2.0)), calls=calls
    )
    assert "gap 2.25 eV and dipole 1.00 debye." in " ".join(summary(account))


def test_the_best_of_an_extreme_is_named() -> None:
    account = replace(_account(), targets=(Target(GAP, sign=1),))
    assert "Best material: c1ccc2ccccc2c1, gap 2.90 eV." in " ".join(summary(account))
