"""The report says what the account says, and needs nothing but itself."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesmat.errors import DataError
from bayesmat.explore.account import Target
from bayesmat.reporting import page, read_arms, summary
from tests.unit.reporting.accounts import GAP, laboratory, read, recipes, region


def test_page_is_well_formed_and_asks_no_server() -> None:
    arms = {"ours": np.cumsum(np.ones((3, 4)), 1), "random": np.zeros((3, 4))}
    html = page(region(), arms=arms, source="a script")
    reader = read(html)
    assert reader.open == []
    assert reader.addresses
    assert all(address.startswith("data:image/png;base64,") for address in reader.addresses)
    assert "default-src 'none'" in html
    assert not re.search(r"<script|@import|url\(", html)


def test_page_tells_the_whole_story() -> None:
    arms = {"ours": np.cumsum(np.ones((3, 4)), 1)}
    text = " ".join(read(page(region(), arms=arms, source="a script")).words)
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


def test_a_campaign_without_results_still_has_a_report() -> None:
    calls = tuple(replace(call, values={}, failure=None) for call in region().calls)
    account = replace(region(), calls=calls, base_rate=None)
    text = " ".join(read(page(account)).words)
    assert "0 of 4 proposals have been computed, 4 are waiting" in text
    assert "honest" not in text


def test_goals_without_a_region_have_no_hits() -> None:
    account = replace(region(), targets=(Target(GAP),))
    words = " ".join(summary(account))
    assert "extreme gap" in words
    assert "hits" not in words
    assert "The proposals" in page(account)


def test_arms_areread(tmp_path: Path) -> None:
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
        page(replace(region(), calls=()))


def test_a_search_for_an_extreme_has_a_best_so_far_and_neither_hits_nor_nan() -> None:
    text = " ".join(read(page(recipes())).words)
    for words in (
        "Search for the smallest loss",
        "Best recipe: x 1, pressing time 10 min, loss 0.500 mm; the best before the campaign was "
        "2.00 mm.",
        "The best so far",
        "The best value known was improved once.",
        "best before the campaign",
        "✓ best so far",
        "1 is waiting",
    ):
        assert words in text, words
    for words in ("hit", "nan", "call"):
        assert not re.search(rf"\b{words}", text[text.index("Wanted:") :]), words


def test_a_laboratory_measures_and_computes_nothing() -> None:
    html = page(laboratory())
    text = " ".join(read(html).words)
    assert "2 of 5 proposals have been measured, 1 failed, 1 was withdrawn, 1 is waiting" in text
    assert "1 hit (50% of the measured ones)" in text
    assert "Best material: CO at x 1.5, pressing time 20 min, Tm 311 K." in text
    assert "Far outside of its prediction: Tm of CCO: 3980 K" in text
    for word in ("computed", "oracle", "call"):
        assert not re.search(rf"\b{word}", text[text.index("Wanted:") :]), word
    assert html.count('aria-label="CCO"') == 1
