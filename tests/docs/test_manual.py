"""The manual builds without a warning, needs nothing from elsewhere, and its examples run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bayesmat.data.io import read_csv
from bayesmat.errors import DataError
from bayesmat.features import Featurizer, Layout
from tests.docs.blocks import ROOT, python_blocks


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("latex2mathml", reason="the manual's extra is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    foreign = {
        (page.relative_to(site).as_posix(), found)
        for page in site.rglob("*.html")
        for found in re.findall(
            r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="((?:https?:)?//[^"]+)"',
            page.read_text("utf-8"),
        )
    }
    assert not foreign


def test_formulas_are_drawn(site: Path) -> None:
    pages = [page.read_text("utf-8") for page in site.rglob("*.html")]
    assert any("<math" in page for page in pages)
    for leftover in (":math:", ".. math::", 'class="arithmatex"'):
        assert not any(leftover in page for page in pages), leftover


def test_every_layer_has_a_page(site: Path) -> None:
    layers = {p.parent.name for p in (ROOT / "bayesmat").glob("*/__init__.py")}
    layers.remove("cli")  # its pages are its --help
    missing = sorted(x for x in layers if not (site / "api" / x / "index.html").exists())
    assert not missing


def test_the_featurizer_of_ten_lines_is_one() -> None:
    namespace: dict[str, object] = {"__name__": "extending"}
    exec(python_blocks("docs/extending.md")[0], namespace)
    featurizer = namespace["Length"]()
    assert isinstance(featurizer, Featurizer)
    assert torch.equal(Layout([featurizer])(["CCO", "C"]), torch.tensor([[3.0], [1.0]]).double())


def test_what_the_first_page_shows_of_a_checkup_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = (ROOT / "examples" / "gap_start.csv").read_text("utf-8")
    (tmp_path / "gaps.csv").write_text(start, "utf-8")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "page"}
    for block in python_blocks("docs/index.md"):
        exec(block, namespace)
    assert "CSCCCN" in capsys.readouterr().out
    assert "CSCCCN" in (tmp_path / "checkup.html").read_text("utf-8")


def test_the_tutorial_quotes_the_error_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    quoted = re.search(r"^```\nDataError: (.*?)\n```", page, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    path = Path("gaps.csv")
    path.write_text("smiles,gap\nCCO,9.1\nC1CC,5.0\nCC,-4.1\nCCC,n.d.\n", "utf-8")
    with pytest.raises(DataError) as caught:
        read_csv(path, material="smiles", properties={"gap": "log eV"})
    assert quoted is not None
    assert quoted[1] == str(caught.value)
