"""The events of a campaign, one row for each value that came or went."""

import numpy as np

from bayesmat.explore.log import events_frame
from tests.unit.explore.fake import create, truth


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
