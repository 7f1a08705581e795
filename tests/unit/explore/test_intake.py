"""Reading a filled sheet back: all bad rows at once, all of it stored or nothing."""

import pandas as pd
import pytest

from bayesmat.errors import DataError, SurprisingValue
from tests.unit.explore.fake import create, truth

FILLED, SD = "gap [eV]", "sd(gap) [eV]"


@pytest.fixture(params=["s.csv", "s.xlsx"])
def sheet(request, tmp_path):
    """A campaign with four waiting proposals, its sheet, and a way to fill it."""
    campaign = create(f"sqlite:///{tmp_path / 'c.db'}")
    campaign.suggest(4)
    path = tmp_path / request.param
    campaign.sheet(path)

    class Sheet:
        frame = pd.read_csv(path, dtype=object) if path.suffix == ".csv" else pd.read_excel(
            path, dtype=object)  # fmt: skip

        def fill(self, row, **cells):
            """Row 2 is the first; a row below the last is added."""
            for label, value in cells.items():
                self.frame.loc[row - 2, {"gap": FILLED, "sd": SD}.get(label, label)] = value

        def read(self):
            if path.suffix == ".csv":
                self.frame.to_csv(path, index=False)
            else:
                self.frame.to_excel(path, index=False)
            return campaign.read_sheet(path)

    made = Sheet()
    made.campaign, made.keys = campaign, tuple(made.frame["key"])
    yield made
    campaign.close()


def test_a_sheet_is_told_and_may_be_read_again(sheet):
    first, second, third, fourth = sheet.keys
    sheet.fill(2, gap=truth(first), sd=0.1, note="clear")
    sheet.fill(3, failure="decomposed")
    sheet.fill(4, note="wait for Monday")
    read = sheet.read()
    assert (read.told, read.failed, read.noted, read.empty) == ((first,), (second,), (third,), 1)
    assert str(read) == f"1 measured, 1 failed, 1 still empty. Remarks on {third}."
    history = sheet.campaign.history().set_index("material")
    assert list(history.loc[list(sheet.keys), "state"]) == ["told", "failed", "pending", "pending"]
    assert history.loc[first, "gap_sd"] == 0.1
    assert history.loc[first, "notes"] == "clear"
    n = len(sheet.campaign.events())
    again = sheet.read()
    assert (again.told, again.failed, again.noted) == ((), (), ())
    assert again.known == (first, second)
    assert len(sheet.campaign.events()) == n
    sheet.fill(5, gap=str(truth(fourth)))
    assert sheet.read().told == (fourth,)


def test_rows_added_by_hand_are_unasked_measurements(sheet):
    sheet.fill(6, **{"material (id)": "m3", "gap": truth("m3")})
    read = sheet.read()
    assert read.unasked == read.told == ("m3",)
    assert "Not proposed, kept as unasked: m3." in str(read)
    assert sheet.read().known == ("m3",)


def test_all_bad_rows_come_together_and_nothing_is_stored(sheet):
    _, _, third, fourth = sheet.keys
    sheet.campaign.tell(third, {"gap": 2.0})
    n = len(sheet.campaign.events())
    sheet.fill(2, key="m299", gap=1.0)
    sheet.fill(3, gap="2,5", note="x")
    sheet.fill(4, gap=3.0)
    sheet.fill(5, gap=-1.0)
    sheet.fill(6, **{"material (id)": "m4", "sd": 0.1})
    sheet.fill(7, **{"material (id)": "m5", "gap": 1.0, "failure": "broke"})
    sheet.fill(8, **{"gap": 1.0})
    sheet.fill(9, **{"material (id)": "m6", "gap": 1.0})
    sheet.fill(10, **{"material (id)": "m6", "failure": "broke"})
    sheet.fill(11, key=fourth, **{"material (id)": "m7"})
    with pytest.raises(DataError, match=r"cells of .* and nothing was stored") as caught:
        sheet.read()
    said = [(c.row, c.column, c.reason) for c in caught.value.cells]
    expected = [
        (2, "key", "no row of this campaign: the cell was changed"),
        (3, FILLED, "write a decimal point"),
        (4, FILLED, "told before as [2.0]: correct that"),
        (5, FILLED, "not positive, and the scale is log"),
        (6, SD, "no value beside it: write both, or neither"),
        (7, "failure", "the row has values, too"),
        (8, "key", "empty"),
        (9, "key", "m6 stands in 2 filled rows, and one says that it failed"),
        (10, "key", "m6 stands in 2 filled rows, and one says that it failed"),
        (11, "key", "the row says 'm7', its key another"),
    ]
    assert {(row, column) for row, column, _ in said} == {(r, c) for r, c, _ in expected}
    for row, column, words in expected:
        assert any(words in why for r, c, why in said if (r, c) == (row, column)), (row, said)
    assert len(sheet.campaign.events()) == n


