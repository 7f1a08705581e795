"""The visual language: colours, text sizes, axes and files that all figures share."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from bayesmat._arguments import array, called
from bayesmat._files import writing
from bayesmat.data.properties import Property
from bayesmat.errors import DataError

__all__ = [
    "ARMS", "GOAL", "MARKERS", "MEASURED", "MISSED", "MUTED", "PREDICTED", "STYLE", "TEMPORARY",
    "Chart", "in_style", "new_chart", "new_grid", "png", "save",
]  # fmt: skip

PREDICTED = "#0072B2"
MEASURED = "#1a1a1a"
GOAL = "#009E73"
TEMPORARY = "#E69F00"
MISSED = "#D55E00"
MUTED = "#8a8a8a"
ARMS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8a8a8a", "#1a1a1a")
MARKERS = "osD^vPX*"

STYLE: dict[Any, Any] = {
    "font.size": 10.5, "axes.titlesize": 11.5, "axes.titlelocation": "left",
    "axes.titleweight": "bold", "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#555555", "axes.grid": True, "axes.axisbelow": True,
    "grid.color": "#e8e8e8", "grid.linewidth": 0.7, "legend.frameon": False,
    "legend.fontsize": 9.5, "text.parse_math": False,
}  # fmt: skip
WIDTH = 7.5
MANY = 1500  # points from which on a figure draws them small, pale and as pixels

P = ParamSpec("P")
T = TypeVar("T")


def in_style(draw: Callable[P, T]) -> Callable[P, T]:
    """A figure in the house style, of arguments that are of the kinds its annotations say."""

    @wraps(draw)
    def styled(*args: P.args, **keywords: P.kwargs) -> T:
        with matplotlib.rc_context(STYLE):
            return called(draw, args, keywords)

    return styled


class Chart(Figure):
    """A figure that draws itself in a notebook without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)


@in_style
def png(figure: Figure, *, dpi: int = 150) -> bytes:
    """The figure as a PNG file in memory."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


@in_style
def save(figure: Figure, path: str | Path, *, dpi: int = 150) -> Path:
    """Write a figure; the suffix decides the format (png, svg, pdf). Folders are made.

    Raises:
        DataError: The suffix is of no format, or the file cannot be written.
    """
    path = Path(path)
    formats = sorted(figure.canvas.get_supported_filetypes())
    if path.suffix.lower().removeprefix(".") not in formats:
        raise DataError(
            f"{str(path)!r} does not say in which format the figure is to be written: its suffix "
            f"is {path.suffix!r}, give one of {', '.join(formats)}, like 'figure.png'."
        )
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=dpi)
    return path


def new_chart(width: float = WIDTH, height: float = 4.2) -> tuple[Chart, Axes]:
    """An empty figure with one pair of axes, sizes in inches."""
    figure = Chart(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def new_grid(
    n: int, *, n_columns: int = 3, height: float = 2.3, extra: float = 0.7, share: bool = False
) -> tuple[Chart, list[Axes]]:
    """Small multiples: n panels row by row, each `height` inches high.

    A few panels are not stretched over the whole width.

    Args:
        n: Number of panels.
        n_columns: Panels side by side, at most.
        height: Height of one row.
        extra: Height for legend and labels.
        share: Whether all panels share both axes.
    """
    wide = min(n, n_columns)
    n_rows = -(-n // wide)
    width = WIDTH if wide > 1 else 5.6
    figure = Chart(figsize=(width, height * n_rows + extra), layout="constrained")
    axes = figure.subplots(n_rows, wide, squeeze=False, sharex=share, sharey=share).ravel()
    for ax in axes[n:]:
        ax.remove()
    for ax in axes[max(0, n - wide) : n]:
        ax.tick_params(labelbottom=True)
    return figure, list(axes[:n])


def scale_axis(axis_of: Axes, prop: Property, which: str, values: np.ndarray) -> None:
    """A log axis with plain numbers where the property is modelled in log."""
    finite = values[np.isfinite(values)]
    if prop.scale != "log" or not finite.size or finite.min() <= 0:
        return
    log_axis(axis_of, which, float(np.log10(finite.max() / finite.min())))


def log_axis(axis_of: Axes, which: str, decades: float) -> None:
    """A log axis over so many decades, labelled with plain numbers."""
    getattr(axis_of, f"set_{which}scale")("log")
    axis = axis_of.xaxis if which == "x" else axis_of.yaxis
    if decades < 0.35:  # too narrow for ticks at round leading digits
        axis.set_major_locator(MaxNLocator(5))
    else:
        leading = {1.2: (1, 2, 3, 5, 7), 2.0: (1, 2, 5), 3.0: (1, 3)}
        subs = next((digits for most, digits in leading.items() if decades < most), (1,))
        axis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def short(text: str, limit: int = 26) -> str:
    """The text, with its middle left out where it is longer than the limit."""
    if len(text) <= limit:
        return text
    tail = 2 * (limit - 1) // 5
    return f"{text[: limit - 1 - tail]}…{text[-tail:]}"


def wrapped(text: str, width: int = 24, n_lines: int = 2) -> str:
    """The text on a few lines, broken after spaces, hyphens and underscores where it can be."""
    for limit in range(width * n_lines, width, -2):
        lines = [""]
        for word in re.findall(r"[^ _-]*[ _-]?", short(text, limit)):
            if len(lines[-1]) + len(word.rstrip()) > width and lines[-1]:
                lines.append("")
            lines[-1] += word
        if len(lines) <= n_lines and max(map(len, lines)) <= width + 1:
            return "\n".join(line.strip() for line in lines)
    text = short(text, width * n_lines)
    return "\n".join(text[i : i + width] for i in range(0, len(text), width))


def prop_label(prop: Property, limit: int = 26) -> str:
    """The property's label, its name shortened and its unit whole."""
    unit = f" [{prop.unit}]" if prop.unit else ""
    return short(prop.name, max(8, limit - len(unit))) + unit


