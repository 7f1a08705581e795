import pytest

from bayesmat.data.materials import canonical_repeat_unit
from bayesmat.errors import MaterialError

SAME = [
    ["*CC*", "*C*", "*CCCC*", "[*]CC[*]", "[*:1]CC[*:2]", "[1*]CC[2*]", "C(*)C*"],
    ["*C(C)C*", "*CC(*)C", "*CC(C)*", "*C(C)CC(C)C*", "C(C(C)*)*"],
    ["*=CC=*", "*C=C*", "*C=CC=C*"],
    ["*#CC#*", "*C#C*"],
    ["*C/C=C/C*", "*/C=C/CC*", "*CC/C=C/*"],
    ["*C/C=C\\C*", "*/C=C\\CC*", "*CC/C=C\\*"],
    ["*[C@H](C)C*", "*C[C@@H](*)C", "*C[C@H](C)*"],
    ["*Oc1ccc(*)cc1", "*c1ccc(O*)cc1", "*c1ccc(Oc2ccc(O*)cc2)cc1"],
    [
        "*NC(=O)c1ccc(cc1)C(=O)NCCCCCC*",
        "*CCCCCCNC(=O)c1ccc(cc1)C(=O)N*",
        "*CCCNC(=O)c1ccc(cc1)C(=O)NCCC*",
        "*c1ccc(cc1)C(=O)NCCCCCCNC(=O)*",
    ],
    ["*=C1C=CC(=*)C=C1", "*=c1ccc(=*)cc1"],
    ["*CC(*)C(=O)[O-].[Na+]", "[Na+].*C(C([O-])=O)C*"],
    ["*[Si](C)(C)O*", "*O[Si](C)(C)*", "*O[Si](C)(C)O[Si](C)(C)*"],
    ["*[C@H](C)[C@H](C)*", "*[C@H](C)[C@H](C)[C@H](C)[C@H](C)*"],
]

DIFFERENT = [
    "*C*",
    "*CC(*)C",
    "*CC(C)C(C)C*",  # head to head
    "*C=C*",
    "*C#C*",
    "*C/C=C/C*",
    "*C/C=C\\C*",
    "*CC=CC*",
    "*C[C@H](C)C[C@H](C)*",  # isotactic
    "*C[C@H](C)C[C@@H](C)*",  # syndiotactic
    "*[C@H](C)[C@H](C)*",
    "*[C@H](C)[C@@H](C)*",
    "*C(*)C",
    "*c1ccc(*)cc1",
    "*c1cccc(*)c1",
    "*CO*",
    "*CCO*",
    "*CC(*)C(=O)[O-].[Na+]",
    "*CC(*)C(=O)[O-].[K+]",
]


@pytest.mark.parametrize("units", SAME, ids=lambda units: units[0])
def test_one_polymer_has_one_key(units):
    keys = {canonical_repeat_unit(unit) for unit in units}
    assert len(keys) == 1
    assert canonical_repeat_unit(keys.pop()) in {canonical_repeat_unit(unit) for unit in units}


def test_different_polymers_have_different_keys():
    keys = [canonical_repeat_unit(unit) for unit in DIFFERENT]
    assert len(set(keys)) == len(keys), sorted(keys)


@pytest.mark.parametrize("unit", [unit for units in SAME for unit in units] + DIFFERENT)
def test_key_is_its_own_key_and_a_repeat_unit(unit):
    key = canonical_repeat_unit(unit)
    assert canonical_repeat_unit(key) == key
    assert key.count("*") == 2


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        ("CC", "this has 0"),
        ("*CC", "this has 1"),
        ("*C(*)C*", "this has 3"),
        ("*C.*C", "separate pieces"),
        ("**", "nothing between"),
        ("*1CC*1", "2 bonds; it needs one"),
        ("*=CC*", "different order"),
        ("*C(", "not valid SMILES syntax"),
        ("*C(F)(F)(F)C*", "valence"),
    ],
)
def test_what_is_not_a_repeat_unit_says_why(unit, reason):
    with pytest.raises(MaterialError) as caught:
        canonical_repeat_unit(unit)
    assert f"{unit!r} is not a polymer repeat unit" in str(caught.value)
    assert reason in str(caught.value)
