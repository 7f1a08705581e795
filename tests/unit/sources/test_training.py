"""Networks of all depths, shares and tasks are trained at once, stopped in time, and resumed."""

import pytest
import torch

import bayesmat.sources.checkpoint as checkpoint_module
from bayesmat.errors import ModelError
from bayesmat.sources.networks import PyramidNetwork, PyramidSpec
from bayesmat.sources.training import Schedule, train_pyramids
from tests.unit.sources.test_networks import planted

SPECS = (
    PyramidSpec((24, 12, 5), 0.1, 3),
    PyramidSpec((20, 14, 9, 6, 4), 0.1, 4, share=0.5),
    PyramidSpec((16, 6), 0.0, 5, tasks=(2,)),
    PyramidSpec((18, 9, 4), 0.2, 6, share=0.75, tasks=(0, 1)),
)


def same(one: PyramidNetwork, other: PyramidNetwork) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_depths_shares_and_tasks_differ_and_each_network_is_the_one_trained_alone():
    X, Y = planted(600)
    together = train_pyramids(X, Y, SPECS, seed=0, schedule=Schedule(3))
    for spec, network in zip(SPECS, together, strict=True):
        assert network.widths == spec.widths
        assert len(network.keep) == round(spec.share * 8)
        assert network.predict(X).shape[1] == (3 if spec.tasks is None else len(spec.tasks))
        (alone,) = train_pyramids(X, Y, [spec], seed=0, schedule=Schedule(3))
        torch.testing.assert_close(network(X), alone(X), rtol=1e-3, atol=1e-3)


def test_a_column_that_is_not_read_has_no_effect():
    X, Y = planted(400)
    network = train_pyramids(X, Y, SPECS, seed=0, schedule=Schedule(2))[1]
    unread = [j for j in range(8) if j not in network.keep.tolist()]
    assert len(unread) == 4
    Z = X.clone()
    Z[:, unread] += 100.0
    assert torch.equal(network(Z), network(X))


def test_a_single_task_network_predicts_its_task_in_its_unit():
    X, Y = planted(1500)
    (network,) = train_pyramids(
        X[:1200], Y[:1200], [PyramidSpec((48, 16), 0.0, 1, tasks=(2,))], seed=0,
        schedule=Schedule(30),
    )  # fmt: skip
    error = (network.predict(X[1200:])[:, 0] - Y[1200:, 2]).square().nanmean().sqrt()
    assert float(error) < 0.3 * 30.0  # the standard deviation of the labels


