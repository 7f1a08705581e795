"""The sheet that a laboratory is given."""

import csv

import pytest
from openpyxl import load_workbook

from bayesmat.data.properties import Condition, Property
from bayesmat.data.rows import number_text
from bayesmat.data.table import PropertyTable
from bayesmat.errors import ArgumentError, CampaignError
from bayesmat.explore.history import History
from bayesmat.explore.sheet import write_sheet
from bayesmat.explore.stored import EventRow, ItemRow, Kind, ProposalRow
from tests.unit.explore.fake import create

GAP, STATE = Property("gap", "eV", "log"), Property("state", categories=("gas", "solid"))
T = Condition("temperature", "K")


def item(material, temperature, notes=None, reason=None):
    said = {
        "median": {"gap": 2.345678},
        "lower": {"gap": 1.5},
        "upper": {"gap": 3.0},
        "level": 0.9,
        "row": {"material": material, "conditions": {"temperature": temperature}},
        "notes": notes or {},
        "reason": reason,
    }
    return ItemRow(f"{material}, temperature={number_text(temperature)} K", said)


def history(*events):
    start = PropertyTable(
        ("C",), "smiles", (GAP, STATE), [[7.0, 0.0]], conditions=(T,), condition_values=[[300.0]]
    )
    notes = {"price": 3.5, "note": "cheap", "gap (eV)": 9.9, "bought": None}
    items = (item("CCO", 1 / 3, notes, "It rests on C."), item("CC", 350.0), item("C#C", 350.0))
    return History(start, (), (ProposalRow(1, {}, items[:2]), ProposalRow(2, {}, items[2:])),
                   tuple(events))  # fmt: skip


HEADER = [
    "key", "material (smiles)", "@temperature [K]", "price", "pool: note", "pool: gap (eV)",
    "bought", "round", "gap median [eV]", "gap 90% lower [eV]", "gap 90% upper [eV]", "reason",
    "gap [eV]", "sd(gap) [eV]", "state {gas|solid}", "failure", "note",
]  # fmt: skip


def test_a_sheet_holds_what_is_asked_and_expected_and_cells_to_fill(tmp_path):
    told = EventRow(Kind.TOLD, "CC, temperature=350 K", {"values": {"gap": 1.0}, "sds": {}}, None,
                    {"material": "CC", "conditions": {"temperature": 350.0}}, 1)  # fmt: skip
    write_sheet(history(told), tmp_path / "s.csv")
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == HEADER
    assert rows[0] == [
        "CCO, temperature=0.333333333333 K", "CCO", repr(1 / 3), "3.5", "cheap", "9.9", "", "1",
        "2.346", "1.5", "3.0", "It rests on C.", "", "", "", "", "",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == ["C#C, temperature=350 K"]


def test_a_workbook_shows_the_structures(tmp_path):
    write_sheet(history(), tmp_path / "s.xlsx", 1)
    page = load_workbook(tmp_path / "s.xlsx").active
    assert [cell.value for cell in page[1]] == ["structure", *HEADER]
    assert page.max_row == 3
    assert [image.anchor._from.row for image in page._images] == [1, 2]
    assert page["J2"].value == 2.346
    assert page["N2"].value is None


def test_recipes_have_conditions_and_no_material(tmp_path):
    x = Condition("x", "")
    start = PropertyTable(
        None, "recipe", (Property("y"),), [[1.0]], conditions=(x,), condition_values=[[0.5]]
    )
    said = {"row": {"material": None, "conditions": {"x": 0.1}}, "level": 0.9,
            "median": {"y": 1.0}, "lower": {"y": 0.0}, "upper": {"y": 2.0}}  # fmt: skip
    past = History(start, (), (ProposalRow(1, {}, (ItemRow("x=0.1", said),)),), ())
    for name in ("s.csv", "s.xlsx"):
        write_sheet(past, tmp_path / name)
    header, row = (tmp_path / "s.csv").read_text("utf-8").splitlines()
    assert header == (
        "key,@x [1],round,y median [1],y 90% lower [1],y 90% upper [1],y [1],sd(y) [1],failure,note"
    )
    assert row == "x=0.1,0.1,1,1.0,0.0,2.0,,,,"
    assert not load_workbook(tmp_path / "s.xlsx").active._images


def test_nothing_to_ask_is_an_error(tmp_path):
    campaign = create(f"sqlite:///{tmp_path / 'c.db'}")
    with pytest.raises(CampaignError, match=r"no proposal waits.*campaign\.suggest"):
        campaign.sheet(tmp_path / "s.csv")
    with pytest.raises(CampaignError, match="there is no round 3: 0 were proposed"):
        campaign.sheet(tmp_path / "s.csv", 3)
    with pytest.raises(ArgumentError, match="at least 1"):
        campaign.sheet(tmp_path / "s.csv", 0)
    assert not (tmp_path / "s.csv").exists()
    campaign.close()
