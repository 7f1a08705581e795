"""The benchmark of durability notices what it is there to notice."""

import pytest

import bayesmat as bm
from benchmarks import actors
from benchmarks import durability as bench


@pytest.fixture
def played(tmp_path):
    url, folder = actors.fresh(tmp_path, "played")
    acts, campaign = actors.Acts(folder, "somebody"), bm.Campaign.open(url)
    acts(lambda tag: campaign.tell("m300000", {"Tm": 300.0}, note=tag))
    acts(lambda tag: campaign.correct("m300000", {"Tm": 301.0}, reason=tag))
    yield url, folder, campaign
    campaign.close()
    acts.close()


def test_a_record_in_which_all_is_well_has_no_problems(played):
    url, folder, _ = played
    assert list(bench.inspected(url, folder)) == []


def test_an_act_that_is_lost_doubled_or_made_up_is_noticed(played):
    url, folder, campaign = played
    with (folder / "somebody.done").open("a") as file:
        file.write("somebody/7\n")
    assert list(bench.inspected(url, folder)) == ["lost: ['somebody/7']"]
    (folder / "somebody.done").write_text("")
    campaign.note("somebody/1")
    campaign.note("nobody/0")
    assert list(bench.inspected(url, folder)) == [
        "doubled: ['somebody/1']", "made up: ['nobody/0']",
    ]  # fmt: skip


def test_half_a_sheet_is_noticed(played):
    url, folder, campaign = played
    with (folder / "somebody.begun").open("a") as file:
        file.writelines(f"somebody/2:{i} of 5\n" for i in range(5))
    campaign.note("somebody/2:0 of 5")
    (problem,) = bench.inspected(url, folder)
    assert problem == "sheets of which a part was stored: {'somebody/2': 1}"


def test_an_error_that_says_nothing_is_noticed(capsys):
    def fails():
        raise bm.errors.CampaignError("it did not work")

    assert list(actors.expect("a file", fails, "damaged")) == [
        "a file: the error does not say ['damaged']"
    ]
    (raw,) = actors.expect("a file", lambda: 1 / 0)
    assert raw.startswith("a file: a raw ZeroDivision")
    assert list(actors.expect("a file", lambda: None)) == ["a file: no error"]
    assert "it did not work" in capsys.readouterr().out
