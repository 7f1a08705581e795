"""What was predicted against what was measured: parity, coverage and calibration."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator
from scipy import stats

from bayesmat.check.calibration import coverage_curve
from bayesmat.data.properties import Property

from .style import MUTED, PREDICTED, Chart, in_style, new_chart, scale_axis, vectors

__all__ = ["calibration_curve", "parity", "pit_histogram"]


@in_style
def parity(
    measured: np.ndarray,
    median: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    prop: Property,
    level: float = 0.9,
) -> Chart:
    """Predicted against measured values, with the predicted intervals as bars.

    Misses, values outside their interval, are drawn open, so that coverage can be counted by eye.

    Args:
        measured: Measured values, `n`, in the property's unit.
        median: Predicted medians, `n`.
        lower: Lower ends of the intervals, `n`.
        upper: Upper ends, `n`.
        prop: What is predicted; a log property gets log axes.
        level: Level of the intervals, for the legend.
    """
    y, mid, low, high = vectors(
        {"measured": measured, "median": median, "lower": lower, "upper": upper}
    )
    inside = (y >= low) & (y <= high)
    figure, ax = new_chart(5.6, 5.2)
    everything = np.concatenate([y, mid])
    for which in "xy":
        scale_axis(ax, prop, which, everything)
    span = [everything.min(), everything.max()]
    ax.plot(span, span, color=MUTED, lw=1, zorder=1)
    for mask, face, word in ((inside, PREDICTED, "inside"), (~inside, "white", "outside")):
        if mask.any():
            bars = np.abs(np.vstack([mid - low, high - mid]))[:, mask]
            ax.errorbar(
                y[mask], mid[mask], yerr=bars, fmt="o", ms=5, color=PREDICTED, mfc=face,
                elinewidth=1, ecolor=PREDICTED + "66", zorder=2,
                label=f"{word} the {level:.0%} interval ({mask.sum()} of {len(y)})",
            )  # fmt: skip
    ax.set(xlabel=f"measured {prop.label}", ylabel=f"predicted {prop.label}")
    figure.legend(loc="outside lower center")
    return figure


@in_style
def pit_histogram(pit: np.ndarray, *, n_bins: int = 10, level: float = 0.9) -> Chart:
    """Histogram of the PIT values, with the band in which calibrated bars lie.

    Flat within the band: calibrated. Bowl: intervals too narrow. Hump: too wide. Slope: biased.

    Args:
        pit: Predicted probability of a smaller value than the measured one, `n`.
        n_bins: Number of bars.
        level: Share of bars that the band holds if the predictions are calibrated.
    """
    (pit,) = vectors({"pit": pit})
    counts, edges = np.histogram(pit, bins=n_bins, range=(0, 1))
    low, high = stats.binom.interval(level, len(pit), 1 / n_bins)
    figure, ax = new_chart(5.6, 3.6)
    ax.axhspan(low, high, color=MUTED, alpha=0.22, lw=0, label=f"{level:.0%} of calibrated bars")
    ax.axhline(len(pit) / n_bins, color=MUTED, lw=1)
    ax.bar(edges[:-1], counts, 1 / n_bins, align="edge", color=PREDICTED, alpha=0.85, ec="white")
    ax.set(xlim=(0, 1), ylim=(0, max(counts.max(), high) * 1.25 + 0.5))
    words = "predicted probability of a smaller value (PIT)"
    ax.set(xlabel=words, ylabel=f"number of values (n = {len(pit)})")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="upper right")
    return figure


@in_style
def calibration_curve(pit: np.ndarray, *, level: float = 0.9) -> Chart:
    """Share of values inside central intervals against their nominal level.

    Below the diagonal the intervals are too narrow. The band holds the curve of a calibrated
    model of this size at each level, so a curve inside it is no evidence of miscalibration.

    Args:
        pit: Predicted probability of a smaller value than the measured one, `n`.
        level: Pointwise probability of the band.
    """
    (pit,) = vectors({"pit": pit})
    nominal = np.linspace(0, 1, 101)
    found = coverage_curve(pit, nominal).numpy()
    low, high = stats.binom.interval(level, len(pit), nominal)
    figure, ax = new_chart(5.2, 5.2)
    ax.fill_between(
        nominal, low / len(pit), high / len(pit), color=MUTED, alpha=0.22, lw=0,
        label=f"{level:.0%} band if calibrated (n = {len(pit)})",
    )  # fmt: skip
    ax.plot([0, 1], [0, 1], color=MUTED, lw=1)
    ax.step(nominal, found, where="post", color=PREDICTED, lw=2, label="found")
    for mark, shape in ((0.5, "o"), (0.9, "s")):
        value = float(coverage_curve(pit, [mark])[0])
        label = f"{mark:.0%} intervals hold {value:.0%}"
        ax.plot(mark, value, shape, color=PREDICTED, ms=8, mec="white", label=label)
    ax.set(xlim=(0, 1.0), ylim=(0, 1.02), aspect="equal")
    ax.set(xlabel="nominal level of the interval", ylabel="share of values inside")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
