"""A campaign goes on under other parts: recorded, nothing lost, nothing proposed again."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import bayesmat as bm
from bayesmat import _version
from bayesmat.errors import ArgumentError, BayesmatError, CampaignError, DesignError
from bayesmat.explore import rounds
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.pool import Pool
from bayesmat.features import base
from bayesmat.reporting import page
from tests.unit.explore.fake import (
    GOALS,
    POOL,
    FakeOracle,
    FakePrior,
    FakeRule,
    create,
    reopen,
    start_table,
    truth,
)

PARTS = {"candidates": POOL, "rule": FakeRule()}
VERSION_1 = Path(__file__).parents[2] / "data" / "campaign_v1.sql"
CHAINS = ["C" * n for n in range(1, 13)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'campaign.db'}"


@pytest.fixture
def played(url: str) -> tuple[str, str, str]:
    """A campaign with one told, one failed and one pending material."""
    campaign = create(url)
    told, failed, pending = campaign.suggest(3).materials
    campaign.tell(told, {"gap": truth(told)})
    campaign.fail(failed, "spilt")
    campaign.close()
    return told, failed, pending


def carry(url: str, version: str = "2") -> Campaign:
    return Campaign.carry_over(
        url, prior=FakePrior(version), reason="R. Dear: rdkit moved", **PARTS
    )


def chains(url: str) -> Campaign:
    rows = {"smiles": CHAINS[:5], "gap": [9.0, 8.0, 7.5, 7.2, 7.0]}
    table = bm.from_frame(pd.DataFrame(rows), material="smiles", properties={"gap": "eV"})
    goals, pool = [bm.Within("gap", 5.0, 6.0)], Pool(CHAINS)
    return Campaign.create(url, table, bm.Transfer("gap"), goals=goals, candidates=pool)


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch):
    """Pretend that another release of every library is installed."""

    def to(number: str) -> None:
        for module in (base, _version):
            monkeypatch.setattr(module, "version", lambda name: number)
        base.versioned.cache_clear()

    yield to
    base.versioned.cache_clear()


def test_a_release_that_leaves_the_numbers_alone_is_no_change(url, release):
    chains(url).close()
    release("2099.1")
    campaign = Campaign.open(url, prior=bm.Transfer("gap"), candidates=Pool(CHAINS))
    assert len(campaign.suggest(2).materials) == 2
    campaign.close()


def test_a_release_that_changes_the_numbers_is_refused_and_the_door_is_named(
    url, release, monkeypatch
):
    chains(url).close()
    release("2099.2")
    compute = bm.ECFP.__call__
    monkeypatch.setattr(bm.ECFP, "__call__", lambda self, materials: compute(self, materials) + 1)
    for door in (r"Campaign\.carry_over", "campaign carry-over", r"rdkit was .*, is 2099\.2"):
        with pytest.raises(CampaignError, match=door):
            Campaign.open(url, prior=bm.Transfer("gap"), candidates=Pool(CHAINS))


def test_nothing_known_is_proposed_again(url, played):
    told, failed, pending = played
    with pytest.raises(CampaignError, match=r"Campaign\.carry_over"):
        Campaign.open(url, prior=FakePrior("2"), **PARTS)
    campaign = carry(url)
    assert campaign.status().pending == (pending,)
    proposal = campaign.suggest(20)
    assert not {told, failed, pending, *start_table().materials} & set(proposal.materials)
    assert campaign.table().materials[-1] == told
    assert proposal.trace.n_pending == 1
    campaign.close()
    again = Campaign.open(url, prior=FakePrior("2"), **PARTS)
    again.tell(pending, {"gap": truth(pending)})
    assert again.status().told == 2
    again.close()
    with pytest.raises(CampaignError, match="'fake prior 2'"):
        reopen(url)


def test_history_and_report_say_what_changed(url, played):
    campaign = carry(url)
    campaign.suggest(2)
    assert campaign.history()["model"].tolist() == [1, 1, 1, 2, 2]
    (change,) = campaign.carry_overs()
    assert (change.after_round, change.reason) == (1, "R. Dear: rdkit moved")
    assert change.changed == {"prior": ("fake prior 1", "fake prior 2")}
    words = page(account_of(campaign))
    assert "Carried over after round 1" in words
    assert "Rounds before and after were made under different models" in words
    assert "fake prior 2" in account_of(campaign).provenance["prior (digest)"]
    campaign.close()


def test_oracle_candidates_and_rule_are_carried_too(url):
    create(url, oracle=FakeOracle()).close()
    other = FakeOracle(digest="other oracle")
    pool = Pool(POOL.materials[:50])
    with pytest.raises(CampaignError, match=r"Campaign\.carry_over"):
        Campaign.open(url, prior=FakePrior(), oracle=other, **PARTS)
    with pytest.raises(CampaignError, match="the rule 'fake rule': give it again"):
        Campaign.carry_over(url, prior=FakePrior(), reason="x", candidates=pool)
    Campaign.carry_over(
        url, prior=FakePrior(), oracle=other, candidates=pool, rule=FakeRule(), reason="x"
    ).close()
    campaign = Campaign.open(url, prior=FakePrior(), oracle=other, candidates=pool, rule=FakeRule())
    assert campaign.carry_overs()[0].changed["oracle"] == ("fake oracle", "other oracle")
    assert "different oracles and candidates" in str(campaign.carry_overs()[0])
    assert campaign.run(1, 3, workers=0, progress=False).rounds == 1
    campaign.close()


@pytest.mark.parametrize(
    ("part", "now"),
    [("candidates", Pool(POOL.materials[:50])), ("rule", FakeRule("other rule"))],
    ids=["candidates", "rule"],
)
def test_one_part_alone_is_recorded_and_then_in_force(url, part, now):
    create(url).close()
    parts = PARTS | {part: now}
    Campaign.carry_over(url, prior=FakePrior(), reason="x", **parts).close()
    campaign = Campaign.open(url, prior=FakePrior(), **parts)
    (change,) = campaign.carry_overs()
    assert set(change.changed) == {part}
    campaign.close()


def test_the_last_carry_over_is_in_force(url):
    create(url).close()
    for version, size in (("2", 50), ("3", 60)):
        pool = Pool(POOL.materials[:size])
        Campaign.carry_over(
            url, prior=FakePrior(version), reason=version, candidates=pool, rule=FakeRule()
        ).close()
    campaign = Campaign.open(url, prior=FakePrior("3"), candidates=pool, rule=FakeRule())
    assert [change.reason for change in campaign.carry_overs()] == ["2", "3"]
    assert campaign.carry_overs()[1].changed["prior"] == ("fake prior 2", "fake prior 3")
    campaign.close()
    former = {"candidates": Pool(POOL.materials[:50]), "rule": FakeRule()}
    with pytest.raises(CampaignError, match="'fake prior 3'"):
        Campaign.open(url, prior=FakePrior("2"), **former)
    with pytest.raises(CampaignError, match="Give the same candidate source"):
        Campaign.open(url, prior=FakePrior("3"), **former)


def test_candidates_must_be_named_again(url):
    chains(url).close()
    with pytest.raises(CampaignError, match="give them again, or the ones to go on with"):
        Campaign.carry_over(url, prior=bm.Transfer("gap"), reason="x")
    campaign = Campaign.open(url, prior=bm.Transfer("gap"), candidates=Pool(CHAINS))
    assert campaign.carry_overs() == ()
    campaign.close()


def test_the_same_parts_record_nothing_and_no_reason_is_no_reason(url, played):
    assert carry(url, "1").carry_overs() == ()
    with pytest.raises(CampaignError, match="say who and why"):
        Campaign.carry_over(url, prior=FakePrior("2"), reason=" ", **PARTS)
    with pytest.raises(ArgumentError, match="reason"):
        Campaign.carry_over(url, prior=FakePrior("2"), reason=None, **PARTS)
    with pytest.raises(BayesmatError, match="Tb"):
        Campaign.carry_over(url, prior=FakePrior("2", ("gap", "Tb")), reason="x", **PARTS)
    assert reopen(url).carry_overs() == ()


def test_who_still_has_the_former_parts_cannot_propose(url, played):
    former = reopen(url)
    carry(url).close()
    with pytest.raises(CampaignError, match=r"carried over .* Open the campaign anew"):
        former.suggest(2)
    former.close()
    assert len(Campaign.open(url).proposals()) == 1


@pytest.fixture
def earlier(url: str, tmp_path: Path) -> str:
    """A store that was written before campaigns could be carried over."""
    with sqlite3.connect(tmp_path / "campaign.db") as connection:
        connection.executescript(VERSION_1.read_text("utf-8"))
        connection.execute("DROP TABLE carried_over")
    connection.close()
    return url


def test_a_store_of_an_earlier_version_opens_and_is_carried_over(earlier, tmp_path):
    url = earlier
    campaign = reopen(url)
    assert campaign.carry_overs() == ()
    assert campaign.suggest(1).round == 3
    campaign.close()
    campaign = carry(url)
    assert campaign.carry_overs()[0].after_round == 3
    campaign.close()
    with sqlite3.connect(tmp_path / "campaign.db") as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM carried_over")
    connection.close()


KILLED_HALF_WAY = """
import os, signal, sys
from bayesmat.explore import store
from tests.unit.explore.test_campaign_carried import carry
insert = store.insert
def die(table):
    statement = insert(table)
    if table is store.CARRIED:
        os.kill(os.getpid(), signal.SIGKILL)
    return statement
