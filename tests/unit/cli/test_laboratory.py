"""A laboratory at the command line: a pool, conditions, corrections, a sheet, and a recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import bayesmat as bm
from bayesmat.cli.campaign import campaign_app
from bayesmat.cli.laboratory import tell
from bayesmat.data.rows import Rows
from tests.unit.cli.test_options import _run

START = """smiles,temperature [K],Cp [J/mol/K]
CCO,300,112
CCO,350,133
CCCO,300,144
CCCO,350,169
CCCCO,300,177
CCCCO,350,209
CCCCCO,300,208
"""
POOL = """SMILES,temperature [K],price,supplier
CCCCCO,350,12,A
CCCCCCO,300,14,B
CCCCCCO,350,14,B
CC(C)O,300,3,A
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "start.csv").write_text(START)
    (tmp_path / "pool.csv").write_text(POOL)
    file = tmp_path / "lab.db"
    code, words = _run(
        "campaign", "create", file, tmp_path / "start.csv", "-g", "Cp=200:260", "--pool",
        tmp_path / "pool.csv",
    )  # fmt: skip
    assert code == 0, words
    assert "starts from 7 rows" in words
    return file


def test_the_commands_are_there() -> None:
    names = {c.name or c.callback.__name__ for c in campaign_app.registered_commands}
    assert names >= {
        "create", "doctor", "suggest", "run", "carry-over", "status", "export", "report", "tell",
        "correct", "withdraw", "retry", "note", "sheet", "read",
    }  # fmt: skip
    assert tell.__doc__


