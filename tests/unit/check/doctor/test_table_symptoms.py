"""Symptoms of a table fire on what was broken on purpose: relatives, constants, copies, isomers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bayesmat._counted import counted
from bayesmat.check.doctor import examine
from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.features import ECFP, RepeatUnitECFP
from bayesmat.inference.grid import Grid
from bayesmat.models.base import fit
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import Matern52, Term
from bayesmat.models.transfer import Transfer
from bayesmat.sources.embedding import FeatureMap
from tests.unit.check.doctor.cases import BOILING, boiling, examined, similar, verdicts
from tests.unit.check.helpers import pair, plane, smooth
from tests.unit.models.helpers import space

# Melting points in K: fumaric and maleic acid, meso- and (R,R)-tartaric acid, then others.
MELTING = {
    "O=C(O)/C=C/C(=O)O": 560.0, "O=C(O)/C=C\\C(=O)O": 408.0,
    "O=C(O)[C@H](O)[C@@H](O)C(=O)O": 420.0, "O=C(O)[C@H](O)[C@H](O)C(=O)O": 444.0,
    "C[C@@H](O)C(=O)O": 326.0, "C[C@H](O)C(=O)O": 326.0,  # L- and D-lactic acid
    "O=C(O)CCC(=O)O": 458.0, "O=C(O)CC(=O)O": 408.0, "O=C(O)CCCC(=O)O": 371.0,
    "O=C(O)C(=O)O": 463.0, "CC(=O)O": 290.0, "CCC(=O)O": 252.0,
}  # fmt: skip


def said(prior: Transfer, sd: float) -> str:
    values = np.array(list(MELTING.values()))[:, None]
    table = PropertyTable(
        tuple(MELTING), "smiles", (Property("Tm", "K"),), values, stds=np.full_like(values, sd)
    )
    found = examine(fit(prior, table, seed=0, explain=False)).about("data")
    return "\n".join(str(finding) for finding in found)


@pytest.mark.parametrize(("sd", "groups"), [(1.0, 2), (np.nan, 2), (10.0, 1)])
def test_pairs_with_different_values_suggest_chirality(sd: float, groups: int) -> None:
    told = said(Transfer("Tm", integrator=Grid(n=64)), sd)
    assert f"{counted(groups, 'group')} of stereoisomers with different values" in told
    assert "ECFP(chirality=True)" in told


# Glass transitions in K: trans- and cis-polybutadiene, then others.
GLASS = {
    "*C/C=C/C*": 215.0, "*C/C=C\\C*": 171.0, "*CC*": 150.0, "*CCO*": 206.0, "*CC(*)C": 255.0,
    "*CC(*)Cl": 355.0, "*CC(*)F": 314.0, "*CC(*)O": 358.0,
}  # fmt: skip


@pytest.mark.parametrize("chirality", [False, True])
def test_polymers_that_differ_in_stereochemistry_suggest_chirality(chirality: bool) -> None:
    values = np.array(list(GLASS.values()))[:, None]
    table = PropertyTable(tuple(GLASS), "repeat_unit", (Property("Tg", "K"),), values)
    prior = Transfer("Tg", fingerprints=RepeatUnitECFP(chirality=chirality))
    found = examined(table, replace(prior, integrator=Grid(n=64))).about("data")
    told = "\n".join(str(finding) for finding in found)
    assert ("1 group of stereoisomers with different values" in told) is not chirality
    assert ("RepeatUnitECFP(chirality=True)" in told) is not chirality


def test_no_fingerprint_is_suggested_that_does_not_tell_them_apart() -> None:
    """Boiling points in K of cis- and trans-1,4-dimethylcyclohexane, apart more than measured."""
    table = boiling()
    two = ("C[C@H]1CC[C@@H](C)CC1", "C[C@H]1CC[C@H](C)CC1")
    both = replace(
        table, materials=(*table.materials, *two), stds=np.full((len(table.values) + 2, 1), 0.1),
        values=np.concatenate([table.values, [[397.5], [392.5]]]),
        condition_values=np.zeros((len(table.values) + 2, 0)),
    )  # fmt: skip
    told = " ".join(str(finding) for finding in examined(both, similar()).about("data"))
    assert "1 group of stereoisomers" in told
    assert "by a descriptor of yours" in " ".join(told.split())
    assert "chirality=True" not in told


def test_a_fingerprint_that_tells_them_apart_is_not_accused() -> None:
    prior = Transfer("Tm", fingerprints=ECFP(chirality=True), integrator=Grid(n=64))
    assert "stereoisomers" not in said(prior, 1.0)


PAIRS = [f"C[C@{h}H]({x})C(=O)O" for x in ("N", "O", "S", "F", "Cl") for h in ("", "@")] + [
    f"C[C@{h}H]({x})c1ccccc1" for x in ("N", "O", "S", "F", "Cl", "Br") for h in ("", "@")
]


def test_leaked_twins_are_counted_and_priced() -> None:
    """Values that nothing but a twin can tell: left out together, they cannot be predicted."""
    rng = np.random.default_rng(0)
    others = [m for m in BOILING if m not in PAIRS][:10]
    y = np.concatenate([np.repeat(rng.normal(size=len(PAIRS) // 2), 2), rng.normal(size=10)])
    y += 0.05 * rng.normal(size=len(y))
    table = PropertyTable((*PAIRS, *others), "smiles", (Property("Tb", "K"),), y[:, None])
    (leak,) = examined(table, similar()).about("leakage")
    assert leak.verdict == "bad"
    assert f"{len(PAIRS)} of {len(y)} rows" in leak.what
    assert f"{len(PAIRS) // 2} by constitution" in leak.what
    assert set(leak.materials) == set(PAIRS)


def test_replicates_under_other_conditions_are_relatives() -> None:
    twice = [m for m in BOILING for _ in range(2)]
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(size=48), 2)[:, None] + 0.01 * rng.normal(size=(96, 1))
    table = PropertyTable(tuple(twice), "smiles", (Property("Tb", "K"),), values)
    (leak,) = examined(table, similar()).about("leakage")
    assert leak.verdict == "bad"
    assert "48 by several rows" in leak.what


def test_materials_under_several_conditions_are_no_fault_of_the_table() -> None:
    apart = "CO CCN CCCCCC c1ccccc1 CC#N CC(C)=O C1CCOC1 ClC(Cl)Cl CCOCC CC(=O)O CSC c1ccncc1"
    twice = [m for m in apart.split() for _ in range(2)]
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(size=12), 2) + 0.01 * rng.normal(size=24)
    values[1] += 40
    table = PropertyTable(
        tuple(twice), "smiles", (Property("Tb", "K"),), values[:, None],
        conditions=(Condition("T", "K"),), condition_values=np.tile([[300.0], [350.0]], (12, 1)),
    )  # fmt: skip
    found = examined(table, Transfer("Tb"))
    (leak,) = found.about("leakage")
    assert leak.verdict != "bad"
    assert "24 of 24 rows belong to 12 materials that were measured several times" in leak.what
    assert "row 1 (CO, T=350 K): Tb" in " ".join(str(found).split())


def test_features_that_cannot_tell_materials_apart_are_told() -> None:
    table = plane(20, noise=0.05).select(["a"])
    renamed = replace(table, materials=tuple(m + " 0" for m in table.materials))
    joined = replace(
        table,
        materials=(*table.materials, *renamed.materials),
        values=np.vstack([table.values, table.values + 0.1]),
        stds=np.vstack([table.stds, table.stds]),
        condition_values=np.zeros((40, 0)),
    )

    class Ignoring(type(space().inputs[0])):  # type: ignore[misc]
        def __call__(self, materials):  # type: ignore[no-untyped-def]
            return super().__call__([" ".join(m.split()[:2]) for m in materials])

    term = Term(Matern52(), FeatureMap((Ignoring(2),)), "smooth", weight=1.0)
    (leak,) = examined(joined, PropertyGraph((Node("a", (term,)),), Grid(n=256))).about("leakage")
    assert "20 by equal features" in leak.what


def test_data_that_teach_little() -> None:
    table = plane(12)
    values = table.values.copy()
    values[:, 0] = 7.0
    values[4:, 1] = np.nan
    found = examined(replace(table, values=values), pair())
    told = {f.what: f.verdict for f in found.about("data")}
    assert told["a: all 12 values are 7."] == "bad"
    assert told["b: 4 values."] == "look"
    assert "unknown" in verdicts(found, "calibration")


def test_a_decade_on_a_linear_scale_and_copied_rows() -> None:
    table = plane(30).select(["a"])
    values = np.exp(2 * table.values)
    values[29] = values[0]
    copied = replace(table, materials=(*table.materials[:29], table.materials[0]), values=values)
    told = " ".join(f.what + f.do for f in examined(copied, smooth()).about("data"))
    assert "properties={'a': 'log K'}" in told
    assert "1 row repeats another one in every value: row 29" in told
