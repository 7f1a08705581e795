"""Draws of the prior by rejection, and the guard on canonical SMILES."""

from __future__ import annotations

import pytest
from rdkit import Chem

from bayesmat.design.draws import draw_prior, molecule_checker
from bayesmat.design.moves import Checker
from bayesmat.errors import DesignError
from tests.unit.design.toy import (
    SmallAndPlain,
    approved,
    canonical,
    checker,
    exact,
    toy_language,
)


def test_draws_pass_every_check_and_count_what_they_cost() -> None:
    draws = draw_prior(toy_language(), checker(), 200, seed=0)
    assert len(draws.strings) == len(draws.materials) == 200
    assert [canonical(s) for s in draws.strings] == list(draws.materials)
    assert all(approved(key) for key in draws.materials)
    assert 200 <= draws.n_parsed <= draws.n_drawn
    assert draws == draw_prior(toy_language(), checker(), 200, seed=0)


def test_draws_have_the_restricted_priors_length() -> None:
    truth = exact(toy_language())
    draws = draw_prior(toy_language(), checker(), 3000, seed=4)
    mean = sum(len(s) for s in draws.strings) / 3000
    assert abs(mean - truth.mean_length()) < 4.5 * truth.sd_length() / 3000**0.5


def test_a_filter_that_nothing_passes() -> None:
    with pytest.raises(DesignError, match="only 0 of 50 draws"):
        draw_prior(toy_language(), Checker(lambda _: None, approved), 5, seed=0, max_tries=10)


def test_molecule_checker_goes_from_cheap_to_slow() -> None:
    judge = SmallAndPlain()
    check = molecule_checker(judge)
    assert check.key("OCC") == "CCO"
    assert check.key("CBr") is None
    assert check.key("CCCCCCCC") is None
    assert check.key("C(C)(C)(C)(C)C") is None
    assert judge.slow == []
    assert check.approves("CCO")
    assert not check.approves("C1CC1")
    assert check.approves("CCO")
    assert judge.slow == ["CCO", "C1CC1"]


def test_a_key_that_cannot_be_read_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Chem, "MolToSmiles", lambda mol: "c1cccc1")
    assert molecule_checker(SmallAndPlain()).key("CCO") is None


def test_a_key_that_changes_when_read_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["CCO", "OCC"])
    monkeypatch.setattr(Chem, "MolToSmiles", lambda mol: next(names))
    assert molecule_checker(SmallAndPlain()).key("CCO") is None