def test_a_month(file: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "round1.xlsx"
    code, words = _run("campaign", "suggest", file, "--batch", 2, "--out", sheet)
    assert code == 0, words
    assert "temperature=" in words
    page = openpyxl.load_workbook(sheet).active
    heads = [cell.value for cell in page[1]]
    assert {"price", "supplier"} <= {str(h).split(" (")[0] for h in heads}
    campaign = bm.Campaign.open(f"sqlite:///{file}")
    _, second = campaign.proposals()[0].rows.keys
    campaign.close()

    value = heads.index("Cp [J/mol/K]") + 1
    page.cell(2, value).value = 241.0
    page.parent.save(sheet)
    code, words = _run("campaign", "read", file, sheet)
    assert code == 0, words
    assert "1 measured, 0 failed, 1 still empty" in words
    code, words = _run("campaign", "tell", file, second, "Cp=2400", "--note", "by hand")
    assert code == 0, words
    assert "correct" in words  # it lies where the prediction gave it no chance
    code, words = _run("campaign", "correct", file, second, "Cp=240", "--reason", "typed a 0")
    assert code == 0, words
    code, words = _run("campaign", "tell", file, second, "Cp=243", "--replicate")
    assert code == 0, words
    code, words = _run("campaign", "tell", file, "CCC", "Cp=98", "-a", "temperature=300")
    assert code == 0, words
    assert "not proposed" in words
    code, words = _run(
        "campaign", "withdraw", file, "CCC", "-a", "temperature=300", "--reason", "?"
    )
    assert code == 0, words
    assert _run("campaign", "note", file, "new calorimeter")[0] == 0

    for what in ("history", "events", "table"):
        out = tmp_path / f"{what}.csv"
        assert _run("campaign", "export", file, out, "--what", what)[0] == 0
    code, words = _run("campaign", "doctor", file)
    assert code == 0, words
    assert "Cp" in words
    kinds = set(pd.read_csv(tmp_path / "events.csv")["kind"])
    assert {"proposed", "told", "corrected", "withdrawn", "noted"} <= kinds
    table = bm.read_csv(tmp_path / "table.csv")
    assert table.n_rows == 7 + 3
    assert sorted(table.values[7:, 0].tolist()) == [240.0, 241.0, 243.0]
    for name in ("history.xlsx", "history.json"):
        assert _run("campaign", "export", file, tmp_path / name)[0] == 0
    assert len(pd.read_json(tmp_path / "history.json")) == 3
    history = pd.read_csv(tmp_path / "history.csv")
    assert list(history)[3:7] == ["material", "temperature [K]", "price", "supplier"]
    assert {"Cp [J/mol/K]", "Cp_median [J/mol/K]", "Cp_replicates"} <= set(history)

    cheaper = tmp_path / "cheaper.csv"
    cheaper.write_text(POOL + "CCCCCCCO,300,2,C\n")
    code, words = _run("campaign", "carry-over", file, "--pool", cheaper, "--reason", "new list")
    assert code == 0, words
    assert "candidates" in words
    code, words = _run("campaign", "suggest", file, "--batch", 9)
    assert code == 0, words
    assert "CCCCCCCO" in words


def test_a_campaign_made_in_python_goes_on_here(tmp_path: Path) -> None:
    (tmp_path / "start.csv").write_text(START)
    (tmp_path / "pool.csv").write_text(POOL)
    table = bm.read_csv(tmp_path / "start.csv")
    campaign = bm.Campaign.create(
        f"sqlite:///{tmp_path / 'p.db'}", table, bm.Transfer("Cp"), goals=[bm.Maximize("Cp")],
        candidates=bm.read_pool(tmp_path / "pool.csv"),
    )  # fmt: skip
    campaign.close()
    code, words = _run("campaign", "suggest", tmp_path / "p.db", "--batch", 1)
    assert code == 1
    assert "candidates" in words
    code, words = _run(
        "campaign", "suggest", tmp_path / "p.db", "--batch", 1, "--pool", tmp_path / "pool.csv"
    )
    assert code == 0, words


def test_recipes_are_predicted_and_optimised(tmp_path: Path) -> None:
    """Forrester's function, whose minimum is -6.02 at 0.757."""
    x = np.linspace(0, 1, 9)
    y = (6 * x - 2) ** 2 * np.sin(12 * x - 4)
    rows = "".join(f"{a:g},{b:g}\n" for a, b in zip(x, y, strict=True))
    (tmp_path / "f.csv").write_text(f"x,y\n{rows}")
    new, out = tmp_path / "new.csv", tmp_path / "said.xlsx"
    new.write_text("@x [1],batch\n0.31,a\n0.72,b\n")
    how = ["-p", "y=1", "-c", "x=1"]
    code, words = _run(
        "predict", tmp_path / "f.csv", "--from", new, *how, "--no-explain", "--out", out
    )
    assert code == 0, words
    page = openpyxl.load_workbook(out).active
    assert page.cell(1, 1).value == "x"
    assert [page.cell(i, page.max_column).value for i in (2, 3)] == ["a", "b"]
    code, words = _run("predict", tmp_path / "f.csv", "-a", "x=0.5", *how, "--no-explain")
    assert code == 0, words
    assert " 0.5 0.9" in words
    pool = tmp_path / "pool.csv"
    pool.write_text("@x [1]\n" + "".join(f"{v:g}\n" for v in np.linspace(0.02, 0.98, 40)))
    file = tmp_path / "f.db"
    code, words = _run(
        "campaign", "create", file, tmp_path / "f.csv", *how, "-g", "y=min", "--pool", pool
    )
    assert code == 0, words
    assert "starts from 9 recipes" in words
    code, words = _run("campaign", "suggest", file, "--batch", 1)
    assert code == 0, words
    assert "RECIPE PROPERTY=VALUE" in words
    campaign = bm.Campaign.open(f"sqlite:///{file}")
    rows_asked: Rows = campaign.proposals()[0].rows
    campaign.close()
    assert 0.68 < rows_asked.conditions[0, 0] < 0.82
    at = rows_asked.keys[0].replace("x=", "")
    code, words = _run("campaign", "tell", file, "-", "y=-6", "-a", f"x={at}")
    assert code == 0, words


def test_what_is_missing_is_said(file: Path, tmp_path: Path) -> None:
    code, words = _run("campaign", "tell", file, "CCC", "Cp=98")
    assert code == 1
    assert "temperature" in words
    code, words = _run("campaign", "export", file, tmp_path / "x.csv", "--what", "all")
    assert code == 2
    (tmp_path / "p.csv").write_text("unit,Tg [K]\n*CC*,195\n*CC(C)*,253\n")
    code, words = _run(
        "campaign", "create", tmp_path / "b.db", tmp_path / "p.csv", "-m", "unit:repeat_unit",
        "-g", "Tg=max",
    )  # fmt: skip
    assert code == 2
    assert "--pool" in words


def test_a_goal_says_under_which_conditions_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "start.csv").write_text(START)
    (tmp_path / "pool.csv").write_text("SMILES,price\nCCCCCCO,14\nCC(C)O,3\n")
    file = tmp_path / "at.db"
    create = ["campaign", "create", file, tmp_path / "start.csv", "--pool", tmp_path / "pool.csv"]
    code, words = _run(*create, "-g", "Cp=200:260@temperature=350")
    assert code == 0, words
    campaign = bm.Campaign.open(f"sqlite:///{file}")
    assert campaign.goals == (bm.Within("Cp", 200, 260, at={"temperature": 350.0}),)
    campaign.close()
    code, words = _run("campaign", "suggest", file, "--batch", 1)
    assert code == 0, words
    assert "temperature=350" in words
    code, words = _run("campaign", "suggest", file, "--batch", 2)
    assert code == 0, words
    code, words = _run("campaign", "suggest", file, "--batch", 2)
    assert code == 1
    assert "every one of the 2 materials of the pool has been used" in words
    assert "bayesmat campaign carry-over FILE.db --pool FILE --reason REASON" in words
    assert "bm.Pool" not in words


