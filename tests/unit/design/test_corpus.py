"""The bundled list is what its script makes of the `chemicals` tables and the present filter."""

import numpy as np
from rdkit.Chem import MolFromSmiles, MolToSmiles

from bayesmat.design.chemistry import MoleculeFilter
from bayesmat.design.corpus import filtered_molecules


def test_list_is_long_sorted_distinct_and_flat():
    molecules = filtered_molecules()
    assert len(molecules) > 20_000
    assert list(molecules) == sorted(set(molecules))
    assert not any(mark in smiles for smiles in molecules for mark in "@/\\.+*")


def test_random_sample_is_canonical_and_passes_the_present_filter():
    sample = np.random.default_rng(0).choice(filtered_molecules(), 500, replace=False)
    molecule_filter = MoleculeFilter.default()
    stale = [s for s in map(str, sample) if not molecule_filter(s)]
    respelt = [s for s in map(str, sample) if MolToSmiles(MolFromSmiles(s)) != s]
    assert not stale, "run examples/make_molecule_list.py again"
    assert not respelt


def test_ordinary_molecules_are_in_the_list():
    ordinary = {
        "c1ccc2cc3ccccc3cc2c1",
        "O=C1c2ccccc2C(=O)c2ccccc21",
        "CC(=O)Nc1ccc(O)cc1",
        "c1ccc2nccnc2c1",
        "CCCCCCCC(=O)OCC",
    }
    assert ordinary <= set(filtered_molecules())
