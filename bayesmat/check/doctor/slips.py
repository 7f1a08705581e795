"""Cells that the rest of the table contradicts: unit slips and outliers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bayesmat._counted import counted
from bayesmat.check.cells import CellPredictions, predicted
from bayesmat.data.slips import Slip, best_slip
from bayesmat.data.table import Property

from .evidence import Evidence, quantity
from .findings import Finding

__all__ = ["outliers"]

SUSPECT_SCORE = 2.8
SUSPECT_MAD = 8.0
PARETO_LIMIT = 0.7
MOST_SUSPECTS = 12
ALARM = 0.01
PROBABLE = 0.5
MIN_CELLS = 6


@dataclass(frozen=True)
class Judged:
    """A cell as the others see it, in physical units."""

    row: int
    column: int
    value: float
    median: float
    lower: float
    upper: float
    tail: float
    slip: Slip | None
    probability: float


def outliers(evidence: Evidence) -> list[Finding]:
    """Cells that the others contradict, with the slip that would explain each.

    Suspects (left-out score beyond 2.8, or 8 robust sds from the median of their property) are
    judged by their left-out predictions; if one of them is gross (Pareto k above 0.7, or 8 robust
    sds), so that it bends scales and hyper-parameters, all are taken out, the model is refitted,
    those that it does not contradict are put back, and the rest judged again.
    It is an outlier if its two-sided tail probability is below 0.01 / cells: in 1 % of
    well-specified tables there is one by chance. A slip explains it if undoing it brings the value
    inside the central 95 %; it is called one if it is more probable than a genuine outlier
    (Cauchy about the prediction, scale 3 sds, probability 0.5 beforehand), and mentioned if less.
    """
    cells = evidence.cells
    if cells.n < MIN_CELLS:
        few = counted(cells.n, "value", verb="are")
        return [Finding("unit slip", "unknown", f"{few} too few to contradict one.")]
    suspects = _suspects(evidence)
    odd, refitted = _contradicted(evidence, suspects, ALARM / cells.n)
    if not odd:
        return [
            Finding(
                "unit slip", "fine",
                f"none of {cells.n} values is contradicted by the others ({len(suspects)} "
                "looked at more closely).",
            )
        ]  # fmt: skip
    note = "" if refitted else " (judged without refitting, so roughly)"
    slipped = [cell for cell in odd if cell.probability > PROBABLE]
    rest = [cell for cell in odd if cell.probability <= PROBABLE]
    found = [_slip_finding(evidence, cell, note) for cell in slipped]
    if not slipped:
        found.append(Finding("unit slip", "fine", "no outlier looks like a slip."))
    return found + ([_outlier_finding(evidence, rest, note)] if rest else [])


def _slip_finding(evidence: Evidence, cell: Judged, note: str) -> Finding:
    prop = evidence.prop(cell.column)
    better, name = _undone(cell)
    return Finding(
        "unit slip", "bad",
        f"{evidence.row_names([cell.row])[0]}: {prop.name} = {quantity(cell.value, prop)}, but the "
        f"other values say {_said(cell, prop)}{note}. If it was {name}, it is "
        f"{quantity(better, prop)}, "
        f"which fits (probability {cell.probability:.2f}, against a genuine outlier).",
        "one such value widens every interval and bends the predictions around it.",
        f"look it up in its source; correct it to {quantity(better, prop)} if it is a slip, "
        "take it out if nobody knows.",
        (cell.row,), (evidence.table.materials[cell.row],),
    )  # fmt: skip


def _outlier_finding(evidence: Evidence, cells: Sequence[Judged], note: str) -> Finding:
    told = [
        f"{evidence.row_names([c.row])[0]}: {evidence.prop(c.column).name} = "
        f"{quantity(c.value, evidence.prop(c.column))}, the others say "
        f"{_said(c, evidence.prop(c.column))}{_hint(c, evidence.prop(c.column))}"
        for c in cells
    ]
    return Finding(
        "outlier", "look",
        f"{len(cells)} of {evidence.observed.n_cells} values lie further out than chance allows, "
        f"and no usual slip is likely{note}: {'; '.join(told[:5])}"
        f"{'; ...' if len(told) > 5 else ''}.",
        "either the measurement is wrong or the model lacks what makes this material different; "
        "a single one inflates the noise.",
        "check source and structure; keep it if it is right, and expect errors of this size for "
        "materials of its kind.",
        tuple(c.row for c in cells), tuple(evidence.table.materials[c.row] for c in cells),
    )  # fmt: skip


def _undone(cell: Judged) -> tuple[float, str]:
    return (math.nan, "") if cell.slip is None else (cell.slip.undo(cell.value), cell.slip.name)


def _hint(cell: Judged, prop: Property) -> str:
    better, name = _undone(cell)
    return f" (if it was {name}: {quantity(better, prop)})" if name else ""


def _said(cell: Judged, prop: Property) -> str:
    return f"{quantity(cell.median, prop)} (90 %: {cell.lower:.4g} to {cell.upper:.4g})"


def _suspects(evidence: Evidence) -> list[int]:
    """Cells to be judged by a model that has not seen them, the worst first."""
    far = _far(evidence)
    strength = torch.maximum(evidence.scores.abs() / SUSPECT_SCORE, far)
    first = strength + 100.0 * (far > 1)  # scores end at 7.9: the gross would drown among many
    chosen = torch.argsort(first, descending=True)[:MOST_SUSPECTS]
    most = max(1, evidence.observed.n_cells // 6)
    return [i for i in chosen.tolist() if strength[i] > 1][:most]


def _is_gross(evidence: Evidence, i: int) -> bool:
    return float(evidence.pareto_k[i]) > PARETO_LIMIT or float(_far(evidence)[i]) > 1


def _far(evidence: Evidence) -> torch.Tensor:
    """Distance of each cell from the median of its property, in units of 8 robust sds."""
    y = evidence.observed.y
    far = torch.zeros_like(y)
    for j in range(len(evidence.table.properties)):
        at = evidence.of_property(j)
        if len(at) >= MIN_CELLS:
            apart = (y[at] - y[at].median()).abs()
            spread = 1.4826 * float(apart.median())
            if spread > 0:
                far[at] = apart / spread / SUSPECT_MAD
    return far


def _contradicted(
    evidence: Evidence, suspects: Sequence[int], alarm: float
) -> tuple[list[Judged], bool]:
    """Suspects that the rest contradicts; those it does not are put back before the last word."""
    odd: list[Judged] = []
    refitted, left = True, list(suspects)
    cells = evidence.cells
    if not any(_is_gross(evidence, i) for i in suspects):
        judged = [_judge(cells, i) for i in suspects]
        return [cell for cell in judged if cell.tail < alarm], True
    while left:
        judged, refitted = _judged(evidence, left)
        kept = [i for i, cell in enumerate(judged) if cell.tail < alarm]
        odd = [judged[i] for i in kept]
        if len(kept) == len(left) or not refitted:
            break
        left = [left[i] for i in kept]
    return odd, refitted


def _judged(evidence: Evidence, suspects: Sequence[int]) -> tuple[list[Judged], bool]:
    """The suspects as the other cells see them, and whether by a refit."""
    obs, table = evidence.observed, evidence.table
    rows, columns = obs.rows[list(suspects)].tolist(), obs.columns[list(suspects)].tolist()
    values, stds = table.values.copy(), table.stds.copy()
    values[rows, columns] = np.nan
    stds[rows, columns] = np.nan
    kept = evidence.near(rows)
    kept = kept[~np.isnan(values[kept]).all(1)]
    rest = replace(table, values=values, stds=stds).subset(kept)
    enough = all((~np.isnan(column)).sum() >= 3 for column in rest.values.T)
    fitted = evidence.refit(rest) if enough else None
    if fitted is None:
        return [_judge(evidence.cells, i) for i in suspects], False
    seen = predicted(fitted, table.subset(rows))
    pairs = list(zip(seen.rows.tolist(), seen.columns.tolist(), strict=True))
    found = []
    for position, column in enumerate(columns):
        judged = _judge(seen, pairs.index((position, column)))
        found.append(replace(judged, row=rows[position]))
    return found, True


def _judge(cells: CellPredictions, i: int) -> Judged:
    one = _one(cells, i)
    scale, prop = cells.scales[int(one.columns[0])], cells.properties[int(one.columns[0])]
    value = float(one.physical(one.y)[0])

    def z(physical: float) -> float:
        """Standardised error that a physical value would have; infinite if it cannot be."""
        if not math.isfinite(physical) or (scale.log and physical <= 0):
            return math.inf
        y = scale.to_model(torch.tensor([physical], dtype=torch.float64))
        return float(replace(one, y=y).z[0])

    tail = 2 * float(torch.minimum(one.pit, 1 - one.pit)[0])
    best, probability = best_slip(value, z, prop.unit)
    lower, upper = one.interval(0.9)
    return Judged(
        int(one.rows[0]), int(one.columns[0]), value, float(one.physical(one.quantile(0.5))[0]),
        float(one.physical(lower)[0]), float(one.physical(upper)[0]), tail, best, probability,
    )  # fmt: skip


def _one(cells: CellPredictions, i: int) -> CellPredictions:
    """The prediction of one cell."""
    at = slice(i, i + 1)
    return CellPredictions(
        cells.properties, cells.scales, cells.columns[at], cells.materials[at], cells.rows[at],
        cells.y[at], cells.means[:, at], cells.latent_sds[:, at], cells.noise_sds[:, at],
        cells.weights[:, at],
    )  # fmt: skip
