"""Answers are stored one by one; a batch of failures is recorded before it is reported."""

import pytest
from tqdm.auto import tqdm

from bayesmat.errors import CampaignError
from bayesmat.explore.account import account_of
from bayesmat.explore.running import answer_pending
from bayesmat.explore.store import Store
from bayesmat.oracles import Evaluation
from tests.unit.explore.fake import FakeOracle, create


def answered(url, oracle):
    campaign = create(url)
    chosen = campaign.suggest(3).materials
    store = Store(url)
    with tqdm(disable=True) as bar:
        try:
            answer_pending(store, campaign._history(), oracle(chosen), None, bar, (1, 3))
        finally:
            events = {e.material: e for e in store.read().events if e.material}
            store.close()
            campaign.close()
    return chosen, events


def test_every_answer_is_stored_in_the_units_of_the_table(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    chosen, events = answered(url, lambda m: FakeOracle(broken=frozenset(m[:1])))
    assert set(events) == set(chosen)
    assert events[chosen[0]].note.startswith("SCF not converged")
    assert 0.1 < events[chosen[1]].payload["values"]["gap"] < 10.0


def test_a_batch_of_failures_is_recorded_and_reported(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    with pytest.raises(CampaignError, match="all 3 materials that waited for the oracle failed"):
        answered(url, lambda m: FakeOracle(broken=frozenset(m)))
    store = Store(url)
    assert sum(e.kind == "failed" for e in store.read().events) == 3
    store.close()


class Zero(FakeOracle):
    """Answers what the table's log scale cannot hold."""

    def one(self, material):
        return Evaluation(material, {"gap": 0.0})


class Side(FakeOracle):
    """Answers the gap, and a dipole moment that is no number."""

    def one(self, material):
        return Evaluation(material, {"gap": 2250.0, "dipole": float("nan")})


def test_a_batch_of_unusable_answers_is_recorded_and_reported(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    message = "all 3 materials .* failed, the first with .unusable"
    with pytest.raises(CampaignError, match=message):
        answered(url, lambda m: Zero())
    store = Store(url)
    assert sum(e.kind == "failed" for e in store.read().events) == 3
    store.close()


def test_a_side_value_that_is_no_number_leaves_the_measurement_and_is_said(tmp_path):
    campaign = create(f"sqlite:///{tmp_path / 'c.db'}", oracle=Side())
    status = campaign.run(1, 2, workers=0, progress=False)
    assert (status.told, status.hits, status.failed, status.left_out) == (2, 2, 0, 2)
    assert "Of 2 measured materials something could not be used" in str(status)
    frame = campaign.history()
    assert frame["gap"].tolist() == [2.25, 2.25]
    assert frame["left_out"].tolist() == ["'dipole': nan is not a finite number"] * 2
    assert frame["failure"].tolist() == [None, None]
    told = account_of(campaign).calls[0]
    assert (told.values, told.failure) == ({"gap": 2.25}, None)
    assert told.left_out == "'dipole': nan is not a finite number"
    campaign.close()
