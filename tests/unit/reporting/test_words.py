"""Sentences count, agree and name what is best."""

from __future__ import annotations

from dataclasses import replace

from bayesmat._counted import counted
from bayesmat.data.table import Property
from bayesmat.explore.account import Target
from bayesmat.reporting import page, summary
from bayesmat.reporting.words import best_start, digits, improving
from tests.unit.reporting.accounts import GAP, read, recipes, region


def test_summary_counts_hits_and_says_what_was_expected() -> None:
    words = " ".join(summary(region()))
    assert "gap between 2 and 2.5 eV" in words
    assert "In 2 rounds 3 of 4 proposals have been computed, 1 failed." in words
    assert "2 hits (67% of the computed ones), the first in round 1" in words
    assert "would have given 0.1 (base rate 2.0%)" in words
    assert "had expected 1.5" in words
    assert "Best material: O=C1c2ccccc2-c2ccccc21, gap 2.25 eV." in words
    assert "Of the 3 values of gap, the 90% intervals stated beforehand hold 67%" in words


def test_the_best_material_is_shown_with_every_property_that_was_aimed_at() -> None:
    dipole = Property("dipole", "debye")
    calls = tuple(replace(c, values=c.values | {"dipole": 1.0}) for c in region().calls[:3])
    account = replace(
        region(), targets=(Target(GAP, 2.0, 2.5), Target(dipole, upper=2.0)), calls=calls
    )
    assert "gap 2.25 eV and dipole 1.00 debye." in " ".join(summary(account))


def test_the_best_of_an_extreme_is_named() -> None:
    account = replace(region(), targets=(Target(GAP, sign=1),))
    words = " ".join(summary(account))
    assert (
        "Best material: c1ccc2ccccc2c1, gap 2.90 eV; the best before the campaign was 9.00 eV."
        in (words)
    )


def test_one_is_singular() -> None:
    call = replace(region().calls[0], round=1)
    text = " ".join(read(page(replace(region(), calls=(call,)))).words)
    assert "In 1 round 1 of 1 proposal has been computed." in text
    assert "1 round, 1 proposal" in text
    waits = replace(call, values={})
    assert "1 of 2 proposals has been" in summary(replace(region(), calls=(call, waits)))[0]
    assert "0 of 2 proposals have been" in summary(replace(region(), calls=(waits, waits)))[0]
    assert "1 hit of 1" in text
    assert "The value of gap lies inside the 90% interval stated beforehand." in text


def test_nouns_agree_and_numbers_keep_three_digits() -> None:
    assert counted(1, "round") == "1 round"
    assert counted(0, "round") == "0 rounds"
    assert [digits(v) for v in (3.0, 150.0, 1234.0, 0.0001)] == ["3.00", "150", "1234", "0.0001"]


def test_improvements_are_counted_from_the_best_of_the_start() -> None:
    assert improving(recipes()) == [False, True, False]
    assert best_start(recipes()) == 2.0
    assert best_start(region()) is None
