"""What is typed at the command line is read as what stands in a file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesmat import demo
from bayesmat.errors import ModelError
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.setup import Setup
from bayesmat.explore.store import url_of
from tests.unit.cli.test_options import TABLE, _run

OPTIONS = ("-p", "gap=log eV", "-g", "gap=2:6")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "gaps.csv"
    path.write_text(TABLE, "utf-8")
    return path


@pytest.fixture
def boiling(tmp_path: Path) -> Path:
    path = tmp_path / "boiling.csv"
    rows = "CCO,78\nCC=O,20\nCCCO,97\nCCCCO,118\nCCC=O,49\nCC#N,82\n"
    path.write_text("smiles,Tb (°C)\n" + rows, "utf-8")
    return path


def test_a_property_is_asked_for_by_its_heading(boiling: Path, tmp_path: Path) -> None:
    """The help says that a unit in a heading, "Tb (°C)", is converted."""
    code, words = _run("predict", boiling, "CC=O", "-p", "Tb (°C)=K", "--no-explain")
    assert code == 0, words
    assert "Tb [K]" in words
    file = tmp_path / "e.db"
    code, words = _run("campaign", "create", file, boiling, "-p", "Tb (°C)=K", "-g", "Tb=380:390")
    assert code == 0, words
    assert Setup.read(file).properties == ("Tb",)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("6_5", "'6_5' is not a number"),
        ("1,234", "a decimal comma (1.234) or a thousands separator (1234)?"),
        ("2,5", "write a decimal point instead of the comma"),
        ("nan", "'nan' is not a number"),
        ("inf", "'inf' is infinite"),
        ("٣", "not a number"),
    ],
)
def test_a_number_is_one_that_a_file_may_hold(
    table: Path, tmp_path: Path, number: str, words: str
) -> None:
    file = tmp_path / "c.db"
    for command in (
        ["campaign", "tell", file, "CCO", f"gap={number}"],
        ["campaign", "tell", file, "CCO", "gap=5", "--sd", f"gap={number}"],
        ["campaign", "create", file, table, "-p", "gap=eV", "-g", f"gap={number}:9"],
        ["campaign", "create", file, table, "-p", "gap=eV", "-g", f"gap=:{number}"],
        ["demo", "--out", tmp_path / "out", "--lower", number],
    ):
        code, said = _run(*command)
        assert code == 2, command
        assert words in said, command
    assert not file.exists()


@pytest.mark.parametrize("name", ["q?x=1.db", "x%41.db", "a&b#c d.db"])
def test_a_campaign_is_kept_under_the_name_that_was_given(
    table: Path, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    code, words = _run("campaign", "create", file, table, *OPTIONS)
    assert code == 0, words
    assert {p.name for p in tmp_path.iterdir()} == {"gaps.csv", name, f"{name}.json"}
    assert _run("campaign", "status", file)[0] == 0
    campaign = Campaign.open(url_of(file))
    assert campaign.start.n_rows == 8
    campaign.close()


def test_the_bounds_of_the_demonstration_are_refused_before_the_work(tmp_path: Path) -> None:
    story: list[str] = []
    with pytest.raises(ModelError, match=r"lower|upper|below"):
        demo.main(demo.Demo(tmp_path / "out", lower=3.0, upper=2.0), story.append)
    assert not story
    assert not (tmp_path / "out").exists()


def test_errors_name_the_options_that_there_are(table: Path, boiling: Path, tmp_path: Path) -> None:
    polymers = tmp_path / "polymers.csv"
    polymers.write_text("unit,Tg\n*CC*,195\nCCC,n.d.\n", "utf-8")
    code, words = _run("predict", polymers, "C", "-p", "Tg=K", "-m", "unit")
    assert code == 1
    assert "Nothing was read; correct them (row 1 is the header)" in words
    assert "(polymers: -m COLUMN:repeat_unit)" in words
    assert "on_invalid" not in words
    boiling.write_text(boiling.read_text("utf-8").replace("Tb (°C)", "Tb °C"), "utf-8")
    code, words = _run("predict", boiling, "C", "-p", "Tb °C=K")
    assert code == 1
    assert '-p "COLUMN=K" -f "COLUMN=degC" or -p "COLUMN=K" -f "COLUMN=K"' in words
    assert "Column(" not in words
    code, words = _run("predict", boiling, "C", "-p", "Tb °C=K", "-f", "Tb °C=degC", "--no-explain")
    assert code == 0, words
    file = tmp_path / "c.db"
    assert _run("campaign", "create", file, table, *OPTIONS)[0] == 0
    code, words = _run("campaign", "create", file, table, *OPTIONS)
    assert code == 1
    assert "already holds a campaign" in words
    assert "bayesmat campaign status" in words


@pytest.mark.parametrize("kind", ["polymer", "Polymer", "Repeat_Unit", "SMILES", "formula"])
def test_a_kind_in_other_letters_is_told_which_there_are(table: Path, kind: str) -> None:
    code, words = _run("predict", table, "C", "-p", "gap=eV", "-m", f"smiles:{kind}")
    assert code == 2
    assert "the kinds are smiles, repeat_unit" in words
