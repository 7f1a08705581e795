import pytest
import torch
from rdkit import Chem

from bayesmat.errors import FeatureError
from bayesmat.features import RepeatUnitDescriptors, RepeatUnitECFP
from bayesmat.features.polymer import oligomer

CUTS = [
    ("*CC(*)c1ccccc1", "*C(C*)c1ccccc1"),
    ("*CCO*", "*COC*"),
    ("*OCCOC(=O)c1ccc(cc1)C(*)=O", "*CCOC(=O)c1ccc(cc1)C(=O)O*"),
    ("*NCCCCCC(*)=O", "*CCCCCC(=O)N*"),
]


@pytest.mark.parametrize(("a", "b"), CUTS)
@pytest.mark.parametrize("radius", [1, 2, 3])
def test_it_does_not_matter_where_the_repeat_unit_was_cut(a, b, radius):
    x, y = RepeatUnitECFP(radius=radius)([a, b])
    assert torch.equal(x, y)
    assert float(x.min()) >= 0
    x, y = RepeatUnitDescriptors()([a, b])
    torch.testing.assert_close(x, y, atol=1e-9, rtol=0)


ISOMERS = [
    ("*C/C=C/C*", "*C/C=C\\C*"),  # trans- and cis-polybutadiene
    ("*/C=C/*", "*/C=C\\*"),  # polyacetylene: the marks of neighbours meet at every joint
    ("*C/C(C)=C/C*", "*C/C(C)=C\\C*"),
    ("*O[C@H](C)C(*)=O", "*O[C@@H](C)C(*)=O"),  # polylactides
    ("*[C@](C)(F)C(=O)O*", "*[C@@](C)(F)C(=O)O*"),
    ("*CCCC/C(=C(\\C)F)CCCCCO*", "*CCCC/C(=C(/C)F)CCCCCO*"),  # decided six bonds away
    ("*C(CCCCCCCC)C(CCCCCCCO)/C(*)=C(\\C)F", "*C(CCCCCCCC)C(CCCCCCCO)/C(*)=C(/C)F"),
]


@pytest.mark.parametrize(("one", "other"), ISOMERS)
@pytest.mark.parametrize("functional", [False, True])
def test_chirality_tells_stereoisomers_apart(one, other, functional):
    x, y = RepeatUnitECFP(functional=functional)([one, other])
    assert torch.equal(x, y)
    unmarked = one.translate(str.maketrans("", "", "/\\@"))
    found = RepeatUnitECFP(functional=functional, chirality=True)([one, other, unmarked])
    assert len(found.unique(dim=0)) == 3
    assert len(found.sum(1).unique()) == 1


STEREO_CUTS = [
    ["*C/C=C/C*", "*/C=C/CC*", "*CC/C=C/*"],
    ["*C/C=C\\C*", "*/C=C\\CC*", "*CC/C=C\\*"],
    ["*/C=C/C=C\\*", "*/C=C\\C=C\\*"],
    ["*O[C@H](C)C(*)=O", "*[C@H](C)C(=O)O*", "*C(=O)O[C@@H](*)C"],
    ["*[C@](C)(F)C(=O)O*", "*C(=O)O[C@](*)(C)F", "*OC([C@@](*)(C)F)=O"],
    ["*C[C@H](C)*", "*[C@H](C)C*", "*CC(*)C"],  # R or S by the nearer end of a chain: neither
    ["*OCCCCCC[C@H](C)CCCCCCC*", "*CCCCCC[C@@H](C)CCCCCCCO*", "*CCCOCCCCCC[C@H](C)CCCC*"],
    ["*CC/C(*)=C(\\C)F", "*CC/C(*)=C(/C)F", "*CC(C*)=C(C)F"],  # so are E and Z of equal arms
    ["*CCCC/C(=C(\\C)F)CCCCCO*", "*CCCCOCCCCC/C(*)=C(/C)F", "*CCC/C(CCCCOCC*)=C(/C)F"],
]


@pytest.mark.parametrize("same", STEREO_CUTS)
@pytest.mark.parametrize("radius", [1, 2])
def test_stereochemistry_does_not_depend_on_the_cut(same, radius):
    x = RepeatUnitECFP(radius=radius, chirality=True)(same)
    assert (x == x[0]).all()
    assert float(x.min()) >= 0


def test_the_identity_names_chirality_only_where_it_is_read():
    assert "chirality" not in RepeatUnitECFP().id
    assert "chirality=True" in RepeatUnitECFP(chirality=True).id


def test_a_unit_written_twice_counts_twice_and_is_the_same_per_atom():
    x, y = RepeatUnitECFP()(["*CC(*)C", "*CC(C)CC(*)C"])
    assert torch.equal(2 * x, y)
    d = RepeatUnitDescriptors()
    x, y = d(["*CC(*)C", "*CC(C)CC(*)C"])
    half = len(d.names) // 2
    torch.testing.assert_close(2 * x[:half], y[:half], atol=1e-9, rtol=0)
    torch.testing.assert_close(x[half:], y[half:], atol=1e-9, rtol=0)


def test_radius_zero_counts_the_atoms_of_the_unit():
    assert float(RepeatUnitECFP(radius=0)(["*CC(*)c1ccccc1"]).sum()) == 8.0


def test_units_of_known_polymers():
    d = RepeatUnitDescriptors()
    pet = dict(zip(d.names, d(["*OCCOC(=O)c1ccc(cc1)C(*)=O"])[0].tolist(), strict=True))
    assert pet["unit_molar_mass"] == pytest.approx(192.17, abs=0.01)
    assert (pet["unit_n_C"], pet["unit_n_H"], pet["unit_n_O"]) == (10, 8, 4)
    assert pet["unit_rings"] == 1
    assert pet["atom_n_C"] == pytest.approx(10 / 14)


def test_oligomers_join_head_to_tail():
    assert Chem.MolToSmiles(oligomer("*CC(*)C", 3)) == Chem.CanonSmiles("*CC(C)CC(C)CC(*)C")
    assert Chem.MolToSmiles(oligomer("*c1ccc(*)s1", 2)) == Chem.CanonSmiles("*c1ccc(s1)c1ccc(*)s1")
    assert Chem.MolToSmiles(oligomer("*=CC=*", 2)) == Chem.CanonSmiles("*=CC=CC=*")


def test_every_bad_unit_is_listed_with_its_reason():
    with pytest.raises(FeatureError) as caught:
        RepeatUnitECFP()(["*CC*", "CCO", "*C", "**", "*=CC*", "*C.C*"])
    message = str(caught.value)
    assert "5 of 6" in message
    assert "'CCO' has 0 '*'" in message
    assert "'*C' has 1 '*'" in message
    assert "'**' has no atom between" in message
    assert "'*=CC*' its two '*' must have bonds of the same order" in message
    assert "'*C.C*' is in pieces" in message


def test_an_empty_chain_is_refused():
    with pytest.raises(FeatureError, match="n_units=0"):
        oligomer("*CC*", 0)
