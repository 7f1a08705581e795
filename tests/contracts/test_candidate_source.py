"""The laws of every source of candidates. A new one joins by being added to SOURCES."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import pytest

from bayesmat import explore
from bayesmat.data.materials import canonical_all
from bayesmat.data.table import Property, PropertyTable
from bayesmat.design.chemistry import MoleculeFilter
from bayesmat.design.language import SmilesNGram
from bayesmat.design.sampler import SamplerSettings
from bayesmat.errors import DesignError
from bayesmat.explore.candidates import Candidates, CandidateSource, MoleculeDesign
from bayesmat.explore.goals import Within
from bayesmat.explore.pool import Pool
from bayesmat.inference.grid import Grid
from bayesmat.models.base import Fitted, fit
from bayesmat.models.transfer import Transfer
from tests.contracts.page import page
from tests.contracts.randomness import untouched

ALCOHOLS = tuple("C" * n + "O" for n in range(1, 9))
WORDS = ["CCCCCO", "CCCCCCO", "CC(C)CCO", "CCCOCC", "CCCCCCC", "CC(C)CC(C)O"] * 10
LANGUAGE = SmilesNGram.fit(WORDS, 3, min_count=1)
TINY = SamplerSettings(n_particles=16, pool_size=40, sweeps=1, final_sweeps=1)


def design() -> MoleculeDesign:
    return MoleculeDesign(LANGUAGE, MoleculeFilter.default(), TINY)


@dataclass(frozen=True)
class Case:
    make: Callable[[], CandidateSource]
    others: tuple[Callable[[], CandidateSource], ...]  # other settings: must have other digests


SOURCES = {
    "pool": Case(
        lambda: Pool(("OCC", "CCCC", "C(O)C", *ALCOHOLS)),
        (lambda: Pool(("OCC", "CCCC")), lambda: Pool(("OCC",))),
    ),
    "design": Case(
        design,
        (
            lambda: replace(design(), pool_seed=1),
            lambda: replace(design(), n_candidates=7),
            lambda: replace(design(), settings=replace(TINY, power=2.0)),
            lambda: replace(design(), molecule_filter=MoleculeFilter(max_heavy=9)),
            lambda: replace(design(), language=SmilesNGram.fit(WORDS[:-1], 3, min_count=1)),
        ),
    ),
    "the page's": Case(lambda: page()["Alkanols"](), (lambda: page()["Alkanols"](12),)),
}


class Everything(Collection[str]):
    """Holds whatever it is asked for."""

    def __contains__(self, item: object) -> bool:
        return True

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    values = np.linspace(340.0, 470.0, 6)[:, None]
    table = PropertyTable(ALCOHOLS[:6], "smiles", (Property("Tb", "K"),), values)
    return fit(Transfer("Tb", integrator=Grid(n=64, n_particles=8)), table, seed=0, explain=False)


@pytest.fixture(params=SOURCES)
def case(request: pytest.FixtureRequest) -> Case:
    return SOURCES[request.param]


def found(case: Case, fitted: Fitted, exclude: Collection[str] = (), seed: int = 0) -> Candidates:
    return case.make()(fitted, [Within("Tb", 400.0, 440.0)], exclude=exclude, seed=seed)


def test_every_public_source_is_held_to_these_laws() -> None:
    public = {n for n in explore.__all__ if {"digest", "__call__"} <= {*dir(getattr(explore, n))}}
    made = {type(case.make()).__name__ for case in SOURCES.values()}
    elsewhere = {"CandidateSource", "ConditionSpace"}  # test_space holds it to them, on conditions
    assert public - elsewhere == made - {"Alkanols"}


def test_materials_are_canonical_and_there_once(case: Case, fitted: Fitted) -> None:
    materials = found(case, fitted).materials
    assert len(set(materials)) == len(materials) > 0
    assert tuple(canonical_all(materials, "smiles")) == materials


@pytest.mark.parametrize("kind", [frozenset, tuple, dict.fromkeys], ids=["set", "tuple", "dict"])
def test_nothing_is_proposed_that_is_excluded(
    case: Case, fitted: Fitted, kind: Callable[[tuple[str, ...]], Collection[str]]
) -> None:
    free = found(case, fitted).materials
    known = (*free[::2], *ALCOHOLS[:2])
    kept = found(case, fitted, kind(known)).materials
    assert kept
    assert not set(kept) & set(known)


def test_where_nothing_is_left_it_says_so(case: Case, fitted: Fitted) -> None:
    with pytest.raises(DesignError, match=r"no candidate|has been used|no molecule"):
        found(case, fitted, Everything())


def test_the_seed_decides_and_the_generators_of_the_process_rest(
    case: Case, fitted: Fitted
) -> None:
    both = []
    for _ in range(2):
        with untouched():
            both.append(found(case, fitted, seed=3))
    one, two = both
    assert one.materials == two.materials
    assert one.trace == two.trace
    assert one.stages == two.stages


def test_its_trace_is_json(case: Case, fitted: Fitted) -> None:
    trace = found(case, fitted).trace
    assert json.loads(json.dumps(trace)) == trace


def test_the_digest_is_that_of_its_settings(case: Case, fitted: Fitted) -> None:
    source = case.make()
    before = source.digest
    source(fitted, [Within("Tb", 400.0, 440.0)], exclude=(), seed=1)
    assert source.digest == before == case.make().digest
    digests = [before, *(make().digest for make in case.others)]
    assert all(type(digest) is str for digest in digests)
    assert len(set(digests)) == len(digests)
