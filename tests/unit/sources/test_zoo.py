"""Stored ensembles: they learn, come back bit for bit, and notice damage and leakage."""

import json
from dataclasses import replace

import pytest
import torch

from bayesmat.data.datasets import chemicals_table, without_stereo
from bayesmat.data.materials import canonical_smiles
from bayesmat.data.properties import Property
from bayesmat.errors import DataError, MaterialError, ModelError
from bayesmat.features import base
from bayesmat.features.base import Layout, function_of
from bayesmat.features.molecule import MACCS, CheapDescriptors
from bayesmat.sources import zoo
from bayesmat.sources.training import Schedule

FAMILIES = (
    zoo.Family("keys", (MACCS(), CheapDescriptors()), 2),
    zoo.Family("descriptors", (CheapDescriptors(),), 1),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache of this module's own, so that nothing depends on what lies in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAYESMAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def table(cache):
    whole = chemicals_table(progress=False)
    return whole.subset(range(0, whole.n_rows, 12)).select(["Tb", "Tm", "Vc"])


@pytest.fixture(scope="module")
def ensemble(table):
    return zoo.train(table, FAMILIES, name="small", seed=0, schedule=Schedule(20))


def test_beats_predicting_the_mean_on_molecules_that_were_held_out(ensemble):
    for task in ensemble.card["tasks"]:
        assert task["n_test"] > 15
        assert task["mae"] < 0.65 * task["mae_mean"], task


def test_the_card_says_what_was_learned(ensemble, table):
    card = ensemble.card
    assert [t["unit"] for t in card["tasks"]] == [p.unit for p in table.properties]
    assert card["n_train"] == pytest.approx(0.8 * table.n_rows, rel=0.01)
    assert card["families"][0]["inputs"] == [function_of(MACCS()), function_of(CheapDescriptors())]
    assert {"torch", "rdkit", "chemicals"} <= set(card["versions"])
    assert "small: 3 networks" in str(ensemble)
    json.dumps(dict(card), allow_nan=False)


def test_feature_maps_work_on_a_layout_and_know_their_networks(ensemble):
    assert [m.label for m in ensemble.feature_maps] == [
        "small/keys-0",
        "small/keys-1",
        "small/descriptors-0",
    ]
    layout = Layout([f for m in ensemble.feature_maps for f in m.inputs])
    X = layout(["CCO", "c1ccccc1"])
    for feature_map, network in zip(ensemble.feature_maps, ensemble.networks, strict=True):
        assert feature_map.columns(layout, X).shape == (2, network.widths[-1])


@pytest.fixture
def file(ensemble, tmp_path):
    path = tmp_path / "one.safetensors"
    zoo.write_file(ensemble, path)
    return path


def test_comes_back_bit_for_bit(ensemble, file):
    again = zoo.read_file(file)
    assert again.digest == ensemble.digest
    assert again.card["tasks"] == ensemble.card["tasks"]
    for a, b in zip(again.networks, ensemble.networks, strict=True):
        assert all(torch.equal(a.state_dict()[k], v) for k, v in b.state_dict().items())


def test_a_release_that_leaves_the_features_alone_does_not_lock_it(ensemble, file, monkeypatch):
    monkeypatch.setattr(base, "version", lambda name: "2099.1")
    base.versioned.cache_clear()
    try:
        assert zoo.read_file(file).digest == ensemble.digest
    finally:
        base.versioned.cache_clear()


def test_a_damaged_file_is_an_error_that_says_what_to_do(file):
    content = bytearray(file.read_bytes())
    content[-1000] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"one\.safetensors .*SHA-256(?s:.)*delete it"):
        zoo.read_file(file)
    file.write_bytes(bytes(content[:-9]))
    with pytest.raises(DataError, match=r"cut off(?s:.)*delete it"):
        zoo.read_file(file)


def test_features_of_another_kind_are_refused(file):
    with pytest.raises(ModelError, match="features of other kinds or numbers"):
        zoo.read_file(file, FAMILIES[::-1])


def test_conditions_and_classes_are_refused(table):
    classes = replace(
        table.select(["Tb"]).subset([]), properties=(Property("x", categories=("a", "b")),)
    )
    with pytest.raises(ModelError, match="without categorical properties"):
        zoo.train(classes, FAMILIES, seed=0)


class TestLoad:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch, table):
        self.trained_on: list[tuple[str, ...]] = []
        real = zoo.train

        def train(given, families, **settings):
            self.trained_on.append(given.materials)
            return real(given.subset(range(300)), families, **settings | {"schedule": Schedule(1)})

        tiny = zoo.Recipe("for tests", ("Tb", "Tm", "Vc"), FAMILIES)
        monkeypatch.setattr(zoo, "RECIPES", {"molecule/tiny": tiny})
        monkeypatch.setattr(zoo, "chemicals_table", lambda names, *, progress: table)
        monkeypatch.setattr(zoo, "train", train)

    def test_trains_once(self):
        first = zoo.load("molecule/tiny", seed=1, progress=False)
        second = zoo.load("molecule/tiny", seed=1, progress=False)
        assert len(self.trained_on) == 1
        assert first.digest == second.digest
        assert len(first.networks) == 3

    def test_excluded_molecules_and_their_stereoisomers_are_not_learned(self, table):
        chiral = canonical_smiles("C[C@H](N)C(=O)O")
        given = table.materials[5]
        zoo.load("molecule/tiny", seed=2, progress=False, exclude=[given, chiral])
        zoo.load("molecule/tiny", seed=2, progress=False)
        without, everything = self.trained_on
        assert given not in without
        assert set(everything) - set(without) >= {given}
        flat = {without_stereo(m) for m in without}
        assert without_stereo(chiral) not in flat

    def test_the_order_of_excluded_molecules_does_not_matter(self, table):
        some = list(table.materials[:3])
        zoo.load("molecule/tiny", seed=3, progress=False, exclude=some)
        zoo.load("molecule/tiny", seed=3, progress=False, exclude=some[::-1])
        assert len(self.trained_on) == 1

    def test_nonsense_is_refused(self):
        with pytest.raises(ModelError, match=r"no source ensemble 'x'; known: molecule/tiny"):
            zoo.load("x")
        with pytest.raises(MaterialError, match="not-a-molecule"):
            zoo.load("molecule/tiny", exclude=["CCO", "not-a-molecule"])