def test_values_with_a_unit_are_converted_and_words_are_told_where_they_belong(sheet):
    sheet.fill(2, gap="2100 meV", sd="100 meV")
    sheet.fill(3, gap="failed: bottle broken")
    sheet.fill(4, gap="0.70 cP")
    with pytest.raises(DataError) as caught:
        sheet.read()
    said = {cell.row: (cell.column, cell.reason) for cell in caught.value.cells}
    assert said[3] == (
        FILLED,
        "not a number in eV: why something failed is written in the column 'failure', remarks in "
        "'note'",
    )
    assert said[4] == (FILLED, "in cP, which does not measure the same as eV")
    sheet.fill(3, gap=None)
    sheet.fill(4, gap=None)
    read = sheet.read()
    table = sheet.campaign.table()
    assert (table.values[-1, 0], table.stds[-1, 0]) == (2.1, 0.1)
    assert "gap [eV] of row 2: 2100 meV is 2.1 eV" in str(read)


def test_a_value_beyond_its_prediction_is_stored_and_said(sheet):
    sheet.fill(2, gap=2000.0)
    with pytest.warns(SurprisingValue, match="2000"):
        read = sheet.read()
    assert read.told == (sheet.keys[0],)
    assert "2000" in read.remarks[0]


def test_a_corrected_value_does_not_come_back(sheet):
    key = sheet.keys[0]
    sheet.fill(2, gap=2.1)
    sheet.read()
    sheet.campaign.correct(key, {"gap": 2.2}, reason="mistyped")
    assert sheet.read().known == (key,)
    assert sheet.campaign.history().set_index("material").loc[key, "gap"] == 2.2


def test_an_sd_that_is_added_or_changed_later_is_refused_with_the_other_bad_rows(sheet):
    first, second, _, fourth = sheet.keys
    sheet.fill(2, gap=2.1)
    sheet.fill(3, gap=2.2, sd=0.1)
    sheet.read()
    n = len(sheet.campaign.events())
    sheet.fill(2, sd=0.1)
    sheet.fill(3, sd=0.2)
    sheet.fill(4, gap="high", sd=0.1)
    sheet.fill(5, sd=0.1)
    with pytest.raises(DataError) as caught:
        sheet.read()
    said = {(c.row, c.column): c.reason for c in caught.value.cells}
    assert set(said) == {(2, SD), (3, SD), (4, FILLED), (5, SD)}
    assert said[2, SD] == (
        "the value was told before, with no sd, and a sheet does not change what was told: correct "
        f"it, campaign.correct('{first}', {{'gap': 2.1}}, sds={{'gap': 0.1}}, reason=...)"
    )
    assert "with sd 0.1, and" in said[3, SD]
    assert said[5, SD] == "no value beside it: write both, or neither"
    assert len(sheet.campaign.events()) == n
    sheet.campaign.correct(first, {"gap": 2.1}, {"gap": 0.1}, reason="the sd was forgotten")
    sheet.campaign.correct(second, {"gap": 2.3}, {"gap": 0.2}, reason="misread")
    sheet.fill(4, gap=None, sd=None)
    sheet.fill(5, gap=2.4)
    read = sheet.read()
    assert (read.known, read.told) == ((first, second), (fourth,))
    sheet.fill(2, sd=None)  # an sd that is left out takes nothing back
    assert sheet.read().known == (first, second, fourth)
    assert sheet.campaign.history().set_index("material").loc[first, "gap_sd"] == 0.1


@pytest.mark.parametrize("word", ["n/a", "NA", "None", "no", " - ", False, "  "])
def test_words_for_nothing_are_no_remark_and_but_for_a_dash_no_failure(sheet, word):
    sheet.fill(2, gap=2.1, note=word)
    sheet.fill(3, note=word)
    if word != " - ":
        sheet.fill(4, failure=word)
        sheet.fill(5, gap=2.2, failure=word)
    read = sheet.read()
    assert (read.failed, read.noted) == ((), ())
    assert len(read.told) == (1 if word == " - " else 2)
    assert sheet.campaign.history()["notes"].isna().all()


def test_marks_for_a_failure_ask_for_words(sheet):
    for row, mark in enumerate(("-", "x", "?", True), start=2):
        sheet.fill(row, failure=mark)
    sheet.fill(3, gap=2.1)
    with pytest.raises(DataError) as caught:
        sheet.read()
    assert [(c.row, c.column) for c in caught.value.cells] == [(r, "failure") for r in (2, 3, 4, 5)]
    assert {c.reason for c in caught.value.cells} == {
        "a mark, which may mean anything: write in words why it failed, such as 'decomposed', or "
        "leave the cell empty where it did not fail"
    }
    for row in (2, 3, 4, 5):
        sheet.fill(row, gap=None, failure="too dark")
    assert len(sheet.read().failed) == 4


def test_a_mark_that_was_stored_as_a_failure_before_is_passed_over(sheet):
    sheet.campaign.fail(sheet.keys[0], "x")
    sheet.fill(2, failure="x")
    assert sheet.read().known == (sheet.keys[0],)