store.insert = die
carry(sys.argv[1])
"""


def test_killed_half_way_the_store_is_as_before(earlier):
    url = earlier
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", KILLED_HALF_WAY, url], env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    campaign = reopen(url)
    assert campaign.carry_overs() == ()
    assert campaign.status().pending == ("m127", "m162")
    campaign.close()
    again = carry(url)
    assert len(again.carry_overs()) == 1
    again.close()


def test_looking_for_a_campaign_leaves_no_file(tmp_path):
    for door in (Campaign.open, lambda url: carry(url)):
        with pytest.raises(CampaignError, match="there is no campaign"):
            door(f"sqlite:///{tmp_path / 'none.db'}")
    assert not list(tmp_path.iterdir())


def test_a_report_names_the_versions_of_every_round(url, monkeypatch):
    campaign = create(url)
    campaign.suggest(1)
    monkeypatch.setattr(rounds, "versions", lambda: {"torch": "2099.1"})
    campaign.suggest(1)
    assert account_of(campaign).provenance["torch (version)"].endswith(", 2099.1")
    campaign.close()


def test_an_empty_pool_is_refilled_through_the_door(url):
    few = Pool(POOL.materials[:3])
    campaign = Campaign.create(
        url, start_table(), FakePrior(), goals=GOALS, candidates=few, rule=FakeRule()
    )
    assert set(campaign.suggest(5).materials) == set(few.materials[1:])
    with pytest.raises(DesignError, match=r"3 materials .* Campaign\.carry_over"):
        campaign.suggest(1)
    campaign.close()
    campaign = carry(url, "1")
    assert not set(few.materials) & set(campaign.suggest(4).materials)
    campaign.close()
