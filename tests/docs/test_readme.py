"""What the README shows runs, and what it points to is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, python_blocks

README = (ROOT / "README.md").read_text("utf-8")

# The example as printed, but for two sizes: networks that learn from forty molecules instead of
# fourteen thousand, and one round of two.
SMALL_SOURCES = """
from bayesmat.features import ECFP, CheapDescriptors
from bayesmat.sources import zoo
from bayesmat.sources.training import Schedule

def _small(name, **options):
    families = [zoo.Family("fp", (ECFP(), CheapDescriptors()), 2)]
    table = bm.read_csv("gaps.csv", material="smiles", properties={"gap": "log eV"})
    return zoo.train(table, families, name=name, seed=0, schedule=Schedule(2))

zoo.load = _small
"""


@pytest.mark.timeout(300)
def test_the_first_example_runs_as_a_script(tmp_path: Path) -> None:
    (block,) = python_blocks("README.md")
    importing, example = block.split("\n", 1)
    smaller = example.replace("rounds=5, batch=8", "rounds=1, batch=2")
    assert smaller != example
    start = (ROOT / "examples" / "gap_start.csv").read_text("utf-8")
    (tmp_path / "gaps.csv").write_text(start, "utf-8")
    script = tmp_path / "first.py"
    script.write_text(importing + SMALL_SOURCES + smaller, "utf-8")
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env={**os.environ, "BAYESMAT_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Leave-one-out" in done.stdout
    assert "O=C1C=CC(=O)C=C1" in done.stdout
    report = (tmp_path / "report.html").read_text("utf-8")
    assert "data:image/png;base64," in report
    assert not re.search(r'(?:src|href)="https?://', report)


def test_the_commands_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test"} <= named <= set(targets)


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing
