"""What stands after a sequence of events is a fold over them."""

import numpy as np
import pytest

from bayesmat.data.properties import Property
from bayesmat.data.table import PropertyTable
from bayesmat.explore.standing import Cell, Summary, stand, start_readings, summary
from bayesmat.explore.stored import EventRow, Kind


def told(number, *, replicate=False, cost_s=None, sds=None, **values):
    said = {"values": values, "sds": sds or {}, "replicate": replicate, "cost_s": cost_s}
    return EventRow(Kind.TOLD, "C", said, number=number)


def corrected(of, *, sds=None, **values):
    return EventRow(Kind.CORRECTED, "C", {"of": of, "values": values, "sds": sds or {}}, "slip")


def withdrawn(**of):
    return EventRow(Kind.WITHDRAWN, "C", {"of": of}, "wet")


FAILED, RETRIED = EventRow(Kind.FAILED, "C", {"cost_s": 2.0}, "lost"), EventRow(Kind.RETRIED, "C")


def test_properties_told_one_after_the_other_are_one_measurement_and_replicates_are_others():
    now = stand([told(1, gap=1.0), told(2, dipole=3.0), told(3, replicate=True, gap=1.2)])
    assert [(r.number, dict(r.cells)) for r in now.readings] == [
        (1, {"gap": Cell(1.0), "dipole": Cell(3.0)}), (3, {"gap": Cell(1.2)}),
    ]  # fmt: skip
    assert now.cells == {"gap": (Cell(1.0), Cell(1.2)), "dipole": (Cell(3.0),)}


def test_a_correction_replaces_one_value_and_keeps_its_sd_unless_told_otherwise():
    first = told(1, gap=39.8, sds={"gap": 0.1})
    again = told(2, replicate=True, gap=4.0)
    now = stand([first, again, corrected({"gap": 1}, gap=3.98)])
    assert now.cells["gap"] == (Cell(3.98, 0.1, 1), Cell(4.0))
    now = stand([first, corrected({"gap": 1}, gap=3.98, sds={"gap": 0.2})])
    assert now.cells["gap"] == (Cell(3.98, 0.2, 1),)
    assert (now.corrections, now.notes) == (1, ("slip",))


@pytest.mark.parametrize(
    ("events", "state", "values"),
    [
        ([], "pending", {}),
        ([told(1, gap=1.0)], "told", {"gap": 1.0}),
        ([FAILED], "failed", {}),
        ([FAILED, told(1, gap=1.0)], "told", {"gap": 1.0}),
        ([told(1, gap=1.0), FAILED], "failed", {}),
        ([FAILED, RETRIED], "pending", {}),
        ([told(1, gap=1.0), withdrawn(gap=[1])], "withdrawn", {}),
        ([told(1, gap=1.0, d=2.0), withdrawn(gap=[1])], "told", {"d": 2.0}),
        ([told(1, gap=1.0), withdrawn(gap=[1]), RETRIED], "pending", {}),
        ([told(1, gap=1.0), withdrawn(gap=[1]), told(3, gap=2.0)], "told", {"gap": 2.0}),
        ([FAILED, withdrawn()], "withdrawn", {}),
        ([EventRow("of a later version", "C"), told(1, gap=1.0)], "told", {"gap": 1.0}),
    ],
)
def test_states(events, state, values):
    now = stand(events)
    assert now.state == state
    assert {name: cells[0].value for name, cells in now.cells.items()} == values


def test_what_was_tried_before_is_remembered():
    """A reason that no longer stands is a remark: the next attempt may meet it again."""
    failed = EventRow(Kind.FAILED, "C", {}, "bottle empty", number=1)
    again = EventRow(Kind.RETRIED, "C", {}, "a new bottle", number=2)
    assert stand([failed]).notes == ()
    assert stand([failed, again]).notes == ("failed before: bottle empty", "a new bottle")
    now = stand([failed, again, told(3, gap=2.0)])
    assert now.notes == ("failed before: bottle empty", "a new bottle")
    assert now.failure is None
    other = EventRow(Kind.FAILED, "C", {}, "spilt", number=3)
    assert "failed before: bottle empty" in stand([failed, again, other]).notes
    assert stand([failed, again, other]).failure == "spilt"


def test_costs_of_all_attempts_add_up():
    assert stand([FAILED, RETRIED, told(1, gap=1.0, cost_s=3.0)]).cost_s == 5.0
    assert stand([told(1, gap=1.0)]).cost_s is None


def test_rows_of_the_start_table_can_be_corrected_and_taken_back():
    table = PropertyTable(
        ("C", "N", "C"), "id", (Property("gap"),), [[1.0], [2.0], [30.0]], [[0.1], [np.nan], [0.3]]
    )
    start = start_readings(table)
    assert [r.number for r in start["C"]] == [-1, -3]
    now = stand([corrected({"gap": -3}, gap=3.0)], start["C"])
    assert now.cells["gap"] == (Cell(1.0, 0.1), Cell(3.0, 0.3, 1))
    now = stand([withdrawn(gap=[-1, -3])], start["C"])
    assert (now.state, len(now.readings)) == ("withdrawn", 2)


def test_replicates_in_numbers():
    cells = (Cell(1.0, 0.3), Cell(2.0, 0.4), Cell(3.0, 1.2))
    assert summary(cells, None) == Summary(2.0, pytest.approx(1.3 / 3), 3, 1.0)
    state = Property("state", categories=("solid", "liquid"))
    assert summary([Cell(1.0), Cell(0.0), Cell(1.0)], state).value == 1.0
    assert np.isnan(summary([Cell(1.0), Cell(2.0, 0.1)], None).sd)
    assert summary([], None).replicates == 0
