import sys

import pytest

from bayesmat.data import _smiles
from bayesmat.data.materials import (
    canonical,
    canonical_all,
    canonical_composition,
    canonical_smiles,
    try_canonical,
)
from bayesmat.errors import MaterialError


@pytest.mark.parametrize(
    ("smiles", "key"),
    [
        ("C1=CC=CC=C1O", "Oc1ccccc1"),
        (" OCC ", "CCO"),
        ("[CH3:1][CH2:2]O", "CCO"),
        ("[H]C([H])([H])[H]", "C"),
        ("[H][H]", "[H][H]"),
        ("[Cl-].[Na+]", "[Cl-].[Na+]"),
        ("F/C=C/F", "F/C=C/F"),
        ("N[C@@H](C)C(=O)O", "C[C@H](N)C(=O)O"),
        ("[13CH4]", "[13CH4]"),
    ],
)
def test_canonical_smiles(smiles, key):
    assert canonical_smiles(smiles) == key


def test_isomers_and_charges_stay_apart():
    different = ["F/C=C/F", "F/C=C\\F", "FC=CF", "CC(=O)O", "CC(=O)[O-]", "[13CH4]", "C"]
    assert len({canonical_smiles(s) for s in different}) == len(different)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("C1CC", "not valid SMILES syntax"),
        ("CC(", "not valid SMILES syntax"),
        ("benzene", "not valid SMILES syntax"),
        ("CC ethane", "blanks inside"),
        ("CF(F)C", "Explicit valence for atom # 1 F, 3, is greater than permitted"),
        ("c1cccc1", "kekulize"),
        ("*CC*", "kind='repeat_unit'"),
    ],
)
def test_unreadable_smiles_say_why(smiles, reason, capfd):
    with pytest.raises(MaterialError) as caught:
        canonical_smiles(smiles)
    message = str(caught.value)
    assert message.startswith(f"{smiles!r} is not a molecule in SMILES notation: ")
    assert reason in message
    assert "correct it or leave it out" in message
    sys.stderr.flush()
    assert capfd.readouterr().err == "", "RDKit writes to the terminal"


def test_canonical_form_that_cannot_be_read_back_is_refused():
    def fragile(text):
        if text == "broken":
            raise _smiles.Unreadable("syntax")
        return "broken"

    with pytest.raises(_smiles.Unreadable, match=r"canonical form 'broken' cannot be read back"):
        _smiles.settle(fragile, "good")


def test_canonicalisation_that_alternates_settles_on_one_form():
    step = {"a": "c", "c": "b", "b": "c"}.__getitem__
    assert _smiles.settle(step, "a") == _smiles.settle(step, "b") == "b"


def test_canonicalisation_that_never_repeats_is_refused():
    with pytest.raises(_smiles.Unreadable, match="does not settle"):
        _smiles.settle(lambda text: text + "C", "C")


@pytest.mark.parametrize(
    ("formula", "key"),
    [
        ("O3Fe2", "Fe2O3"),
        ("Fe4O6", "Fe2O3"),
        ("Fe0.5O0.75", "Fe2O3"),
        ("Fe 2 O 3", "Fe2O3"),
        ("Fe₂O₃", "Fe2O3"),
        ("Al0.333333Ga0.666667As", "AlGa2As3"),
        ("Si0.99999P0.00001", "Si99999P"),
        ("Zr0.2Ti0.2Hf0.2Nb0.2Ta0.2C", "HfZrTaTiNbC5"),
        ("Li(CoO2)2", "Li(CoO2)2"),
        ("CuSO4(H2O)5", canonical_composition("CuH10SO9")),
        ("Dy2O3", "Dy2O3"),
        ("HeNe", "HeNe"),
        ("Fe0O2", "O2"),
    ],
)
def test_canonical_composition(formula, key):
    assert canonical_composition(formula) == key


def test_cobalt_is_not_carbon_monoxide():
    assert canonical_composition("Co") != canonical_composition("CO")


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("", "it is empty"),
        ("foo", "pymatgen cannot read it"),
        ("Fe2O3+", "pymatgen cannot read it"),
        ("Fe-2O3", "negative"),
        ("XO", "not an element"),
        ("Fe0", "not an element"),
        ("D2O", "isotopes"),
        ("CuSO4·5H2O", "CuSO4(H2O)5"),
    ],
)
def test_unreadable_compositions_say_why(formula, reason):
    with pytest.raises(MaterialError) as caught:
        canonical_composition(formula)
    assert f"{formula!r} is not a composition formula" in str(caught.value)
    assert reason in str(caught.value)


def test_ids_are_only_stripped():
    assert canonical(" mp-149 ", "id") == "mp-149"
    with pytest.raises(MaterialError, match="not an id: it is empty"):
        canonical(" ", "id")


def test_unknown_kind_lists_the_kinds():
    with pytest.raises(MaterialError, match=r"kind 'smi' is unknown; choose one of \['smiles'"):
        canonical("C", "smi")


def test_canonical_all_lists_every_bad_material():
    assert canonical_all(["OCC", "CC"]) == ("CCO", "CC")
    with pytest.raises(MaterialError, match="2 materials are not a molecule") as caught:
        canonical_all(["C1", "CC", "", "CC"])
    assert [(cell.row, cell.value) for cell in caught.value.cells] == [(1, "C1"), (3, "")]


def test_try_canonical_keeps_order_and_gives_reasons():
    found = try_canonical(["OCC", 7, "OCC", "C1"])
    assert found[0] == found[2] == "CCO"
    assert str(found[1]) == "it is not text"
    assert "syntax" in str(found[3])
