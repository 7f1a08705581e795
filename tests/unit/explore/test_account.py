"""The account of a campaign: what a report may say follows from numbers typed by hand."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import stats

import bayesmat as bm
from bayesmat.data.table import Property
from bayesmat.explore.account import Account, Call, Forecast, Target, account_of
from bayesmat.explore.records import RoundTrace
from bayesmat.inference.report import InferenceReport
from bayesmat.models.report import FitReport

GAP = Property("gap", "eV", "log")
DIPOLE = Property("dipole", "debye")


@pytest.fixture(scope="module")
def fake() -> ModuleType:
    name = "fake_campaign_parts"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("fake.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _call(value: float, *, material: str = "C", dipole: float | None = None) -> Call:
    values = {} if math.isnan(value) else {"gap": value}
    if dipole is not None:
        values["dipole"] = dipole
    forecast = Forecast.from_interval((1.5, 2.2, 3.5), GAP, value=value)
    return Call(1, material, {"gap": forecast}, values)


def test_split_normal_keeps_the_interval_and_halves_it() -> None:
    mid, sd = math.log(2.0), 0.3
    z = stats.norm.ppf(0.95)
    ends = (math.exp(mid - z * sd), 2.0, math.exp(mid + z * sd))
    forecast = Forecast.from_interval(ends, GAP, value=2.4)
    assert forecast.pit == pytest.approx(stats.norm.cdf((math.log(2.4) - mid) / sd))
    assert forecast.lower50 == pytest.approx(math.exp(mid + stats.norm.ppf(0.25) * sd))
    assert forecast.upper50 == pytest.approx(math.exp(mid + stats.norm.ppf(0.75) * sd))


@pytest.mark.parametrize(("value", "pit"), [(-1.0, 0.05), (0.0, 0.5), (4.0, 0.95)])
def test_split_normal_of_a_skewed_linear_interval(value: float, pit: float) -> None:
    forecast = Forecast.from_interval((-1.0, 0.0, 4.0), DIPOLE, value=value)
    assert forecast.pit == pytest.approx(pit)
    assert forecast.upper50 == pytest.approx(4 * stats.norm.ppf(0.75) / stats.norm.ppf(0.95))


def test_other_levels_are_brought_to_ninety() -> None:
    z = stats.norm.ppf
    forecast = Forecast.from_interval((-z(0.75), 0.0, z(0.75)), DIPOLE, level=0.5)
    assert forecast.lower == pytest.approx(z(0.05))
    assert forecast.upper50 == pytest.approx(z(0.75))
    assert math.isnan(forecast.pit)


def test_targets_speak() -> None:
    assert str(Target(GAP, 2.0, 2.5)) == "gap between 2 and 2.5 eV"
    assert str(Target(GAP, upper=2.5)) == "gap of at most 2.5 eV"
    assert str(Target(Property("flash_point", "K"), lower=300)) == "flash point of at least 300 K"
    assert str(Target(GAP)) == "extreme gap"
    assert str(Target(GAP, sign=1)) == "largest gap"


def test_hits_need_every_region_and_every_value() -> None:
    targets = (Target(GAP, 2.0, 2.5), Target(DIPOLE, upper=2.0))
    calls = (
        _call(2.2, dipole=1.0),
        _call(2.2, dipole=3.0),
        _call(2.2),
        _call(float("nan")),
        _call(2.5, dipole=2.0),
    )
    account = Account("smiles", targets, calls)
    assert account.hits.tolist() == [True, False, False, False, True]
    assert len(account.frame("gap")) == 5
    assert len(account.judged("gap")) == 4
    assert account.judged("dipole").empty


def test_best_is_nearest_to_the_middle_on_the_log_scale() -> None:
    account = Account(
        "smiles",
        (Target(GAP, 1.0, 4.0),),
        (_call(3.5, material="far"), _call(2.1, material="near"), _call(2.6, material="middle")),
    )
    assert account.best is not None
    assert account.best.material == "near"


def test_a_campaign_becomes_an_account(fake: ModuleType, tmp_path: Path) -> None:
    campaign = fake.create(f"sqlite:///{tmp_path / 'c.db'}", oracle=fake.FakeOracle())
    first = campaign.suggest(3)
    campaign.tell(first.materials[0], {"gap": 2.25})
    campaign.fail(first.materials[1], "SCF not converged: 250 cycles")
    campaign.suggest(2)
    account = account_of(campaign, base_rate=0.02, notes=("A note.",))
    assert account.targets == (Target(GAP, 2.0, 2.5),)
    assert [c.round for c in account.calls] == [1, 1, 1, 2, 2]
    assert tuple(c.material for c in account.calls[:3]) == first.materials
    told, failed, waiting = account.calls[:3]
    assert told.values == {"gap": 2.25}
    assert account.hits.tolist() == [True, False, False, False, False]
    assert failed.failure == "SCF not converged: 250 cycles"
    assert waiting.failure is None
    assert waiting.values == {}
    prediction = first.prediction
    assert told.forecasts["gap"].median == pytest.approx(float(prediction.median[0, 0]))
    assert told.forecasts["gap"].upper == pytest.approx(float(prediction.upper[0, 0]))
    assert 0 < told.forecasts["gap"].pit < 1
    assert told.probability == pytest.approx(float(first.probability[0]))
    assert account.start["gap"] == pytest.approx(fake.start_table().values[:, 0])
    assert account.stages.empty
    assert account.provenance["prior (digest)"] == "fake prior 1"
    assert account.provenance["rule"] == "fake rule"
    assert account.provenance["seed"] == "0"
    assert "torch (version)" in account.provenance
    assert account.fit_lines[0].startswith("Fitted 6 measured values")
    campaign.close()


def test_the_start_stands_as_corrected(fake: ModuleType, tmp_path: Path) -> None:
    """What was mistyped before the campaign is neither drawn nor the best of before."""
    campaign = fake.create(f"sqlite:///{tmp_path / 'c.db'}")
    campaign.correct("m0", {"gap": 9.0}, reason="digits")
    campaign.withdraw("m50", reason="wrong flask")
    campaign.tell("m7", {"gap": 9.3})
    account = account_of(campaign)
    assert account.start["gap"] == pytest.approx([9.0, *fake.start_table().values[2:, 0]])
    assert [call.material for call in account.known] == ["m100", "m200", "m290"]
    assert account.known[0].values["gap"] == pytest.approx(fake.truth("m100"))
    assert {call.material: call.round for call in account.unasked} == {"m0": -1, "m50": -1, "m7": 0}
    assert account.best is not None
    assert account.best.material == campaign.status().best
    assert campaign.corrected_start().values[0, 0] == 9.0
    campaign.close()


def test_surprises_are_those_of_the_campaign(fake: ModuleType, tmp_path: Path) -> None:
    """Each measurement is judged, not the mean of replicates."""
    campaign = fake.create(f"sqlite:///{tmp_path / 'c.db'}")
    first = campaign.suggest(1).rows.keys[0]
    with pytest.warns(bm.errors.SurprisingValue):
        campaign.tell(first, {"gap": 2300.0})
    for _ in range(9):
        campaign.tell(first, {"gap": 2.3}, replicate=True)
    account = account_of(campaign)
    assert len(campaign.surprises()) == 1
    assert account.surprises == tuple(one.said for one in campaign.surprises())
    campaign.close()


def test_an_explained_fit_replaces_the_stored_words(fake: ModuleType, tmp_path: Path) -> None:
    campaign = fake.create(f"sqlite:///{tmp_path / 'c.db'}")
    campaign.suggest(2)
    shares = {"gap": {"networks": torch.linspace(0, 1, 5)}}
    explained = FitReport(7, InferenceReport("grid", 0.1), {}, shares, None)
    account = account_of(campaign, fit_report=explained)
    assert account.fit_lines == explained.lines
    np.testing.assert_allclose(account.shares["networks"], [0, 0.25, 0.5, 0.75, 1])
    campaign.close()


def test_traces_of_earlier_versions_are_read(
    fake: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = fake.create(f"sqlite:///{tmp_path / 'c.db'}")
    campaign.suggest(2)
    own = {"rule": "r", "report": "", "candidates": "c"}
    stages = [
        {"beta": 0.4, "ess": 128.0, "acceptance": None, "unique": None},
        {"beta": 1.0, "ess": 64.0, "acceptance": 0.2, "unique": 128},
    ]
    trace = {
        "source": {"n_particles": 256, "stages": stages},
        "selection": {"temporary": {"gap": [2.5, 3.0]}},
    }
    proposals = [replace(p, trace=RoundTrace.from_json(trace | own)) for p in campaign.proposals()]
    monkeypatch.setattr(campaign, "proposals", lambda: proposals)
    account = account_of(campaign)
    assert account.temporary == {"gap": {1: (2.5, 3.0)}}
    assert account.stages["ess_fraction"].tolist() == [0.5, 0.25]
    assert math.isnan(account.stages["unique_fraction"][0])
    assert account.stages["unique_fraction"][1] == 0.5
    campaign.close()


@pytest.mark.parametrize(
    "goals",
    [
        [bm.AtLeast("gap", 2.0), bm.AtMost("gap", 4.0)],
        [bm.Within("gap", 2.0, 4.0)],
        [bm.AtMost("gap", 2.9)],
        [bm.Minimize("gap")],
        [bm.Maximize("gap")],
    ],
)
def test_report_and_status_name_the_same_best_material(
    fake: ModuleType, tmp_path: Path, goals: list
) -> None:
    campaign = bm.Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", fake.start_table(), fake.FakePrior(),
        goals=goals, candidates=fake.POOL, rule=fake.FakeRule(),
    )  # fmt: skip
    for material, value in zip(campaign.suggest(3).materials, (2.01, 2.8, 3.9), strict=True):
        campaign.tell(material, {"gap": value})
    best = account_of(campaign).best
    assert best is not None
    assert best.material == campaign.status().best
    campaign.close()


def test_a_property_with_the_name_of_a_column_is_told_from_it(
    fake: ModuleType, tmp_path: Path
) -> None:
    table = fake.start_table()
    values = np.column_stack([table.values, np.arange(5.0), np.arange(5.0)])
    properties = (*table.properties, Property("gap_sd", "eV"), Property("round"))
    campaign = bm.Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}",
        bm.PropertyTable(table.materials, "id", properties, values),
        fake.FakePrior(), goals=[bm.Within("gap", 2.0, 2.5)], candidates=fake.POOL,
        rule=fake.FakeRule(),
    )  # fmt: skip
    material = campaign.suggest(2).materials[0]
    campaign.tell(material, {"gap": 2.25, "gap_sd": 9.0, "round": 8.0}, {"gap": 0.5})
    call = account_of(campaign).calls[0]
    assert call.values == {"gap": 2.25, "gap_sd": 9.0, "round": 8.0}
    assert call.round == 1
    assert campaign.history()["gap_sd"][0] == 0.5
    campaign.close()
