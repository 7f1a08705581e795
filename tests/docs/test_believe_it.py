"""The page on belief runs as printed, and says what it promises."""

from pathlib import Path

import pytest

from bayesmat.check.doctor import SYMPTOMS
from tests.docs.blocks import ROOT, python_blocks


@pytest.fixture(scope="module")
def namespace(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("believe")
    start = (ROOT / "examples" / "gap_start.csv").read_text("utf-8")
    (folder / "gaps.csv").write_text(start, "utf-8")
    names: dict[str, object] = {"__name__": "believe"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in python_blocks("docs/believe-it.md"):
            exec(block, names)
    names["folder"] = folder
    return names


def test_the_table_of_the_examples_has_no_slip_and_the_broken_one_has(namespace) -> None:
    assert namespace["checkup"].about("unit slip")[0].verdict == "fine"
    assert namespace["checkup"].about("outlier")[0].materials == ("CSCCCN",)
    slip = namespace["slip"]
    assert (slip.verdict, slip.rows) == ("bad", (7,))
    assert "entered in hartree" in slip.what
    page = Path(namespace["folder"], "checkup.html").read_text("utf-8")
    assert "Can I believe this model?" in page
    assert "CSCCCN" in page


def test_relevance_is_of_the_named_descriptors(namespace) -> None:
    shares = namespace["relevance"].shares["gap"]
    assert set(shares) == {"bonds_double", "bonds_aromatic", "n_O", "fraction_sp3"}


def test_every_topic_of_the_doctor_is_explained() -> None:
    page = (ROOT / "docs" / "believe-it.md").read_text("utf-8")
    assert not [topic for topic in SYMPTOMS if topic not in page]
