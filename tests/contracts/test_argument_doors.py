"""Laws of every door that takes arguments of a kind.

1. A wrong kind is an error of ours that names it and says what was meant, at the door: never a raw
TypeError, AttributeError, KeyError or RuntimeError. 2. A number of any type is read as the number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from bayesmat.design.chemistry import MoleculeFilter
from bayesmat.design.sampler import SamplerSettings
from bayesmat.errors import ArgumentError, BayesmatError
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.improvement import ImprovementRule
from bayesmat.explore.select import (
    ExpectedDistanceRule,
    LiteralSpacierRule,
    ProbabilityRule,
    Selection,
    SpacierRule,
)
from bayesmat.features.huckel import HuckelModel
from bayesmat.features.molecule import ECFP, AtomPairs, CheapDescriptors
from bayesmat.features.polymer import RepeatUnitECFP
from bayesmat.inference.grid import Grid, SMCIntegrator
from bayesmat.inference.importance import ImportanceIntegrator
from bayesmat.inference.laplace import Laplace
from bayesmat.inference.moves import HMC, RandomWalk
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.population import SMC
from bayesmat.inference.seeds import spawn
from bayesmat.inference.smc import Tempering, tempered_smc
from bayesmat.models.base import fit, layout_of
from bayesmat.models.computed import Computed
from bayesmat.models.descriptors import DescriptorGP
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.kernels import ARD, Linear, Matern52, MinMax, Term
from bayesmat.models.transfer import Transfer
from bayesmat.oracles import XTB, CommandOracle, Evaluation
from bayesmat.sources.embedding import FeatureMap
from bayesmat.sources.networks import PyramidSpec
from bayesmat.sources.training import train_pyramids
from tests.contracts.argument_kinds import FITTED, PRIOR, TABLE, Door, cases, field_doors

FEATURES = FeatureMap((ECFP(),))
X = torch.eye(4, dtype=torch.float64)
TERM = Term(MinMax(), FEATURES, "fingerprints")
RECORDS: tuple[tuple[Callable[..., object], dict[str, object]], ...] = (
    (ARD, {}), (Linear, {}), (Matern52, {}), (HMC, {}), (RandomWalk, {}), (NUTS, {}), (SMC, {}),
    (Grid, {}), (SMCIntegrator, {}), (ImportanceIntegrator, {}), (Laplace, {}), (Tempering, {}),
    (SamplerSettings, {}), (MoleculeFilter, {}), (ProbabilityRule, {}), (ExpectedDistanceRule, {}),
    (LiteralSpacierRule, {}), (SpacierRule, {}), (ImprovementRule, {}), (ECFP, {}),
    (AtomPairs, {}), (RepeatUnitECFP, {}), (HuckelModel, {}), (XTB, {}),
    (Edge, {"parent": "y"}),
    (Computed, {"estimate": "gap_huckel"}),
    (Node, {"property": "y", "terms": (TERM,)}),
    (Term, {"kernel": MinMax(), "features": FEATURES, "group": "fingerprints"}),
    (CommandOracle, {"command": ("true",), "properties": TABLE.properties, "version": "1"}),
    (Evaluation, {"material": "C"}),
    (PyramidSpec, {"widths": (4, 2)}),
)  # fmt: skip
OTHERS: dict[str, tuple[Callable[[Any], object], tuple[object, ...], str]] = {
    "Transfer(sources)": (
        lambda v: Transfer("y", sources=v), ("molecule/starter", 5, [FEATURES]), r"bm\.zoo\.load",
    ),
    "Transfer(parents)": (
        lambda v: Transfer("y", parents=v), ("gap_huckel", [5], HuckelModel(), None), "Computed",
    ),
    "Transfer(fingerprints)": (
        lambda v: Transfer("y", fingerprints=v), ("ecfp", ECFP, 5, [ECFP]), r"bm\.ECFP\(\)",
    ),
    "Transfer(integrator)": (
        lambda v: Transfer("y", integrator=v), ("grid", 5, Grid), "ImportanceIntegrator",
    ),
    "DescriptorGP(features)": (
        lambda v: DescriptorGP("y", v), (["rings"], None, CheapDescriptors, "rings"), "featurizer",
    ),
    "Node(terms)": (lambda v: Node("y", v), (None, "kernel", MinMax(), [ECFP()], Term), "Term"),
    "Node(computed)": (
        lambda v: Node("y", (TERM,), computed=v), ("gap_huckel", 5), r"bm\.Computed",
    ),
    "Node(edges)": (lambda v: Node("y", (TERM,), v), ("y", 5, [TERM]), r"bm\.Edge"),
    "PropertyGraph(nodes)": (
        lambda v: PropertyGraph(v), ("y", None, [TERM], {"y": TERM}, Node), r"bm\.Node",
    ),
    "Term(kernel)": (
        lambda v: Term(v, FEATURES, "g"), ("Matern52", Matern52, None, ECFP()), r"bm\.Matern52\(\)",
    ),
    "Term(features)": (lambda v: Term(MinMax(), v, "g"), (ECFP(), "ecfp", None), "FeatureMap"),
    "FeatureMap(inputs)": (
        lambda v: FeatureMap(v), ("ecfp", [ECFP], None, {"ecfp": ECFP()}), r"bm\.ECFP\(\)",
    ),
    "SMC(move)": (lambda v: SMC(move=v), ("hmc", HMC, 5), r"bm\.HMC\(\)"),
    "MoleculeFilter(elements)": (lambda v: MoleculeFilter(elements=v), (5, [6], None), "strings"),
    "Selection(rows)": (lambda v: Selection(v, ()), (["a"], None, "ab"), "whole number"),
    "Candidates": (lambda v: Candidates(v), (5, [5], None), "strings"),
    "CommandOracle(properties)": (
        lambda v: CommandOracle(("true",), v, "1"), ("gap", ["gap"], {"gap": "eV"}), "Property",
    ),
    "fit(swapped)": (lambda v: fit(v, PRIOR, seed=0), (TABLE,), "swapped"),
}  # fmt: skip
DOORS: dict[str, Door] = {
    "fit(prior)": (lambda v: fit(v, TABLE, seed=0), "prior"),
    "fit(table)": (lambda v: fit(PRIOR, v, seed=0), "table"),
    "fit(seed)": (lambda v: fit(PRIOR, TABLE, seed=v), "seed"),
    "fit(explain)": (lambda v: fit(PRIOR, TABLE, seed=0, explain=v), "flag"),
    "layout_of": (lambda v: layout_of(v), "prior"),
    "update(table)": (lambda v: FITTED.update(v, seed=0), "table"),
    "update(seed)": (lambda v: FITTED.update(TABLE, seed=v), "seed"),
    "predict(level)": (lambda v: FITTED.predict("CCO", level=v), "real"),
    "predict(properties)": (lambda v: FITTED.predict("CCO", v), "texts?"),
    "predict(sds)": (lambda v: FITTED.predict("CCO", sds=v), "mapping"),
    "predict(sds of y)": (lambda v: FITTED.predict("CCO", sds={"y": v}), "numbers"),
    "PyramidSpec.random": (lambda v: PyramidSpec.random(v), "seed"),
    "train_pyramids": (lambda v: train_pyramids(X, X, [PyramidSpec((4,))], seed=v), "seed"),
    "tempered_smc": (
        lambda v: tempered_smc(X, X[:, 0], lambda *_: X, lambda x, i: x[i], seed=v),
        "seed",
    ),
    "spawn": (lambda v: spawn(v, "moves"), "seed"),
    **{
        name: door for make, needed in RECORDS for name, door in field_doors(make, **needed).items()
    },
}


@pytest.mark.parametrize(("door", "call", "value", "words"), cases(DOORS, OTHERS))
def test_a_wrong_kind_is_refused_at_the_door_with_what_was_meant(
    door: str, call: Callable[[Any], object], value: object, words: str
) -> None:
    with pytest.raises(BayesmatError, match=words):
        call(value)


WHOLE = (np.int64(20), np.int32(20), np.uint8(20), np.array(20), torch.tensor(20))
NUMBERS = {
    "whole": WHOLE,
    "seed": WHOLE,
    "real": (np.float64(0.5), np.float32(0.5), np.array(0.5), np.float16(0.5), torch.tensor(0.5)),
    "flag": (np.bool_(True), np.array(True)),
}


@pytest.mark.parametrize(("make", "needed"), RECORDS, ids=lambda v: getattr(v, "__name__", ""))
def test_numbers_of_any_type_are_read_as_numbers(
    make: Callable[..., object], needed: dict[str, object]
) -> None:
    plain: dict[str, object] = {"whole": 20, "seed": 20, "real": 0.5, "flag": True}
    for name, (door, kind) in field_doors(make, **needed).items():
        for number in NUMBERS.get(kind.rstrip("?"), ()):
            found = door(number)
            assert found == door(plain[kind.rstrip("?")]), name
            assert type(number) not in {type(v) for v in vars(found).values()}, name


def test_a_seed_of_any_integer_type_gives_the_same_fit() -> None:
    one = fit(PRIOR, TABLE, seed=np.int64(0), explain=np.bool_(False))  # type: ignore[arg-type]
    same = one.predict("CCCO", level=np.float32(0.5))  # type: ignore[arg-type]
    np.testing.assert_array_equal(same.median, FITTED.predict("CCCO", level=0.5).median)
    assert isinstance(same.level, float)


def test_one_thing_stands_for_a_list_of_one() -> None:
    parent = Computed("gap_huckel")
    assert Transfer("y", parents=parent) == Transfer("y", parents=[parent])
    assert PropertyGraph(Node("y", TERM)) == PropertyGraph([Node("y", [TERM])])  # type: ignore[arg-type]
    assert FeatureMap(ECFP()).inputs == (ECFP(),)  # type: ignore[arg-type]


def test_records_store_what_json_can_hold() -> None:
    stored = asdict(NUTS(draws=np.int64(8), target_accept=np.float32(0.5)))  # type: ignore[arg-type]
    assert (type(stored["draws"]), type(stored["target_accept"])) == (int, float)


def test_an_argument_error_is_a_type_error_and_a_value_error() -> None:
    assert issubclass(ArgumentError, TypeError)
    assert issubclass(ArgumentError, ValueError)
