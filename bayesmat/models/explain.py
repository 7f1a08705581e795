"""What a fit says of its own predictions, and of what each part of its prior is worth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat.data.table import Observations
from bayesmat.features.base import Layout
from bayesmat.models.answers import LeftOutCells
from bayesmat.models.left_out import Restandardised, reweighted
from bayesmat.models.model import PropertyModel, Reducible
from bayesmat.models.report import Ablation, LeaveOneOut

__all__ = ["WithoutUnits", "ablations", "leave_one_out", "without_units"]


@dataclass(frozen=True, eq=False)
class WithoutUnits:
    """Left-out predictions with the weights that points have without each unit.

    Attributes:
        predictions: Of every cell, by each of N points.
        log_weights: Normalised log weights without each unit, `N x u`.
        log_density: Log density of each unit given the rest, `u`.
        pareto_k: Shape of the tail of its weights, `u`; NaN where parameters are given.
    """

    predictions: LeftOutCells
    log_weights: Tensor
    log_density: Tensor
    pareto_k: Tensor


def without_units(
    model: PropertyModel, units: Tensor, space: Restandardised | None
) -> WithoutUnits:
    r"""Leave out each unit, parameters integrated: no refit is needed.

    Points of weights w given all cells have without unit B weights

    .. math:: w_s\,\frac{p'(y_{-B} \mid s)}{p(y \mid s)}

    where p' stands in the space of the other cells (p' = p where `space` is None).

    Args:
        model: Any model.
        units: Unit of each cell, `k`, numbered from 0 without gaps.
        space: The space of the other cells.
    """
    points = model.points
    with torch.no_grad():
        found = model.left_out(units, space)
    exact = points.weighting == "prior grid"
    log_w, pareto_k = reweighted(points.log_weights, found.cells.log_ratio, exact=exact)
    log_density = torch.logsumexp(log_w + found.cells.log_density, 0)
    return WithoutUnits(found, log_w, log_density, pareto_k)


def leave_one_out(model: PropertyModel, space: Restandardised | None) -> LeaveOneOut:
    """Log p(y_i | y_-i) and P(Y_i <= y_i | y_-i) of every cell: the figures of the report."""
    units = torch.arange(model.observations.n_cells)
    found = without_units(model, units, space)
    cells = found.predictions.cells
    below = torch.special.ndtr(cells.error / cells.variance.sqrt())
    return LeaveOneOut(found.log_density, (found.log_weights.exp() * below).sum(0))


def ablations(
    prior: Reducible,
    observations: Observations,
    X: Tensor,
    full: LeaveOneOut,
    *,
    layout: Layout,
    space: Restandardised | None,
    seed: int,
) -> tuple[Ablation, ...]:
    """Condition without each group and compare leave-one-out densities cell by cell."""
    out = []
    for group in prior.groups:
        reduced = prior.without(group)
        if reduced is None:
            continue
        model = reduced.condition(observations, X, layout=layout, seed=seed)
        gain = full.log_density - leave_one_out(model, space).log_density
        se = float(gain.std() * len(gain) ** 0.5) if len(gain) > 1 else 0.0
        out.append(Ablation(group, float(gain.sum()), se))
    return tuple(out)
