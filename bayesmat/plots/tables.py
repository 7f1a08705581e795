"""What a table holds: which properties were measured on which rows."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MaxNLocator

from bayesmat.data.table import PropertyTable
from bayesmat.errors import DataError
from bayesmat.models.base import Fitted

from .style import MEASURED, MUTED, PREDICTED, WIDTH, Chart, in_style, prop_label, wrapped

__all__ = ["missing_pattern"]

_HEIGHT = 4.3
_LINE = 0.165  # inches between two labels that do not touch


@in_style
def missing_pattern(table: PropertyTable | Fitted) -> Chart:
    """Which properties were measured (blue) on which rows, equal rows together.

    How to read it: rows with the same measured properties form a block, the largest on top; its
    height is its share of the rows, and at the right stand its rows and how many of the
    properties they have. Bars on top count the measured cells of a property. Properties that
    are never blue in the same block share no material: nothing in the table says how they depend
    on each other. What decides whether a cell was measured is not in this figure; if it is the
    value itself (only good candidates were measured), no model of the table is safe.

    Args:
        table: The table, or a fit for its table; conditions are always known and are not drawn.

    Raises:
        DataError: A table without rows or properties.
    """
    table = table.table if isinstance(table, Fitted) else table
    known = ~np.isnan(table.values)
    n, m = known.shape
    if not n or not m:
        raise DataError(f"The table has {n} rows and {m} properties: there is nothing to draw.")
    patterns, which, counts = np.unique(known, axis=0, return_inverse=True, return_counts=True)
    order = np.lexsort((-patterns.sum(1), -counts))
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    rows = np.argsort(place[which.ravel()], kind="stable")
    top_height = 0.9
    figure = Chart(figsize=(WIDTH, _HEIGHT + top_height + 0.6), layout="constrained")
    top, ax = figure.subplots(2, 1, sharex=True, height_ratios=[top_height, _HEIGHT])
    _property_counts(top, known.sum(0), n)
    ax.imshow(
        known[rows], aspect="auto", cmap=ListedColormap(["#f1f1f1", PREDICTED]), vmin=0, vmax=1,
        interpolation="nearest", extent=(-0.5, m - 0.5, n, 0),
    )  # fmt: skip
    for j in range(1, m):
        ax.axvline(j - 0.5, color="white", lw=1.2 if m <= 15 else 0.6)
    _pattern_labels(ax, counts[order], patterns[order].sum(1), m)
    room = int(66 / m)  # characters of a label that is not turned
    turn = room < 11
    labels = [prop_label(p, 30) if turn else wrapped(p.label, room) for p in table.properties]
    ax.set_xticks(range(m), labels, fontsize=9, rotation=90 if turn else 0)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set_ylabel(f"rows, sorted by pattern (n = {n})")
    ax.grid(visible=False)
    ax.tick_params(length=0)
    return figure


def _property_counts(ax: Axes, measured: np.ndarray, n: int) -> None:
    m = len(measured)
    ax.bar(range(m), measured, 0.7, color=PREDICTED, alpha=0.85)
    ax.set_ylim(0, n * (1.35 if m <= 15 else 1.75))
    for j, count in enumerate(measured):
        ax.annotate(
            str(count), (j, count), xytext=(0, 2), textcoords="offset points", ha="center",
            va="bottom", fontsize=9 if m <= 15 else 7.5, rotation=0 if m <= 15 else 90,
        )  # fmt: skip
    ax.axhline(n, color=MUTED, lw=0.8, ls=":")
    ax.set_yticks([0, n])
    ax.tick_params(axis="x", labelbottom=False, length=0)
    ax.tick_params(axis="y", labelsize=8.5)
    ax.set_ylabel("measured", fontsize=9)
    ax.grid(visible=False)


def _pattern_labels(ax: Axes, counts: np.ndarray, sizes: np.ndarray, m: int) -> None:
    """Rows of each block at the right; blocks too thin for a label are counted together."""
    n = int(counts.sum())
    room = n * _LINE / _HEIGHT
    ends = np.cumsum(counts)
    shown, place = 0, ax.get_yaxis_transform()
    for count, end, size in zip(counts, ends, sizes, strict=True):
        if count < room and len(counts) - shown > 1:
            break
        middle = end - 0.5 * count
        text = f"{count} rows, {size} of {m}" if count > 1 else f"1 row, {size} of {m}"
        ax.text(1.01, middle, text, transform=place, va="center", fontsize=8.5)
        if end < n:
            ax.axhline(end, color=MEASURED, lw=0.6)
        shown += 1
    rest = len(counts) - shown
    if rest:
        left = n - (int(ends[shown - 1]) if shown else 0)
        middle = n - 0.5 * left
        text = f"{rest} other patterns,\n{left} rows"
        ax.text(1.01, middle, text, transform=place, va="center", fontsize=8.5)
