import logging
import multiprocessing
import random
import time

import numpy as np
import pytest
from scipy.stats import norm

from bayesmat.errors import ArgumentError, CampaignError, MaterialError, ModelError
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import AtLeast, Within
from bayesmat.explore.pool import Pool
from bayesmat.reporting import page
from tests.unit.explore.fake import (
    GOALS,
    POOL,
    FakeOracle,
    FakePrior,
    FakeRule,
    create,
    reopen,
    run_in_process,
    start_table,
    tell_in_process,
    truth,
)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'campaign.db'}"


@pytest.fixture
def campaign(url):
    campaign = create(url)
    yield campaign
    campaign.close()


@pytest.fixture(scope="module")
def forkserver():
    # Processes are forked from one that has imported everything, so that ten of them are cheap.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unit.explore.fake"])
    return context


def test_a_proposal_is_what_was_stored(campaign, url):
    proposal = campaign.suggest(4)
    assert proposal.round == 1
    assert len(set(proposal.materials)) == 4
    assert not set(proposal.materials) & set(start_table().materials)
    (stored,) = reopen(url).proposals()
    assert stored.materials == proposal.materials
    for name in ("median", "lower", "upper", "latent_sd", "observation_sd"):
        ours, theirs = getattr(stored.prediction, name), getattr(proposal.prediction, name)
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(stored.probability, proposal.probability)
    assert np.all((proposal.prediction.lower < proposal.prediction.median).ravel())
    assert stored.trace.rule == "fake rule"
    assert stored.trace.notes["selection"] == {"round": 1, "target": [1.0, None, "inf"]}
    assert set(stored.trace.seconds) == {"fit", "candidates", "select"}


def test_the_stated_probability_is_that_of_the_model(campaign):
    proposal = campaign.suggest(2)
    row = proposal.prediction
    # One Gaussian in log space: median and observation sd say all.
    for i in range(2):
        centre, sd = np.log(row.median[i, 0]), row.observation_sd[i, 0]
        expected = norm.cdf((np.log(2.5) - centre) / sd) - norm.cdf((np.log(2.0) - centre) / sd)
        assert proposal.probability[i] == pytest.approx(expected, rel=1e-6)


def test_the_same_history_and_seed_give_the_same_proposal(tmp_path):
    def play(name, seed, order):
        campaign = create(f"sqlite:///{tmp_path / name}", seed=seed)
        rounds = []
        for _ in range(3):
            proposal = campaign.suggest(4)
            rounds.append(proposal.materials)
            for material in sorted(proposal.materials, reverse=order):
                campaign.tell(material, {"gap": truth(material)})
        return rounds, campaign.table()

    first, table = play("a.db", 5, False)
    second, again = play("b.db", 5, True)
    other, _ = play("c.db", 6, False)
    assert first == second
    assert first != other
    # Ordered by suggestion, though told in the opposite order.
    assert table.materials == again.materials == (*start_table().materials, *sum(first, ()))


def test_nothing_is_proposed_twice(campaign):
    seen = set(start_table().materials)
    for i in range(3):
        proposal = campaign.suggest(6)
        assert not seen & set(proposal.materials)
        seen |= set(proposal.materials)
        for j, material in enumerate(proposal.materials):
            if j % 3 == 0:
                campaign.fail(material, "spilled")
            elif j % 3 == 1 and i != 1:
                campaign.tell(material, {"gap": truth(material)})


def test_told_results_reach_the_model_and_the_table(campaign):
    material = campaign.suggest(1).materials[0]
    campaign.tell(material, {"gap": 2.25}, {"gap": 0.1}, cost_s=3.0)
    table = campaign.table()
    assert table.materials[-1] == material
    assert (table.values[-1, 0], table.stds[-1, 0]) == (2.25, 0.1)
    row = campaign.history().iloc[0]
    assert (row["state"], row["hit"], row["gap"], row["gap_sd"], row["cost_s"]) == (
        "told", True, 2.25, 0.1, 3.0,
    )  # fmt: skip
    assert row["gap_lower"] < row["gap_median"] < row["gap_upper"]
    status = campaign.status()
    assert (status.hits, status.told, status.best, status.pending) == (1, 1, material, ())
    assert "1 meets the goals" in str(status)
    assert "gap = 2.25" in str(status)


def test_units_are_converted(campaign):
    material = campaign.suggest(1).materials[0]
    campaign.tell(material, {"gap": 2250.0}, {"gap": 100.0}, units={"gap": "meV"})
    assert campaign.table().values[-1, 0] == pytest.approx(2.25)
    assert campaign.table().stds[-1, 0] == pytest.approx(0.1)


def test_what_cannot_be_read_is_not_told(campaign):
    campaign.suggest(1)
    with pytest.raises(MaterialError, match="empty"):
        campaign.tell("  ", {"gap": 1.0})
    assert campaign.status().told == 0