def noisy(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels that are mostly noise: long training fits it."""
    generator = torch.Generator().manual_seed(2)
    X = torch.randn(n, 12, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, 1, generator=generator, dtype=torch.float64)
    return X, 0.3 * X[:, :1] + noise


def test_the_weights_of_the_best_epoch_are_kept():
    X, Y = noisy(400)
    held = torch.arange(400) % 2 == 0
    specs = [PyramidSpec((128, 64, 16), 0.0, s) for s in (1, 2)]
    long = Schedule(150)
    stopped = train_pyramids(X, Y, specs, seed=0, schedule=long, validation=held)
    last = train_pyramids(X[~held], Y[~held], specs, seed=0, schedule=long)
    for early, late in zip(stopped, last, strict=True):
        losses = [(net.predict(X[held]) - Y[held]).square().mean() for net in (early, late)]
        assert losses[0] < 0.9 * losses[1]


def test_patience_ends_the_training_of_what_learns_no_more():
    X, Y = noisy(400)
    held = torch.arange(400) % 2 == 0
    seen: list[int] = []

    class Counted(torch.optim.AdamW):
        def step(self, *args: object, **options: object) -> None:  # type: ignore[override]
            seen.append(1)
            super().step(*args, **options)  # type: ignore[arg-type]

    original = torch.optim.AdamW
    torch.optim.AdamW = Counted  # type: ignore[misc]
    try:
        plan = Schedule(200, patience=3)
        train_pyramids(X, Y, [PyramidSpec((64, 16), 0.0)], seed=0, schedule=plan, validation=held)
    finally:
        torch.optim.AdamW = original  # type: ignore[misc]
    assert 3 <= len(seen) < 100


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    X, Y = planted(600)
    held = torch.arange(600) % 5 == 0
    plan, file = Schedule(6), tmp_path / "state"
    whole = train_pyramids(X, Y, SPECS, seed=0, schedule=plan, validation=held)
    monkeypatch.setattr(checkpoint_module, "_EVERY_S", 0.0)
    keep, kept = checkpoint_module.Checkpoint.keep, []

    def interrupted(self: checkpoint_module.Checkpoint, run: object) -> None:
        keep(self, run)  # type: ignore[arg-type]
        kept.append(1)
        if len(kept) == 9:  # in the second of three depths
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint_module.Checkpoint, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_pyramids(X, Y, SPECS, seed=0, schedule=plan, validation=held, checkpoint=file)
    monkeypatch.setattr(checkpoint_module.Checkpoint, "keep", keep)
    assert len(list(tmp_path.iterdir())) == 2
    resumed = train_pyramids(X, Y, SPECS, seed=0, schedule=plan, validation=held, checkpoint=file)
    assert all(map(same, whole, resumed))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "said"),
    [("other", "is the state of another training"), ("cut", "cannot be read")],
)
def test_a_state_of_another_training_or_a_damaged_one_is_refused(
    tmp_path, monkeypatch, damage, said
):
    X, Y = planted(300)
    monkeypatch.setattr(checkpoint_module, "_EVERY_S", 0.0)
    monkeypatch.setattr(checkpoint_module.Checkpoint, "remove", lambda self: None)
    file = tmp_path / "state"
    train_pyramids(X, Y, SPECS[:1], seed=0, schedule=Schedule(2), checkpoint=file)
    (kept,) = tmp_path.iterdir()
    if damage == "cut":
        kept.write_bytes(kept.read_bytes()[:100])
    seed = 1 if damage == "other" else 0
    with pytest.raises(ModelError, match=f"(?s){kept.name}.*{said}.*Delete it"):
        train_pyramids(X, Y, SPECS[:1], seed=seed, schedule=Schedule(2), checkpoint=file)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"validation": torch.ones(5, dtype=torch.bool)}, "marks 5 of 5 rows"),
        ({"validation": torch.zeros(4, dtype=torch.bool)}, "marks 0 of 4 rows, and X has 5"),
        ({"schedule": Schedule(3, patience=1)}, "has no rows to judge by"),
    ],
)
def test_validation_that_cannot_be_is_refused(settings, said):
    with pytest.raises(ModelError, match=said):
        train_pyramids(torch.rand(5, 2), torch.rand(5, 1), [PyramidSpec((4,))], seed=0, **settings)


def test_impossible_plans_are_refused():
    with pytest.raises(ModelError, match="patience is 0"):
        Schedule(patience=0)
    with pytest.raises(ModelError, match=r"share 0.0 of the columns is not in \(0, 1\]"):
        PyramidSpec((4,), share=0.0)
    with pytest.raises(ModelError, match="name no columns of labels"):
        PyramidSpec((4,), tasks=())
    spec = PyramidSpec((4,), tasks=(3,))
    with pytest.raises(ModelError, match="the tasks"):
        train_pyramids(torch.rand(5, 2), torch.rand(5, 1), [spec], seed=0)


def test_random_pyramids_shrink_and_differ():
    specs = [PyramidSpec.random(s) for s in range(40)]
    assert {len(s.widths) for s in specs} == {3, 4, 5, 6}
    for spec in specs:
        assert list(spec.widths) == sorted(spec.widths, reverse=True)
        assert 128 <= spec.widths[0] <= 256
        assert 12 <= spec.widths[-1] <= 28
        assert 0.5 <= spec.share <= 1.0
    assert len({s.widths for s in specs}) == 40
