"""The start set of the demo is what its script says."""

import pandas as pd
import pytest

from bayesmat.data.io import read_csv
from bayesmat.design.chemistry import MoleculeFilter
from bayesmat.oracles import XTB
from examples.make_gap_start import CONJUGATED, START, conjugated_atoms, draw_start, load_pool


@pytest.fixture(scope="module")
def pool():
    return load_pool()


def test_the_file_reads_as_a_table_of_sane_molecules_above_4_ev():
    table = read_csv(START, material="smiles", properties={"gap": "log eV"})
    assert table.n_rows == len(set(table.materials)) == 40
    assert table.values.min() > 4.0
    assert table.values.max() > 8.0
    assert sum(conjugated_atoms(m) >= CONJUGATED for m in table.materials) == 20
    verdicts = map(MoleculeFilter.default(), table.materials)
    assert [v.reasons for v in verdicts if not v.ok] == []


def test_the_file_is_the_draw_of_seed_0_and_its_gaps_are_gfn1(pool):
    written = pd.read_csv(START)
    drawn = draw_start(pool, seed=0)
    assert written.smiles.tolist() == drawn.smiles.tolist()
    for row in written.iloc[::10].itertuples(index=False):
        assert XTB("GFN1-xTB")([row.smiles])[0].values["gap"] == pytest.approx(row[1], abs=0.02)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_seed_spans_the_range_by_halves(pool, seed):
    start = draw_start(pool, seed=seed)
    assert len(set(start.smiles)) == 40
    assert (start.conjugated_atoms >= CONJUGATED).sum() == 20
    assert start["gap [eV]"].between(4.0, 14.0).all()
    assert start["gap [eV]"].max() > 8.0
    assert draw_start(pool, seed=seed).equals(start)
    assert not draw_start(pool, seed=seed + 10).equals(start)


@pytest.mark.parametrize(
    ("smiles", "atoms"),
    [("CCO", 0), ("COC(N)=O", 2), ("C=CC=C", 4), ("C=CC#N", 4), ("c1ccccc1CCC=C", 6)],
)
def test_conjugated_parts_need_multiple_bonds(smiles, atoms):
    assert conjugated_atoms(smiles) == atoms