def test_telling_twice_is_refused_with_the_three_ways_and_the_first_value_stands(campaign):
    (material,) = campaign.suggest(1).materials
    campaign.tell(material, {"gap": 3.0})
    with pytest.raises(CampaignError, match=r"told before.*'gap': \[3\.0\].*nothing was") as error:
        campaign.tell(material, {"gap": 4.0})
    for way in ("replicate=True", "correct(", "withdraw("):
        assert way in str(error.value)
    assert campaign.history()["gap"].tolist() == [3.0]


def test_failures_are_recorded_and_visible(campaign):
    failed, pending = campaign.suggest(2).materials
    campaign.fail(failed, "  no crystals ", cost_s=60.0)
    history = campaign.history().set_index("material")
    assert history.loc[failed, ["state", "failure", "cost_s"]].tolist() == [
        "failed", "no crystals", 60.0,
    ]  # fmt: skip
    assert history.loc[pending, "state"] == "pending"
    assert campaign.table().n_rows == start_table().n_rows
    assert campaign.status().failed == 1
    assert campaign.status().pending == (pending,)
    with pytest.raises(CampaignError, match="recorded before"):
        campaign.fail(failed, "again")
    with pytest.raises(CampaignError, match="has no reason"):
        campaign.fail(pending, " ")


def test_a_run_suggests_evaluates_and_tells(url):
    campaign = create(url, oracle=FakeOracle())
    status = campaign.run(6, 6, workers=0, progress=False)
    assert (status.rounds, status.proposed, status.pending) == (6, 36, ())
    assert status.failed == 2
    assert status.hits >= 12  # of 22 in the pool of 300: the model is followed
    history = campaign.history()
    assert set(history[history.state == "failed"].material) == {"m145", "m150"}
    told = history[history.state == "told"]
    np.testing.assert_allclose(told["gap"], [truth(m) for m in told.material])  # from meV
    assert (told["dipole"] == 1.0).all()  # the oracle's other answers are kept too
    assert (told["cost_s"] == 0.5).all()
    assert campaign.run(6, 6, workers=0, progress=False) == status  # complete: nothing to do


def test_a_run_in_processes_gives_the_same_history(tmp_path):
    histories = []
    for workers in (0, 1):
        campaign = create(f"sqlite:///{tmp_path / str(workers)}.db", oracle=FakeOracle())
        campaign.run(2, 4, workers=workers, progress=False)
        histories.append(campaign.history())
    assert histories[0].equals(histories[1])


def test_an_oracle_of_a_notebook_runs_in_this_process(url, monkeypatch, caplog):
    campaign = create(url, oracle=FakeOracle())
    monkeypatch.setattr(FakeOracle, "__module__", "__main__")
    with caplog.at_level(logging.WARNING):
        campaign.run(1, 2, progress=False)
    assert "cannot import it" in caplog.text
    assert campaign.status().told == 2


def test_a_batch_that_fails_altogether_stops_the_run(url):
    everything = frozenset(POOL.materials)
    campaign = create(url, oracle=FakeOracle(broken=everything))
    with pytest.raises(CampaignError, match=r"all 3 materials.*'SCF not converged: 250 cycles'"):
        campaign.run(5, 3, workers=0, progress=False)
    assert campaign.status().failed == 3
    assert campaign.status().rounds == 1


def test_an_answer_that_cannot_be_used_is_a_failure(url, monkeypatch):
    campaign = create(url, oracle=FakeOracle(broken=frozenset()))
    odd = "tests.unit.explore.fake.truth"
    monkeypatch.setattr(odd, lambda m: -1.0 if int(m[1:]) % 2 else 2.2)
    campaign.run(1, 6, workers=0, progress=False)
    history = campaign.history()
    failed = history[history.material.str[1:].astype(int) % 2 == 1]
    assert 0 < len(failed) < 6
    assert (failed.state == "failed").all()
    assert failed.failure.str.startswith("unusable: 'gap': -1 eV is not positive").all()


@pytest.mark.slow
def test_killed_ten_times_in_mid_round_and_resumed(tmp_path, forkserver):
    url, undisturbed = (f"sqlite:///{tmp_path / name}.db" for name in ("killed", "undisturbed"))
    rounds, told, chance = 8, 0, random.Random(1)
    create(url, oracle=FakeOracle()).close()
    for _ in range(10):
        process = forkserver.Process(target=run_in_process, args=(url, rounds, 0.03))
        process.start()
        wait_for_more(url, told, process)
        time.sleep(chance.uniform(0.0, 0.1))
        process.kill()
        process.join()
        before, told = told, Campaign.open(url).status().told
        assert told >= before, "a result was lost"
    assert process.exitcode == -9, "the last process was not killed at work; nap longer"
    run_in_process(url, rounds, 0.0)
    history = Campaign.open(url).history()
    assert len(history) == 4 * rounds
    assert not history.material.duplicated().any()
    assert (history.state != "pending").all()
    # Killed or not, it is the same campaign.
    create(undisturbed, oracle=FakeOracle()).close()
    run_in_process(undisturbed, rounds, 0.0)
    assert history.equals(Campaign.open(undisturbed).history())


