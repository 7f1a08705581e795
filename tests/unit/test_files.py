"""Every door that writes a file says in words why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import bayesmat as bm
from bayesmat._files import write_atomically, writing
from bayesmat.checkup import Checkup
from bayesmat.data.cache import cache_dir
from bayesmat.design import SmilesNGram
from bayesmat.errors import BayesmatError, DataError, InferenceError, ModelError
from bayesmat.explore.setup import Setup
from bayesmat.features.cache import FeatureCache
from bayesmat.inference.checkpoint import Checkpoint
from tests.contracts.argument_kinds import FITTED, PRIOR, TABLE
from tests.unit.cli.test_options import TABLE as TEXT
from tests.unit.cli.test_options import _run


def test_no_half_written_file_is_left(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"x" * 1000)
    write_atomically(tmp_path / "a", b"y")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"y"


def test_an_error_without_words_of_the_system_is_shown_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"x\.csv cannot be written \(no such drive\), alas\. Name"
    ):
        with writing(tmp_path / "x.csv", ModelError, note=", alas"):
            raise OSError("no such drive")


FIGURE = bm.plots.relevance({"a": [1.0]})
LANGUAGE = SmilesNGram.fit(["CCO", "CCC"])
DOORS: dict[str, Callable[[Path], object]] = {
    "to_csv": lambda path: bm.to_csv(TABLE, path),
    "Fitted.save": FITTED.save,
    "Checkup.save": Checkup(FITTED, bm.check.loo(FITTED), ()).save,
    "plots.save": lambda path: bm.plots.save(FIGURE, path),
    "SmilesNGram.save": LANGUAGE.save,
    "Checkpoint.save": lambda path: Checkpoint(path, "key").save({}, {}),
    "Setup.write": lambda path: Setup(("y",), "smiles", (), "none").write(path),
    "FeatureCache": FeatureCache,
}


@pytest.mark.parametrize("name", DOORS)
def test_a_file_that_cannot_be_written_is_an_error_of_ours(name: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("taken")
    with pytest.raises(BayesmatError, match=r"cannot be written \(.*t\.csv is a file, not a fold"):
        DOORS[name](tmp_path / "t.csv" / "deep" / "y.png")
    assert (tmp_path / "t.csv").read_text() == "taken"
    (tmp_path / "y.png").mkdir()
    (tmp_path / "y.png.json").mkdir()
    with pytest.raises(BayesmatError, match=r"Is a directory|unable to open"):
        DOORS[name](tmp_path / "y.png")


@pytest.mark.parametrize("name", ["y.doc", "y", "png"])
def test_a_figure_of_no_format_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"in which format.*give one of .*png.*svg"):
        bm.plots.save(FIGURE, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_is_a_file(tmp_path: Path) -> None:
    prior = bm.PropertyGraph(PRIOR.nodes, integrator=bm.SMCIntegrator(n=8))
    with pytest.raises(InferenceError, match="a folder: name a file in it, like"):
        bm.fit(prior, TABLE, seed=0, explain=False, checkpoint=tmp_path)
    (tmp_path / "t.csv").write_text("taken")
    with pytest.raises(InferenceError, match="is a file, not a folder"):
        bm.fit(prior, TABLE, seed=0, explain=False, checkpoint=tmp_path / "t.csv" / "x")


def test_the_cache_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("taken")
    monkeypatch.setenv("BAYESMAT_CACHE", str(tmp_path / "t.csv"))
    with pytest.raises(DataError, match="is a file, not a folder"):
        cache_dir()


def test_the_command_line_says_that_a_file_cannot_be_written(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(TEXT)
    predict = ("predict", table, "CCO", "-p", "gap=eV", "--no-explain", "--out")
    for command in (
        (*predict, tmp_path), (*predict, table / "x.csv"), ("demo", "--out", table),
        ("demo", "--out", table / "deep"),
    ):  # fmt: skip
        code, words = _run(*command)
        assert code == 1, words
        assert "DataError" in words
        assert "cannot be written" in words
    assert table.read_text() == TEXT
