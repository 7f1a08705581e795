"""Stereoisomers that the features cannot tell apart are found, and only if their values differ."""

from __future__ import annotations

import numpy as np
import pytest

from bayesmat.check.doctor import examine
from bayesmat.data.table import Property, PropertyTable
from bayesmat.features import ECFP
from bayesmat.inference.grid import Grid
from bayesmat.models.base import fit
from bayesmat.models.transfer import Transfer

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
    assert f"{groups} groups of stereoisomers with different values" in told
    assert "ECFP(chirality=True)" in told


def test_a_fingerprint_that_tells_them_apart_is_not_accused() -> None:
    prior = Transfer("Tm", fingerprints=ECFP(chirality=True), integrator=Grid(n=64))
    assert "stereoisomers" not in said(prior, 1.0)
