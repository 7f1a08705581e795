"""A campaign at the command line: carried over after an upgrade, and SMILES shown as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesmat.explore import campaign as campaign_module
from bayesmat.explore.pool import Pool
from bayesmat.explore.setup import Setup
from tests.unit.cli.test_options import TABLE, FirstRows, _run

POOL = Pool(("c1cc[nH]c1", "CCCO", "Cc1ccccc1C", "CCC=O"))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(campaign_module, "default_candidates", lambda: POOL)
    monkeypatch.setattr(campaign_module, "default_rule", lambda goals: FirstRows())
    table, file = tmp_path / "gaps.csv", tmp_path / "gap.db"
    table.write_text(TABLE)
    code, _ = _run("campaign", "create", file, table, "-p", "gap=log eV", "-g", "gap=2:6")
    assert code == 0
    assert _run("campaign", "suggest", file, "--batch", 2)[0] == 0
    return file


def test_smiles_are_shown_as_they_are(file: Path) -> None:
    for command in (["status", file], ["tell", file, "CCCO", "gap=9"], ["status", file]):
        code, words = _run("campaign", *command)
        assert code == 0
    assert "waits: c1cc[nH]c1" in words
    code, words = _run("campaign", "tell", file, "c1cc[nH]c1", "gap=5.1")
    assert "meet the goals: c1cc[nH]c1 (gap = 5.1)" in words


def test_a_report_that_cannot_be_written_says_why(file: Path, tmp_path: Path) -> None:
    for out in (tmp_path, file / "page.html"):
        code, words = _run("campaign", "report", file, "--out", out)
        assert code == 1
        assert "cannot be written" in words


def test_a_campaign_is_carried_over_with_its_failures(file: Path) -> None:
    assert _run("campaign", "tell", file, "CCCO", "--failed", "spilt")[0] == 0
    Setup(("gap",), "smiles", ("gap_huckel",), "none").write(file)
    code, words = _run("campaign", "suggest", file)
    assert code == 1
    assert "bayesmat campaign carry-over" in words
    Setup(("gap",), "smiles", (), "none").write(file)
    code, words = _run("campaign", "carry-over", file, "--reason", "same", "-u", "gap_huckel")
    assert code == 0
    assert "Carried over after round 1" in words
    assert Setup.read(file).use == ("gap_huckel",)
    code, words = _run("campaign", "carry-over", file, "--reason", "again")
    assert code == 0
    assert "again" not in words
    code, words = _run("campaign", "suggest", file, "--batch", 4)
    assert code == 0
    assert "Cc1ccccc1C" in words
    assert "CCCO" not in words
    assert "nH" not in words
    code, words = _run("campaign", "status", file)
    assert "1 failed (spilt), 3 are waiting" in words
    assert "Rounds before and after were made under different models" in words


def test_names_of_a_pool_stand_beside_what_is_proposed_and_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_module, "default_rule", lambda goals: FirstRows())
    table, pool, file = tmp_path / "gaps.csv", tmp_path / "pool.csv", tmp_path / "gap.db"
    table.write_text(TABLE)
    pool.write_text("Name,smiles,price\npyrrole,c1cc[nH]c1,1234.56\n,CCCO,2\n")
    given = ("-p", "gap=log eV", "-g", "gap=2:6", "--pool", pool)
    assert _run("campaign", "create", file, table, *given)[0] == 0
    code, words = _run("campaign", "suggest", file, "--batch", 2)
    assert code == 0
    assert "c1cc[nH]c1 (pyrrole): " in words
    code, words = _run("campaign", "status", file)
    assert "waits: c1cc[nH]c1 (pyrrole)" in words
    assert "waits: CCCO" in words
    assert "CCCO (" not in words
