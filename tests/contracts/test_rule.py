"""The laws of every rule that chooses a batch. A new one joins by being added to RULES."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from bayesmat import explore
from bayesmat.data.table import Property, PropertyTable
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import Goal, Maximize, Minimize, Within
from bayesmat.explore.improvement import ImprovementRule
from bayesmat.explore.select import (
    ExpectedDistanceRule,
    LiteralSpacierRule,
    ProbabilityRule,
    Rule,
    Selection,
    SpacierRule,
)
from bayesmat.inference.grid import Grid
from bayesmat.models.base import Fitted, fit
from bayesmat.models.transfer import Transfer
from tests.contracts.page import page
from tests.contracts.randomness import untouched

MEASURED = tuple("C" * n + "O" for n in range(1, 11))
MIRRORED = ("C[C@H](O)CC", "C[C@@H](O)CC", "CCC(C)O")  # one fingerprint, three molecules
POOL = ("CCOCC", "CCCCCC=O", "CCCCC(=O)O", *MIRRORED, *MEASURED[2:5], "CCCCCCCCCCCC", "OCCCO")
REGION: tuple[Goal, ...] = (Within("Tb", 400.0, 440.0),)
# Rules, and the goals that each is for.
RULES: dict[str, tuple[Rule, tuple[Goal, ...]]] = {
    "probability": (ProbabilityRule(), REGION),
    "expected distance": (ExpectedDistanceRule(), REGION),
    "SPACIER": (SpacierRule(), REGION),
    "SPACIER, literal": (LiteralSpacierRule(), REGION),
    "improvement, up": (ImprovementRule(n_samples=32), (Maximize("Tb"),)),
    "improvement, down": (ImprovementRule(n_samples=32), (Minimize("Tb"),)),
    "the page's": (page()["MostUncertain"](), REGION),
}


@pytest.fixture(scope="module")
def fits() -> dict[str, Fitted]:
    """Boiling points (K) of the straight alcohols, CRC Handbook, on both scales."""
    boiling = [337.8, 351.4, 370.3, 390.9, 411.1, 430.7, 449.5, 468.3, 486.5, 504.3]
    prior, found = Transfer("Tb", integrator=Grid(n=128, n_particles=8)), {}
    for scale in ("linear", "log"):
        tb = (Property("Tb", "K", scale),)
        table = PropertyTable(MEASURED, "smiles", tb, np.array(boiling)[:, None])
        found[scale] = fit(prior, table, seed=0, explain=False)
    return found


@pytest.fixture(scope="module")
def fitted(fits: dict[str, Fitted]) -> Fitted:
    return fits["log"]


@pytest.fixture(params=RULES)
def rule(request: pytest.FixtureRequest) -> Rule:
    return RULES[request.param][0]


def choose(
    rule: Rule, fitted: Fitted, materials: Sequence[str] = POOL, batch: int = 4, seed: int = 1
) -> Selection:
    goals = next(goals for known, goals in RULES.values() if known is rule)
    return rule(fitted, Candidates(tuple(materials)), goals, batch, seed=seed, round=1)


def assert_lawful(selection: Selection, n: int, expected: int) -> None:
    assert len(selection.rows) == len(set(selection.rows)) == len(selection.scores) == expected
    assert all(type(row) is int and 0 <= row < n for row in selection.rows)
    assert all(type(score) is float and math.isfinite(score) for score in selection.scores)


def test_every_public_rule_is_held_to_these_laws() -> None:
    public = {n for n in explore.__all__ if n.endswith("Rule") and n != "Rule"}
    assert public == {type(rule).__name__ for rule, _ in RULES.values()} - {"MostUncertain"}


@pytest.mark.parametrize("batch", [1, 4, len(POOL), 99])
def test_rows_are_distinct_and_the_batch_is_full_while_candidates_last(
    rule: Rule, fitted: Fitted, batch: int
) -> None:
    assert_lawful(choose(rule, fitted, batch=batch), len(POOL), min(batch, len(POOL)))


@pytest.mark.parametrize(
    "materials", [MIRRORED, MEASURED, ("CCO",), ("CCCC=O", "CCCCC=O", "CCCCCC=O", "CCCCCCC=O")],
    ids=["look-alikes", "training rows", "one", "homologues"],
)  # fmt: skip
def test_it_copes_with_candidates_of_any_kind(
    rule: Rule, fitted: Fitted, materials: tuple[str, ...]
) -> None:
    n = len(materials)
    assert_lawful(choose(rule, fitted, materials, batch=n), n, n)


def test_equal_seeds_give_equal_batches_whatever_the_process_has_drawn(
    rule: Rule, fitted: Fitted
) -> None:
    found = []
    for _ in range(2):
        with untouched():
            found.append(choose(rule, fitted))
    one, two = found
    assert (one.rows, one.scores, one.trace) == (two.rows, two.scores, two.trace)
    assert dict(one.temporary) == dict(two.temporary)


def test_its_notes_are_json_and_its_temporary_region_is_of_the_goals(
    rule: Rule, fitted: Fitted
) -> None:
    selection = choose(rule, fitted)
    assert json.loads(json.dumps(selection.trace, allow_nan=False)) == selection.trace
    assert set(selection.temporary) <= set(fitted.table.property_names)
    assert all(low < high for low, high in selection.temporary.values())


def test_it_changes_nothing_that_it_is_given(rule: Rule, fitted: Fitted) -> None:
    candidates = Candidates(POOL, {"source": "test", "kept": [1, 2]})
    goals = next(goals for known, goals in RULES.values() if known is rule)
    before = copy.deepcopy((candidates.materials, candidates.trace, goals))
    predicted = fitted.marginals(POOL).mean.clone()
    rule(fitted, candidates, goals, 4, seed=0, round=1)
    assert (candidates.materials, candidates.trace, goals) == before
    assert torch.equal(fitted.marginals(POOL).mean, predicted)


def test_its_name_is_words_of_its_own(rule: Rule, fitted: Fitted) -> None:
    name = rule.name
    assert name.strip() == name != ""
    choose(rule, fitted)
    assert rule.name == name == copy.deepcopy(rule).name
    others = {other.name for other, _ in RULES.values() if type(other) is not type(rule)}
    assert name not in others


@pytest.mark.parametrize("name", [name for name, (_, goals) in RULES.items() if goals is REGION])
@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("bounds", [(1e4, 2e4), (1e-3, 2e-3), (1e200, 2e200)])
def test_a_region_far_from_all_that_is_known_still_gives_a_batch(
    name: str, fits: dict[str, Fitted], scale: str, bounds: tuple[float, float]
) -> None:
    goals = [Within("Tb", *bounds)]
    selection = RULES[name][0](fits[scale], Candidates(POOL), goals, 5, seed=0, round=1)
    assert len(set(selection.rows)) == len(selection.rows) == 5
    assert not any(math.isnan(score) or score == math.inf for score in selection.scores)
