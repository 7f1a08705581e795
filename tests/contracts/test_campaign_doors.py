"""Laws of the doors of campaigns, oracles, designs and sources: see `test_argument_doors`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bayesmat import reporting
from bayesmat.design import MoleculeFilter, SmilesNGram, draw_prior, molecule_checker
from bayesmat.design.sampler import sample_molecules
from bayesmat.design.scores import MemoScore
from bayesmat.errors import BayesmatError
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.candidates import MoleculeDesign
from bayesmat.explore.goals import AtLeast, Maximize, Within
from bayesmat.explore.pool import Pool
from bayesmat.explore.select import SpacierRule
from bayesmat.features.base import Layout
from bayesmat.features.cache import Cached, FeatureCache
from bayesmat.features.huckel import computed
from bayesmat.features.molecule import ECFP, MACCS
from bayesmat.features.selected import Selected
from bayesmat.inference.grid import Grid
from bayesmat.inference.importance import ImportanceIntegrator
from bayesmat.inference.nuts import NUTS
from bayesmat.models.program import program
from bayesmat.oracles import TableOracle, WorkerPool
from bayesmat.oracles.base import evaluate
from bayesmat.sources import zoo
from tests.contracts.argument_kinds import FITTED, FRAME, PRIOR, TABLE, Door, cases, wrong_values

GOAL = Within("y", 4.0, 5.0)
POOL = Pool(["CCCCC", "CCCCO"])  # type: ignore[arg-type]
LANGUAGE = SmilesNGram.fit(["CCO", "CCN", "CCC"] * 10, 3, min_count=1)
CHECKER = molecule_checker(MoleculeFilter.default())
NEVER = "sqlite://"


def create(url: Any = NEVER, table: Any = TABLE, prior: Any = PRIOR, **given: Any) -> Campaign:
    return Campaign.create(url, table, prior, **({"goals": [GOAL], "candidates": POOL} | given))


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    made = create(f"sqlite:///{tmp_path_factory.mktemp('doors') / 'c.db'}", seed=np.int64(3))
    made.suggest(np.int8(1))  # type: ignore[arg-type]
    return made


DOORS: dict[str, Door] = {
    "create(url)": (lambda v: create(v), "text"),
    "create(table)": (lambda v: create(table=v), "table"),
    "create(prior)": (lambda v: create(prior=v), "prior"),
    "create(seed)": (lambda v: create(seed=v), "seed"),
    "open(url)": (lambda v: Campaign.open(v), "text"),
    "Within(lower)": (lambda v: Within("y", v, 5.0), "real"),
    "AtLeast(property)": (lambda v: AtLeast(v, 1.0), "text"),
    "Maximize": (lambda v: Maximize(v), "text"),
    "met": (lambda v: GOAL.met(v), "real"),
    "Pool": (lambda v: Pool(v), "texts"),
    "design(pool_seed)": (
        lambda v: MoleculeDesign(LANGUAGE, MoleculeFilter(), pool_seed=v), "seed",
    ),
    "SmilesNGram.fit": (lambda v: SmilesNGram.fit(v), "texts"),
    "SmilesNGram.fit(order)": (lambda v: SmilesNGram.fit(["CCO"], v), "whole"),
    "SmilesNGram.fit(discount)": (lambda v: SmilesNGram.fit(["CCO"], discount=v), "real"),
    "sample(n)": (lambda v: LANGUAGE.sample(v, seed=0), "whole"),
    "sample(seed)": (lambda v: LANGUAGE.sample(1, seed=v), "seed"),
    "encode": (lambda v: LANGUAGE.encode(v), "text"),
    "save(path)": (lambda v: LANGUAGE.save(v), "path"),
    "load(path)": (lambda v: SmilesNGram.load(v), "path"),
    "MoleculeFilter()": (lambda v: MoleculeFilter.default()(v), "text"),
    "draw_prior(n)": (lambda v: draw_prior(LANGUAGE, CHECKER, v, seed=0), "whole"),
    "draw_prior(seed)": (lambda v: draw_prior(LANGUAGE, CHECKER, 1, seed=v), "seed"),
    "WorkerPool": (lambda v: WorkerPool(v), "whole"),
    "WorkerPool(limit)": (lambda v: WorkerPool(1, time_limit_s=v), "real?"),
    "TableOracle": (lambda v: TableOracle(v), "table"),
    "zoo.load(seed)": (lambda v: zoo.load(seed=v), "seed"),
    "zoo.load(name)": (lambda v: zoo.load(v), "text"),
    "zoo.load(exclude)": (lambda v: zoo.load(exclude=v), "texts"),
    "zoo.load(progress)": (lambda v: zoo.load(progress=v), "flag"),
    "zoo.train(table)": (lambda v: zoo.train(v, (), seed=0), "table"),
    "zoo.train(seed)": (lambda v: zoo.train(TABLE, (), seed=v), "seed"),
    "computed": (lambda v: computed(v), "text"),
    "Selected(chosen)": (lambda v: Selected(MACCS(), v), "texts"),
    "NUTS(seed)": (lambda v: NUTS()(lambda: None, seed=v), "seed"),
    "Grid(seed)": (lambda v: Grid()(lambda u: u.sum(-1), 1, seed=v), "seed"),
    "Grid(d)": (lambda v: Grid()(lambda u: u.sum(-1), v, seed=0), "whole"),
    "suited": (lambda v: ImportanceIntegrator.suited(v), "whole"),
    "program(properties)": (
        lambda v: program(properties=v, features={"phi": ECFP()}), "texts",
    ),
    "program(features)": (lambda v: program(properties="y", features=v), "mapping"),
    "program(n_draws)": (
        lambda v: program(properties="y", features={"phi": ECFP()}, n_draws=v), "whole",
    ),
}  # fmt: skip
OTHERS: dict[str, tuple[Callable[[Any], object], tuple[object, ...], str]] = {
    "create(goals)": (
        lambda v: create(goals=v), ("y", 5, None, ["y"], Within, {"y": (4.0, 5.0)}), "Within",
    ),
    "create(candidates)": (
        lambda v: create(candidates=v), (["CCO"], "CCO", FRAME, TABLE, Pool, 5), r"bm\.Pool",
    ),
    "create(rule)": (lambda v: create(rule=v), ("spacier", SpacierRule, 5), r"SpacierRule\(\)"),
    "create(oracle)": (lambda v: create(oracle=v), ("xtb", TABLE, 5, TableOracle), "oracle"),
    "evaluate(oracle)": (lambda v: evaluate(v, "C"), ("xtb", TABLE, None, 5), "oracle"),
    "evaluate(executor)": (
        lambda v: evaluate(TableOracle(TABLE), "C", v), (2, "pool", WorkerPool), "Executor",
    ),
    "evaluate(on_result)": (
        lambda v: evaluate(TableOracle(TABLE), "C", None, v), (2, "print"), "function",
    ),
    "Layout": (lambda v: Layout(v), ("ecfp", [ECFP], None, {"ecfp": ECFP()}), r"bm\.ECFP"),
    "Cached": (lambda v: Cached(v, FeatureCache()), ("ecfp", ECFP, None), r"bm\.ECFP"),
    "MemoScore": (lambda v: MemoScore(v), (5, None, "score"), "LogScore"),
    "MoleculeDesign(language)": (
        lambda v: MoleculeDesign(v, MoleculeFilter()), ("smiles", None, SmilesNGram, ["CCO"]),
        "language",
    ),
    "MoleculeDesign(settings)": (
        lambda v: MoleculeDesign(LANGUAGE, MoleculeFilter(), v), ({"power": 4}, 4.0, None),
        "SamplerSettings",
    ),
    "sample_molecules(language)": (
        lambda v: sample_molecules(v, MoleculeFilter(), lambda m: torch.zeros(len(m)), seed=0),
        ("smiles", None, ["CCO"]), "Language",
    ),
    "draw_prior(checker)": (
        lambda v: draw_prior(LANGUAGE, v, 1, seed=0), (MoleculeFilter(), None, 5), "Checker",
    ),
    "zoo.train(families)": (
        lambda v: zoo.train(TABLE, v, seed=0), ("ecfp", [ECFP()], None), "Family",
    ),
    "zoo.load(unknown)": (lambda v: zoo.load(v), ("molecule/none", ""), "molecule/starter"),
    "computed(unknown)": (lambda v: computed(v), ("typo", ""), "gap_huckel"),
    "program(feature)": (
        lambda v: program(properties="y", features={"phi": v}), ("ecfp", ECFP, None), r"bm\.ECFP",
    ),
    "program(sampler)": (
        lambda v: program(properties="y", features={"phi": ECFP()}, sampler=v), ("nuts", NUTS, 5),
        r"bm\.NUTS\(\)",
    ),
    "report(campaign)": (
        lambda v: reporting.report(v, "never.html"), (FITTED, None, "c.db", Campaign),
        r"bm\.Campaign\.open",
    ),
    "load(absent)": (lambda v: SmilesNGram.load(v), ("absent.json",), "absent.json"),
}  # fmt: skip


@pytest.mark.parametrize(("door", "call", "value", "words"), cases(DOORS, OTHERS))
def test_a_wrong_kind_is_refused_at_the_door_with_what_was_meant(
    door: str, call: Callable[[Any], object], value: object, words: str
) -> None:
    with pytest.raises(BayesmatError, match=words):
        call(value)


ASKED: dict[str, tuple[Callable[[Campaign, Any], object], str]] = {
    "suggest": (lambda c, v: c.suggest(v), "whole"),
    "tell(values)": (lambda c, v: c.tell(_waiting(c), v), "mapping"),
    "tell(value)": (lambda c, v: c.tell(_waiting(c), {"y": v}), "real"),
    "tell(sd)": (lambda c, v: c.tell(_waiting(c), {"y": 1.0}, {"y": v}), "real?"),
    "tell(sds)": (lambda c, v: c.tell(_waiting(c), {"y": 1.0}, v or 0), "mapping"),
    "tell(units)": (lambda c, v: c.tell(_waiting(c), {"y": 1.0}, units=v or 0), "mapping"),
    "tell(unit)": (lambda c, v: c.tell(_waiting(c), {"y": 1.0}, units={"y": v}), "text?"),
    "tell(cost)": (lambda c, v: c.tell(_waiting(c), {"y": 1.0}, cost_s=v), "real?"),
    "fail(cost)": (lambda c, v: c.fail(_waiting(c), "broken", cost_s=v), "real?"),
    "sheet(path)": (lambda c, v: c.sheet(v), "path"),
    "sheet(round)": (lambda c, v: c.sheet("never.csv", v), "whole?"),
    "read_sheet(path)": (lambda c, v: c.read_sheet(v), "path"),
    "read_sheet(sheet)": (lambda c, v: c.read_sheet("never.csv", v), "text?"),
    "run(rounds)": (lambda c, v: c.run(v), "whole"),
    "run(batch)": (lambda c, v: c.run(1, v), "whole"),
    "run(workers)": (lambda c, v: c.run(1, workers=v), "whole"),
    "run(progress)": (lambda c, v: c.run(1, progress=v), "flag"),
}


def _waiting(campaign: Campaign) -> str:
    return campaign.status().pending[0]


@pytest.mark.parametrize("door", ASKED)
def test_what_a_campaign_is_told_is_refused_at_the_door(door: str, campaign: Campaign) -> None:
    call, kind = ASKED[door]
    for value, words in wrong_values(kind):
        with pytest.raises(BayesmatError, match=f"{words}|unit"):
            call(campaign, value)


def test_numbers_of_any_type_are_stored_as_numbers(campaign: Campaign, tmp_path: Path) -> None:
    again = Campaign.open(campaign.url, prior=PRIOR, candidates=POOL)
    assert (again.seed, type(again.seed)) == (3, int)
    told = create(f"sqlite:///{tmp_path / 'd.db'}", goals=Within("y", np.int64(4), np.float32(5)))  # type: ignore[arg-type]
    assert told.goals == (GOAL,)
    (material,) = told.suggest(np.int64(1)).materials  # type: ignore[arg-type]
    told.tell(material, {"y": np.float32(2.5)}, {"y": np.array(0.5)}, cost_s=np.int16(3))  # type: ignore[arg-type, dict-item]
    told.close()
    found = Campaign.open(told.url).table()
    assert (found.values[-1, 0], found.stds[-1, 0]) == (2.5, 0.5)
