import pytest

from bayesmat.errors import FeatureError
from bayesmat.features.parse import molecules


def test_molecules_come_in_order():
    assert [mol.GetNumAtoms() for mol in molecules(["CCO", "C", "c1ccccc1"])] == [3, 1, 6]
    assert molecules([]) == []


def test_every_unreadable_one_is_listed_and_no_other(capfd):
    with pytest.raises(FeatureError) as caught:
        molecules(["CCO", "C1CC", "", "C(C)(C)(C)(C)C"])
    message = str(caught.value)
    assert "3 of 4" in message
    assert "'C1CC'" in message
    assert "'C(C)(C)(C)(C)C'" in message
    assert "'CCO'" not in message
    assert capfd.readouterr().err == ""  # RDKit's own words stay out of the terminal


def test_a_long_list_is_shortened():
    with pytest.raises(FeatureError, match=r"30 of 30 .*\.\.\.$"):
        molecules(["C1"] * 30)


@pytest.mark.parametrize("smiles", ["CCl₄", "CCO\u200b", "CCO™"])
def test_what_rdkit_would_ignore_is_unreadable(smiles):
    with pytest.raises(FeatureError, match="1 of 2"):
        molecules(["C", smiles])
