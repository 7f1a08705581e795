"""Values to which the prediction that was made of them gave no chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from bayesmat.data.properties import Property
from bayesmat.data.slips import best_slip
from bayesmat.explore.standing import Cell

__all__ = ["FAR", "FAR_WITH_SLIP", "Surprise", "surprises"]

FAR, FAR_WITH_SLIP = 4.0, 3.0  # in half-widths of the stored interval


@dataclass(frozen=True)
class Surprise:
    """A value far outside of what was predicted before it was measured.

    It lies more than four half-widths of the stored interval from the median, on the scale of the
    model and on the side of the value, a stated sd of the measurement included; or more than three,
    and a slip (a power of ten, another unit, swapped digits) explains it: undone, it is inside the
    interval, and it is more probable than a genuine outlier (`best_slip`).

    If the prediction is Gaussian and right (90 % interval), four half-widths happen to 5 in 10^11
    values and three to 8 in 10^7; if its intervals are half as wide as they should be, to 1 in
    1,000 and 1 in 70; if its tails are those of Student's t with four degrees of freedom, to 1 in
    1,000 and 1 in 330. Between three and four a slip explains next to nothing where intervals are
    narrow beside the value, nearly everything where they span a factor of two to either side.

    Attributes:
        material: Key of the row.
        prop: The property.
        value: What was told.
        lower: Lower end of the interval that was predicted.
        upper: Upper end.
        level: Probability of the interval.
        better: The value, if a usual slip was made that explains it; else NaN.
        slip: That slip in words.
    """

    material: str
    prop: Property
    value: float
    lower: float
    upper: float
    level: float
    better: float = math.nan
    slip: str = ""

    @property
    def said(self) -> str:
        """The value against its prediction, and the slip that would explain it."""
        unit = f" {self.prop.unit}".rstrip()
        hint = f" {self.better:.4g}{unit} ({self.slip})?" if self.slip else ""
        return (
            f"{self.prop.name} of {self.material}: {self.value:.4g}{unit}, predicted "
            f"{self.lower:.4g} to {self.upper:.4g}{unit} ({self.level:.0%}).{hint}"
        )

    def __str__(self) -> str:
        new = f"{self.better:.10g}" if self.slip else "..."
        return (
            f"{self.said} It is stored all the same; if it was mistyped: "
            f"campaign.correct({self.material!r}, {{{self.prop.name!r}: {new}}}, reason=...)."
        )


def surprises(
    material: str,
    cells: Mapping[str, Cell],
    predicted: Mapping[str, Any] | None,
    properties: Sequence[Property],
) -> Iterator[Surprise]:
    """The values that lie where the prediction gave them no chance.

    Args:
        material: Key of the row.
        cells: What was told.
        predicted: The stored prediction; None if there is none to hold the values against.
        properties: The table's.
    """
    for prop in properties:
        cell = cells.get(prop.name)
        if cell is None or predicted is None or prop.categories is not None:
            continue
        ends = [predicted[end].get(prop.name) for end in ("lower", "median", "upper")]
        if any(end is None for end in ends):
            continue
        found = _judged(material, prop, cell, (ends[0], ends[1], ends[2], predicted["level"]))
        if found is not None:
            yield found


def _judged(
    material: str, prop: Property, cell: Cell, said: tuple[float, float, float, float]
) -> Surprise | None:
    is_log = prop.scale == "log"
    to_scale = math.log if is_log else float
    low, mid, high = map(to_scale, said[:3])
    width = NormalDist().inv_cdf(0.5 + said[3] / 2)
    spread = cell.sd or 0.0
    if is_log:
        spread = math.sqrt(math.log1p((spread / cell.value) ** 2))

    def z(value: float) -> float:
        """Standardised error that a value would have."""
        if not math.isfinite(value) or (is_log and value <= 0):
            return math.inf
        off = to_scale(value) - mid
        half = math.hypot(high - mid if off > 0 else mid - low, width * spread)
        return off / half * width if half > 0 else math.copysign(math.inf, off) if off else 0.0

    far = abs(z(cell.value)) / width
    if far <= FAR_WITH_SLIP:
        return None
    slip, better, chance = None, math.nan, 0.0
    if math.isfinite(far):
        slip, chance = best_slip(cell.value, z, prop.unit)
    if slip is not None:
        better = slip.undo(cell.value)
    if far <= FAR and (chance <= 0.5 or abs(z(better)) > width):
        return None
    return Surprise(
        material, prop, cell.value, said[0], said[2], said[3], better, slip.name if slip else ""
    )
