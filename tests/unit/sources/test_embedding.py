"""An embedding is a frozen, hashed, differentiable copy of a layer."""

import copy
from collections.abc import Sequence

import pytest
import torch
from torch.func import functional_call

from bayesmat.errors import ModelError
from bayesmat.features.base import Layout
from bayesmat.sources.embedding import Embedding, FeatureMap
from bayesmat.sources.networks import PyramidSpec
from bayesmat.sources.training import Schedule, train_pyramids


class Lengths:
    """A featurizer of two columns."""

    def __init__(self, id: str, width: int) -> None:
        self.id = id
        self.names = tuple(f"{id}{i}" for i in range(width))

    def __call__(self, materials: Sequence[str]) -> torch.Tensor:
        rows = [[float(len(m)) * (i + 1) for i in range(len(self.names))] for m in materials]
        return torch.tensor(rows, dtype=torch.float64)


@pytest.fixture(scope="module")
def trained():
    X = torch.randn(300, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    Y = torch.stack([X[:, 0] * X[:, 1], X[:, 2]], 1)
    (network,) = train_pyramids(X, Y, [PyramidSpec((20, 9, 5))], seed=0, schedule=Schedule(3))
    return network, X


@pytest.mark.parametrize(("layer", "width"), [(0, 20), (1, 9), (-1, 5), (2, 5)])
def test_features_are_standardised_on_the_source_population(trained, layer, width):
    network, X = trained
    embedding = Embedding(network, layer)
    h = embedding(X)
    assert h.shape == (300, width)
    assert embedding.width == width
    assert h.dtype == torch.float64
    torch.testing.assert_close(h.mean(0), torch.zeros(width, dtype=torch.float64))
    torch.testing.assert_close(h.std(0, correction=0), torch.ones(width, dtype=torch.float64))


def test_features_are_the_linear_output_before_the_relu(trained):
    network, X = trained
    linears = list(network.layers)
    x = (X - network.input_loc) / network.input_scale
    raw = linears[1](torch.relu(linears[0](x)))
    expected = (raw - raw.mean(0)) / raw.std(0, correction=0)
    torch.testing.assert_close(Embedding(network, 1)(X), expected)


def test_batches_and_rows_do_not_matter(trained):
    network, X = trained
    embedding = Embedding(network)
    torch.testing.assert_close(embedding(X[:6].view(2, 3, 4)), embedding(X)[:6].view(2, 3, -1))
    torch.testing.assert_close(embedding(X[7:8])[0], embedding(X)[7], rtol=1e-12, atol=1e-12)


def test_is_frozen_but_gradients_flow_to_the_input(trained):
    network, X = trained
    embedding = Embedding(network)
    assert not any(p.requires_grad for p in embedding.parameters())
    assert not embedding.training
    x = X[:3].clone().requires_grad_(True)
    embedding(x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_the_digest_follows_the_content(trained):
    network, _ = trained
    digest = Embedding(network).digest
    assert Embedding(copy.deepcopy(network)).digest == digest
    assert Embedding(network, 0).digest != digest
    other = copy.deepcopy(network)
    other.layers[0].weight[0, 0] += 1e-12
    assert Embedding(other).digest != digest


def test_never_changes_when_used_or_when_its_network_does(trained):
    network, X = trained
    mine = copy.deepcopy(network)
    embedding = Embedding(mine)
    digest, features = embedding.digest, embedding(X)
    mine.layers[0].weight.zero_()
    theta = {name: 2 * p for name, p in embedding.named_parameters()}
    tuned = functional_call(embedding, theta, (X,))
    assert not torch.equal(tuned, features)
    assert torch.equal(embedding(X), features)
    assert embedding.digest == digest


def test_a_layer_that_is_not_there_is_refused(trained):
    with pytest.raises(ModelError, match="layer 3 asked of a network with 3 hidden layers"):
        Embedding(trained[0], 3)


def test_a_feature_map_reads_its_own_columns_in_its_own_order(trained):
    network, _ = trained
    a, b = Lengths("a", 1), Lengths("b", 3)
    layout = Layout([a, b])
    X = layout(["CC", "CCCC"])
    plain = FeatureMap((b, a))
    assert plain.columns(layout, X).tolist() == [[2.0, 4.0, 6.0, 2.0], [4.0, 8.0, 12.0, 4.0]]
    embedded = FeatureMap((b, a), Embedding(network))
    torch.testing.assert_close(
        embedded.columns(layout, X), Embedding(network)(plain.columns(layout, X))
    )
    assert plain.label == "b+a"


def test_the_digest_of_a_feature_map_holds_inputs_order_and_weights(trained):
    a, b = Lengths("a", 1), Lengths("b", 3)
    digests = {
        FeatureMap((a, b)).digest,
        FeatureMap((b, a)).digest,
        FeatureMap((a, b), Embedding(trained[0])).digest,
        FeatureMap((a, b), Embedding(trained[0], 0)).digest,
    }
    assert len(digests) == 4
    assert FeatureMap((a, b), label="x").digest in digests


def test_a_layout_without_the_columns_is_refused():
    a, b = Lengths("a", 1), Lengths("b", 3)
    layout = Layout([a])
    with pytest.raises(ModelError, match=r"no columns of \['b'\]"):
        FeatureMap((a, b)).columns(layout, layout(["C"]))
    with pytest.raises(ModelError, match="at least one featurizer"):
        FeatureMap(())


def test_predictions_and_activated_units_are_features_too(trained):
    network, X = trained
    out = Embedding(network, "output")
    torch.testing.assert_close(out(X).mean(0), torch.zeros(out.width, dtype=torch.float64))
    torch.testing.assert_close(out(X) * out.scale + out.loc, network(X))
    relu = Embedding(network, -1, activated=True)
    h = network.preactivation(X, -1).relu()
    torch.testing.assert_close(relu(X) * relu.scale + relu.loc, h)
    digests = {Embedding(network, -1).digest, out.digest, relu.digest}
    assert len(digests) == 3
    with pytest.raises(ModelError, match="leave `activated` out"):
        Embedding(network, "output", activated=True)
    with pytest.raises(ModelError, match="layer last asked of a network with"):
        Embedding(network, "last")
