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


HYDRATED = [
    ("CuSO4(H2O)5", [f"CuSO4{dot}5H2O" for dot in ".·•∙⋅‧*"] + ["CuSO4 . 5H2O", "CuSO₄·5 H₂O"]),
    ("CaSO4(H2O)0.5", ["CaSO4.0.5H2O", "CaSO4·1/2H2O", "2CaSO4·H2O", "2CaSO4.H2O"]),
    ("Cd3S3O12(H2O)8", ["3CdSO4.8H2O", "3CdSO4·8H2O"]),
    ("KAlS2O8(H2O)12", ["KAl(SO4)2.12H2O"]),
    ("MgSO4(H2O)7", ["MgSO4.7OH2", "MgSO4.7HOH", "MgSO4·7OH2", "MgSO4.7(OH2)"]),
    ("LiOH(H2O)", ["LiOH.H2O", "LiOH·H2O"]),
    ("NiN2O6(NH3)6", ["Ni(NO3)2.6NH3"]),
    ("NaCl(H2O)5", ["NaCl.5H2O"]),
    ("LiNi0.5Mn1.5O4(H2O)2", ["LiNi0.5Mn1.5O4.2H2O", "LiNi0.5Mn1.5O4·2H2O"]),
    ("Al2O3(SiO2)2(H2O)2", ["Al2O3·2SiO2·2H2O"]),
    ("(MgCO3)3Mg(OH)2(H2O)3", ["3MgCO3.Mg(OH)2.3H2O"]),
]


@pytest.mark.parametrize(
    ("brackets", "dotted"), [(key, text) for key, texts in HYDRATED for text in texts]
)
def test_hydrates_and_adducts_are_what_their_brackets_say(brackets, dotted):
    assert canonical_composition(dotted) == canonical_composition(brackets)


@pytest.mark.parametrize(
    ("formula", "key"),
    [
        ("YBa2Cu3O6.95", "Ba40Y20Cu60O139"),
        ("LiNi0.5Mn1.5O4", "Li2Mn3NiO8"),
        ("Bi2.1Sr1.9CaCu2O8", "Sr19Ca10Cu20Bi21O80"),
        ("Mo0.5W0.5Se2", "MoWSe4"),
        ("La0.5Sr1.5CuO4", "Sr3La(CuO4)2"),
        ("LiNi0.33Mn0.33Co0.33O2", "Li100Mn33Co33Ni33O200"),
        ("Fe2.5O4", "Fe5O8"),
        ("Bi2.2Sr1.8CaCu2O8", "Sr9Ca5Cu10Bi11O40"),
        ("YBa2Cu3O6.5F0.5", "Ba4Y2Cu6O13F"),
        ("CsPbBr2.5I0.5", "Cs2Pb2IBr5"),
        ("Li5.5PS4.5ClBr0.5", "Li11P2S9BrCl2"),
        ("Li10GeP2.5S12Cl", "Li20Ge2P5(S12Cl)2"),
        ("C24H35.5N3O2", "H71C48(N3O2)2"),
        ("CoO2.5(OH)0.5", "Co2HO6"),
        ("FeO2.5(OH)", "Fe2H2O7"),
        ("Na3V2(PO4)2.5(SO4)0.5", "Na6V4P5SO24"),
        ("Na2.4Fe2(SO4)3.H2O", "Na12Fe10H10(S3O13)5"),
        ("Al0.5CoCrFe2.5NiTi", "Ti2AlCr2Fe5(CoNi)2"),
        ("Al2(O3.2)SiO2", "Al10Si5O26"),
        ("C10.5H20", "H40C21"),
    ],
)
def test_a_full_stop_between_digits_stays_a_decimal_point(formula, key):
    assert canonical_composition(formula) == key


@pytest.mark.parametrize(
    "formula",
    ["Al2O3.2SiO2", "Bi2O3.3ZnO", "CrO3.2C5H5N", "CuCl2.2NH4Cl", "K2O.Al2O3.6SiO2", "Al2O3.1SiO2",
     "LiAlCl4.3SO2", "(Al2O3.2SiO2)2", "MoO2Cl2.2(CH3)2SO", "C60.2C6H6", "Sb2Te3.2GeTe",
     "La0.7Sr0.3MnO3.2SiO2", "Al2O3.2SiO2.3CaO", "CuSO4.5[H2O]"],
)  # fmt: skip
def test_a_full_stop_that_could_part_two_compounds_is_refused(formula):
    """An amount of 3.2 oxygen and an adduct of two silica are different materials."""
    with pytest.raises(MaterialError, match="decimal point or join an adduct") as caught:
        canonical_composition(formula)
    assert "centred dot (Al2O3·2SiO2)" in str(caught.value)
    assert "in brackets with its element (Al2(O3.2)SiO2)" in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "slip"),
    [("CuSO4.5H20", "H20"), ("FeCl3.6H20", "H20"), ("CuSO4·5H20", "H20"), ("CuSO4(H20)5", "H20"),
     ("NaCl.5H20", "H20"), ("CaSO4.0.5H20", "H20"), ("H20", "H20"), ("Na20", "Na20"),
     ("Fe203", "Fe203"), ("Al203·2SiO2", "Al203"), ("C02", "C02"), ("CuS04", "S04"),
     ("Mg(OH)02", ")02")],
)  # fmt: skip
def test_a_zero_in_place_of_the_letter_is_refused(formula, slip):
    with pytest.raises(MaterialError, match="digit 0 in place of the letter O") as caught:
        canonical_composition(formula)
    assert f"{slip!r} seems" in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "state"),
    [("Fe(II)O", "(II)"), ("Fe(III)2O3", "(III)"), ("Cu(I)Cl", "(I)"), ("Cu(I)2O", "(I)"),
     ("Mn(IV)O2", "(IV)"), ("V[V]2O5", "[V]"), ("Cr(VI)O3", "(VI)"), ("Os (VIII) O4", "(VIII)")],
)  # fmt: skip
def test_oxidation_states_are_no_iodine_and_no_vanadium(formula, state):
    with pytest.raises(MaterialError, match="is an oxidation state") as caught:
        canonical_composition(formula)
    assert f"{state!r} is" in str(caught.value)


