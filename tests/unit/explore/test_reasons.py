"""Each proposal says what its prediction rests on."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat.data.properties import Condition, Property
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.errors import SurprisingValue
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import Maximize, Within
from bayesmat.explore.pool import Pool
from bayesmat.explore.reasons import reasons_for
from bayesmat.models.base import fit
from bayesmat.models.transfer import Transfer
from tests.unit.explore.fake import GAP, FakePrior, FakeRule, start_table, truth

T, SOLVENT = Condition("temperature", "K"), Condition("solvent", None, ("none", "water", "oil"))
GOALS = [Within("gap", 2.0, 2.5)]


def recipes(n: int = 8) -> PropertyTable:
    x = np.linspace(0, 1, n)
    given = np.column_stack([300 + 50 * x, np.arange(n) % 2])
    return PropertyTable(
        None, "recipe", (Property("y", "mm"),), np.sin(3 * x)[:, None], conditions=(T, SOLVENT),
        condition_values=given,
    )  # fmt: skip


def test_the_nearest_measured_rows_are_named_with_their_values():
    fitted = fit(FakePrior(), start_table(), seed=0)
    (why,) = reasons_for(fitted, fitted.predict(["m52"]), GOALS)
    first, second = why.split(" and ")[:2]
    assert first == "Nearest measured: m50 (similarity 1.00, 6.065 eV)"
    assert second.startswith("m100 (similarity ")


def test_ignorance_is_the_share_of_the_latent_variance():
    fitted = fit(FakePrior(), start_table(), seed=0)
    said = replace(
        fitted.predict(["m52", "m53"]),
        latent_sd=np.array([[1.0], [3.0]]), observation_sd=np.array([[2.0], [3.0]]),
    )  # fmt: skip
    near, far = reasons_for(fitted, said, GOALS)
    assert "25% of the variance is ignorance, the rest noise of a measurement." in near
    assert "Nearly all of the variance is ignorance, hardly any is noise of a measurement." in far


def test_groups_are_named_by_what_they_explain():
    fitted = fit(FakePrior(), start_table(), seed=0)
    shares = {"networks": torch.tensor([0.2, 0.3]), "parent": torch.tensor([0.7]),
              "fingerprints": torch.tensor([0.01])}  # fmt: skip
    fitted = replace(fitted, report=replace(fitted.report, shares={"gap": shares}))
    (why,) = reasons_for(fitted, fitted.predict(["m52"]), GOALS)
    assert "Over the table it is explained by parent (70%) and networks (20%)." in why
    assert "fingerprints" not in why


def test_conditions_are_inter_or_extrapolated():
    fitted = fit(Transfer("y"), recipes(), seed=0, explain=False)
    rows = Rows(None, [[320.0, 1], [400.0, 0], [320.0, 2]], (T, SOLVENT))
    within, beyond, new = reasons_for(fitted, fitted.predict(rows), [Maximize("y")])
    assert "Conditions: temperature and solvent lie within what was measured." in within
    assert "Conditions: temperature 400 K extrapolates beyond the measured 300 to 350 K." in beyond
    assert "Conditions: solvent oil is new." in new
    assert within.startswith("Nearest measured: temperature 321.4 K, solvent water (similarity 0.")


def test_nothing_alike_is_said():
    fitted = fit(Transfer("y"), recipes(), seed=0, explain=False)
    rows = Rows(None, [[9000.0, 1]], (T, SOLVENT))
    with pytest.warns(SurprisingValue, match="temperature 9000 K lies far outside"):
        (why,) = reasons_for(fitted, fitted.predict(rows), [Maximize("y")])
    assert why.startswith("Nothing alike was measured; the nearest are temperature ")


def test_a_batch_is_explained_in_a_fifth_of_a_second():
    known = [f"m{i}" for i in range(0, 300, 2)]
    table = PropertyTable(known, "id", (GAP,), [[truth(m)] for m in known])
    fitted = fit(FakePrior(), table, seed=0)
    predicted = fitted.predict([f"m{i}" for i in range(1, 17, 2)])
    start = time.perf_counter()
    assert len(set(reasons_for(fitted, predicted, GOALS))) == 8
    assert time.perf_counter() - start < 0.2


@pytest.fixture
def campaign(tmp_path):
    table = PropertyTable(("CCO", "CCCO"), "smiles", (GAP,), [[6.0], [3.0]])
    prior = Transfer("gap")
    found = Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", table, prior, goals=GOALS, rule=FakeRule(),
        candidates=Pool(["CCCCO", "CCCCCO", "CCN"]),
    )  # fmt: skip
    yield found
    found.close()


def test_reasons_are_stored_with_the_proposal_and_shown(campaign):
    said = campaign.suggest(2)
    assert len(said.reasons) == 2
    assert said.reasons == campaign.proposals()[0].reasons
    assert said.to_frame()["reason"].tolist() == list(said.reasons)
    html = said._repr_html_()
    assert said.reasons[0] in html
    assert html.count("<svg") == 2
    assert f"{said.rows.keys[0]}: {said.reasons[0]}" in str(said)
    assert all("Nearest measured: CC" in why for why in said.reasons)


def test_proposals_of_earlier_versions_have_no_reasons(campaign):
    said = replace(campaign.suggest(2), reasons=())
    assert "reason" not in said.to_frame()
    assert "reason" not in str(said)


def test_the_report_names_values_far_outside_of_their_predictions_and_why_they_were_asked(campaign):
    said = campaign.suggest(2)
    with pytest.warns(SurprisingValue):
        campaign.tell(said.materials[0], {"gap": 90_000.0})
    campaign.tell(said.materials[1], {"gap": 4.0})
    account = account_of(campaign)
    (far,) = account.surprises
    assert far.startswith(f"gap of {said.materials[0]}: 9e+04 eV, predicted ")
    assert account.calls[0].reason == said.reasons[0]
    assert (account.verb, account.has_oracle) == ("measured", False)
