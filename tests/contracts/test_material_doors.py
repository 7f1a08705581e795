"""Laws of every door that takes materials.

1. One string is one material, never its letters. 2. Any iterable is read, once: list, tuple,
generator, array, Series. 3. What is no text is an error of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import pytest
import torch

from bayesmat.check.conformal import jackknife_plus, split_conformal
from bayesmat.data.materials import canonical_all, try_canonical
from bayesmat.data.table import Property, PropertyTable
from bayesmat.design.scores import MemoScore
from bayesmat.errors import BayesmatError
from bayesmat.explore.pool import Pool
from bayesmat.features.base import Layout
from bayesmat.features.cache import Cached, FeatureCache
from bayesmat.features.composition import ElementStatistics, Magpie
from bayesmat.features.huckel import HuckelGap, HuckelOrbitals
from bayesmat.features.molecule import ECFP, MACCS, AtomPairs, CheapDescriptors, Descriptors2D
from bayesmat.features.polymer import RepeatUnitDescriptors, RepeatUnitECFP
from bayesmat.features.selected import Selected
from bayesmat.models.base import fit
from bayesmat.models.transfer import Transfer
from bayesmat.oracles import CommandOracle, TableOracle
from bayesmat.oracles.base import evaluate

MATERIALS = ("CCO", "CCN", "CCC", "CCCC", "C", "CC", "CO", "CN")
TABLE = PropertyTable(
    MATERIALS, "smiles", (Property("y", "K"),), np.linspace(1.0, 3.0, len(MATERIALS))[:, None]
)
PRIOR = Transfer("y")
FITTED = fit(PRIOR, TABLE, seed=0, explain=False)
ECHO = CommandOracle(
    (sys.executable, "-c", 'print(\'{"values": {"y": 1.0}}\')'), TABLE.properties, "1"
)
LANGUAGES = {"smiles": "CCO", "repeat unit": "*CC*", "composition": "Fe2O3"}

Door = Callable[[Iterable[str]], int]
DOORS: dict[str, tuple[str, Door]] = {
    "canonical_all": ("CCO", lambda m: len(canonical_all(m))),
    "try_canonical": ("CCO", lambda m: len(try_canonical(m))),
    "append": ("CCO", lambda m: TABLE.append(m, {}).n_rows - TABLE.n_rows),
    "predict": ("CCO", lambda m: len(FITTED.predict(m).materials)),
    "marginals": ("CCO", lambda m: FITTED.marginals(m).mean.shape[1]),
    "layout": ("CCO", lambda m: len(FITTED.layout(m))),
    "Layout": ("CCO", lambda m: len(Layout([MACCS(), CheapDescriptors()])(m))),
    "Pool": ("CCO", lambda m: len(Pool(m).materials)),
    "TableOracle": ("CCO", lambda m: len(TableOracle(TABLE)(m))),
    "CommandOracle": ("CCO", lambda m: len(ECHO(m))),
    "evaluate": ("CCO", lambda m: len(evaluate(TableOracle(TABLE), m))),
    "split_conformal": ("CCO", lambda m: len(split_conformal(PRIOR, TABLE, m, seed=0).materials)),
    "jackknife_plus": (
        "CCO", lambda m: len(jackknife_plus(PRIOR, TABLE, m, n_folds=2, seed=0).materials),
    ),
    "MemoScore": ("CCO", lambda m: len(MemoScore(lambda x: torch.zeros(len(x)).double())(m))),
    "Cached": ("CCO", lambda m: len(Cached(MACCS(), FeatureCache())(m))),
    "Selected": ("CCO", lambda m: len(Selected(CheapDescriptors(), ("rings",))(m))),
    **{
        type(f).__name__: (material, lambda m, f=f: len(f(m)))
        for material, group in (
            ("CCO", (ECFP(), MACCS(), AtomPairs(), CheapDescriptors(), Descriptors2D(),
                     HuckelGap(), HuckelOrbitals())),
            ("*CC*", (RepeatUnitECFP(), RepeatUnitDescriptors())),
            ("Fe2O3", (ElementStatistics(), Magpie())),
        )
        for f in group
    },
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_one_string_is_one_material(door: str) -> None:
    material, count = DOORS[door]
    assert count(material) == 1


@pytest.mark.parametrize("door", DOORS)
def test_any_iterable_is_read_once(door: str) -> None:
    material, count = DOORS[door]
    two = [material, material]
    for given in (tuple(two), iter(two), (m for m in two), np.array(two), pd.Series(two)):
        assert count(given) == 2


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("wrong", [5, None, [5], [None], b"CCO"])
def test_what_is_no_text_is_an_error_of_ours(door: str, wrong: object) -> None:
    if door == "try_canonical" and isinstance(wrong, list):
        assert not isinstance(try_canonical(wrong)[0], str)
        return
    with pytest.raises(BayesmatError):
        DOORS[door][1](wrong)  # type: ignore[arg-type]


def test_names_of_properties_are_read_like_materials() -> None:
    assert TABLE.select("y").property_names == ("y",)
    assert FITTED.predict("CCO", "y").properties == FITTED.table.properties
    assert FITTED.predict("CCO", (p for p in ["y"])).median.shape == (1, 1)


def test_a_table_oracle_knows_a_material_in_any_spelling() -> None:
    (found,) = TableOracle(TABLE)("OCC")
    assert found.values == {"y": 1.0}
