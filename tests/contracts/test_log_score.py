"""The laws of every log score of materials. A new one joins by being added to SCORES."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch

from bayesmat.data.table import Property, PropertyTable
from bayesmat.design.scores import LogScore, MemoScore
from bayesmat.explore.candidates import RegionScore
from bayesmat.explore.goals import Within
from bayesmat.explore.region import region_of
from bayesmat.inference.grid import Grid
from bayesmat.models.base import Fitted, fit
from bayesmat.models.transfer import Transfer
from tests.contracts.page import page
from tests.contracts.randomness import untouched

ALCOHOLS = tuple("C" * n + "O" for n in range(1, 9))
MATERIALS = ("CCOCC", "CCCC=O", "CCO", "c1ccccc1", "CC(C)O", "CCCCCCCC(=O)O")


@cache
def fitted() -> Fitted:
    values = np.linspace(340.0, 490.0, 8)[:, None]
    table = PropertyTable(ALCOHOLS, "smiles", (Property("Tb", "K"),), values)
    return fit(Transfer("Tb", integrator=Grid(n=64, n_particles=8)), table, seed=0, explain=False)


def region(low: float, high: float) -> RegionScore:
    table = fitted().table
    goals = [Within("Tb", low, high)]
    return RegionScore(fitted(), region_of(goals, table.property_names, fitted().scales))


def acyclic(materials: object) -> torch.Tensor:
    """Impossible where there is a ring."""
    return torch.tensor([-math.inf if "1" in m else 0.5 for m in materials]).double()


SCORES: dict[str, Callable[[], LogScore]] = {
    "region": lambda: region(400.0, 440.0),
    "region out of reach": lambda: region(1e200, 2e200),
    "memory of a region": lambda: MemoScore(region(400.0, 440.0)),
    "memory of what is impossible": lambda: MemoScore(acyclic),
    "the page's": lambda: page()["short"],
    "memory of the page's": lambda: MemoScore(page()["short"]),
}


@pytest.fixture(params=SCORES)
def make(request: pytest.FixtureRequest) -> Callable[[], LogScore]:
    return SCORES[request.param]


@pytest.mark.parametrize("n", [0, 1, len(MATERIALS)])
def test_there_is_one_number_for_each_material(make: Callable[[], LogScore], n: int) -> None:
    values = make()(MATERIALS[:n])
    assert values.shape == (n,)
    assert values.dtype == torch.float64
    assert not values.requires_grad


def test_impossible_is_minus_infinity_and_nothing_is_nan(make: Callable[[], LogScore]) -> None:
    values = make()(MATERIALS)
    assert not values.isnan().any()
    assert (values < math.inf).all()


def test_it_is_deterministic_whatever_the_process_has_drawn(make: Callable[[], LogScore]) -> None:
    found = []
    score = make()
    for asked in (score, score, make()):
        with untouched():
            found.append(asked(MATERIALS))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_a_material_does_not_depend_on_its_company(make: Callable[[], LogScore]) -> None:
    together = make()(MATERIALS)
    alone = torch.cat([make()([material]) for material in MATERIALS])
    torch.testing.assert_close(alone, together, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(make()(MATERIALS[::-1]), together.flip(0), rtol=1e-9, atol=1e-9)
    thrice = make()([MATERIALS[2]] * 3)
    torch.testing.assert_close(thrice, together[2].expand(3), rtol=1e-9, atol=1e-9)


def test_what_it_returns_belongs_to_the_caller(make: Callable[[], LogScore]) -> None:
    score = make()
    first = score(MATERIALS)
    kept = first.clone()
    first += 1.0
    assert torch.equal(score(MATERIALS), kept)
