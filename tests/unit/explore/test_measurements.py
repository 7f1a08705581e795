import math

import pytest

from bayesmat.data.properties import Property
from bayesmat.errors import CampaignError
from bayesmat.explore.measurements import answer_of, cells, payload_of
from bayesmat.explore.standing import Cell
from bayesmat.oracles import Evaluation

TABLE = (
    Property("gap", "eV", "log"),
    Property("Tb", "K"),
    Property("state", categories=("solid", "liquid")),
)


def test_values_become_cells_in_the_units_of_the_table():
    found = cells(
        TABLE,
        "CCO",
        {"gap": 2000, "Tb": 78.25, "state": "liquid"},
        {"gap": 50, "Tb": 0.5},
        {"gap": "meV", "Tb": "degC"},
    )
    assert [(name, cell.value, cell.sd) for name, cell in found.items()] == [
        ("gap", pytest.approx(2.0), pytest.approx(0.05)),
        ("Tb", pytest.approx(351.4), pytest.approx(0.5)),  # a difference has no offset
        ("state", 1.0, None),
    ]


def test_an_event_holds_the_sds_that_were_stated():
    found = {"gap": Cell(2.0, 0.1), "Tb": Cell(300.0)}
    assert payload_of(found) == {"values": {"gap": 2.0, "Tb": 300.0}, "sds": {"gap": 0.1}}


@pytest.mark.parametrize(
    ("values", "sds", "units", "message"),
    [
        ({"Gap": 2.0}, {}, {}, r"'Gap' is no property.*\['gap', 'Tb', 'state'\]"),
        ({"gap": math.nan}, {}, {}, "nan is not a finite number; record .* with `fail`"),
        ({"gap": math.inf}, {}, {}, "inf is not a finite number"),
        ({"gap": 0.0}, {}, {}, "0 eV is not positive, and the scale is log"),
        ({"gap": "2.0"}, {}, {}, "'2.0' is text; give a number in 'eV'"),
        ({"gap": "2100 meV"}, {"gap": 100.0}, {}, "not clear which one its standard deviation"),
        ({"gap": "wide"}, {}, {}, r"'wide' is text \(not a number\); give a number in 'eV'"),
        ({"gap": 2.0}, {"gap": 0.0}, {}, "standard deviation 0.0 is not positive"),
        ({"gap": 2.0}, {"gap": math.nan}, {}, "standard deviation nan is not positive"),
        ({"gap": 2.0}, {"Tb": 1.0}, {}, "'Tb' has a standard deviation or a unit but no value"),
        ({"gap": 2.0}, {}, {"gap": "elektronvolt"}, "unknown unit 'elektronvolt'"),
        ({"gap": 2.0}, {}, {"gap": "K"}, "'K' cannot be converted to 'eV'"),
        ({"state": "gas"}, {}, {}, r"'gas' is none of the classes \['solid', 'liquid'\]"),
        ({"state": 1.0}, {}, {}, "1.0 is none of the classes"),
        ({"state": "solid"}, {"state": 1.0}, {}, "neither a standard deviation nor a unit"),
        ({}, {}, {}, "no value was given"),
    ],
)
def test_what_cannot_become_part_of_the_history(values, sds, units, message):
    with pytest.raises(CampaignError, match=message) as error:
        cells(TABLE, "CCO", values, sds, units)
    assert "'CCO'" in str(error.value)
    assert "none of it was stored" in str(error.value)


def test_all_that_is_wrong_is_listed_at_once():
    with pytest.raises(CampaignError) as error:
        cells(TABLE, "CCO", {"gap": -1.0, "Tb": math.nan, "x": 1.0}, {}, {})
    assert str(error.value).count("\n") == 3


ORACLE = (Property("gap", "meV"), Property("dipole", "debye"))


def answered(answer, oracle, aims):
    return answer_of(answer, oracle, TABLE, aims, "oracle 1")


def test_an_oracle_is_converted_and_what_the_table_lacks_is_kept_as_it_is():
    answer = Evaluation("CCO", {"gap": 2000.0, "dipole": 1.7}, {"gap": 10.0}, cost_s=4.0)
    event = answered(answer, ORACLE, {"gap"})
    assert (event.kind, event.material) == ("told", "CCO")
    assert event.payload == {
        "values": {"gap": pytest.approx(2), "dipole": 1.7},
        "sds": {"gap": pytest.approx(0.01)},
        "cost_s": 4.0,
        "oracle": "oracle 1",
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Evaluation.failed("C", "timed out", cost_s=2.0), "timed out"),
        (Evaluation("C", cost_s=2.0, failure=" "), "no reason was given"),
        (Evaluation("C", {"gap": -3.0}, cost_s=2.0), "unusable: 'gap': -0.003 eV is not positive"),
        (Evaluation("C", {"colour": 1.0}, cost_s=2.0), "unusable: 'colour' is no property"),
        (Evaluation("C", cost_s=2.0), "unusable: no value was given"),
    ],
)
def test_failures_keep_their_reason_and_cost(answer, reason):
    event = answered(answer, ORACLE, {"gap"})
    assert (event.kind, event.payload["cost_s"]) == ("failed", 2.0)
    assert event.note.startswith(reason)


@pytest.mark.parametrize(
    ("values", "sds", "kept", "why"),
    [
        ({"gap": 2.0, "tau": 0.0}, {}, ("gap",), "'tau': 0 ps is not positive, and the scale"),
        ({"gap": 2.0, "Tb": math.nan}, {}, ("gap",), "'Tb': nan is not a finite number"),
        ({"gap": 2.0, "homo": 1.0}, {}, ("gap",), "'homo' is no property of this campaign"),
        ({"gap": 2.0, "state": "gas"}, {}, ("gap",), "'state': 'gas' is none of the classes"),
        ({"gap": 2.0}, {"gap": 0.0}, ("gap",), "'gap': standard deviation 0.0 is not positive"),
        ({"gap": 2.0}, {"gap": math.nan}, ("gap",), "'gap': standard deviation nan"),
        ({"gap": 2.0}, {"Tb": 1.0}, ("gap",), "'Tb' has a standard deviation or a unit but no"),
        ({"gap": 2.0, "Tb": 300.0, "tau": -1.0}, {}, ("gap", "Tb"), "'tau': -1 ps"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_spoils_nothing_else(values, sds, kept, why):
    oracle = (Property("gap", "eV"), Property("Tb", "K"), Property("tau", "ps", "log"))
    answer = Evaluation("C", values, sds, cost_s=2.0).checked()
    said = answered(answer, oracle, {"gap"}).payload
    assert tuple(said["values"]) == kept
    assert (said["values"]["gap"], said["sds"]) == (2.0, {})
    assert said["left_out"].startswith(why)


def test_an_answer_without_any_property_of_the_goals_is_a_failure():
    answer = Evaluation("C", {"gap": -3.0, "dipole": 1.0})
    event = answered(answer, ORACLE, {"gap", "Tb"})
    assert event.note.startswith("unusable: 'gap': -0.003 eV is not positive")


def test_a_class_is_known_by_its_name_whatever_the_oracle_declares():
    answer = Evaluation("C", {"state": "liquid"})
    assert answered(answer, (Property("state"),), {"state"}).payload["values"] == {"state": 1.0}
