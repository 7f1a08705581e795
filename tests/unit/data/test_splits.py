import numpy as np
import pytest

from bayesmat.data.splits import grouped_kfold, grouped_split, groups_of
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import DataError

GROUPS = [f"g{i % 17}" for i in range(100)] + ["big"] * 20


def table_of(materials, kind="smiles", groups=None):
    values = np.ones((len(materials), 1))
    return PropertyTable(tuple(materials), kind, (Property("p"),), values, groups=groups)


def sides(groups, train, test):
    labels = np.asarray(groups)
    return set(labels[train]), set(labels[test])


@pytest.mark.parametrize("n_splits", [2, 5, 18])
def test_kfold_tests_each_row_once_and_never_splits_a_group(n_splits):
    folds = grouped_kfold(GROUPS, n_splits, seed=1)
    assert len(folds) == n_splits
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(GROUPS)))
    for train, test in folds:
        here, there = sides(GROUPS, train, test)
        assert not here & there
        assert len(train) + len(test) == len(GROUPS)
        assert test.size


def test_kfold_balances_rows():
    sizes = [len(test) for _, test in grouped_kfold(GROUPS, 5, seed=0)]
    assert max(sizes) - min(sizes) <= 6  # the largest of the small groups


def test_the_seed_decides():
    first, again, other = (
        [test.tolist() for _, test in grouped_kfold(GROUPS, 4, seed=seed)] for seed in (3, 3, 4)
    )
    assert first == again != other


def test_too_few_groups_is_said():
    with pytest.raises(DataError, match="2 groups cannot be split into 3 folds"):
        grouped_kfold(["a", "b", "b"], 3, seed=0)
    with pytest.raises(DataError, match="into 1 folds"):
        grouped_kfold(["a", "b", "b"], 1, seed=0)


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5, 0.95])
def test_split_is_near_the_fraction_and_never_splits_a_group(fraction):
    for seed in range(5):
        train, test = grouped_split(GROUPS, fraction, seed=seed)
        here, there = sides(GROUPS, train, test)
        assert not here & there
        assert train.size
        assert test.size
        assert abs(len(test) - fraction * len(GROUPS)) <= 10


def test_split_of_lopsided_groups_leaves_no_side_empty():
    for seed in range(5):
        train, test = grouped_split(["a"] * 99 + ["b"], 0.3, seed=seed)
        assert sorted([len(train), len(test)]) == [1, 99]


def test_split_says_what_is_wrong():
    with pytest.raises(DataError, match="at least two groups"):
        grouped_split(["a", "a"], seed=0)
    with pytest.raises(DataError, match=r"test_fraction is 1.5"):
        grouped_split(["a", "b"], 1.5, seed=0)


def test_materials_group_replicates():
    assert groups_of(table_of(["C", "CC", "C"])) == ("C", "CC", "C")


def test_scaffolds_group_ring_systems_and_ignore_stereochemistry():
    toluene, phenol, ethanol, pinene, antipode, biphenyl = groups_of(
        table_of(
            [
                "Cc1ccccc1",
                "Oc1ccccc1",
                "CCO",
                "C[C@@H]1CC[C@H](C)CC1",
                "C[C@H]1CC[C@H](C)CC1",
                "c1ccc(-c2ccccc2)cc1",
            ]
        ),
        "scaffold",
    )
    assert toluene == phenol == "c1ccccc1"
    assert ethanol == ""
    assert pinene == antipode == "C1CCCCC1"
    assert biphenyl == "c1ccc(-c2ccccc2)cc1"


def test_scaffold_of_a_repeat_unit_ignores_where_it_is_cut():
    table = table_of(["*Oc1ccc(*)cc1", "*C*", "*CC(*)c1ccccc1"], "repeat_unit")
    assert groups_of(table, "scaffold") == ("c1ccccc1", "", "c1ccccc1")


def test_user_column():
    assert groups_of(table_of(["C", "CC"], groups=("lab 1", "lab 2")), "group") == (
        "lab 1",
        "lab 2",
    )
    with pytest.raises(DataError, match="has no groups: name a column"):
        groups_of(table_of(["C"]), "group")


def test_labels_that_do_not_exist():
    with pytest.raises(DataError, match="a composition has no scaffold"):
        groups_of(table_of(["Fe2O3"], "composition"), "scaffold")
    with pytest.raises(DataError, match="by is 'colour'"):
        groups_of(table_of(["C"]), "colour")


def test_constitutions_keep_what_features_cannot_tell_apart_together():
    keys = ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC([NH3+])C(=O)[O-]")  # alanine
    tautomers = ("Oc1ccccn1", "O=c1cccc[nH]1")
    others = ("CCC=O", "C=CCO", "CC(C)=O")  # isomers that no proton shift relates
    labels = groups_of(table_of((*keys, *tautomers, *others)), "constitution")
    assert len(set(labels[:3])) == 1
    assert labels[3] == labels[4]
    assert len(set(labels)) == 5
