"""The command line as a chemist meets it: words, exit codes, no traceback."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from bayesmat import cli, commands
from bayesmat.cli import options
from bayesmat.data.properties import Condition, Property
from bayesmat.data.rows import Rows
from bayesmat.explore import campaign as campaign_module
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import AtLeast, AtMost, Goal, Maximize, Minimize, Within
from bayesmat.explore.pool import Pool
from bayesmat.explore.select import Selection
from bayesmat.models.base import Fitted
from bayesmat.models.prediction import Prediction

RUNNER = CliRunner()
TABLE = """smiles,gap
CCO,12.2
CCCC,13.0
c1ccccc1,4.8
Cc1ccccc1,4.7
CC=O,5.2
CC(=O)C,5.5
C=C,8.1
C=CC=C,5.0
"""


class FirstRows:
    """A rule that takes the first rows."""

    name = "first rows"

    def __call__(
        self,
        fitted: Fitted,
        candidates: Candidates,
        goals: Sequence[Goal],
        batch: int,
        *,
        seed: int,
        round: int,
    ) -> Selection:
        rows = tuple(range(min(batch, len(candidates.materials))))
        return Selection(rows, (0.0,) * len(rows))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "gaps.csv"
    path.write_text(TABLE)
    return path


def test_the_unit_of_the_file_can_be_stated(tmp_path: Path) -> None:
    path = tmp_path / "hartree.csv"
    rows = [line.split(",") for line in TABLE.split()[1:]]
    path.write_text("smiles,gap\n" + "".join(f"{s},{float(v) / 27.2114}\n" for s, v in rows))
    out = tmp_path / "out.csv"
    code, text = _run(
        "predict", path, "CCO", "-p", "gap=eV", "-f", "gap=hartree", "--no-explain", "--out", out
    )
    assert code == 0, text
    median = float(out.read_text().splitlines()[1].split(",")[1])
    assert 4.0 < median < 16.0


def test_a_file_unit_of_no_property_is_refused(table: Path) -> None:
    code, text = _run("predict", table, "CCO", "-p", "gap=eV", "-f", "gapp=hartree")
    assert code == 2
    assert "gapp" in text


def _run(*words: object) -> tuple[int, str]:
    result = RUNNER.invoke(cli.app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize("command", [[], ["predict"], ["campaign", "create"], ["campaign", "tell"]])
def test_help_explains(command: list[str]) -> None:
    code, words = _run(*command, "--help")
    assert code == 0
    assert "Usage" in words


def test_version() -> None:
    code, words = _run("--version")
    assert code == 0
    assert words.startswith("bayesmat ")


def test_predict_shows_intervals_and_writes_them(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out.csv"
    code, words = _run(
        "predict", table, "CCCO", "Cc1ccccc1C", "-p", "gap=log eV", "--no-explain", "--out", out
    )
    assert code == 0
    assert "What the model learned" in words
    lines = out.read_text().splitlines()
    assert lines[0].startswith("material,gap median [eV],gap 90% lower [eV]")
    assert [line.split(",")[0] for line in lines[1:]] == ["CCCO", "Cc1ccccc1C"]


def test_bad_input_is_a_panel_and_exit_code_1(table: Path) -> None:
    table.write_text("smiles,gap\nC1CC,1.0\nCC,high\n")
    code, words = _run("predict", table, "CCO", "-p", "gap=eV")
    assert code == 1
    assert "DataError" in words
    assert "Traceback" not in words
    assert "row 2" in words
    assert "row 3" in words


def test_usage_errors_exit_with_2(table: Path) -> None:
    for wrong in (["predict", table], ["predict", table, "C", "-p", "gap"], ["nonsense"]):
        code, _ = _run(*wrong)
        assert code == 2


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("2.0:2.5", Within("gap", 2.0, 2.5)),
        ("2:", AtLeast("gap", 2.0)),
        (":2", AtMost("gap", 2.0)),
        ("max", Maximize("gap")),
        ("min", Minimize("gap")),
        ("1:2@temperature=298.15", Within("gap", 1.0, 2.0, {"temperature": 298.15})),
        ("max@solvent=1,4-dioxane,T=300", Maximize("gap", {"solvent": "1,4-dioxane", "T": 300.0})),
        (":2@solvent=C[C@H](O)CC", AtMost("gap", 2.0, {"solvent": "C[C@H](O)CC"})),
    ],
)
def test_goals_are_read(text: str, goal: Goal) -> None:
    assert options.goal_of("gap", text) == goal


def test_what_holds_for_all_goals_holds_where_a_goal_does_not_say_another() -> None:
    everywhere: dict[str, float | str] = {"temperature": 300.0, "pressure": 1.0}
    at = {"temperature": 350.0, "pressure": 1.0}
    assert options.goal_of("gap", "max@temperature=350", everywhere) == Maximize("gap", at)


@pytest.mark.parametrize("text", ["2.0", ":", "a:b", "large", "2:3@", "2:3@T", "2:3@T=1,T=2", "@"])
def test_unreadable_goals_are_usage_errors(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        options.goal_of("gap", text)


def test_a_missing_campaign_says_how_to_start_one(tmp_path: Path) -> None:
    code, words = _run("campaign", "status", tmp_path / "none.db")
    assert code == 1
    assert "There is no campaign" in words
    assert not (tmp_path / "none.db").exists()


def test_unknown_parts_are_refused(table: Path, tmp_path: Path) -> None:
    base = ["campaign", "create", tmp_path / "a.db", table, "-p", "gap=eV", "-g", "gap=2:3"]
    code, words = _run(*base, "--oracle", "gauss")
    assert code == 1
    assert "gfn1" in words
    code, words = _run(*base, "-u", "magic")
    assert code == 1
    assert "gap_huckel" in words


def test_a_campaign_from_creation_to_report(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(("CCCO", "Cc1ccccc1C", "CCC=O"))
    monkeypatch.setattr(campaign_module, "default_candidates", lambda: pool)
    monkeypatch.setattr(campaign_module, "default_rule", lambda goals: FirstRows())
    file = tmp_path / "gap.db"
    code, words = _run("campaign", "create", file, table, "-p", "gap=log eV", "-g", "gap=2:6")
    assert code == 0
    assert "starts from 8 materials" in words
    setup = json.loads((tmp_path / "gap.db.json").read_text())
    assert setup == {"properties": ["gap"], "kind": "smiles", "use": [], "oracle": "none"}

    code, words = _run("campaign", "suggest", file, "--batch", 2)
    assert code == 0
    assert "Round 1" in words
    code, words = _run("campaign", "tell", file, "OCCC", "gap=5.9")
    assert code == 0
    assert "1 measured (1 meets the goals)" in words
    code, words = _run("campaign", "tell", file, "Cc1ccccc1C", "--failed", "spilt")
    assert code == 0
    assert "1 failed" in words
    code, words = _run("campaign", "status", file)
    assert code == 0
    assert "1 of 2 proposals" in words

    code, words = _run("campaign", "tell", file, "CCCCCC", "gap=5")
    assert code == 0
    assert "was not proposed" in words
    code, _ = _run("campaign", "tell", file, "CCCO")
    assert code == 2
    code, words = _run("campaign", "run", file)
    assert code == 1
    assert "no oracle" in words

    out = tmp_path / "page.html"
    code, _ = _run("campaign", "report", file, "--out", out)
    assert code == 0
    assert "spilt" in out.read_text()

    (tmp_path / "gap.db.json").write_text("{")
    code, words = _run("campaign", "suggest", file)
    assert code == 1
    assert "campaign create" in words
    (tmp_path / "gap.db.json").unlink()  # then it is like one that was made in Python
    assert _run("campaign", "suggest", file, "--batch", 1)[0] == 0


def test_help_shows_brackets() -> None:
    """Square brackets are no mark-up: "gap [hartree]" is how a heading states a unit."""
    assert '"gap [hartree]"' in _run("predict", "--help")[1]


def test_a_property_with_classes_is_told_beside_the_one_that_is_modelled(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "smiles,Tb [K],state\nCCO,351,liquid\nCCCO,370,liquid\nCCCCO,391,liquid\nCC,185,gas\n"
    )
    (tmp_path / "pool.csv").write_text("smiles\nCCC\nCCCCCO\n")
    file = tmp_path / "a.db"
    made = _run("campaign", "create", file, tmp_path / "t.csv", "-p", "Tb=K", "-p",
                "state={liquid|gas}", "-g", "Tb=min", "--pool", tmp_path / "pool.csv")  # fmt: skip
    assert made[0] == 0, made[1]
    assert _run("campaign", "suggest", file, "--batch", 1)[0] == 0
    code, said = _run("campaign", "tell", file, "CCC", "Tb=231", "state=gas")
    assert code == 0
    assert "state = gas" in said
    code, said = _run(
        "predict", tmp_path / "t.csv", "CCC", "-p", "Tb=K", "-p", "state={liquid|gas}"
    )
    assert code == 0


def test_a_campaign_copied_without_its_setup_says_which_file_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("smiles,Tb [K]\nCCO,351\nCCCO,370\nCCCCO,391\n")
    (tmp_path / "pool.csv").write_text("smiles\nCCCCCO\nCCCCCCO\n")
    file = tmp_path / "a.db"
    made = _run("campaign", "create", file, tmp_path / "t.csv", "-g", "Tb=max",
                "--pool", tmp_path / "pool.csv")  # fmt: skip
    assert made[0] == 0
    (tmp_path / "elsewhere").mkdir()
    copied = Path(shutil.copy(file, tmp_path / "elsewhere"))
    code, said = _run("campaign", "suggest", copied)
    assert code == 1
    words = " ".join(said.replace("│", " ").split())
    assert "is not there, in which `campaign create` keeps what" in words
    assert "copy that file too" in words


@pytest.mark.parametrize(
    ("kind", "words"),
    [("repeat_unit", "say what may be chosen"), ("polymer", "repeat_unit (polymers)")],
)
def test_a_kind_that_cannot_work_here_is_refused_at_once(
    tmp_path: Path, kind: str, words: str
) -> None:
    (tmp_path / "t.csv").write_text("unit,Tg\n*CC*,195\n*CC(C)*,253\n", encoding="utf-8")
    options = ["-p", "Tg=K", "-m", f"unit:{kind}", "-g", "Tg=300:400"]
    code, said = _run(
        "campaign", "create", str(tmp_path / "a.db"), str(tmp_path / "t.csv"), *options
    )
    assert code == 2
    assert words in said
    assert not (tmp_path / "a.db").exists()


def test_a_condition_in_another_unit_is_said_in_one_line(tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    table.write_text("t [°C],y [%]\n" + "".join(f"{60 + 10 * i},{50 + 5 * i}\n" for i in range(6)))
    asked = ["predict", str(table), "-c", "t=°C", "--at", "t=363.15", "--no-explain"]
    result = RUNNER.invoke(cli.app, asked)
    assert result.exit_code == 0, result.output
    assert (
        "Warning: t 363.15 degC lies far outside of the measured 60 to 110 degC: 90 degC (entered "
        "in K)?\n"
    ) in result.output
    assert "SurprisingValue" not in result.output
    assert result.output.count("no column holds materials") == 1


def test_many_rows_are_shown_by_their_keys_alone_where_they_have_no_names(tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    table.write_text("x,y\n" + "".join(f"{i / 8},{i % 3}\n" for i in range(9)))
    asked = tmp_path / "asked.csv"
    asked.write_text("x\n" + "".join(f"{i / 7}\n" for i in range(7)))
    said = ["predict", str(table), "-c", "x=1", "-p", "y=1", "--from", str(asked), "--no-explain"]
    result = RUNNER.invoke(cli.app, said)
    assert result.exit_code == 0, result.output
    assert "0.142857 " in result.output
    assert "x=" not in result.output
    assert "(property)" not in result.output


@pytest.mark.parametrize("width", [80, 100, 140])
def test_conditions_have_columns_of_their_own_at_every_width(width: int) -> None:
    columns = (Condition("temperature", "K"), Condition("solvent", None, ("water", "dmf")))
    rows = Rows(("CCO", "CC(C)CCCCCC(=O)OCCCCCCC"), [[298.15, 0], [350, 1]], columns)
    m, d = np.full((2, 1), 0.6534), np.full(2, 0.3)
    gap = (Property("viscosity", "cP", "log"),)
    found = Prediction(rows, gap, m, 0.8 * m, 1.2 * m, 0.9, m, m, d, "smiles")
    console = Console(width=width, file=io.StringIO())
    console.print(commands.shown(found, np.array([0.2, 0.3]), "Round 1", ("ethanol", "")))
    lines = console.file.getvalue().splitlines()
    assert lines[0].strip() == "Round 1: viscosity [cP]"
    assert any("P(goals)" in line for line in lines)
    one = next(line for line in lines if "CCO" in line)
    for cell in ("298.15", "water", "0.653", "0.523 - 0.784", "0.30", "20%"):
        assert f" {cell} " in one
    assert "temperature=" not in console.file.getvalue()
