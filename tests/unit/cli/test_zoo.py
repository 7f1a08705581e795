"""The zoo at the command line, from the list to a file and back."""

from pathlib import Path

import pytest

from bayesmat.sources import zoo
from tests.unit.cli.test_options import _run


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYESMAT_CACHE", str(tmp_path / "cache"))


def test_an_ensemble_is_given_and_taken(tmp_path: Path) -> None:
    code, said = _run("zoo", "list")
    assert code == 0
    assert "molecule/starter: fast" in said
    assert "(trained when first asked for)" in said
    file = tmp_path / "s.safetensors"
    code, said = _run("zoo", "export", "molecule/starter", file)
    assert code == 0
    assert "#sha256=" in said
    assert _run("zoo", "import", file, "colleague")[0] == 0
    assert "imported/colleague" in _run("zoo", "list")[1]
    code, said = _run("zoo", "show", "imported/colleague")
    assert code == 0
    assert "12 networks, learned from" in said
    assert "T_flash" in said
    file.write_bytes(file.read_bytes()[:5000])
    code, said = _run("zoo", "import", file, "cut")
    assert code == 1
    assert "cut off" in said
    assert not (zoo._imports() / "cut.safetensors").exists()


def test_building_takes_molecules_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    def load(name: str, **settings: object) -> zoo.SourceEnsemble:
        asked.append({"name": name, **settings})
        return starter

    starter = zoo.load()
    monkeypatch.setattr(zoo, "load", load)
    (tmp_path / "mine.txt").write_text("CCO\n\nCCN\n")
    code, _ = _run("zoo", "build", "molecule/full", "--exclude", tmp_path / "mine.txt")
    assert code == 0
    assert asked == [{"name": "molecule/full", "exclude": ["CCO", "CCN"], "seed": 0}]
