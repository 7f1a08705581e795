"""Findings as a page: order, words, wrapping, escaping."""

import pytest

from bayesmat.check.doctor.findings import Finding, as_table, as_text, listed, ranked, summed_up
from bayesmat.errors import DataError

FOUND = ranked(
    [
        Finding("domain", "fine", "all near."),
        Finding("prior", "look", "a tail.", "it matters.", "widen it."),
        Finding("noise", "unknown", "no replicates."),
        Finding("unit slip", "bad", "row 3 <b>.", "one bends all.", "look it up."),
        Finding("data", "look", "few."),
    ]
)


def test_the_worst_come_first_and_keep_their_order() -> None:
    assert [f.topic for f in FOUND] == ["unit slip", "prior", "data", "noise", "domain"]


def test_reasons_are_given_for_what_is_not_fine() -> None:
    page = as_text(summed_up("gap", FOUND), FOUND)
    assert page.splitlines()[0] == "gap: 1 bad, 2 to look at, 1 not judged, 1 fine."
    assert "What to do: widen it." in page
    assert page.splitlines()[-1] == "FINE    domain: all near."
    assert max(map(len, page.splitlines())) <= 96


def test_html_is_escaped() -> None:
    table = as_table(FOUND)
    assert "row 3 &lt;b&gt;." in table
    assert table.count("<tr>") == 5


def test_long_lists_are_counted() -> None:
    assert listed("abcaf", 3) == "a, b, c and 1 more"
    assert listed("ab") == "a, b"


def test_an_unknown_verdict_is_refused() -> None:
    with pytest.raises(DataError, match="verdict 'good' is none of"):
        Finding("data", "good", "x")  # type: ignore[arg-type]
