import math

import pytest
import torch

from bayesmat.errors import FeatureError
from bayesmat.features import ECFP, MACCS, AtomPairs, CheapDescriptors, Descriptors2D


def row(featurizer, smiles):
    return dict(zip(featurizer.names, featurizer([smiles])[0].tolist(), strict=True))


def test_ecfp_counts_every_environment_of_every_atom():
    # Radius 0 alone: one environment an atom.
    assert float(ECFP(radius=0)(["CCCCO"]).sum()) == 5.0
    assert sorted(ECFP(radius=0)(["CCCCO"])[0].unique().tolist()) == [0.0, 1.0, 3.0]
    assert float(ECFP(radius=0, count=False)(["CCCCO"]).sum()) == 3.0


def test_functional_classes_do_not_see_the_halogen():
    chlorine, bromine = ECFP(functional=True)(["ClCCCl", "BrCCBr"])
    assert bool((chlorine == bromine).all())
    chlorine, bromine = ECFP()(["ClCCCl", "BrCCBr"])
    assert not bool((chlorine == bromine).all())


def test_atom_pairs_are_n_over_two():
    assert float(AtomPairs()(["CCCCO"]).sum()) == 10.0


def test_maccs_knows_a_ring_and_oxygen():
    # Keys 164 and 165 of the published list: oxygen, ring.
    assert MACCS()(["CCO", "C1CCCCC1", "CC"])[:, [163, 164]].tolist() == [[1, 0], [0, 1], [0, 0]]


def test_cheap_descriptors_of_paracetamol():
    values = row(CheapDescriptors(), "CC(=O)Nc1ccc(O)cc1")
    assert values["n_C"], values["n_N"] == (8, 1)
    assert (values["n_O"], values["n_H"], values["rings"], values["bonds_aromatic"]) == (2, 9, 1, 6)
    assert values["molar_mass"] == pytest.approx(151.165, abs=2e-3)
    assert values["polar_surface"] == pytest.approx(49.33, abs=1e-2)
    assert (values["bonds_double"], values["h_bond_donors"]) == (1, 2)


def test_descriptors_2d_of_paracetamol_agree_with_the_cheap_ones():
    full, cheap = (row(f, "CC(=O)Nc1ccc(O)cc1") for f in (Descriptors2D(), CheapDescriptors()))
    assert full["MolLogP"] == pytest.approx(cheap["log_p"], rel=1e-6)
    assert full["MolMR"] == pytest.approx(cheap["molar_refractivity"], rel=1e-6)
    assert full["TPSA"] == pytest.approx(cheap["polar_surface"], rel=1e-6)
    assert full["RingCount"] == 1


def test_information_content_of_a_chain_grows_with_the_golden_ratio():
    # Characteristic polynomials of paths count matchings, Fibonacci numbers: Ipc ~ phi^n.
    column = Descriptors2D().names.index("Ipc")
    short, long = Descriptors2D()(["C" * 60, "C" * 90])[:, column].tolist()
    assert (long - short) / 30 == pytest.approx(math.log((1 + math.sqrt(5)) / 2), rel=0.02)


def test_undefined_descriptors_are_named():
    with pytest.raises(FeatureError) as caught:
        Descriptors2D()(["CC", "C[Sn](C)(C)C"])
    assert "'C[Sn](C)(C)C', column 'MaxPartialCharge': nan" in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"),  # L- and D-alanine
        ("O[C@H](C(=O)O)[C@@H](O)C(=O)O", "O[C@@H](C(=O)O)[C@@H](O)C(=O)O"),  # tartaric acids
        ("OC(=O)/C=C/C(=O)O", "OC(=O)/C=C\\C(=O)O"),  # fumaric and maleic acid
    ],
)
@pytest.mark.parametrize("functional", [False, True])
def test_chirality_tells_stereoisomers_apart(one, other, functional):
    x, y = ECFP(functional=functional)([one, other])
    assert torch.equal(x, y)
    x, y = ECFP(functional=functional, chirality=True)([one, other])
    assert not torch.equal(x, y)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C[C@H]1CC[C@@H](C)CC1", "C[C@H]1CC[C@H](C)CC1"),  # neither R nor S
        ("CCCCC[C@H](C)CCCC", "CCCCC[C@@H](C)CCCC"),  # neighbours equal as far as two bonds
    ],
)
def test_isomers_that_chirality_does_not_see(one, other):
    x, y = ECFP(chirality=True)([one, other])
    assert torch.equal(x, y)


def test_the_identity_of_a_fingerprint_names_chirality_only_where_it_is_read():
    assert "chirality" not in ECFP().id
    assert "chirality=True" in ECFP(chirality=True).id
