"""What was predicted of one proposal, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from bayesmat.data.table import Property

__all__ = ["Call", "Forecast", "name_in", "names_of"]

NAN = float("nan")
_NAMES = ("name", "compound", "chemical", "substance", "product")
_NORMAL = NormalDist()
_Z50 = _NORMAL.inv_cdf(0.75)


@dataclass(frozen=True)
class Forecast:
    """What was predicted for one property before the call, in its unit.

    Attributes:
        median: Median.
        lower: Lower end of the 90 % interval.
        upper: Upper end.
        lower50: Lower end of the 50 % interval.
        upper50: Upper end.
        pit: Predicted probability of a smaller value than the one found; NaN while unknown.
    """

    median: float
    lower: float
    upper: float
    lower50: float = NAN
    upper50: float = NAN
    pit: float = NAN

    @classmethod
    def from_interval(
        cls,
        interval: tuple[float, float, float],
        prop: Property,
        *,
        value: float = NAN,
        level: float = 0.9,
    ) -> Forecast:
        """The split normal through a median and the ends of an interval.

        On the scale of the model the two halves of a normal meet at the median, each as wide as
        its end says. A value lies inside the interval exactly if its PIT lies inside the level.

        Args:
            interval: Lower end, median and upper end, in the property's unit.
            prop: The property; a log property is split on the log scale.
            value: What was found, for the PIT.
            level: Level of the interval; the record keeps the ends for 90 %.

        >>> f = Forecast.from_interval((1.0, 2.0, 4.0), Property("gap", "eV", "log"), value=4.0)
        >>> round(f.pit, 6), f.lower, f.upper
        (0.95, 1.0, 4.0)
        """
        is_log = prop.scale == "log"
        to_scale, back = (math.log, math.exp) if is_log else (float, float)
        low, mid, high = map(to_scale, interval)
        z, z90 = _NORMAL.inv_cdf(0.5 + level / 2), _NORMAL.inv_cdf(0.95)
        below, above = (mid - low) / z, (high - mid) / z
        lower, upper = interval[0], interval[2]
        if level != 0.9:
            lower, upper = back(mid - z90 * below), back(mid + z90 * above)
        pit = NAN
        if math.isfinite(value):
            off = to_scale(value) - mid
            width = above if off > 0 else below
            pit = _NORMAL.cdf(off / width) if width > 0 else 0.5 + 0.5 * float(np.sign(off))
        halves = back(mid - _Z50 * below), back(mid + _Z50 * above)
        return cls(interval[1], lower, upper, *halves, pit)


@dataclass(frozen=True)
class Call:
    """One proposal, or one unasked measurement, and what became of it.

    Attributes:
        round: Round, from 1; 0 if nobody proposed it, -1 if it was known from the start.
        material: Key of the row: material and conditions.
        forecasts: Property -> prediction made before the call.
        values: Property -> value that stands, the mean of replicates; empty while waiting, after
            a failure or a withdrawal.
        failure: Reason of a failure, or None.
        left_out: What of the answer could not be used and why, or None.
        probability: Stated probability of meeting the goals.
        domain_distance: Distance to the nearest measured material.
        state: "pending", "told", "failed" or "withdrawn".
        structure: The material without its conditions; None for recipes.
        conditions: Condition -> value, or name of the category.
        replicates: Property -> number of measurements.
        scatter: Property -> standard deviation of the replicates, where there are several.
        corrections: How often a value was corrected.
        notes: Remarks, reasons of corrections and withdrawals, and of failures that were tried
            again; None if there are none.
        oracle: Digest of the oracle that computed the values; None if they were measured.
        reason: What the prediction rests on; empty for proposals of earlier versions.
        columns: Columns of the pool, such as a name or a price.
        is_meant: Whether its conditions are those that the goals are meant under.
    """

    round: int
    material: str
    forecasts: Mapping[str, Forecast]
    values: Mapping[str, float] = field(default_factory=dict)
    failure: str | None = None
    probability: float = NAN
    domain_distance: float = NAN
    left_out: str | None = None
    state: str = ""
    structure: str | None = None
    conditions: Mapping[str, float | str] = field(default_factory=dict)
    replicates: Mapping[str, int] = field(default_factory=dict)
    scatter: Mapping[str, float] = field(default_factory=dict)
    corrections: int = 0
    notes: str | None = None
    oracle: str | None = None
    reason: str = ""
    columns: Mapping[str, object] = field(default_factory=dict)
    is_meant: bool = True

    @property
    def name(self) -> str:
        """What people call the material, if the pool has a column of names; else empty."""
        return name_in(self.columns)

    @property
    def standing(self) -> str:
        """The state, read off values and failure where it is not said."""
        return self.state or ("failed" if self.failure else "told" if self.values else "pending")


def names_of(notes: Mapping[str, Sequence[object]], number: int) -> tuple[str, ...]:
    """What people call each of so many rows with such columns beside them."""
    return tuple(name_in({n: column[i] for n, column in notes.items()}) for i in range(number))


def name_in(columns: Mapping[str, object]) -> str:
    """What people call a row: the first column of the pool that is headed as a name; else empty.

    >>> name_in({"price": 2.5, "Name": "ethanol"}), name_in({"name": 12.0})
    ('ethanol', '12')
    """
    found = (value for head, value in columns.items() if head.strip().casefold() in _NAMES)
    texts = (f"{v:.15g}" if isinstance(v, int | float) and v == v else v for v in found)
    return next((text.strip() for text in texts if isinstance(text, str)), "")
