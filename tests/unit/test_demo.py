"""The demonstration at smoke size: real molecules, real xTB, a report, and a resume."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bayesmat import demo
from bayesmat.data.datasets import chemicals_table
from bayesmat.features.molecule import CheapDescriptors
from bayesmat.sources import zoo
from bayesmat.sources.training import Schedule


@pytest.fixture
def small_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two networks trained for two epochs on part of the real table."""
    table = chemicals_table(progress=False)
    part = table.subset(range(0, table.n_rows, 20))
    ensemble = zoo.train(
        part, [zoo.Family("cheap", (CheapDescriptors(),), 2)], seed=0, schedule=Schedule(2)
    )
    monkeypatch.setattr(demo.zoo, "load", lambda name: ensemble)


def test_the_start_is_what_the_manual_says() -> None:
    table = demo.start_table()
    assert table.n_rows == 40
    assert table.properties[0].scale == "log"
    assert float(table.values.min()) > 4.0


def test_demo_runs_writes_and_resumes(tmp_path: Path, small_sources: None) -> None:
    settings = demo.Demo(tmp_path, rounds=1, batch=2, workers=0)
    story: list[str] = []
    report = demo.main(settings, story.append)
    text = report.read_text("utf-8")
    assert not re.search(r'(?:src|href)="https?://', text)
    assert "GFN1-xTB orbital gap" in text
    assert len(list(tmp_path.glob("*.png"))) == 6
    assert any("the probability that the networks help" in line for line in story)
    again: list[str] = []
    demo.main(settings, again.append)
    told = [line for line in story if "proposals have been computed" in line]
    assert told == [line for line in again if "proposals have been computed" in line]
    assert len(told) == 1
