"""One file holds an ensemble; damaged, foreign and changed ones are refused, and nothing runs."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bayesmat.data.datasets import chemicals_table
from bayesmat.errors import DataError, ModelError
from bayesmat.features import base
from bayesmat.features.molecule import MACCS, CheapDescriptors
from bayesmat.sources import zoo
from bayesmat.sources.ensemble import SourceEnsemble, train
from bayesmat.sources.exchange import read_file, write_file
from bayesmat.sources.family import Family
from bayesmat.sources.training import Schedule

FAMILIES = (
    Family("cheap", (CheapDescriptors(),), 2, depths=(3, 5)),
    Family("keys", (MACCS(), CheapDescriptors()), 1, layer=-2),
)


@pytest.fixture(scope="module")
def ensemble() -> SourceEnsemble:
    whole = chemicals_table(progress=False).select(["Tb", "Tm"])
    table = whole.subset(range(0, whole.n_rows, 30))
    return train(table, FAMILIES, name="own", seed=0, schedule=Schedule(2))


@pytest.fixture
def file(ensemble: SourceEnsemble, tmp_path: Path) -> Path:
    path = tmp_path / "own.safetensors"
    write_file(ensemble, path)
    return path


def changed(file: Path, change: str) -> None:
    """Write the file anew with another card or other tensors."""
    with safe_open(file, framework="pt") as opened:
        said = dict(opened.metadata())
        tensors = {k: opened.get_tensor(k) for k in opened.keys()}
    card = json.loads(said["card"])
    if change == "weight":
        tensors["0:layers.0.weight"] = tensors["0:layers.0.weight"] + 0.1
    if change == "missing network":
        tensors = {k: t for k, t in tensors.items() if not k.startswith("2:")}
    if change == "gap":
        tensors = {k: t for k, t in tensors.items() if not k.startswith("1:")}
    if change == "featurizer":
        card["families"][0]["featurizers"] = [{"type": "os.system", "settings": {}}]
    if change == "settings":
        card["families"][0]["featurizers"][0]["settings"] = {"shell": "true"}
    if change == "no families":
        del card["families"]
    if change == "format":
        said["format"] = "something else"
    said["card"] = "{" if change == "card" else json.dumps(card)
    save_file(tensors, file, said)


def test_it_comes_back_with_everything(ensemble: SourceEnsemble, file: Path) -> None:
    again = read_file(file)
    assert again.digest == ensemble.digest
    assert [m.label for m in again.feature_maps] == [m.label for m in ensemble.feature_maps]
    assert again.card["tasks"] == list(ensemble.card["tasks"])
    X = torch.rand(4, 200, dtype=torch.float64)
    for one, other in zip(ensemble.networks, again.networks, strict=True):
        assert torch.equal(one(X), other(X))
    write_file(again, file)
    assert read_file(file).digest == ensemble.digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("weight", "the weights in .* are not those of its card"),
        ("missing network", "holds 2 networks, and its card says 3"),
        ("gap", "numbered from 0"),
        ("featurizer", "^the networks read 'os.system', which this version of bayesmat does not"),
        ("settings", "does not say completely what the networks read"),
        ("no families", "does not say completely what the networks read"),
        ("format", "holds no source networks of bayesmat"),
        ("card", "the card in .* cannot be read"),
    ],
)
def test_a_changed_file_is_refused(file: Path, change: str, said: str) -> None:
    changed(file, change)
    with pytest.raises((DataError, ModelError), match=f"(?s){said}"):
        read_file(file)


def test_cut_off_foreign_and_absent_files_are_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    for content in (whole[:1000], whole[:-5], b"", b"PK\x03\x04 a zip file", b"\x80\x04pickle"):
        file.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as tensors"):
            read_file(file)
    with pytest.raises(DataError, match="there is no file"):
        read_file(tmp_path / "none.safetensors")
    with pytest.raises(DataError, match=r"should end in \.safetensors"):
        read_file(tmp_path / "x.pkl")


def test_features_that_give_other_numbers_here_are_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_PROBES", {}, raising=False)
    monkeypatch.setattr("bayesmat.sources.ensemble.function_of", lambda f: f"{f.id};numbers=0")
    with pytest.raises(ModelError, match="features of other kinds or numbers"):
        read_file(file)


class Own:
    """A featurizer of the user's own, called like one of bayesmat's."""

    id, names = "mine", tuple(f"m{i}" for i in range(32))

    def __call__(self, materials: Sequence[str]) -> torch.Tensor:
        return CheapDescriptors()(materials)


def test_a_featurizer_of_ones_own_must_be_named_by_whoever_reads(tmp_path: Path) -> None:
    Own.__name__ = "CheapDescriptors"
    whole = chemicals_table(progress=False).select(["Tb"])
    families = [Family("own", (Own(),), 1)]
    made = train(whole.subset(range(0, 3000, 10)), families, seed=0, schedule=Schedule(1))
    path = tmp_path / "own.safetensors"
    write_file(made, path)
    with pytest.raises(DataError, match="name the families that they were trained with"):
        read_file(path)
    assert read_file(path, families).digest == made.digest


class TestZoo:
    @pytest.fixture(autouse=True)
    def own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BAYESMAT_CACHE", str(tmp_path / "cache"))

    def test_a_file_is_taken_in_and_loaded_by_name_or_path(
        self, ensemble: SourceEnsemble, file: Path
    ) -> None:
        zoo.keep(file, "mine")
        assert zoo.names() == ("molecule/starter", "molecule/full", "imported/mine")
        assert zoo.is_there("imported/mine")
        assert zoo.load("imported/mine").digest == zoo.load(str(file)).digest == ensemble.digest
        with pytest.raises(DataError, match="imported/mine is there already"):
            zoo.keep(file, "mine")
        with pytest.raises(ModelError, match="cannot be trained anew without 1 molecules"):
            zoo.load("imported/mine", exclude=["CCO"])

    @pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "x" * 65, "a b"])
    def test_names_stay_inside_the_cache(self, file: Path, name: str) -> None:
        with pytest.raises(DataError, match="is no name"):
            zoo.keep(file, name)

    def test_an_address_needs_its_checksum(self) -> None:
        with pytest.raises(DataError, match="does not say what it should be"):
            zoo.load("https://example.org/a.safetensors")

    def test_an_address_is_fetched_and_checked(
        self, ensemble: SourceEnsemble, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []

        def fetch(url: str, digest: str) -> Path:
            asked.append((url, digest))
            return file

        monkeypatch.setattr(zoo, "fetch_url", fetch)
        found = zoo.load(f"https://example.org/a.safetensors#sha256={'0' * 64}")
        assert found.digest == ensemble.digest
        assert asked == [("https://example.org/a.safetensors", "0" * 64)]

    def test_the_starter_is_shipped(self) -> None:
        starter = zoo.load()
        assert len(starter.networks) == 12
        assert starter.descriptors is None  # designs reach beyond the table
        assert len(starter.card["tasks"]) >= 45
        size = sum(p.stat().st_size for p in zoo._SHIPPED.iterdir())
        assert size < 15e6
        for task in starter.card["tasks"]:
            if task["n_test"] >= 30:
                assert task["mae"] < task["mae_mean"], task


def test_features_elsewhere_train_the_starter_anew(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    ensemble: SourceEnsemble,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("BAYESMAT_CACHE", str(tmp_path))
    real = zoo.read_file

    def other(path: Path) -> SourceEnsemble:
        if path.parent == zoo._SHIPPED:
            raise ModelError("features of other numbers")
        return real(path)

    monkeypatch.setattr(zoo, "read_file", other)
    monkeypatch.setattr(zoo, "build", lambda *a, **k: ensemble)
    assert zoo.load(progress=False).digest == ensemble.digest
    assert "trained anew" in caplog.text


def test_words_about_a_recipe_do_not_train_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = zoo.RECIPES["molecule/full"]
    path = zoo._trained("molecule/full", 0, [])
    for change, same in (
        ({"about": "other words"}, True),
        ({"schedule": Schedule(3)}, False),
        ({"tasks": ("Tb",)}, False),
        ({"families": FAMILIES}, False),
    ):
        monkeypatch.setattr(zoo, "RECIPES", {"molecule/full": replace(recipe, **change)})
        assert (zoo._trained("molecule/full", 0, []) == path) is same, change
    assert zoo._trained("molecule/full", 1, []) != zoo._trained("molecule/full", 0, ["CCO"])
