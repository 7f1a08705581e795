"""Laws of canonical keys, for every kind of material.

1. The key is its own key. 2. Every way to write a material leads to the same key. 3. Different
materials have different keys. 4. What is not a material is refused with a reason, never repaired.
"""

import random

import pytest
from rdkit import Chem

from bayesmat.data.materials import canonical, canonical_all, try_canonical
from bayesmat.errors import MaterialError

N_REWRITINGS = 20
SMILES = [
    "C",
    "[H][H]",
    "OCC",
    "c1ccc2ccccc2c1",
    "O=C1C=CC(=O)C=C1",
    "C[N+](=O)[O-]",
    "[NH4+].[Cl-]",
    "F/C=C/C=C\\F",
    "C[C@H](N)C(=O)O",
    "C[C@@H](O)[C@H](O)/C=C/[C@@H]1CC[C@H](C)CC1",
    "O[C@H]1[C@H](O)[C@@H](O)[C@H](O)[C@@H](O)[C@H]1O",
    "CN1C=NC2=C1C(=O)N(C)C(=O)N2C",
    "c1ccc(-c2nc3ccccc3[nH]2)cc1",
    "C1=CC2=CC3=CC=C(N3)C=C3C=CC(=N3)C=C1N2",
    "CS(=O)(=O)Nc1ccc(/N=N/c2ccccc2)cc1",
    "[2H]C([2H])([2H])O",
    "C[Si](C)(C)C#C",
    "[CH3]",
]
REPEAT_UNITS = [
    "*CC*",
    "*CC(*)c1ccccc1",
    "*OCC(=O)*",
    "*NCCCCCCNC(=O)CCCCC(=O)*",
    "*Oc1ccc(C(C)(C)c2ccc(OC(=O)*)cc2)cc1",
    "*C/C=C/C*",
    "*CC=C(C)C*",
    "*C[C@@H](*)C",
    "*O[C@@H](C)C(=O)*",
    "*c1ccc(*)s1",
    "*c1ccc2c(c1)C(=O)N(C2=O)c1ccc(*)cc1",
    "*C1CC(C*)C2C1C1CC2C=C1",
    "*[Si](C)(C)O*",
    "*C(F)(F)C(*)(F)F",
    "*CC(*)(C)C(=O)OCC",
    "*N=P(*)(Cl)Cl",
]
COMPOSITIONS = {
    "Fe2O3": ["O3Fe2", "Fe4O6", "Fe0.4O0.6", "FeO1.5", "Fe₂O₃"],
    "GaN": ["NGa", "Ga2N2", "Ga0.5N0.5"],
    "Li7La3Zr2O12": ["La3Li7O12Zr2", "Li14La6Zr4O24", "Li3.5La1.5ZrO6"],
    "Ba2YCu3O6.9": ["YBa2Cu3O6.9", "Y10Ba20Cu30O69"],
    "Ca5(PO4)3OH": ["Ca5P3O13H", "Ca10(PO4)6(OH)2"],
    "Si": ["Si2", "Si0.5"],
    "Xe": ["Xe"],
}
KEYS = [
    *(("smiles", text) for text in SMILES),
    *(("repeat_unit", text) for text in REPEAT_UNITS),
    *(("composition", text) for text in COMPOSITIONS),
    ("id", "mp-149"),
]
REFUSED = {
    "smiles": ["", "C1CC", "C(C)(C)(C)(C)C", "*CC*", "CC CC", "Fe2O3x"],
    "repeat_unit": ["", "CC", "*CC", "*C(*)C*", "*=CC*", "*C.*C", "*C1CC*"],
    "composition": ["", "CCX", "abc", "Fe2O-1", "H2O+", "298"],
    "id": ["", "  "],
}


