"""What the posterior says: coefficients, relevance, and how far data moved the prior."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayesmat.check.relevance import Relevance
from bayesmat.errors import DataError
from bayesmat.models.base import Fitted

from .fits import hyper_of, shares_in
from .style import (
    MEASURED,
    MUTED,
    PREDICTED,
    Chart,
    check_draws,
    in_style,
    log_axis,
    new_chart,
    new_grid,
    short,
    span_of,
    wrapped,
)

__all__ = ["forest", "prior_posterior", "relevance"]

_MAX_LINES = 60
_MAX_PANELS = 36
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Prior = Callable[[np.ndarray], Any]


@in_style
def relevance(
    shares: Mapping[str, np.ndarray] | Fitted | Relevance,
    *,
    prop: str = "",
    title: str = "",
    inclusion: Mapping[str, float] | None = None,
) -> Chart:
    """Share of the variance that each group of features explains, with its uncertainty.

    How to read it: a line that reaches 0 may be worth nothing. Groups that carry the same
    information share the variance between them in ways the data cannot decide, so wide lines that
    trade off are not a failure. A share is an association in these data, not a cause.

    Args:
        shares: A fit, whose groups are judged by `check.relevance`; what that returns; or group
            -> posterior draws of its share, `S`, between 0 and 1.
        prop: The property to draw, of a fit with several.
        title: Heading, such as the property's name.
        inclusion: Group -> posterior probability that it matters, such as that its share exceeds
            1 %, printed at the right margin.

    Raises:
        DataError: No group, more than 60, or an inclusion probability outside [0, 1].
    """
    if isinstance(shares, Fitted | Relevance):
        name, shares, found = shares_in(shares, prop)
        title, inclusion = title or name, found if inclusion is None else inclusion
    if not shares:
        raise DataError("There is no group of features to draw.")
    chances = dict(inclusion or {})
    wrong = [name for name, p in chances.items() if name not in shares or not 0 <= p <= 1]
    if wrong:
        raise DataError(
            f"inclusion holds {wrong}: each must be one of the groups {list(shares)}, with a "
            "probability between 0 and 1."
        )
    figure, ax = _lines(check_draws(shares, 1, "relevance", most=_MAX_LINES))
    ax.set(xlim=(0, 1), xlabel="share of the variance (median, 50% and 90% intervals)")
    heading = f"{short(title, 44)}: association, not cause".removeprefix(": ")
    figure.suptitle(heading, x=0.01, ha="left", fontsize=11, fontweight="bold")
    for name, p in chances.items():
        y = _row(shares, name)
        ax.text(1.02, y, f"{p:.2f}", transform=ax.get_yaxis_transform(), va="center", fontsize=9.5)
    if chances:
        ax.annotate(
            "P(matters)", (1.02, 1.0), xycoords="axes fraction", xytext=(0, 3),
            textcoords="offset points", fontsize=9.5,
        )  # fmt: skip
    return figure


@in_style
def forest(
    draws: Mapping[str, np.ndarray], *, axis: str, reference: float | None = 0.0, title: str = ""
) -> Chart:
    """Posterior intervals of several scalars on one axis: coefficients, law constants, offsets.

    How to read it: point, thick and thin line are median, 50 % and 90 % interval. A line that
    crosses the reference leaves the sign open.

    Args:
        draws: Scalar -> draws, `S`, all in the same unit.
        axis: Label of the axis with its unit.
        reference: Value marked by a line; None for none.
        title: Heading.

    Raises:
        DataError: No scalar, more than 60, or draws that are not finite.
    """
    figure, ax = _lines(check_draws(draws, 1, "a forest", most=_MAX_LINES))
    if reference is not None:
        ax.axvline(reference, color=MEASURED, lw=1.1, ls=(0, (4, 3)), zorder=1)
    ax.set_xlabel(axis)
    ax.set_title(short(title, 60))
    return figure


def _row(names: Mapping[str, Any], name: str) -> int:
    return len(names) - 1 - list(names).index(name)


def _lines(draws: Mapping[str, np.ndarray]) -> tuple[Chart, Axes]:
    labels: Sequence[str] = list(draws)[::-1]
    figure, ax = new_chart(7.0, 1.2 + (0.42 if len(labels) <= 12 else 0.26) * len(labels))
    for y, label in enumerate(labels):
        q = np.quantile(draws[label], _QUANTILES)
        ax.hlines(y, q[0], q[4], color=PREDICTED, alpha=0.45, lw=2.2)
        ax.hlines(y, q[1], q[3], color=PREDICTED, lw=5)
        ax.plot(q[2], y, "o", color="white", mec=PREDICTED, ms=7, mew=1.8, clip_on=False)
    ax.set_yticks(range(len(labels)), [short(label, 34) for label in labels])
    ax.set_ylim(-0.6, len(labels) - 0.4)
    return figure, ax


@in_style
def prior_posterior(
    posterior: Mapping[str, np.ndarray] | Fitted,
    prior: Mapping[str, Prior | np.ndarray] | None = None,
    *,
    log: Sequence[str] = (),
) -> Chart:
    """What was assumed and what the data made of it: one panel per scalar.

    How to read it: a posterior (blue) that lies on its prior (dashed) says that the data are
    silent about this scalar: whatever depends on it is an assumption. A posterior in the tail of
    the prior says that the two disagree: look for a unit slip or a prior that is too narrow. The
    share at the top is how much the data have narrowed the central 90 % where the prior is given
    as draws.

    Args:
        posterior: A fit, whose prior is drawn from (of over 36 scalars those that moved most); or
            scalar, named with its unit, -> posterior draws, `S`.
        prior: Scalar -> prior density (a function of an array of values) or prior draws.
        log: Scalars drawn on a log axis; their density is then one of log10. Of a fit all that
            are positive.

    Raises:
        DataError: No or over 36 scalars, one without a prior, or a log scalar that is not positive.
    """
    if isinstance(posterior, Fitted):
        posterior, before, positive = hyper_of(posterior, _MAX_PANELS)
        prior, log = before if prior is None else prior, log or positive
    prior = {} if prior is None else prior
    arrays = check_draws(posterior, 1, "prior and posterior", most=_MAX_PANELS)
    absent = [name for name in arrays if name not in prior]
    negative = [name for name in log if name in arrays and arrays[name].min() <= 0]
    if absent or negative:
        raise DataError(
            f"Scalars without a prior: {absent}; not positive, so without a log axis: {negative}."
        )
    figure, axes = new_grid(len(arrays), n_columns=3, height=1.75, extra=0.6)
    for ax, (name, draws) in zip(axes, arrays.items(), strict=True):
        _prior_panel(ax, draws, prior[name], is_log=name in log)
        ax.set_xlabel(wrapped(name, 26), fontsize=9)
        ax.set_yticks([])
        ax.tick_params(labelsize=8.5)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)
    figure.supylabel("density", fontsize=10)
    return figure


def _prior_panel(ax: Axes, draws: np.ndarray, prior: Prior | np.ndarray, *, is_log: bool) -> None:
    before = None if callable(prior) else np.asarray(prior, dtype=float).ravel()
    if before is not None and (not before.size or not np.isfinite(before).all()):
        raise DataError("Prior draws must be finite, and there must be some.")
    ends = np.quantile(draws, [0.002, 0.998])
    shown = [draws] if before is None else [ends, np.quantile(before, [0.01, 0.99])]
    low, high = span_of(shown, log=is_log, pad=0.35 if before is None else 0.05)
    edges = list(np.geomspace(low, high, 41) if is_log else np.linspace(low, high, 41))
    ax.hist(
        draws, edges, weights=_weights(draws, edges, is_log), color=PREDICTED, alpha=0.8,
        label="posterior",
    )  # fmt: skip
    style: dict[str, Any] = {"color": MEASURED, "lw": 1.5, "ls": (0, (4, 2)), "label": "prior"}
    if before is None and callable(prior):
        grid = np.geomspace(low, high, 300) if is_log else np.linspace(low, high, 300)
        density = np.asarray(prior(grid), dtype=float)
        ax.plot(grid, density * (grid * np.log(10) if is_log else 1.0), **style)
    elif before is not None:
        weights = _weights(before, edges, is_log)
        ax.hist(before, edges, weights=weights, histtype="step", **style)
    if is_log:
        log_axis(ax, "x", float(np.log10(high / low)))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.set_xlim(low, high)
    ax.grid(visible=False)
    _narrowing(ax, draws, before, is_log=is_log)


def _weights(draws: np.ndarray, edges: Sequence[float], is_log: bool) -> np.ndarray:
    """Weights that turn counts into a density over the axis as drawn."""
    width = np.log10(edges[1] / edges[0]) if is_log else edges[1] - edges[0]
    return np.full(len(draws), 1.0 / (len(draws) * width))


def _narrowing(ax: Axes, draws: np.ndarray, before: np.ndarray | None, *, is_log: bool) -> None:
    if before is None or (is_log and before.min() <= 0):
        return
    pair = [np.log(v) if is_log else v for v in (draws, before)]
    widths = [float(np.diff(np.quantile(v, [0.05, 0.95]))[0]) for v in pair]
    if widths[1] > 0:
        text = f"{widths[0] / widths[1]:.0%} as wide"
        ax.set_title(text, fontsize=8.5, fontweight="normal", loc="right", color=MUTED)
