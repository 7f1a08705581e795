import numpy as np
import pytest

from bayesmat.data.properties import Property
from bayesmat.data.table import PropertyTable
from bayesmat.explore.goals import AtLeast, AtMost, Maximize, Within
from bayesmat.explore.history import History
from bayesmat.explore.stored import EventRow, ItemRow, Kind, ProposalRow

SAID = {
    "median": {"gap": 3.0},
    "lower": {"gap": 2.0},
    "upper": {"gap": 4.0},
    "probability": 0.25,
    "domain_distance": None,
}
START = PropertyTable(
    ("s1", "s2"),
    "id",
    (Property("gap", "eV"), Property("dipole", "debye")),
    np.array([[4.0, 1.0], [6.0, np.nan]]),
)
PROPOSALS = (
    ProposalRow(1, {}, (ItemRow("a", SAID), ItemRow("b", SAID), ItemRow("c", SAID))),
    ProposalRow(2, {}, (ItemRow("d", SAID), ItemRow("e", SAID))),
)


def told(material, number, *, sds=(), **values):
    said = {"values": values, "sds": dict(sds)}
    return EventRow(Kind.TOLD, material, said, number=number)


EVENTS = (
    told("e", 1, sds={"gap": 0.1}, gap=2.4, energy=-5.0),
    told("c", 2, dipole=3.0, gap=2.9),
    EventRow(Kind.FAILED, "b", {"cost_s": 2.0}, "lost", number=3),
    EventRow(Kind.FAILED, "d", {}, "first attempt", number=4),
    told("d", 5, gap=5.0),
)


def history(*goals, start=START):
    return History(start, goals, PROPOSALS, EVENTS)


def test_states_and_what_must_not_be_proposed_again():
    past = history(Within("gap", 2.0, 2.5))
    assert [past.state(m) for m in "abcde"] == ["pending", "failed", "told", "told", "told"]
    assert past.pending == ("a",)
    assert past.known == {"s1", "s2", *"abcde"}


def test_the_table_holds_results_in_the_order_of_suggestion():
    table = history(Within("gap", 2.0, 2.5)).table()
    assert table.materials == ("s1", "s2", "c", "d", "e")
    np.testing.assert_array_equal(table.values[2:], [[2.9, 3.0], [5.0, np.nan], [2.4, np.nan]])
    np.testing.assert_array_equal(table.stds[2:, 0], [np.nan, np.nan, 0.1])


def test_rows_of_a_grouped_table_are_grouped_by_round():
    grouped = PropertyTable(
        START.materials, "id", START.properties, START.values, groups=("lab", "lab")
    )
    table = history(Within("gap", 2.0, 2.5), start=grouped).table()
    assert table.groups == ("lab", "lab", "round 1", "round 2", "round 2")


def test_the_frame_shows_everything():
    frame = history(Within("gap", 2.0, 2.5)).frame()
    assert frame.material.tolist() == list("abcde")
    assert list(zip(frame["round"], frame.position, strict=True)) == [
        (1, 1), (1, 2), (1, 3), (2, 1), (2, 2),
    ]  # fmt: skip
    assert frame.hit.tolist() == [None, None, False, False, True]
    assert frame.failure.tolist()[1] == "lost"
    assert frame.energy.tolist()[4] == -5.0
    assert "energy_median" not in frame
    assert frame.probability.tolist() == [0.25] * 5
    assert frame.domain_distance.isna().all()


@pytest.mark.parametrize(
    ("goals", "hits", "best"),
    [
        ((Within("gap", 2.0, 2.5),), 1, "e"),
        ((AtLeast("gap", 2.5),), 2, "c"),
        ((AtMost("gap", 3.0), AtLeast("dipole", 2.0)), 1, "c"),
        ((Maximize("gap"),), 0, "d"),
        ((AtMost("gap", 3.0), Maximize("gap")), 2, "c"),
    ],
)
def test_hits_and_the_best_material(goals, hits, best):
    status = history(*goals).status()
    assert (status.hits, status.best) == (hits, best)
    assert (status.told, status.failed, status.pending) == (3, 1, ("a",))


def test_a_campaign_without_results():
    past = History(START, (Maximize("gap"),), (), ())
    assert past.table() is START
    assert len(past.frame()) == 0
    assert past.status().best is None
    assert str(past.status()).startswith("0 rounds")


def test_a_cost_that_nobody_stated_is_not_zero():
    cost = history(Within("gap", 2.0, 2.5)).frame().set_index("material")["cost_s"]
    assert cost["b"] == 2.0
    assert np.isnan(cost["e"])


NAMED = (
    "gap_sd", "gap_median", "round", "state", "hit", "cost_s", "failure", "left_out", "model",
    "origin", "notes", "gap_scatter",
)  # fmt: skip


@pytest.mark.parametrize("name", [*NAMED, "energy_sd"])
def test_a_property_never_takes_the_column_of_another(name):
    properties = (Property("gap", "eV"), Property("energy", "eV"), Property(name, "K"))
    start = PropertyTable(("s1",), "id", properties, np.array([[4.0, 1.0, 300.0]]))
    values = {p.name: float(i) for i, p in enumerate(properties)}
    events = (told("a", 1, sds=dict.fromkeys(values, 0.5), **values),)
    frame = History(start, (AtLeast("gap", 2.0),), PROPOSALS[:1], events).frame()
    assert frame.columns.is_unique
    assert frame["round"].tolist() == [1, 1, 1]
    assert frame["state"].tolist() == ["told", "pending", "pending"]
    measured = frame[["gap", "energy", f"property_{name}"]].iloc[0]
    assert measured.tolist() == [0, 1, 2]
    assert frame[["gap_sd", f"property_{name}_sd"]].iloc[0].tolist() == [0.5, 0.5]


def test_what_an_oracle_answers_besides_takes_no_column_either():
    events = (told("a", 1, gap=1.0, round=7.0),)
    frame = History(START, (AtLeast("gap", 2.0),), PROPOSALS[:1], events).frame()
    assert (frame["round"][0], frame["property_round"][0]) == (1, 7.0)
