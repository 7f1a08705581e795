"""What the pages on how to do something show runs as printed, and says what they promise."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bayesmat.cli import app
from bayesmat.errors import SurprisingValue
from examples.make_vapour_pressures import catalogue, measured, vapour_pressure
from tests.docs.blocks import ROOT, python_blocks

TABLES = {"vapour_pressures.csv": measured, "solvents.csv": catalogue}


def run_page(page: str, folder: Path) -> dict[str, Any]:
    """The names that the blocks of a page leave, run one after another beside its files."""
    for name in TABLES:
        shutil.copy(ROOT / "examples" / name, folder)
    names: dict[str, Any] = {"__name__": "page"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in python_blocks(page):
            exec(compile(block, page, "exec"), names)
    return names


def interval(fitted: Any, *asked: Any, **conditions: Any) -> tuple[float, float]:
    found = fitted.predict(*asked, **conditions)
    return float(found.lower[0, 0]), float(found.upper[0, 0])


@pytest.mark.parametrize("name", TABLES)
def test_the_files_of_the_manual_are_what_their_script_makes(name: str) -> None:
    written, made = pd.read_csv(ROOT / "examples" / name), TABLES[name]()
    pd.testing.assert_frame_equal(written, made, check_dtype=False)


@pytest.mark.slow
def test_the_page_on_conditions(tmp_path: Path) -> None:
    names = run_page("docs/conditions.md", tmp_path)
    fitted = names["fitted"]
    assert "Reads the conditions of the table: 1/temperature" in str(fitted.report)
    widths = {}
    for smiles, temperature in (("CCO", 315.0), ("CCO", 400.0), ("CCCO", 315.0)):
        low, high = interval(fitted, [smiles], conditions={"temperature": temperature})
        assert low < vapour_pressure(smiles, temperature) < high
        widths[smiles, temperature] = np.log(high / low)
    assert widths["CCO", 315.0] < 0.1 < widths["CCO", 400.0] < 1 < widths["CCCO", 315.0]
    low, high = interval(names["two"], ["COC(C)=O"], conditions={"phase": ["gas"]})
    assert low < 86.0 < high


def test_the_page_on_a_pool(tmp_path: Path) -> None:
    names = run_page("docs/pool.md", tmp_path)
    assert names["heptane"].startswith("CCCCCCC, ")
    assert set(names["proposal"].notes) == {"name", "price [EUR/L]", "supplier"}


def test_the_first_month_of_a_laboratory(tmp_path: Path) -> None:
    with pytest.warns(SurprisingValue) as warned:
        names = run_page("docs/first-month.md", tmp_path)
    page = (ROOT / "docs" / "first-month.md").read_text("utf-8")
    (message,) = {str(one.message) for one in warned if one.category is SurprisingValue}
    page = " ".join((ROOT / "docs" / "first-month.md").read_text("utf-8").split())
    for quoted in (message.split(", predicted")[0], message.split("(90%). ")[1].split(" It is")[0]):
        assert quoted in page
    history = names["history"].set_index("structure")
    assert history["state"].value_counts().to_dict() == {"told": 8, "withdrawn": 1}
    assert history["hit"].eq(True).any()
    assert history["corrections"].sum() == 1
    assert "was not proposed" in names["said"]
    assert (tmp_path / "coating.html").stat().st_size > 100_000


@pytest.mark.slow
def test_the_page_on_recipes(tmp_path: Path) -> None:
    names = run_page("docs/recipes.md", tmp_path)
    assert names["table"].kind == "recipe"
    assert len(names["proposal"].rows) == 2


@pytest.mark.slow
def test_the_page_on_several_properties(tmp_path: Path) -> None:
    names = run_page("docs/several.md", tmp_path)
    low, high = interval(names["joint"], ["CCCCCCCC"], ["p"], conditions={"T": [330.0]})
    assert low < vapour_pressure("CCCCCCCC", 330.0) < high < 2 * low


@pytest.mark.slow
def test_the_page_on_formulae_and_polymers(tmp_path: Path) -> None:
    names = run_page("docs/formulae-and-polymers.md", tmp_path)
    low, high = interval(names["fitted"], ["KBr"])
    assert low < 2.74 < high


@pytest.mark.slow
def test_the_commands_of_the_tutorial_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TABLES:
        shutil.copy(ROOT / "examples" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    block = re.search(r"```shell\n(.*?)```", page, re.DOTALL)
    assert block is not None
    lines = block[1].replace("\\\n", " ").strip().splitlines()
    said = [CliRunner().invoke(app, shlex.split(line)[1:]) for line in lines]
    for line, done in zip(lines, said, strict=True):
        assert done.exit_code == 0, (line, done.output)
    assert "4 still empty" in " ".join(said[2].output.split())
    assert "is kept as an unasked measurement" in said[3].output
    assert "digits swapped" in (tmp_path / "report.html").read_text("utf-8")
