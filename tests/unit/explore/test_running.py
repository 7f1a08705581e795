"""Answers are stored one by one; a batch of failures is recorded before it is reported."""

import pytest
from tqdm.auto import tqdm

from bayesmat.errors import CampaignError
from bayesmat.explore.running import answer_pending
from bayesmat.explore.store import Store
from tests.unit.explore.fake import FakeOracle, create


def answered(url, oracle):
    campaign = create(url)
    chosen = campaign.suggest(3).materials
    store = Store(url)
    with tqdm(disable=True) as bar:
        try:
            answer_pending(store, campaign._history(), oracle(chosen), None, bar, (1, 3))
        finally:
            results = store.results()
            store.close()
            campaign.close()
    return chosen, results


def test_every_answer_is_stored_in_the_units_of_the_table(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    chosen, results = answered(url, lambda m: FakeOracle(broken=frozenset(m[:1])))
    assert set(results) == set(chosen)
    assert results[chosen[0]][0].failure.startswith("SCF not converged")
    assert 0.1 < results[chosen[1]][-1].value < 10.0


def test_a_batch_of_failures_is_recorded_and_reported(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    with pytest.raises(CampaignError, match="all 3 materials that waited for the oracle failed"):
        answered(url, lambda m: FakeOracle(broken=frozenset(m)))
    store = Store(url)
    assert len(store.results()) == 3
    store.close()
