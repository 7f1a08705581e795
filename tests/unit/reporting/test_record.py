"""What a laboratory changed, failed at and added is shown with its reason."""

from __future__ import annotations

from dataclasses import replace

from bayesmat.reporting import page
from bayesmat.reporting.record import changes, failures, replicates, unasked
from tests.unit.reporting.accounts import laboratory, read, region


def test_the_page_says_what_was_left_out_of_an_answer() -> None:
    first, *others = region().calls
    calls = (replace(first, left_out="'dipole': nan is not a finite number"), *others)
    text = " ".join(read(page(replace(region(), calls=calls))).words)
    assert "left out: 'dipole': nan is not a finite number" in text


def test_what_a_laboratory_changed_is_shown_with_its_reason() -> None:
    text = " ".join(read(page(laboratory())).words)
    for words in (
        "Corrections and remarks", "2026-01-02 03:04", "301 K", "310 K", "digits <swapped>",
        "mean of 2, standard deviation 1.50 K", "corrected once",
        "Measured besides the proposals", "CO at x 1.5, pressing time 20 min",
        "1 failure by reason: 1 × decomposed", "decomposed: brown",
    ):  # fmt: skip
        assert words in text, words


def test_a_failure_that_was_tried_again_keeps_its_reason() -> None:
    text = " ".join(read(failures(laboratory())).words)
    row = "CC at x 1.5, pressing time 20 min"
    assert f"{row} decomposed: brown" in text
    assert f"{row} bottle <empty> (tried again since)" in text
    assert "1 failure by reason: 1 × decomposed. 1 earlier failure no longer stands." in text
    text = " ".join(read(changes(laboratory())).words)
    assert "failed before: bottle <empty>; a new bottle" in text


def test_what_nobody_asked_for_is_named_with_value_and_date() -> None:
    text = " ".join(read(unasked(laboratory())).words)
    at = "at x 1.5, pressing time 20 min"
    assert f"CO {at} measured, not proposed 2026-01-05 06:07 311" in text
    assert f"CS {at} known from the start, corrected 2026-01-05 06:07 288" in text


def test_replicates_are_listed_with_their_scatter() -> None:
    text = " ".join(read(replicates(laboratory())).words)
    assert "CCN at x 1.5, pressing time 20 min Tm 2 310 K 1.50 K" in text
    assert replicates(region()) == ""


def test_rows_bear_their_names_in_every_list() -> None:
    account = laboratory()
    calls = tuple(replace(c, columns={"name": f"No {i}"}) for i, c in enumerate(account.calls))
    account = replace(account, calls=calls)
    at = "at x 1.5, pressing time 20 min"
    assert f"No 2 (CC) {at} decomposed" in " ".join(read(failures(account)).words)
    assert f"No 1 (CCN) {at} Tm 2" in " ".join(read(replicates(account)).words)
    assert f"No 1 (CCN) {at} Tm 301 K" in " ".join(read(changes(account)).words)
