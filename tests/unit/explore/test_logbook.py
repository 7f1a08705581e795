"""A campaign's history is told and read without its model, at every moment it ever had."""

import pandas as pd

from bayesmat.explore.campaign import Campaign
from bayesmat.explore.logbook import Logbook
from bayesmat.explore.store import Store
from tests.unit.explore.fake import create, truth


def test_every_state_that_the_history_ever_had_is_read_again(tmp_path):
    url = f"sqlite:///{tmp_path / 'c.db'}"
    campaign = create(url)
    moments = [(0, campaign.history(), campaign.table())]

    def remember():
        number = int(campaign.events()["number"].max())
        moments.append((number, campaign.history(), campaign.table()))

    one, two, three = campaign.suggest(3).materials
    for act in (
        lambda: None,
        lambda: campaign.tell(one, {"gap": truth(one)}),
        lambda: campaign.fail(two, "lost"),
        lambda: campaign.tell("m7", {"gap": truth("m7")}),
        lambda: campaign.correct(one, {"gap": 2.0}, reason="misread"),
        lambda: campaign.suggest(2),
        lambda: campaign.retry(),
        lambda: campaign.withdraw("m50", reason="impure"),
        lambda: campaign.fail(one, "decomposed"),
        lambda: campaign.tell(three, {"gap": truth(three)}),
    ):
        act()
        remember()
    campaign.close()
    book = Logbook(Store(url))
    times = book.events().set_index("number")["time"]
    for number, frame, table in moments:
        pd.testing.assert_frame_equal(book.history(at=number), frame)
        pd.testing.assert_frame_equal(book.table(at=number).to_frame(), table.to_frame())
        if number:
            at = times.loc[[number]].iloc[-1].to_pydatetime()
            pd.testing.assert_frame_equal(book.history(at=at), frame)
    book.close()
    assert issubclass(Campaign, Logbook)