def test_a_group_of_vanadium_and_iodine_is_none_of_them():
    assert canonical_composition("CsV2I2") == canonical_composition("Cs(VI)2") == "Cs(VI)2"


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CCl₄", "'₄' (subscript four) has no meaning in SMILES"),
        ("CCO\u200b", "'U+200B' (zero width space) has no meaning"),
        ("CCO\x00", "'U+0000' (a control character) has no meaning"),
        ("CCO™", "'™' (trade mark sign) has no meaning"),
        ("C–C", "'–' (en dash) has no meaning"),
        ("CC>>CO", "a reaction"),
        ("CC|$A$|", "'|' (vertical line) has no meaning"),
        ("[C;R]", "';' (semicolon) has no meaning"),
    ],
)
@pytest.mark.parametrize("kind", ["smiles", "repeat_unit"])
def test_what_rdkit_would_ignore_is_named(smiles, reason, kind):
    text = smiles if kind == "smiles" else f"*{smiles}"
    with pytest.raises(MaterialError) as caught:
        canonical(text, kind)
    assert reason in str(caught.value)


def test_cobalt_is_not_carbon_monoxide():
    assert canonical_composition("Co") != canonical_composition("CO")


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("", "it is empty"),
        ("foo", "'f' cannot stand where it does"),
        ("Fe2O3+", "'+' (plus sign) has no meaning in a formula; charges"),
        ("Fe³⁺", "'³' (superscript three) has no meaning"),
        ("Fe-2O3", "'-' (hyphen-minus) has no meaning"),
        ("Fe\u200b2O3", "'U+200B' (zero width space) has no meaning"),
        ("Fe（OH）3", "'（' (fullwidth left parenthesis) has no meaning"),
        ("Fe2O3 (hematite)", "'h' cannot stand where it does"),
        ("Fe2O3(s)", "'s' cannot stand where it does"),
        ("FeO1e2", "'e' cannot stand where it does"),
        ("Fe2O3.", "'.' cannot stand where it does"),
        ("XO", "'X' is not an element"),
        ("Fe0", "every amount in it is 0"),
        ("D2O", "isotopes"),
        ("CuSO4·nH2O", "left open"),
        ("CuSO4.xH2O", "left open"),
        ("·H2O", "a dot joins nothing"),
        ("SnO2 2", "a blank stands inside a number"),
        ("C o", "a blank stands inside a number or a symbol"),
        ("Mg(OH)2)", "')' was not opened"),
        ("Ca(OH", "'(' is not closed"),
        ("Mg(OH]2", "']' was not opened"),
        ("Fe()O", "brackets is empty"),
        ("Li.5CoO2", "decimal point or join an adduct"),
        ("Al2O3.2SiO2.2H2O", "Al2O3·2SiO2"),
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
    with pytest.raises(MaterialError, match=r"not an id: '.ud83d' is no character, and no file"):
        canonical("mp-\ud83d", "id")


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


@pytest.mark.parametrize(
    ("smiles", "same"),
    [
        ("N->[Cu]", "[Cu]<-[NH3]"),
        ("[NH3]->[Pt](Cl)(Cl)<-[NH3]", "Cl[Pt](Cl)(<-N)<-N"),
        ("[O-]->[Cu+2]", "[Cu+2]<-[O-]"),
    ],
)
def test_dative_bonds_are_no_reactions(smiles, same):
    key = canonical(smiles)
    assert key == canonical(same) == canonical(key)
    assert "->" in key
    assert canonical("*[Cu](<-N)C*", "repeat_unit") == canonical("*C[Cu](<-[NH3])*", "repeat_unit")


@pytest.mark.parametrize("smiles", ["CC>>CO", "CC>O>CO", "CC->>CO", "C>C"])
def test_reactions_are_still_told(smiles):
    with pytest.raises(MaterialError, match="it is a reaction"):
        canonical(smiles)