def test_rows_of_one_material_are_replicates(sheet):
    first, second, *_ = sheet.keys
    sheet.fill(2, gap=2.0)
    sheet.fill(6, **{"material (id)": first, "gap": 2.1, "sd": 0.1})
    sheet.fill(7, key=first, gap=2.0)
    sheet.fill(8, key=second, note="wait")
    read = sheet.read()
    assert (read.told, read.replicated, read.empty) == ((first,), (first,), 2)
    assert f"In several rows, kept as replicates: {first}." in str(read)
    standing = sheet.campaign.history().set_index("material").loc[first]
    assert (standing["replicates"], standing["gap"]) == (3, pytest.approx(6.1 / 3))
    n = len(sheet.campaign.events())
    again = sheet.read()
    assert (again.told, again.known, again.replicated) == ((), (first,), ())
    assert len(sheet.campaign.events()) == n
    sheet.fill(9, key=first, gap=2.2)  # beside what the sheet said before
    assert sheet.read().replicated == (first,)
    assert sheet.campaign.history().set_index("material").loc[first, "replicates"] == 4


def test_rows_of_one_material_that_contradict_what_was_told_are_refused(sheet):
    first = sheet.keys[0]
    sheet.campaign.tell(first, {"gap": 3.0})
    sheet.fill(2, gap=2.0)
    sheet.fill(6, key=first, gap=2.1)
    with pytest.raises(DataError) as caught:
        sheet.read()
    assert [c.row for c in caught.value.cells] == [2, 6]
    assert all("told before as [3.0]: correct that" in c.reason for c in caught.value.cells)


def test_an_old_sheet_does_not_fail_again_what_was_tried_again(sheet):
    first, second, third, _ = sheet.keys
    for row in (2, 3, 4):
        sheet.fill(row, failure="bottle empty")
    assert sheet.read().failed == (first, second, third)
    sheet.campaign.retry([first, second])
    sheet.campaign.tell(second, {"gap": 2.0})
    sheet.campaign.withdraw(third, reason="it was the other bottle")
    n = len(sheet.campaign.events())
    read = sheet.read()
    assert (read.failed, read.known) == ((), ())
    assert read.superseded == (first, second, third)
    assert (
        f"Failed in these words before, and passed over: {first}, {second}, {third}. What failed "
        "once more needs other words."
    ) in str(read)
    assert len(sheet.campaign.events()) == n
    sheet.fill(2, failure="bottle empty again")
    assert sheet.read().failed == (first,)


def test_failures_do_not_overrule_what_is_known(sheet):
    first, second, *_ = sheet.keys
    sheet.campaign.tell(first, {"gap": 2.0})
    sheet.campaign.fail(second, "broke")
    sheet.fill(2, failure="decomposed")
    sheet.fill(3, failure="decomposed")
    with pytest.raises(DataError) as caught:
        sheet.read()
    assert [c.reason for c in caught.value.cells] == [
        "it has values: campaign.withdraw them first",
        "failed before ('broke'): campaign.retry first",
    ]


def test_units_of_the_headings_are_converted(sheet):
    sheet.frame = sheet.frame.rename(columns={FILLED: "gap [meV]", "sd(gap) [eV]": "sd(gap) [meV]"})
    sheet.frame.loc[0, ["gap [meV]", "sd(gap) [meV]"]] = [2100.0, 100.0]
    sheet.read()
    found = sheet.campaign.history().set_index("material").loc[sheet.keys[0]]
    assert (found["gap"], found["gap_sd"]) == (pytest.approx(2.1), pytest.approx(0.1))


def test_another_file_is_no_sheet_and_other_columns_are_named(sheet):
    sheet.frame["colour"] = "red"
    read = sheet.read()
    assert (read.ignored, read.lacking) == (("colour",), ())
    renamed = sheet.frame
    sheet.frame = renamed.rename(columns={FILLED: "energy"})
    read = sheet.read()
    assert read.lacking == (FILLED,)
    assert "['energy', 'colour']. The file lacks ['gap [eV]']: was a column renamed?" in str(read)
    sheet.frame = renamed
    sheet.frame = sheet.frame.assign(**{"gap (meV)": 1.0})
    with pytest.raises(DataError, match=r"two columns that may be 'gap \[eV\]'"):
        sheet.read()
    sheet.frame = sheet.frame[["colour"]]
    with pytest.raises(DataError, match=r"no sheet of this campaign: it lacks \['key'\]"):
        sheet.read()


def test_a_sheet_saved_with_semicolons_says_how_to_save_it(sheet, tmp_path):
    path = tmp_path / "semicolons.csv"
    sheet.frame.drop(columns="structure", errors="ignore").to_csv(path, index=False, sep=";")
    with pytest.raises(
        DataError, match=r"nothing was stored\. Its columns are divided by semi"
    ) as e:
        sheet.campaign.read_sheet(path)
    assert "Save it with commas between the columns and decimal points" in str(e.value)
    assert "as a workbook (.xlsx)" in str(e.value)
    assert "no sheet of this campaign" not in str(e.value)
