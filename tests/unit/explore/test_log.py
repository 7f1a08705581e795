"""The events of a campaign, one row for each value that came or went."""

import numpy as np
import pytest

from bayesmat.data.properties import Property
from bayesmat.data.table import PropertyTable
from bayesmat.errors import CampaignError
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import Within
from bayesmat.explore.log import events_frame, stored_words
from bayesmat.explore.stored import Kind
from bayesmat.reporting.record import changes
from tests.unit.explore.fake import GAP, POOL, FakePrior, FakeRule, create, truth


def test_every_event_is_listed_with_what_came_and_what_went(tmp_path):
    campaign = create(f"sqlite:///{tmp_path / 'c.db'}")
    one, two = campaign.suggest(2).materials
    campaign.tell(one, {"gap": truth(one)}, {"gap": 0.1})
    campaign.tell(one, {"gap": 3.0}, replicate=True)
    campaign.correct(one, {"gap": 2.9}, reason="misread", replicate=2)
    campaign.fail(two, "lost")
    campaign.retry([two])
    campaign.withdraw(one, reason="wet")
    frame = events_frame(campaign._history())
    assert frame.equals(campaign.events())
    assert frame["kind"].tolist() == [
        "proposed", "told", "told", "corrected", "failed", "retried", "withdrawn", "withdrawn",
    ]  # fmt: skip
    assert frame["number"].tolist() == [1, 2, 3, 4, 5, 6, 7, 7]
    assert frame["value"].dropna().tolist() == [truth(one), 3.0, 2.9]
    assert frame["was"].dropna().tolist() == [3.0, truth(one), 2.9]
    assert frame["replicate"].dropna().tolist() == [1, 2, 2, 1, 2]
    assert frame["round"].dropna().tolist() == [1]
    assert frame["note"].dropna().tolist() == ["misread", "lost", "wet", "wet"]
    assert str(frame["time"].dtype).endswith("UTC]")
    campaign.close()


def test_a_campaign_without_events_has_an_empty_list(tmp_path):
    campaign = create(f"sqlite:///{tmp_path / 'c.db'}")
    frame = campaign.events()
    assert (len(frame), frame["kind"].dtype) == (0, np.dtype(object))
    campaign.close()


def test_classes_are_named_wherever_people_read_them(tmp_path):
    """Codes are stored, and stay."""
    state = Property("phase", categories=("gas", "solid"))
    start = PropertyTable(("m0", "m290"), "id", (GAP, state), [[10, 0], [0.5, 1]])
    campaign = Campaign.create(
        f"sqlite:///{tmp_path / 'c.db'}", start, FakePrior(), goals=[Within("gap", 2.0, 2.5)],
        candidates=POOL, rule=FakeRule(),
    )  # fmt: skip
    one, two, *_ = campaign.suggest(3).materials
    campaign.tell(one, {"gap": 2.2, "phase": "solid"})
    campaign.correct(one, {"phase": "gas"}, reason="swapped")
    campaign.tell(two, {"phase": "solid"})
    with pytest.raises(CampaignError, match=r"told before.*\(\{'phase': \['solid'\]\}\)"):
        campaign.tell(two, {"phase": "gas"})
    campaign.tell(two, {"phase": "gas"}, replicate=True)
    with pytest.raises(CampaignError, match=r"2 times \(1: solid, 2: gas\)"):
        campaign.correct(two, {"phase": "gas"}, reason="swapped")
    with pytest.raises(
        CampaignError, match=r"no 'gap' .* there is \{'phase': \['solid', 'gas'\]\}"
    ):
        campaign.correct(two, {"gap": 2.0}, reason="misread")
    campaign.withdraw(two, reason="wet", replicate=2)
    events = campaign.events()
    assert events["value"].dropna().tolist() == [2.2, "solid", "gas", "solid", "gas"]
    assert events["was"].dropna().tolist() == ["solid", "gas"]
    history = campaign.history().set_index("material")
    assert history["phase"].dropna().to_dict() == {one: "gas", two: "solid"}
    assert "(gap = 2.2, phase = gas)" in str(campaign.status())
    words = stored_words(events, Kind.CORRECTED, start.properties, {})
    assert words == f"Corrected: {one}: phase = gas in place of solid."
    words = stored_words(events, Kind.WITHDRAWN, start.properties, {})
    assert words == f"Withdrawn: {two}: phase = gas."
    campaign.correct(one, {"gap": 2.2}, {"gap": 0.1}, reason="the sd was forgotten")
    account = account_of(campaign)
    assert account.calls[0].values == {"gap": 2.2, "phase": 0.0}
    report = changes(account)
    assert "<td>phase</td><td>solid</td><td>gas</td><td>swapped</td>" in report
    assert "<td>gap</td><td>2.2 eV</td><td>2.2 eV (sd 0.1 eV)</td>" in report
    stored = [e.payload.get("values", {}).get("phase") for e in campaign._history().events]
    assert [code for code in stored if code is not None] == [1.0, 0.0, 1.0, 0.0]
    campaign.close()
