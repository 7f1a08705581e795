"""Networks trained together are the networks trained alone, and they learn."""

import math

import pytest
import torch

from bayesmat.errors import ModelError
from bayesmat.sources.networks import PyramidNetwork, PyramidSpec, masked_loss
from bayesmat.sources.scales import InputScale, TargetScale
from bayesmat.sources.training import Schedule, train_pyramids

NAN = math.nan


def planted(n):
    """Rows, and labels of three tasks of which 40 % are missing."""
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(n, 8, generator=generator, dtype=torch.float64)
    f = torch.stack([X[:, 0] + torch.sin(2 * X[:, 1]), X[:, 2] * X[:, 0], 100 + 30 * X[:, 3]], 1)
    Y = f + 0.05 * torch.randn(f.shape, generator=generator, dtype=torch.float64)
    Y[torch.rand(Y.shape, generator=generator) < 0.4] = NAN
    return X, Y


@pytest.fixture
def data():
    return planted(600)


def test_masked_loss_is_the_mean_huber_loss_of_the_labelled_cells():
    prediction = torch.tensor([[[1.0, 0.0], [0.0, 5.0]], [[0.0, 9.0], [3.0, 1.0]]])
    target = torch.tensor([[0.0, NAN], [0.0, 0.0]])
    # network 0: residuals 1, 0, 5 -> 0.5, 0, 2 * (5 - 1); network 1: 0, 3, 1 -> 0, 2 * 2, 0.5
    expected = torch.tensor([(0.5 + 8.0) / 3, (4.0 + 0.5) / 3])
    torch.testing.assert_close(masked_loss(prediction, target), expected)


def test_masked_loss_has_no_gradient_at_unlabelled_cells_and_survives_an_empty_batch():
    prediction = torch.ones(1, 2, 2, requires_grad=True)
    masked_loss(prediction, torch.tensor([[0.0, NAN], [NAN, NAN]])).sum().backward()
    assert prediction.grad is not None
    assert prediction.grad.flatten().tolist() == [1.0, 0.0, 0.0, 0.0]
    assert masked_loss(prediction, torch.full((2, 2), NAN)).tolist() == [0.0]


def test_a_network_trained_beside_others_is_the_network_trained_alone(data):
    X, Y = data
    specs = [PyramidSpec((24, 10, 5), 0.1, 3), PyramidSpec((17, 12, 8), 0.2, 4)]
    together = train_pyramids(X, Y, specs, seed=0, schedule=Schedule(3))
    for spec, network in zip(specs, together, strict=True):
        (alone,) = train_pyramids(X, Y, [spec], seed=0, schedule=Schedule(3))
        assert network.widths == spec.widths
        torch.testing.assert_close(network(X), alone(X), rtol=1e-3, atol=1e-3)


def test_training_is_deterministic_for_a_seed_and_leaves_the_global_generator_alone(data):
    X, Y = data
    specs = [PyramidSpec.random(5, depths=(2, 2), first=(20, 30), last=(4, 9))]
    before = torch.random.get_rng_state()
    (a,), (b,), (c,) = (
        train_pyramids(X, Y, specs, seed=s, schedule=Schedule(2)) for s in (0, 0, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(a(X), b(X))
    assert not torch.equal(a(X), c(X))


def test_learns_all_tasks_on_held_out_rows_although_labels_are_missing():
    X, Y = planted(1900)
    (network,) = train_pyramids(
        X[:1600], Y[:1600], [PyramidSpec((64, 32, 12), 0.0)], seed=0, schedule=Schedule(40)
    )
    residual = network.predict(X[1600:]) - Y[1600:]
    error = residual.square().nanmean(0).sqrt()
    mean_error = (Y[1600:] - Y[:1600].nanmean(0)).square().nanmean(0).sqrt()
    assert (error < 0.6 * mean_error).all(), error / mean_error


def test_a_missing_label_does_not_change_the_scale_of_its_task():
    scale = TargetScale.fit(torch.tensor([[1.0, 5.0], [3.0, NAN], [NAN, 7.0]]))
    assert scale.loc.tolist() == [2.0, 6.0]
    torch.testing.assert_close(scale.scale, torch.tensor([2.0, 2.0]).sqrt())


def test_sparse_counts_are_logged_and_dense_columns_standardised():
    X = torch.zeros(100, 4, dtype=torch.float64)
    X[:5, 0] = 3.0  # sparse count
    X[:, 1] = torch.arange(100) - 7.0
    X[:, 2] = 2.5  # constant: unused
    X[:, 3] = torch.arange(100)  # whole numbers, but not sparse
    scale = InputScale.fit(X)
    assert scale.keep.tolist() == [0, 1, 3]
    assert scale.log1p.tolist() == [True, False, False]
    x = scale(X)
    assert x[0, 0].item() == pytest.approx(math.log(4))
    assert x[10, 0].item() == 0.0
    torch.testing.assert_close(x[:, 1], x[:, 2])
    torch.testing.assert_close(x[:, 1].std(correction=0), torch.tensor(1.0, dtype=torch.float64))


def test_rebuilt_from_its_state_it_predicts_the_same_bits(data):
    X, Y = data
    (network,) = train_pyramids(X, Y, [PyramidSpec((16, 6))], seed=0, schedule=Schedule(1))
    again = PyramidNetwork.from_state(network.state_dict())
    assert torch.equal(again.predict(X), network.predict(X))
    state = network.state_dict()
    del state["layers.1.bias"]
    with pytest.raises(ModelError, match="do not describe a pyramid network"):
        PyramidNetwork.from_state(state)


def test_remembers_the_moments_of_its_units_over_the_population(data):
    X, Y = data
    (network,) = train_pyramids(X, Y, [PyramidSpec((16, 6))], seed=0, schedule=Schedule(1))
    h = network.preactivation(X, -1)
    torch.testing.assert_close(network.unit_loc[16:], h.mean(0))
    torch.testing.assert_close(network.unit_scale[16:], h.std(0, correction=0))


@pytest.mark.parametrize(
    ("X", "Y", "specs", "message"),
    [
        (torch.ones(3, 2), torch.ones(4, 1), [PyramidSpec((4,))], "one row per material"),
        (torch.rand(3, 2), torch.rand(3, 1), [], "no network to train"),
        (torch.tensor([[0.0], [NAN]]), torch.rand(2, 1), [PyramidSpec((4,))], r"rows \[1\]"),
        (torch.rand(2, 1), torch.tensor([[1.0], [math.inf]]), [PyramidSpec((4,))], "infinite"),
        (torch.rand(2, 1), torch.tensor([[1.0], [NAN]]), [PyramidSpec((4,))], r"tasks \[0\]"),
        (torch.ones(3, 2), torch.rand(3, 1), [PyramidSpec((4,))], "constant"),
    ],
)
def test_unusable_input_is_refused_with_the_reason(X, Y, specs, message):
    with pytest.raises(ModelError, match=message):
        train_pyramids(X, Y, specs, seed=0)


def test_impossible_shapes_are_refused():
    with pytest.raises(ModelError, match="no hidden layer"):
        PyramidSpec(())
    with pytest.raises(ModelError, match="not a probability"):
        PyramidSpec((3,), dropout=1.0)


def test_too_few_columns_are_refused(data):
    X, Y = data
    (network,) = train_pyramids(X, Y, [PyramidSpec((8, 4))], seed=0, schedule=Schedule(1))
    with pytest.raises(ModelError, match="not the features that it was trained on"):
        network(X[:, :5])
    with pytest.raises(ModelError, match="layer 2 asked of a network with 2 hidden layers"):
        network.preactivation(X, 2)
