"""What follows from filled rows, given what was told before."""

from __future__ import annotations

import pytest

from bayesmat.data.rows import Rows
from bayesmat.explore.entries import Entry, Outcome, events_of
from bayesmat.explore.standing import Cell
from bayesmat.explore.stored import About, EventRow, Kind
from tests.unit.explore.fake import start_table


def _entry(row: int, *, failure: str = "", note: str = "", **values: float) -> Entry:
    cells = {name: Cell(value) for name, value in values.items()}
    return Entry(row, Rows(("m7",)), cells, failure, note)


def _events(
    entries: list[Entry], *before: EventRow
) -> tuple[list[EventRow], Outcome, list[tuple[int, str, str]]]:
    outcome, said = Outcome(), list[tuple[int, str, str]]()
    about = About(None, before)
    found = events_of(entries, about, start_table(), lambda *words: said.append(words), outcome, [])
    return found, outcome, said


def _told(value: float) -> EventRow:
    return EventRow(Kind.TOLD, "m7", {"values": {"gap": value}, "sds": {}}, number=1)


def test_a_second_value_is_a_replicate_of_the_first() -> None:
    events, outcome, said = _events([_entry(2, gap=9.0), _entry(3, gap=9.0, note="again")])
    assert [event.payload.get("replicate", False) for event in events] == [False, True]
    assert events[1].note == "again"
    assert (outcome.told, outcome.replicated, said) == (["m7", "m7"], ["m7"], [])


@pytest.mark.parametrize(("second", "n"), [(9.0, 1), (9.5, 1), (None, 0)])
def test_a_value_that_was_told_once_is_known_once(second: float | None, n: int) -> None:
    rows = [_entry(2, gap=9.0)] + ([] if second is None else [_entry(3, gap=second)])
    events, outcome, said = _events(rows, _told(9.0))
    assert (len(events), outcome.known, said) == (n, ["m7"], [])
    assert all(event.payload["replicate"] for event in events)


def test_a_value_that_stands_beside_another_is_doubted() -> None:
    _, _, said = _events([_entry(2, gap=8.0)], _told(9.0))
    assert [(row, label) for row, label, _ in said] == [(2, "gap [eV]")]
    assert "told before as [9.0]" in said[0][2]


def test_an_outcome_can_be_forgotten() -> None:
    """What a transaction that is tried again said before does not count twice."""
    outcome = Outcome(told=["m7"])
    outcome.clear()
    assert outcome == Outcome()


def test_a_second_row_with_the_sd_of_another_measurement_finds_its_own() -> None:
    """Rows that agree in the sd find theirs first, whatever their order."""
    before = [
        EventRow(Kind.TOLD, "m7", {"values": {"gap": 9.0}, "sds": {"gap": 0.1}}, number=1),
        EventRow(Kind.TOLD, "m7", {"values": {"gap": 9.0}, "sds": {}, "replicate": True}, number=2),
    ]
    changed = Entry(2, Rows(("m7",)), {"gap": Cell(9.0, 0.3)}, "", "")
    same = Entry(3, Rows(("m7",)), {"gap": Cell(9.0, 0.1)}, "", "")
    _, _, said = _events([changed, same], *before)
    assert [(row, label) for row, label, _ in said] == [(2, "sd(gap) [eV]")]
    assert said[0][2].endswith("sds={'gap': 0.3}, reason=...), with replicate=2")
    events, outcome, said = _events([same, _entry(3, gap=9.0)], *before)
    assert (events, outcome.known, said) == ([], ["m7"], [])


def test_the_sd_of_a_value_that_was_taken_back_is_passed_over_with_it() -> None:
    gone = EventRow(Kind.WITHDRAWN, "m7", {"of": {"gap": [1]}}, "wet", number=2)
    entry = Entry(2, Rows(("m7",)), {"gap": Cell(9.0, 0.3)}, "", "")
    events, outcome, said = _events([entry], _told(9.0), gone)
    assert (events, outcome.known, said) == ([], ["m7"], [])
