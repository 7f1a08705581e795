"""Sheets with conditions, classes and columns of the pool."""

import warnings

import pandas as pd
import pytest

from bayesmat.data.properties import Condition, Property
from bayesmat.data.table import PropertyTable
from bayesmat.errors import DataError
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import Within
from bayesmat.explore.pool import Pool
from tests.unit.explore.fake import GAP, FakePrior, FakeRule, truth

FILLED = "gap [eV]"
STATE = Property("state", categories=("gas", "solid"))


@pytest.mark.parametrize("name", ["s.csv", "s.xlsx"])
def test_conditions_classes_and_pool_columns_go_out_and_in(tmp_path, name):
    rows = [(f"m{i}", t) for i in (0, 50, 100, 200, 290) for t in (300.0, 350.0)]
    start = PropertyTable(
        tuple(m for m, _ in rows), "id", (GAP, STATE), [[truth(m), 0] for m, _ in rows],
        conditions=(Condition("temperature", "K"),), condition_values=[[t] for _, t in rows],
    )  # fmt: skip
    pool = Pool(["m150", "m152"], {"temperature": [300 + 1 / 3, 350]}, {"price": [3.5, None]})
    campaign = Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", start, FakePrior(), goals=[Within("gap", 2.0, 2.5)],
        candidates=pool, rule=FakeRule(),
    )  # fmt: skip
    campaign.suggest(2)
    path = tmp_path / name
    campaign.sheet(path)
    frame = pd.read_csv(path, dtype=object) if name.endswith("csv") else pd.read_excel(path)
    frame = frame.set_index("key")
    key = next(k for k in frame.index if k.startswith("m150"))
    assert float(frame.loc[key, "price"]) == 3.5
    frame["state {gas|solid}"] = frame["state {gas|solid}"].astype(object)
    frame.loc[key, ["gap [eV]", "state {gas|solid}"]] = [2.2, "solid"]
    new = {"material (id)": "m7", "@temperature [K]": 310, "gap [eV]": 9.0}
    frame = pd.concat([frame.reset_index(), pd.DataFrame([new])])
    write = frame.to_csv if name.endswith("csv") else frame.to_excel
    write(path, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = campaign.read_sheet(path)
    assert read.told == (key, "m7, temperature=310 K")
    measured = campaign.table()
    assert measured.values[-2:, 0].tolist() == [2.2, 9.0]
    assert measured.condition_values[-2:, 0].tolist() == [300 + 1 / 3, 310.0]
    assert measured.values[-2, 1] == 1
    frame = frame.astype(object)
    write = frame.to_csv if name.endswith("csv") else frame.to_excel
    frame.loc[frame["material (id)"] == "m7", "@temperature [K]"] = None
    write(path, index=False)
    with pytest.raises(DataError, match="the condition is missing") as caught:
        campaign.read_sheet(path)
    assert [cell.column for cell in caught.value.cells] == ["@temperature [K]"]
    frame.loc[frame["material (id)"] == "m7", "@temperature [K]"] = "36.85 degC"
    frame.loc[frame["material (id)"] == "m152", "@temperature [K]"] = 351
    write(path, index=False)
    with pytest.raises(DataError, match="one of them was changed"):
        campaign.read_sheet(path)
    campaign.close()


@pytest.mark.parametrize("name", ["s.csv", "s.xlsx"])
def test_classes_are_read_by_name_and_a_bad_one_is_told_with_those_that_exist(tmp_path, name):
    wet = Property("wet", categories=("true", "false"))
    start = PropertyTable(("m0", "m290"), "id", (GAP, STATE, wet), [[10, 0, 0], [0.5, 1, 1]])
    campaign = Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", start, FakePrior(), goals=[Within("gap", 2.0, 2.5)],
        candidates=Pool([f"m{i}" for i in range(150, 154)]), rule=FakeRule(),
    )  # fmt: skip
    campaign.suggest(4)
    path, label, other = tmp_path / name, "state {gas|solid}", "wet {true|false}"
    campaign.sheet(path)
    frame = pd.read_csv(path) if name.endswith("csv") else pd.read_excel(path)
    frame = frame.astype(object)
    write = frame.to_csv if name.endswith("csv") else frame.to_excel
    frame[label] = ["liquid", 1, " solid ", "n/a"]
    frame[other] = ["maybe", True, False, None]
    frame[FILLED] = [None, None, " 2.1 ", "2.2"]
    write(path, index=False)
    with pytest.raises(DataError) as caught:
        campaign.read_sheet(path)
    assert [(c.row, c.column, c.value, c.reason) for c in caught.value.cells] == [
        (2, label, "liquid", "'liquid' is none of the classes ['gas', 'solid']"),
        (2, other, "maybe", "'maybe' is none of the classes ['true', 'false']"),
        (3, label, "1", "'1' is none of the classes ['gas', 'solid']"),
    ]
    frame[label] = [None, None, " solid ", "n/a"]
    frame.loc[0, other] = None
    write(path, index=False)
    assert len(campaign.read_sheet(path).told) == 3
    frame.loc[2, label] = "gas"
    write(path, index=False)
    with pytest.raises(DataError, match=r"told before as \['solid'\]: correct that"):
        campaign.read_sheet(path)
    campaign.close()