def test_goals_of_different_conditions_are_refused_in_words_of_the_command_line(
    tmp_path: Path,
) -> None:
    head, *rows = START.splitlines()
    rows = [f"{row},{1 + i / 10}" for i, row in enumerate(rows)]
    (tmp_path / "start.csv").write_text("\n".join([f"{head},eta [mPa*s]", *rows]))
    (tmp_path / "pool.csv").write_text("SMILES\nCCCCCCO\n")
    code, words = _run(
        "campaign", "create", tmp_path / "b.db", tmp_path / "start.csv", "--pool",
        tmp_path / "pool.csv", "-g", "Cp=200:260@temperature=350", "-g", "eta=1:2@temperature=300",
    )  # fmt: skip
    assert code == 1
    assert "a measurement has one" in words
    assert "--at" in words
    assert not (tmp_path / "b.db").exists()


def test_a_pool_is_read_as_the_table_is(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x1,x2,y\n0.1,0.2,1\n0.5,0.5,2\n0.9,0.3,3\n0.2,0.8,1.5\n")
    (tmp_path / "p.csv").write_text("x1,x2,cost\n0.3,0.3,1\n0.8,0.8,2\n")
    how = ["-p", "y=1", "-c", "x1=1", "-c", "x2=1", "-g", "y=max", "--pool", tmp_path / "p.csv"]
    code, words = _run("campaign", "create", tmp_path / "r.db", tmp_path / "t.csv", *how)
    assert code == 0, words
    (tmp_path / "f.csv").write_text("made of,gap [eV]\nSiO2,9\nAl2O3,8\nMgO,7\nNaCl,8.5\n")
    (tmp_path / "g.csv").write_text("formula,price\nCaO,1\nKCl,2\n")
    code, words = _run(
        "campaign", "create", tmp_path / "c.db", tmp_path / "f.csv", "-m", "made of:composition",
        "-g", "gap=max", "--pool", tmp_path / "g.csv",
    )  # fmt: skip
    assert code == 0, words
    code, words = _run("campaign", "suggest", tmp_path / "c.db", "--batch", 2)
    assert code == 0, words
    assert {"CaO", "KCl"} <= set(words.split())
    code, words = _run("campaign", "suggest", tmp_path / "r.db", "--batch", 1)
    assert code == 0, words
    (tmp_path / "q.csv").write_text("x1,cost\n0.3,1\n")
    code, words = _run(
        "campaign", "carry-over", tmp_path / "r.db", "--reason", "?", "--pool", tmp_path / "q.csv"
    )
    assert code == 1
    assert "x2" in words


def test_rows_of_a_file_keep_their_own_conditions_where_goals_have_some(tmp_path: Path) -> None:
    (tmp_path / "start.csv").write_text(START)
    (tmp_path / "pool.csv").write_text(POOL)
    create = (
        "campaign", "create", tmp_path / "c.db", tmp_path / "start.csv", "--pool",
        tmp_path / "pool.csv", "-g",
    )  # fmt: skip
    code, words = _run(*create, "Cp=200:260@temperature=310")
    assert code == 1
    assert "none of the 4 rows of the pool" in " ".join(words.replace("│", " ").split())
    code, words = _run(*create, "Cp=200:260@temperature=350")
    assert code == 0, words
    assert _run("campaign", "suggest", tmp_path / "c.db", "--batch", 4)[0] == 0
    campaign = bm.Campaign.open(f"sqlite:///{tmp_path / 'c.db'}")
    assert set(campaign.proposals()[0].rows.keys) == {
        "CCCCCO, temperature=350 K", "CCCCCCO, temperature=350 K",
    }  # fmt: skip
    campaign.close()


def test_a_pool_without_the_conditions_of_the_table_says_what_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "start.csv").write_text(START)
    (tmp_path / "pool.csv").write_text("smiles,price\nCCO,2\n")
    given = (tmp_path / "start.csv", "-g", "Cp=200:260", "--pool", tmp_path / "pool.csv")
    code, words = _run("campaign", "create", tmp_path / "x.db", *given)
    assert code == 1
    assert "add a column, or give one value for all, --at" in words