def rewritings(smiles, seed=0):
    """Random SMILES of the same atoms and bonds."""
    mol = Chem.MolFromSmiles(smiles)
    rng = random.Random(seed)
    for _ in range(N_REWRITINGS):
        order = list(range(mol.GetNumAtoms()))
        rng.shuffle(order)
        shuffled = Chem.RenumberAtoms(mol, order)
        yield Chem.MolToSmiles(shuffled, canonical=False, allHsExplicit=rng.random() < 0.2)


def recuts(unit):
    """The polymer of a repeat unit, cut elsewhere: chain three units and open other bonds."""
    tripled = Chem.MolFromSmiles(unit)
    stars = [a.GetIdx() for a in tripled.GetAtoms() if a.GetAtomicNum() == 0]
    pieces = []
    for i in range(3):
        piece = Chem.Mol(tripled)
        for star, number in zip(stars, (i, i + 1), strict=True):
            piece.GetAtomWithIdx(star).SetAtomMapNum(number % 3 + 1)
        pieces.append(piece)
    # Close the chain of three to a ring of three units; each cut of it is a repeat unit.
    ring = pieces[0]
    for piece in pieces[1:]:
        ring = Chem.CombineMols(ring, piece)
    ring = Chem.molzip(ring)
    Chem.SanitizeMol(ring)
    for bond in ring.GetBonds():
        if bond.GetBondType() != Chem.BondType.SINGLE or not bond.IsInRing():
            continue
        cut = Chem.FragmentOnBonds(ring, [bond.GetIdx()], dummyLabels=[(0, 0)])
        text = Chem.MolToSmiles(cut)
        linear = Chem.MolFromSmiles(text)
        # Cutting a ring of the unit itself leaves the chain closed: that is not a recut.
        path = Chem.GetShortestPath(
            linear, *[a.GetIdx() for a in linear.GetAtoms() if a.GetAtomicNum() == 0]
        )
        backbone = 3 * (len(Chem.GetShortestPath(tripled, *stars)) - 2) + 2
        if len(path) >= backbone:
            yield text


@pytest.mark.parametrize(("kind", "text"), KEYS)
def test_key_is_its_own_key(kind, text):
    key = canonical(text, kind)
    assert canonical(key, kind) == key
    assert canonical(f"  {text}\n", kind) == key


@pytest.mark.parametrize("smiles", SMILES)
def test_key_of_a_molecule_ignores_how_it_is_written(smiles):
    keys = {canonical(text, "smiles") for text in rewritings(smiles)}
    assert keys == {canonical(smiles, "smiles")}


@pytest.mark.parametrize("unit", REPEAT_UNITS)
def test_key_of_a_polymer_ignores_how_it_is_written(unit):
    keys = {canonical(text, "repeat_unit") for text in rewritings(unit)}
    assert keys == {canonical(unit, "repeat_unit")}


@pytest.mark.parametrize("unit", REPEAT_UNITS)
def test_key_of_a_polymer_ignores_where_and_how_long_it_is_cut(unit):
    cuts = set(recuts(unit))
    assert cuts
    assert {canonical(cut, "repeat_unit") for cut in cuts} == {canonical(unit, "repeat_unit")}


@pytest.mark.parametrize("formula", COMPOSITIONS)
def test_key_of_a_composition_ignores_order_and_scale(formula):
    keys = {canonical(text, "composition") for text in [formula, *COMPOSITIONS[formula]]}
    assert len(keys) == 1


@pytest.mark.parametrize("kind", ["smiles", "repeat_unit", "composition"])
def test_different_materials_have_different_keys(kind):
    texts = [text for of, text in KEYS if of == kind]
    assert len(set(canonical_all(texts, kind))) == len(texts)


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, texts in REFUSED.items() for t in texts])
def test_what_is_not_a_material_is_refused_with_a_reason(kind, text):
    with pytest.raises(MaterialError) as caught:
        canonical(text, kind)
    assert repr(text) in str(caught.value)
    reason = try_canonical([text], kind)[0]
    assert not isinstance(reason, str)
    assert str(reason)
