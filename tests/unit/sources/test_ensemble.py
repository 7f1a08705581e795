"""Families say what their networks read and learn; a table's ensemble keeps to it."""

import pytest
import torch

import bayesmat.sources.ensemble as module
from bayesmat.data.datasets import chemicals_table
from bayesmat.data.table import PropertyTable
from bayesmat.errors import ModelError
from bayesmat.features.molecule import MACCS, CheapDescriptors, Descriptors2D
from bayesmat.models.transfer import Transfer
from bayesmat.sources.ensemble import SourceEnsemble, train
from bayesmat.sources.exchange import read_file, write_file
from bayesmat.sources.family import Family
from bayesmat.sources.training import Schedule

CHEAP = (CheapDescriptors(),)
FAMILIES = (
    Family("each", CHEAP, 3, layer=-1, each=True),
    Family("two", CHEAP, 2, tasks=("Tm", "omega"), depths=(3, 5), shares=(0.5, 0.9)),
    Family("all", (MACCS(), CheapDescriptors()), 1, layer=0),
)


@pytest.fixture(scope="module")
def table() -> PropertyTable:
    whole = chemicals_table(progress=False).select(["Tb", "Tm", "omega"])
    return whole.subset(range(0, whole.n_rows, 20))


@pytest.fixture(scope="module")
def ensemble(table: PropertyTable) -> SourceEnsemble:
    return train(table, FAMILIES, name="x", seed=0, schedule=Schedule(3))


def test_each_network_learns_what_its_family_says(ensemble: SourceEnsemble) -> None:
    tasks = [len(network.target_loc) for network in ensemble.networks]
    assert tasks == [1, 1, 1, 2, 2, 3]
    kept = [len(network.keep) for network in ensemble.networks]
    assert kept[0] == kept[1] == kept[2] > kept[3]
    counts = {t["name"]: t["networks"] for t in ensemble.card["tasks"]}
    assert counts == {"Tb": 2, "Tm": 4, "omega": 4}
    layers = [m.embedding.layer for m in ensemble.feature_maps if m.embedding is not None]
    assert layers[:3] == [2, 2, 2]
    assert layers[5] == 0
    assert ensemble.card["seconds"] >= 0


def test_it_comes_back_with_all_families(ensemble: SourceEnsemble, tmp_path) -> None:
    write_file(ensemble, tmp_path / "x.safetensors")
    for families in (None, FAMILIES):
        again = read_file(tmp_path / "x.safetensors", families)
        assert again.digest == ensemble.digest


def test_nothing_that_judges_was_learned_from(table: PropertyTable) -> None:
    """With other labels in the rows that judge, the networks are the same, the errors are not."""
    held, _ = module._held_out(table, 0)
    values = table.values.copy()
    values[held] *= 1.5
    other = PropertyTable(table.materials, table.kind, table.properties, values)
    one, two = (train(t, FAMILIES[:1], seed=0, schedule=Schedule(2)) for t in (table, other))
    assert one.digest == two.digest
    assert one.card["tasks"][0]["mae"] < two.card["tasks"][0]["mae"]


def test_a_task_that_the_table_lacks_is_refused(table: PropertyTable) -> None:
    family = Family("odd", CHEAP, 1, tasks=("Tb", "colour"))
    with pytest.raises(ModelError, match=r"'odd' learn \['colour'\], which the table does not"):
        train(table, [family], seed=0, schedule=Schedule(1))


def test_an_interrupted_ensemble_goes_on(table, tmp_path, monkeypatch) -> None:
    whole = train(table, FAMILIES[:2], seed=0, schedule=Schedule(2))
    real, calls = module.train_pyramids, []

    def second_fails(*given: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        assert len(calls) < 4, "the family that was finished is trained again"
        return real(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "train_pyramids", second_fails)
    with pytest.raises(KeyboardInterrupt):
        train(table, FAMILIES[:2], seed=0, schedule=Schedule(2), checkpoint=tmp_path / "s")
    again = train(table, FAMILIES[:2], seed=0, schedule=Schedule(2), checkpoint=tmp_path / "s")
    assert len(calls) == 3
    assert not list(tmp_path.iterdir())
    X = torch.rand(3, 32, dtype=torch.float64)
    for one, other in zip(whole.networks, again.networks, strict=True):
        assert torch.equal(one(X), other(X))


def test_transfer_falls_back_on_what_the_networks_read(ensemble: SourceEnsemble) -> None:
    (richest,) = [f for f in ensemble.feature_maps[0].inputs]
    assert ensemble.descriptors == richest == CheapDescriptors()
    labels = [t.label for t in Transfer("y", sources=ensemble).nodes[0].terms]
    assert any("cheap_descriptors" in label for label in labels), labels
    own = Transfer("y", sources=ensemble, descriptors=Descriptors2D()).nodes[0].terms
    assert not any("cheap" in t.label for t in own)
