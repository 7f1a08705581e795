"""Held-out predictions: bookkeeping against refits by hand, and that diagnostics fire."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat.check import HeldOut, held_out, kfold
from bayesmat.check.cells import predicted
from bayesmat.data.splits import grouped_kfold
from bayesmat.data.table import PropertyTable
from bayesmat.errors import DataError
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import fit

from .helpers import GAP, known, pair, plane, smooth, straight


@pytest.fixture(scope="module")
def held() -> HeldOut:
    return kfold(pair(), plane(24), n_folds=3, repeats=2, seed=3)


def test_every_cell_is_held_out_once_per_repeat(held: HeldOut) -> None:
    frame = held.to_frame()
    assert len(frame) == 2 * 2 * 24
    assert (frame.groupby(["row", "property"]).size() == 2).all()
    assert sorted(frame["split"].unique()) == list(range(6))
    cells = plane(24).values[frame["row"], [("a", "b").index(p) for p in frame["property"]]]
    np.testing.assert_allclose(frame["measured"], cells, rtol=1e-10)


def test_a_fold_is_the_prediction_of_a_fit_without_it(held: HeldOut) -> None:
    table = plane(24)
    train, test = grouped_kfold(table.materials, 3, seed=spawn(3, "repeat 0"))[1]
    fitted = fit(pair(), table.subset(train), seed=spawn(3, "split 1"), explain=False)
    theirs = fitted.predict([table.materials[i] for i in test])
    frame = held.to_frame()
    ours = frame[frame["split"] == 1].sort_values(["property", "row"])
    for j, name in enumerate("ab"):
        part = ours[ours["property"] == name]
        np.testing.assert_allclose(part["median"], theirs.median[:, j], rtol=1e-6)
        np.testing.assert_allclose(part["90% lower"], theirs.lower[:, j], rtol=1e-6)
        np.testing.assert_allclose(part["latent sd"], theirs.latent_sd[:, j], rtol=1e-6)
        np.testing.assert_allclose(part["observation sd"], theirs.observation_sd[:, j], rtol=1e-6)


def test_known_noise_of_the_held_out_cell_is_used() -> None:
    table = plane(24).select(["a"])
    stds = np.full((24, 1), 0.1)
    stds[:4] = 5.0
    held = kfold(smooth(), replace(table, stds=stds), n_folds=3, seed=0)
    noise = held.noise_sds[0] * held.scale_sds
    np.testing.assert_allclose(noise.numpy(), stds[held.rows.numpy(), 0], rtol=1e-10)
    assert bool((held.latent_sd < held.sd).all())


@pytest.mark.parametrize("stated", ["some", "all"])
def test_a_cell_without_a_stated_sd_is_as_noisy_as_others_without_one(stated: str) -> None:
    """Precise neighbours do not make it precise; where all are stated nothing else is known."""
    table = plane(30).select(["a"])
    stds = np.full((30, 1), 0.01)
    stds[20:] = np.nan
    train = replace(table, stds=stds if stated == "some" else np.full((30, 1), 0.01))
    fitted = fit(smooth(), train, seed=0, explain=False)
    noise = predicted(fitted, replace(table, stds=np.full((30, 1), np.nan))).noise_sds
    model = fitted.model
    expected = model.inferred_noise_sd if stated == "some" else model.noise_sd
    torch.testing.assert_close(noise, expected.expand_as(noise))
    assert not torch.equal(model.inferred_noise_sd, model.noise_sd)


def test_records_of_different_numbers_of_components_join() -> None:
    one = known(40)
    two = replace(
        one,
        means=one.means.repeat(3, 1),
        latent_sds=one.latent_sds.repeat(3, 1),
        noise_sds=one.noise_sds.repeat(3, 1),
        weights=one.weights.repeat(3, 1) / 3,
    )
    both = HeldOut.join([one, two])
    assert both.n == 80
    for name in ("crps", "nll", "pit", "sd"):
        values = getattr(both, name)
        torch.testing.assert_close(values[:40], values[40:])
    torch.testing.assert_close(both.quantile(0.2)[:40], one.quantile(0.2))
    assert both.select(both.y > 0).n == 2 * int((one.y > 0).sum())
    with pytest.raises(DataError, match="cannot be joined"):
        HeldOut.join([one, one.of_property("gap").in_scales([known(10).scales[0]])])


def test_difference_pairs_cells_whatever_their_order_and_scale() -> None:
    good, bad = known(200), known(200, factor=0.4)
    shuffled = bad._at(torch.randperm(200, generator=torch.Generator().manual_seed(0)).tolist())
    other = shuffled.in_scales([known(50, seed=9).scales[0]])
    found = good.minus(other)
    expected = (good.crps - bad.crps).mean() * good.scales[0].sd
    assert found["gap", "crps"].value == pytest.approx(float(expected))
    assert found["gap", "nll"].upper < 0
    assert "the first is better" in str(found)
    assert (good - other).to_frame().equals(found.to_frame())
    assert len(good.minus(good).to_frame()) == 3
    assert good.minus(good)["gap", "crps"].value == 0
    with pytest.raises(DataError, match="did not predict the same cells"):
        good.minus(bad.select(bad.y > 0))


def test_a_smooth_function_beats_a_line() -> None:
    table = plane(40).select(["a"])
    curved, line = (kfold(p, table, n_folds=4, repeats=2, seed=0) for p in (smooth(), straight()))
    assert curved.minus(line)["a", "crps"].upper < 0


def test_leaked_replicates_flatter_and_folds_of_materials_do_not() -> None:
    """Each material measured three times; folds of single rows put its twins in training."""
    table = plane(16, noise=0.02, repeats=3).select(["a"])
    labelled = replace(table, groups=tuple(str(i) for i in range(table.n_rows)))
    naive = kfold(smooth(noise=0.05), labelled, n_folds=4, seed=0, by="group").summary()
    honest = kfold(smooth(noise=0.05), table, n_folds=4, seed=0).summary()
    assert honest["a", "rmse"].lower > 3 * naive["a", "rmse"].value
    assert naive.counts["a"].n_materials == 16


def test_noise_fixed_too_small_or_large_is_found() -> None:
    """Noise of 0.3 (sd of f about 0.9), with a prior that insists on another value."""
    table = plane(60, noise=0.3).select(["a"])
    narrow = kfold(smooth(noise=0.03, noise_sd=0.01), table, n_folds=4, repeats=2, seed=0)
    fine = kfold(smooth(noise=0.3), table, n_folds=4, repeats=2, seed=0)
    wide = kfold(smooth(noise=2.0, noise_sd=0.01), table, n_folds=4, repeats=2, seed=0)
    small, good, large = (h.summary() for h in (narrow, fine, wide))
    assert small["a", "mean z^2"].lower > 1
    assert small["a", "coverage 90%"].upper < 0.9
    assert any("too narrow" in text for text in small.problems)
    assert large["a", "mean z^2"].upper < 1
    assert large["a", "coverage 50%"].lower > 0.5
    assert any("wider than the errors" in text for text in large.problems)
    assert good["a", "mean z^2"].holds(1.0)
    assert good["a", "coverage 90%"].holds(0.9)


def test_splits_without_training_values_are_refused() -> None:
    table = plane(12)
    values = table.values.copy()
    values[1:, 1] = np.nan
    sparse = PropertyTable(table.materials, "id", table.properties, values)
    with pytest.raises(DataError, match=r"'b' \(0 to train on, 1 to test\)"):
        kfold(pair(), sparse, n_folds=3, seed=0)
    with pytest.raises(DataError, match="at least once"):
        kfold(pair(), table, n_folds=3, repeats=0, seed=0)
    with pytest.raises(DataError, match="no held-out predictions"):
        held_out(pair(), table, [], seed=0)


def test_bad_predictions_say_what_is_wrong() -> None:
    with pytest.raises(DataError, match=r"There are 2 values, but \{'materials': 1\}"):
        HeldOut.of(GAP, [1.0, 2.0], [1.0, 2.0], [1.0, 1.0], materials=["a"])
    with pytest.raises(DataError, match="'mass' was not predicted"):
        known(10).of_property("mass")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (([0, 1, 2], [25]), r"Split 1: there are no rows \[25\]; the table has 12 rows"),
        (([0, 1, 2], [3.0, 4.0]), "Split 1: rows must be a list of row numbers"),
        (([0, 1, 2], [1, 2]), r"Split 1 tests rows that it trains on.*: 1 \(.*\), 2 \("),
        (([0, 1, 2], [-11]), r"Split 1 tests rows that it trains on.*: 1 \("),
        (([0, 1, 2],), "Split 1 has 1 parts: give two lists of rows"),
    ],
)
def test_a_split_that_holds_nothing_out_is_refused(
    split: tuple[list[int], ...], words: str
) -> None:
    good = ([0, 1, 2, 3, 4, 5], [6])
    with pytest.raises(DataError, match=words):
        held_out(pair(), plane(12), [good, split], seed=0)  # type: ignore[list-item]


def test_a_split_may_be_of_masks() -> None:
    is_test = np.arange(12) >= 9
    masks = held_out(pair(), plane(12), [(~is_test, is_test)], seed=0)
    rows = held_out(pair(), plane(12), [(np.arange(9), np.arange(9, 12))], seed=0)
    assert masks.rows.tolist() == rows.rows.tolist() == [9, 9, 10, 10, 11, 11]


def test_cells_are_selected_by_a_mask(held: HeldOut) -> None:
    mask = held.rows < 3
    assert held.select(mask.tolist()).rows.tolist() == held.select(mask).rows.tolist()
    for wrong in ([True] * 5, [0, 1], torch.ones(held.n), "abc"):
        with pytest.raises(DataError, match=rf"True or False for each of the {held.n} cells"):
            held.select(wrong)  # type: ignore[arg-type]
