"""How well source networks predict what was held out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bayesmat.data.table import PropertyTable

__all__ = ["judged"]

_NINETY = 1.6448536269514722


def judged(
    table: PropertyTable, Y: Tensor, predictions: Tensor, held: Tensor, validation: Tensor
) -> list[dict[str, Any]]:
    """Held-out errors of the averaged networks, beside those of predicting the mean.

    RMSE and MAE are in the units of the table, R2 is in model space (of logarithms where the
    property is on a log scale). NLL and coverage are of a Gaussian in model space about the average
    of the networks that learn the task, with the standard deviation that the validation rows show.

    Args:
        table: What was learned.
        Y: Labels in model space, `n x m`.
        predictions: Of each network, `K x n x m`, NaN for tasks that it does not learn.
        held: Rows that nothing was decided by, `n`.
        validation: Rows that decided when to stop, `n`.

    Returns:
        A record for each property; None where nothing was held out.
    """
    mean = predictions.nanmean(0)
    seen = ~held & ~validation
    tasks: list[dict[str, Any]] = []
    for j, prop in enumerate(table.properties):
        known = ~Y[:, j].isnan()
        labels, truth = Y[seen & known, j], Y[held & known, j]
        ours, stop = mean[held & known, j], validation & known
        back = torch.exp if prop.scale == "log" else torch.clone
        residual, baseline = back(ours) - back(truth), back(labels.mean()) - back(truth)
        spread = (mean[stop, j] - Y[stop, j]).square().mean().sqrt()
        z = (truth - ours) / spread
        nll = 0.5 * z.square() + spread.log() + 0.5 * math.log(2 * math.pi)
        around = (truth - truth.mean()).square().mean()
        tasks.append(
            {
                "name": prop.name,
                "unit": prop.unit,
                "scale": prop.scale,
                "n_train": len(labels),
                "n_test": len(truth),
                "networks": int((~predictions[:, 0, j].isnan()).sum()),
                "rmse": _number(residual.square().mean().sqrt()),
                "mae": _number(residual.abs().mean()),
                "r2": _number(1 - (ours - truth).square().mean() / around),
                "nll": _number(nll.mean()),
                "coverage90": _number((z.abs() < _NINETY).double().mean()),
                "rmse_mean": _number(baseline.square().mean().sqrt()),
                "mae_mean": _number(baseline.abs().mean()),
            }
        )
    return tasks


def _number(value: Tensor) -> float | None:
    return float(value) if bool(np.isfinite(float(value))) else None
