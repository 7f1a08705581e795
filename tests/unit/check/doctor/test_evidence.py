"""What the symptoms are read off."""

from __future__ import annotations

import math

from bayesmat.check.doctor.evidence import Evidence, quantity
from bayesmat.models.base import fit
from tests.unit.check.doctor.cases import boiling, similar


def test_rows_near_to_some_are_kept_with_them_and_others_by_chance() -> None:
    evidence = Evidence(fit(similar(), boiling(), seed=0, explain=False), seed=0)
    kept = evidence.near([3, 7], most=25)
    assert {3, 7} <= set(kept.tolist())
    assert len(kept) == len(set(kept.tolist())) == 25
    assert evidence.near([3], most=48).tolist() == list(range(48))


def test_a_quantity_that_is_not_known_is_a_question_mark() -> None:
    prop = boiling().properties[0]
    assert quantity(390.94, prop) == "390.9 K"
    assert quantity(math.nan, prop) == "? K"