def test_what_failed_is_tried_again_under_its_conditions(file: Path) -> None:
    _run("campaign", "suggest", file, "--batch", 1)
    campaign = bm.Campaign.open(f"sqlite:///{file}")
    rows = campaign.proposals()[0].rows
    campaign.close()
    name, value = next(iter(rows.named(0).items()))
    at = ("--at", f"{name}={value}")
    assert _run("campaign", "tell", file, rows.materials[0], *at, "--failed", "lost")[0] == 0
    code, words = _run("campaign", "retry", file, *at)
    assert code == 1
    assert "say which materials are meant" in words
    code, words = _run("campaign", "retry", file, rows.materials[0], *at)
    assert code == 0, words
    assert "1 waits again" in words


def test_what_is_stored_is_said_in_one_line(file: Path, tmp_path: Path) -> None:
    (tmp_path / "named.csv").write_text("SMILES,temperature [K],name\nCCCCCO,350,pentanol\n")
    pool = ("--pool", tmp_path / "named.csv")
    assert _run("campaign", "carry-over", file, *pool, "--reason", "names")[0] == 0
    assert _run("campaign", "suggest", file, "--batch", 1)[0] == 0
    row = (file, "CCCCCO", "-a", "temperature=350")
    called = "CCCCCO, temperature=350 K (pentanol)"

    def said(command: str, *words: object) -> str:
        code, shown = _run("campaign", command, *row, *words)
        assert code == 0, shown
        return shown

    assert f"Failed: {called}: spilt." in said("tell", "--failed", "spilt")
    assert f"1 waits again: {called}." in said("retry")
    told = said("tell", "Cp=0.24", "--unit", "Cp=kJ/mol/K", "--sd", "Cp=0.002")
    assert f"Stored: {called}: Cp = 240 J/mol/K (sd 2)." in told
    assert "Cp = 243 J/mol/K, replicate 2." in said("tell", "Cp=243", "--replicate")
    corrected = said("correct", "Cp=242", "--reason", "slip", "--number", 2)
    assert f"Corrected: {called}: Cp = 242 J/mol/K in place of 243 J/mol/K." in corrected
    withdrawn = said("withdraw", "--reason", "leak", "--number", 2)
    assert f"Withdrawn: {called}: Cp = 242 J/mol/K." in withdrawn
    failed = said("tell", "--failed", "leak")
    assert f"Failed: {called}: leak (Cp = 240 J/mol/K withdrawn)." in failed
    assert f"Withdrawn: {called}: its failure." in said("withdraw", "--reason", "not so")


def test_conditions_are_read_as_they_are_shown(tmp_path: Path) -> None:
    (tmp_path / "start.csv").write_text(START)
    (tmp_path / "pool.csv").write_text("smiles,temperature\nCCCCCO,76.85 degC\nCCCCCCO,300\n")
    file = tmp_path / "lab.db"
    given = (tmp_path / "start.csv", "--pool", tmp_path / "pool.csv", "-g", "Cp=200:260@")
    code, words = _run("campaign", "create", file, *given[:-1], given[-1] + "temperature=76.85 °C")
    assert code == 0, words
    campaign = bm.Campaign.open(f"sqlite:///{file}")
    assert dict(campaign.goals[0].at) == {"temperature": 350.0}
    campaign.close()
    code, words = _run("campaign", "tell", file, "CCC", "Cp=98", "-a", "temperature=300 K")
    assert code == 0, words
    assert "Stored: CCC, temperature=300 K: Cp = 98 J/mol/K." in words
    code, words = _run("campaign", "tell", file, "CCC", "Cp=0.11 kJ/mol/K", "-a", "temperature=350")
    assert code == 0, words
    assert "Cp = 110 J/mol/K." in words
    code, words = _run("campaign", "tell", file, "CC", "Cp=98", "-a", "temperature=warm")
    assert code == 1
    assert '--at "temperature=300.0 K"' in words