def wait_for_more(url, told, process):
    deadline = time.monotonic() + 60
    while process.is_alive() and time.monotonic() < deadline:
        if Campaign.open(url).status().told > told:
            return
        time.sleep(0.005)


def test_two_processes_tell_one_campaign_at_once(url, forkserver):
    materials = create(url).suggest(40).materials
    halves = (materials[:25], materials[15:])  # ten materials are told by both
    processes = [forkserver.Process(target=tell_in_process, args=(url, h)) for h in halves]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    history = Campaign.open(url).history()
    assert (history.state == "told").all()
    assert history.gap.tolist() == [truth(m) for m in materials]


def test_a_round_that_another_process_proposed_first_is_respected(url, monkeypatch):
    ours, theirs = create(url), reopen(url)
    original = ours._design
    stolen = []

    def slow(batch):
        row = original(batch)
        if not stolen:
            stolen.append(theirs.suggest(batch))
        return row

    monkeypatch.setattr(ours, "_design", slow)
    proposal = ours.suggest(4)
    assert (stolen[0].round, proposal.round) == (1, 2)
    assert not set(stolen[0].materials) & set(proposal.materials)


def test_another_prior_is_refused(url):
    create(url).close()
    with pytest.raises(CampaignError, match=r"has the prior 'fake prior 1'.*prior 2'"):
        Campaign.open(url, prior=FakePrior("2"), candidates=POOL, rule=FakeRule())


def test_other_oracles_and_candidates_are_refused_and_another_rule_is_allowed(url):
    create(url, oracle=FakeOracle()).close()
    with pytest.raises(CampaignError, match=r"oracle 'fake oracle'.*'other'.*not the same"):
        Campaign.open(url, oracle=FakeOracle(digest="other"))
    prior = FakePrior()
    with pytest.raises(CampaignError, match="opened with the default candidates"):
        Campaign.open(url, prior=prior, rule=FakeRule())
    with pytest.raises(CampaignError, match=r"opened with the candidates '\w+'"):
        Campaign.open(url, prior=prior, candidates=Pool(("m9",)), rule=FakeRule())
    with pytest.raises(CampaignError, match="has the rule 'fake rule'"):
        Campaign.open(url, prior=prior, candidates=POOL)
    other = Campaign.open(url, prior=prior, candidates=POOL, rule=FakeRule("new rule"))
    assert other.suggest(1).trace.rule == "new rule"


def test_opened_without_its_prior_it_can_be_told_but_not_asked(url):
    (material,) = create(url).suggest(1).materials
    campaign = Campaign.open(url)
    campaign.tell(material, {"gap": 2.0})
    assert campaign.status().told == 1
    assert campaign.goals == GOALS
    with pytest.raises(CampaignError, match="without its prior"):
        campaign.suggest(1)


def test_one_database_holds_one_campaign(url):
    create(url).close()
    with pytest.raises(CampaignError, match="already holds a campaign"):
        create(url)


def test_there_must_be_a_campaign_to_open(url, tmp_path):
    with pytest.raises(CampaignError, match="no campaign at sqlite"):
        Campaign.open(url)
    assert not list(tmp_path.iterdir()), "looking for a campaign made a file"


def test_a_campaign_that_could_not_run_is_not_created(url, tmp_path):
    prior, table = FakePrior(), start_table()
    with pytest.raises(CampaignError, match="without goals"):
        Campaign.create(url, table, prior, goals=[])
    with pytest.raises(ModelError, match="'Gap'"):
        Campaign.create(url, table, prior, goals=[AtLeast("Gap", 1.0)])
    with pytest.raises(ModelError, match="leave no value"):
        Campaign.create(url, table, prior, goals=[AtLeast("gap", 3.0), Within("gap", 1.0, 2.0)])
    for seed in (-1, 2**63):
        with pytest.raises(
            ArgumentError, match=rf"seed is {seed}: .* at least 0 and below 2\*\*63"
        ):
            Campaign.create(url, table, prior, goals=GOALS, seed=seed)
    with pytest.raises(CampaignError, match=r"the table lacks \['Tb'\]"):
        Campaign.create(url, table, FakePrior(properties=("gap", "Tb")), goals=GOALS)
    assert not list(tmp_path.iterdir())


def test_batches_and_runs_without_sense_are_refused(campaign):
    with pytest.raises(ArgumentError, match="batch is 0"):
        campaign.suggest(0)
    with pytest.raises(CampaignError, match="no oracle to run"):
        campaign.run(1)


def test_a_reason_that_no_file_can_hold_is_kept_as_far_as_it_can_be(tmp_path):
    campaign = create(f"sqlite:///{tmp_path / 'c.db'}")
    material = campaign.suggest(1).materials[0]
    campaign.fail(material, "bad \udcff")
    assert campaign.history().failure.tolist() == ["bad \\udcff"]
    assert "bad \\udcff" in page(account_of(campaign))
    campaign.close()
