import math

import numpy as np

from bayesmat.data.properties import Property
from bayesmat.data.table import PropertyTable
from bayesmat.oracles import TableOracle

NAN = math.nan
TABLE = PropertyTable(
    ("CCO", "CC", "C", "CC"),
    "smiles",
    (Property("gap", "eV"), Property("dipole", "debye")),
    np.array([[8.9, 1.7], [9.1, NAN], [NAN, NAN], [9.3, NAN]]),
    np.array([[NAN, 0.1], [0.3, NAN], [NAN, NAN], [0.4, NAN]]),
)


def test_values_and_known_standard_deviations_are_looked_up():
    (ethanol,) = TableOracle(TABLE)(["CCO"])
    assert (ethanol.values, ethanol.sds) == ({"gap": 8.9, "dipole": 1.7}, {"dipole": 0.1})


def test_replicates_are_averaged_and_an_unmeasured_property_is_left_out():
    (ethane,) = TableOracle(TABLE)(["CC"])
    assert np.isclose(ethane.values["gap"], 9.2)
    assert np.isclose(ethane.sds["gap"], 0.25)
    assert "dipole" not in ethane.values


def test_what_was_never_measured_is_a_failure():
    assert [e.failure for e in TableOracle(TABLE)(["C", "CCC"])] == ["not in the table"] * 2


def test_the_digest_follows_the_values():
    changed = TABLE.append(["CCC"], {"gap": [8.0]})
    assert TableOracle(TABLE).digest == TableOracle(TABLE.subset(range(4))).digest
    assert TableOracle(TABLE).digest != TableOracle(changed).digest


def test_a_class_is_answered_by_name_and_never_averaged():
    state = Property("state", categories=("solid", "liquid"))
    rows = ("C", "C", "CC", "CC", "CCC", "CCC")
    values = np.array([[1.0, 0], [2.0, 0], [3.0, 0], [3.0, 1], [NAN, 0], [NAN, 1]])
    oracle = TableOracle(PropertyTable(rows, "smiles", (Property("gap", "eV"), state), values))
    same, mixed, only = oracle(["C", "CC", "CCC"])
    assert same.values == {"gap": 1.5, "state": "solid"}
    assert mixed.values == {"gap": 3.0}
    assert mixed.left_out == {"state": "replicates are of the classes ['solid', 'liquid']"}
    assert only.failure == "unusable: 'state': replicates are of the classes ['solid', 'liquid']"
