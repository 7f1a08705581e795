"""The page of a checkup holds everything it shows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesmat as bm
from bayesmat import plots
from bayesmat.checkup import Checkup
from bayesmat.errors import CampaignError, SurprisingValue
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


def test_a_campaign_is_examined_and_a_mistyped_result_is_found(tmp_path: Path) -> None:
    chains = [f"{'C' * n}{end}" for n in range(1, 16) for end in ("", "O", "N")]
    boiling = {m: 200.0 + 14.0 * len(m) + 60.0 * (m[-1] == "O") + len(m) % 3 for m in chains}
    start = [m for i, m in enumerate(chains) if i % 3 != 1 or i > 36]
    rows = {"smiles": start, "Tb": [boiling[m] for m in start]}
    table = bm.from_frame(pd.DataFrame(rows), material="smiles", properties={"Tb": "K"})
    url = f"sqlite:///{tmp_path / 'c.db'}"
    pool = bm.Pool(chains)
    campaign = bm.Campaign.create(
        url, table, bm.Transfer("Tb"), goals=[bm.AtLeast("Tb", 450.0)], candidates=pool
    )
    one, two, _ = campaign.suggest(3).materials
    assert bm.doctor(campaign).about("surprise")[0].verdict == "unknown"
    campaign.tell(one, {"Tb": boiling[one]})
    assert bm.doctor(campaign).about("surprise")[0].verdict == "fine"
    with pytest.warns(SurprisingValue, match="10 times too large"):
        campaign.tell(two, {"Tb": 10 * boiling[two]})
    checkup = bm.doctor(campaign)
    (surprise,) = checkup.about("surprise")
    assert (surprise.verdict, surprise.materials) == ("bad", (two,))
    assert checkup.fitted.table.n_rows == len(start) + 2
    campaign.correct(two, {"Tb": boiling[two]}, reason="a digit too much")
    assert bm.doctor(campaign).about("surprise")[0].verdict == "fine"
    campaign.close()
    with pytest.raises(CampaignError, match="opened without its prior"):
        bm.doctor(bm.Campaign.open(url))
