"""The page of a checkup holds everything it shows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bayesmat as bm
from bayesmat import plots
from bayesmat.checkup import Checkup
from tests.unit.check.helpers import pair, plane


@pytest.fixture(scope="module")
def checkup() -> Checkup:
    return bm.doctor(bm.fit(pair(), plane(30), seed=0, explain=False))


def test_a_checkup_reads_as_text_and_html(checkup: Checkup) -> None:
    assert str(checkup).startswith("a, b (60 values of 30 materials):")
    assert repr(checkup) == checkup.heading
    assert checkup._repr_html_().count("<tr>") == len(checkup.findings)
    assert [f.verdict for f in checkup.findings] == sorted(
        (f.verdict for f in checkup.findings), key=["bad", "look", "unknown", "fine"].index
    )


def test_the_page_is_self_contained(checkup: Checkup, tmp_path: Path) -> None:
    path = checkup.save(tmp_path / "checkup.html")
    page = path.read_text("utf-8")
    assert "://" not in page
    assert page.count("data:image/png;base64,") == 4
    assert checkup.heading in page
    for finding in checkup.findings:
        assert finding.topic in page


def test_a_seed_decides(checkup: Checkup) -> None:
    again = bm.doctor(checkup.fitted)
    assert again.findings == checkup.findings


def test_markup_in_names_is_text(checkup: Checkup) -> None:
    finding = bm.check.Finding("data", "bad", "row 1 (<b>0 0</b>)", "a & b", "do <i>this</i>")
    shown = Checkup(checkup.fitted, None, (finding,))._repr_html_()
    assert "<b>0 0" not in shown
    assert "a &amp; b" in shown
    assert "<i>this" not in shown


def test_noise_that_all_cells_state_is_not_drawn_beside_its_prior(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, drawn = plane(30), []
    stated = replace(table, stds=np.where(np.arange(2) == 0, 0.1, np.nan) + 0 * table.values)
    draw = plots.prior_posterior
    monkeypatch.setattr(
        plots, "prior_posterior", lambda a, b, log: drawn.extend(a) or draw(a, b, log=log)
    )
    bm.doctor(bm.fit(pair(), stated, seed=0, explain=False)).save(tmp_path / "checkup.html")
    assert "b: noise" in drawn
    assert "a: noise" not in drawn