def panel_title(ax: Axes, text: str, n_columns: int) -> None:
    """A heading that fits over a panel among so many side by side."""
    width, size = {1: (52, 10.5), 2: (38, 10), 3: (25, 9.5)}.get(n_columns, (19, 9))
    ax.set_title(wrapped(text, width), fontsize=size)


def powers_out(name: str, values: np.ndarray) -> tuple[str, np.ndarray]:
    """Name and values with a power of ten moved from the ticks to the name."""
    size = np.abs(values).max(initial=0.0)
    if not 0 < size < np.inf or 1e-3 <= size < 1e5:
        return name, values
    power = int(np.floor(np.log10(size)))
    return f"{name} (in\u00a01e{power})", values / 10.0**power


def vectors(arrays: Mapping[str, Any]) -> list[np.ndarray]:
    """Named arrays as float arrays of one length, at least 1."""
    made = {name: np.atleast_1d(array(values, name)) for name, values in arrays.items()}
    sizes = {name: len(vector) for name, vector in made.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        raise DataError(
            f"Cannot draw arrays of lengths {sizes}: they must agree and hold at least one value."
        )
    return list(made.values())


def check_columns(frame: pd.DataFrame, names: Sequence[str], what: str) -> None:
    """Complain about an empty frame or columns that are not there."""
    missing = [name for name in names if name not in frame.columns]
    if missing or frame.empty:
        raise DataError(
            f"Cannot draw {what}: {len(frame)} rows with columns {list(frame.columns)}; it needs "
            f"at least one row, and lacks {missing}."
        )


def check_draws(
    draws: Mapping[str, Any], n_dims: int, what: str, *, most: int
) -> dict[str, np.ndarray]:
    """Draws by name as finite arrays of one shape with `n_dims` axes.

    Further axes become scalars of their own, `name[i,j]`, as in an `InferenceReport`.

    Raises:
        DataError: No or too many names, other shapes, or values that are not finite.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, values in draws.items():
        found = array(values, name)
        for index in np.ndindex(found.shape[n_dims:]):
            label = f"{name}[{','.join(map(str, index))}]" if index else name
            arrays[label] = found[(..., *index)]
    if not 0 < len(arrays) <= most:
        raise DataError(
            f"Cannot draw {what} of {len(arrays)} quantities: it shows 1 to {most}. Choose those "
            "that matter."
        )
    shapes = {name: array.shape for name, array in arrays.items()}
    wrong = [n for n, a in arrays.items() if a.ndim != n_dims or not a.size]
    if wrong or len(set(shapes.values())) > 1:
        axes = "chains x draws" if n_dims == 2 else "draws"
        raise DataError(f"Cannot draw {what} of shapes {shapes}: each must be {axes}, alike.")
    infinite = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if infinite:
        raise DataError(
            f"Cannot draw {what}: {infinite} hold values that are not finite, which no density "
            "has. Find out where the model produced them before looking at a figure."
        )
    return arrays


def point_style(n: int) -> dict[str, Any]:
    """Size and paleness of n points, so that many do not become a blot."""
    if n > MANY:
        return {"ms": 2.2, "alpha": 0.35, "rasterized": True, "mew": 0.0}
    return {"ms": 5.0 if n <= 200 else 3.5, "alpha": 1.0 if n <= 200 else 0.7}


def span_of(
    arrays: Iterable[np.ndarray], *, log: bool = False, pad: float = 0.05
) -> tuple[float, float]:
    """Limits that hold every finite value with a margin; never of zero width."""
    values = np.concatenate([np.ravel(np.asarray(a, dtype=float)) for a in arrays])
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if not values.size:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if log:
        factor = (high / low) ** pad if high > low else 1.3
        return low / factor, high * factor
    margin = pad * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def robust_span(
    values: np.ndarray, *, keep: Iterable[float] = (), log: bool = False, pad: float = 0.05
) -> tuple[float, float]:
    """Limits that a few values far away from all others do not widen.

    Of the tenth of the values (at least one) that is farthest from the median, left out is what
    lies farther from the others than twice their whole range, on the scale of the axis.

    Args:
        values: What is to be seen; NaN is passed over.
        keep: Values that must be inside, such as the ends of a region.
        log: Whether the axis is logarithmic.
        pad: Margin as a share of the width.

    >>> low, high = robust_span(np.array([300.0, 310.0, 320.0, 330.0, 340.0, 3980.0]))
    >>> low < 300 and 340 < high < 400
    True
    """
    found = np.ravel(np.asarray(values, dtype=float))
    found = found[np.isfinite(found) & ((found > 0) | (not log))]
    kept = np.array([v for v in keep if v > 0 or not log], dtype=float)
    if found.size >= 4:
        scaled, ends = (np.log(found), np.log(kept)) if log else (found, kept)
        order = np.argsort(np.abs(scaled - np.median(scaled)), kind="stable")
        rest = np.append(scaled[order[: -max(1, found.size // 10)]], ends)
        reach = 2 * np.ptp(rest)
        far = (scaled < rest.min() - reach) | (scaled > rest.max() + reach)
        if reach > 0:
            found = found[~far]
    return span_of([found, kept], log=log, pad=pad)
