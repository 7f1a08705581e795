import pytest

from bayesmat._version import versions
from bayesmat.errors import CampaignError
from bayesmat.explore.identity import check_reopened, identify
from bayesmat.explore.stored import CampaignRow
from tests.unit.explore.fake import POOL, FakeOracle, FakePrior, FakeRule

GIVEN = identify(FakeOracle(), POOL, FakeRule())
ROW = CampaignRow(dict(GIVEN), {}, FakePrior().digest(), {"torch": "1.0"}, 0)


def test_the_same_parts_open_a_campaign():
    check_reopened("url", ROW, FakePrior(), GIVEN)
    check_reopened("url", ROW, None, identify(None, None, None))


def test_a_refusal_names_the_versions_then_and_now():
    with pytest.raises(CampaignError, match=r"torch was 1\.0, is .*carry-over"):
        check_reopened("url", ROW, FakePrior("2"), GIVEN)


def test_an_oracle_where_there_was_none_is_refused():
    by_hand = CampaignRow(identify(None, POOL, None), {}, "", {}, 0)
    with pytest.raises(CampaignError, match="oracle None"):
        check_reopened("url", by_hand, None, GIVEN)


def test_versions_are_known_for_what_is_installed():
    assert versions()["torch"][0].isdigit()
    assert set(versions()) >= {"bayesmat", "rdkit", "tblite"}
