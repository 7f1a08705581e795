import copy
import pickle

import numpy as np
import pytest
import torch

from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.errors import ArgumentError, DataError, MaterialError

NAN = np.nan
TB, GAP = Property("Tb", "K"), Property("gap", "eV", "log")
STATE = Property("state", categories=("solid", "liquid"))


@pytest.fixture
def table():
    return PropertyTable(
        materials=("CC", "CCO", "CCO"),
        kind="smiles",
        properties=(TB, GAP),
        values=np.array([[184.6, NAN], [351.4, 7.0], [NAN, 8.0]]),
        stds=np.array([[NAN, NAN], [0.5, NAN], [NAN, 0.8]]),
        conditions=(Condition("T", "K"), Condition("solvent", categories=("none", "water"))),
        condition_values=np.array([[298.0, 0], [298.0, 0], [310.0, 1]]),
        groups=("a", "b", "b"),
    )


def test_shapes_and_names(table):
    assert table.n_rows == 3
    assert table.property_names == ("Tb", "gap")
    assert repr(table) == (
        "PropertyTable(3 rows of smiles; conditions T [K]: 298 to 310, solvent: none, water; "
        "measured Tb [K]: 2, gap [eV]: 2)"
    )


@pytest.mark.parametrize("way", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_copies_and_pickles_are_read_only_too(table, way):
    again = way(table)
    assert repr(again) == repr(table)
    assert again.to_frame().equals(table.to_frame())
    for array in (again.values, again.stds, again.condition_values):
        assert not array.flags.writeable


def test_arrays_are_copies_and_read_only():
    values = np.array([[1.0]])
    table = PropertyTable(("CC",), "smiles", (TB,), values)
    values[0, 0] = 2.0
    assert table.values[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0] = 3.0


def test_defaults_are_unknown_noise_and_no_conditions():
    table = PropertyTable(("CC", "CCC"), "smiles", (TB, GAP), np.ones((2, 2)))
    assert table.stds.shape == (2, 2)
    assert np.isnan(table.stds).all()
    assert table.condition_values.shape == (2, 0)


def test_scales_standardise_what_is_measured(table):
    linear, log = table.scales
    assert (linear.log, log.log) == (False, True)
    assert linear.loc == pytest.approx(268.0)
    assert log.loc == pytest.approx(np.log([7.0, 8.0]).mean())
    assert log.sd == pytest.approx(np.log([7.0, 8.0]).std(ddof=1))


def test_observations_are_the_measured_cells_in_model_space(table):
    observations = table.observations()
    assert list(zip(observations.rows.tolist(), observations.columns.tolist(), strict=True)) == [
        (0, 0),
        (1, 0),
        (1, 1),
        (2, 1),
    ]
    linear, log = table.scales
    expected = [(184.6 - linear.loc) / linear.sd, (351.4 - linear.loc) / linear.sd]
    np.testing.assert_allclose(observations.y[:2], expected)
    assert observations.y[3].item() == pytest.approx((np.log(8.0) - log.loc) / log.sd)
    assert observations.yvar.isnan().tolist() == [True, False, True, False]
    assert observations.yvar[1].item() == pytest.approx((0.5 / linear.sd) ** 2)
    assert observations.yvar[3].item() == pytest.approx(np.log1p(0.1**2) / log.sd**2)
    assert observations.y.dtype == torch.float64
    assert (observations.n_rows, observations.properties) == (3, ("Tb", "gap"))


def test_held_out_rows_use_the_scales_they_are_given(table):
    train, test = table.subset([0, 1]), table.subset([1])
    assert torch.equal(test.observations(train.scales).y, train.observations().y[1:])
    with pytest.raises(DataError, match="1 scales for 2 properties"):
        table.observations(table.scales[:1])


def test_categories_are_codes_and_are_not_standardised():
    table = PropertyTable(("CC", "CCO"), "smiles", (STATE,), np.array([[0.0], [1.0]]))
    assert table.observations().y.tolist() == [0.0, 1.0]
    assert table.to_frame()["state"].tolist() == ["solid", "liquid"]


def test_subset_by_index_and_mask(table):
    by_index, by_mask = table.subset([2, 0]), table.subset(np.array([True, False, True]))
    assert by_index.materials == ("CCO", "CC")
    assert by_index.groups == ("b", "a")
    np.testing.assert_array_equal(by_index.values[::-1], by_mask.values)
    np.testing.assert_array_equal(by_index.condition_values[::-1], by_mask.condition_values)
    assert table.subset([]).n_rows == 0
    assert table.subset([]).observations().n_cells == 0
    with pytest.raises(DataError, match="mask of shape"):
        table.subset(np.array([True]))


def test_select_orders_and_names_what_is_missing(table):
    assert table.select(["gap", "Tb"]).property_names == ("gap", "Tb")
    np.testing.assert_array_equal(table.select(["gap"]).stds[:, 0], table.stds[:, 1])
    with pytest.raises(DataError, match=r"no property 'Tm'; it has \('Tb', 'gap'\)"):
        table.select(["Tm"])


def test_append_adds_rows_and_leaves_the_rest_unmeasured(table):
    longer = table.append(
        ["OCC", "CCN"],
        {"gap": [6.0, NAN]},
        {"gap": [0.1, NAN]},
        conditions={"T": [300, 300], "solvent": [1, 0]},
        groups=["c", "c"],
    )
    assert longer.materials == (*table.materials, "CCO", "CCN")
    np.testing.assert_array_equal(longer.values[3:], [[NAN, 6.0], [NAN, NAN]])
    np.testing.assert_array_equal(longer.stds[3:], [[NAN, 0.1], [NAN, NAN]])
    assert table.n_rows == 3


def test_append_says_what_is_wrong(table):
    plain = table.select(["Tb"])
    bare = PropertyTable(plain.materials, "smiles", plain.properties, plain.values)
    with pytest.raises(MaterialError, match=r"2 materials are not .*\n.*row 1.*'C1'\D+"):
        bare.append(["C1", "C", "xx"], np.ones((3, 1)))
    with pytest.raises(DataError, match=r"no columns \['Tm'\]"):
        bare.append(["C"], {"Tm": [1.0]})
    with pytest.raises(DataError, match=r"'Tb' has shape \(2,\) for 1 appended"):
        bare.append(["C"], {"Tb": [1.0, 2.0]})
    assert bare.append("C", {"Tb": 1.0}).values[-1, 0] == 1.0  # one material, one number
    with pytest.raises(DataError, match="exactly when the table has groups"):
        bare.append(["C"], {"Tb": [1.0]}, groups=["x"])
    with pytest.raises(DataError, match=r"conditions \['T', 'solvent'\] are missing"):
        table.append(["C"], {"Tb": [1.0]}, groups=["x"])
    with pytest.raises(DataError, match="infinite"):
        bare.append(["C"], {"Tb": [np.inf]})


def test_all_impossible_cells_are_listed_at_once():
    with pytest.raises(DataError) as caught:
        PropertyTable(
            ("CC", "CCO", "C"),
            "smiles",
            (TB, GAP, STATE),
            np.array([[np.inf, 0.0, 2.0], [300.0, -1.0, 0.5], [NAN, 5.0, NAN]]),
            np.array([[NAN, NAN, NAN], [-1.0, NAN, 0.1], [1.0, 0.0, NAN]]),
            (Condition("T", "K"),),
            np.array([[298.0], [NAN], [298.0]]),
        )
    found = {(cell.row, cell.column, cell.reason.split(" (")[0]) for cell in caught.value.cells}
    assert found == {
        (2, "Tb", "infinite"),
        (3, "Tb", "standard deviation -1 is not positive and finite"),
        (4, "Tb", "standard deviation without a value"),
        (2, "gap", "not positive, and the scale is log"),
        (3, "gap", "not positive, and the scale is log"),
        (4, "gap", "standard deviation 0 is not positive and finite"),
        (2, "state", "not the code of a category"),
        (3, "state", "not the code of a category"),
        (3, "state", "a class has no standard deviation"),
        (3, "T", "condition unknown or not a code"),
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "molecule"}, "kind 'molecule' is unknown"),
        ({"properties": (TB, TB)}, r"share the names \['Tb'\]"),
        ({"conditions": (Condition("Tb", "K"), Condition("T", "K"))}, r"share the names \['Tb'\]"),
        ({"groups": ("a",)}, "1 group labels for 3 rows"),
        ({"groups": ("a", " ", "b")}, "labels are blank"),
        ({"values": np.ones((2, 2))}, r"values have shape \(2, 2\), but \(3, 2\)"),
        ({"stds": np.ones((3, 1))}, r"standard deviations have shape \(3, 1\)"),
        ({"condition_values": np.ones((3, 1))}, r"condition values have shape \(3, 1\)"),
    ],
)
def test_parts_that_do_not_fit_together(table, change, message):
    parts = {name: getattr(table, name) for name in table.__dataclass_fields__}
    with pytest.raises(DataError, match=message):
        PropertyTable(**(parts | change))


def test_frame_and_html_speak_physical_units(table):
    frame = table.to_frame()
    assert list(frame) == ["material", "T", "solvent", "Tb", "sd(Tb)", "gap", "sd(gap)", "group"]
    assert frame["solvent"].tolist() == ["none", "none", "water"]
    assert frame["gap"].tolist()[1:] == [7.0, 8.0]
    html = table._repr_html_()
    assert "gap [eV]" in html
    assert "3 rows of smiles; – = not measured" in html
    assert html.count("<svg") == 3


def test_names_of_samples_are_not_drawn():
    """Here CO is the name of a sample."""
    html = PropertyTable(("CO",), "id", (Property("x"),), [[1.0]])._repr_html_()
    assert "<svg" not in html


@pytest.mark.parametrize(
    "rows", [[[1], [2, 3]], [[0], [1]], None, np.ma.array([0, 1], mask=[True, False])]
)
def test_rows_are_a_flat_list(rows):
    table = PropertyTable(("C", "CC"), "smiles", (Property("x"),), [[1.0], [2.0]])
    with pytest.raises(ArgumentError, match=r"rows must be a list of row numbers, like \[0, 2\]"):
        table.subset(rows)
