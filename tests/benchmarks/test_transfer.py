"""Splits keep relatives together, shuffled labels stay where labels are, ratios are right."""

import numpy as np

from bayesmat.data.datasets import without_stereo
from benchmarks.transfer import DIRECT, Task, _shuffled, report


def test_no_molecule_is_known_and_asked_in_any_stereo_form() -> None:
    task = Task.of("dH")
    known, asked = task.split(50, 500)
    assert known.n_rows == 50
    assert asked.n_rows >= 200
    flat = [{without_stereo(m) for m in t.materials} for t in (known, asked)]
    assert not flat[0] & flat[1]
    again, _ = task.split(50, 500)
    assert again.materials == known.materials
    assert task.split(50, 501)[0].materials != known.materials


def test_shuffling_keeps_the_values_of_each_property() -> None:
    values = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 6.0], [4.0, np.nan], [9.0, 7.0]])
    found = _shuffled(values)
    assert (np.isnan(found) == np.isnan(values)).all()
    assert np.allclose(np.sort(found, axis=0), np.sort(values, axis=0), equal_nan=True)
    assert not np.array_equal(found, values, equal_nan=True)


def test_errors_are_divided_by_the_best_direct_model_in_hindsight() -> None:
    maes = dict(zip(DIRECT, (4.0, 2.0, 3.0, 8.0), strict=True)) | {"transfer": 1.0}
    records = [
        {"target": t, "n": 20, "seed": s, "arm": arm, "mae": mae * scale, "crps": mae * scale,
         "cov50": 0.5, "cov90": 0.9}
        for t, scale in (("a", 1.0), ("b", 10.0)) for s in (0, 1) for arm, mae in maes.items()
    ]  # fmt: skip
    text = report(records)
    assert "| transfer | 20 | 0.500 | 0.50 (a) | 0.500 | 0.50-0.50 | 0.90-0.90 |" in text
    assert "| GP on 2D | 20 | 1.000 |" in text
    assert "| a | 0.50 |" in text


def test_an_arm_that_hurts_is_named() -> None:
    records = [
        {"target": t, "n": 20, "seed": 0, "arm": arm, "mae": mae, "crps": mae}
        for t, null in (("a", 1.0), ("b", 1.3)) for arm, mae in (("GP on 2D", 1.0), ("null", null))
    ]  # fmt: skip
    assert f"| null | 20 | {1.3**0.5:.3f} | 1.30 (b) |" in report(
        [r | {"cov50": 0.5, "cov90": 0.9} for r in records]
    )
