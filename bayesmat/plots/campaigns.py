"""A search in figures: its path, its hits and its sampler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayesmat.data.properties import Property
from bayesmat.errors import DataError

from .style import (
    ARMS,
    GOAL,
    MARKERS,
    MEASURED,
    MISSED,
    PREDICTED,
    TEMPORARY,
    Chart,
    check_columns,
    in_style,
    new_chart,
    new_grid,
    robust_span,
    scale_axis,
    wrapped,
)

__all__ = [
    "against_conditions",
    "best_so_far",
    "campaign_path",
    "learning_curve",
    "smc_diagnostics",
]


@in_style
def campaign_path(
    calls: pd.DataFrame,
    *,
    prop: Property,
    region: tuple[float, float] | None = None,
    temporary: Mapping[int, tuple[float, float]] | None = None,
    start: np.ndarray | None = None,
    verb: str = "computed",
) -> Chart:
    """What was predicted and what came out, call by call.

    A value far away from all others does not stretch the axis: it stands as a triangle at the edge,
    with its number; intervals that go on beyond the axis end in arrowheads.

    Args:
        calls: One row per proposal in the order of suggestion, with columns `round`, `median`,
            `lower`, `upper` (predicted), `value` (NaN while waiting or failed) and `hit`; with
            `state` ("failed", "pending", "withdrawn"), these are marked apart.
        prop: The property drawn; a log property gets a log axis.
        region: Target region in the property's unit; an end may be infinite.
        temporary: Temporary target region of each round.
        start: Values known before the campaign, drawn at the left.
        verb: How values came about: "computed", "measured".
    """
    need = ["round", "median", "lower", "upper", "value", "hit"]
    check_columns(calls, need, "the path of a campaign")
    x = np.arange(1, len(calls) + 1)
    known = np.array([] if start is None else start, dtype=float)
    ends = [end for end in region or () if np.isfinite(end)]
    shown = np.concatenate([calls[["median", "value"]].to_numpy(float).ravel(), known])
    figure, ax = new_chart(7.6, 4.6)
    limits = _robust_axis(ax, prop, shown, ends)
    _path_background(ax, calls, region, temporary or {})
    before = -max(1.0, 0.04 * len(calls))  # where the start is drawn, clear of the first label
    ax.plot(np.full(known.size, before), known, "_", color=MEASURED, ms=9, alpha=0.6)
    _path_calls(ax, x, calls, verb)
    _mark_open_ends(ax, x, calls, limits)
    at = np.concatenate([x, np.full(known.size, before)])
    _mark_beyond(ax, at, np.append(calls["value"].to_numpy(float), known), limits)
    ax.set_xlim(before - 1 if known.size else 0.2, len(calls) + 0.8)
    step = 1 if len(calls) < 10 else 5 if len(calls) <= 60 else 20
    ticks = sorted({1, *range(step, len(calls) + 1, step)})
    start_tick = {before: "start"} if known.size else {}
    ax.set_xticks([*ticks, *start_tick], [*map(str, ticks), *start_tick.values()])
    ax.set(xlabel="proposal, in the order of suggestion", ylabel=wrapped(prop.label, 38))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _path_background(
    ax: Axes,
    frame: pd.DataFrame,
    region: tuple[float, float] | None,
    temporary: Mapping[int, tuple[float, float]],
) -> None:
    if region is not None:
        low, high = np.clip(region, *ax.get_ylim())
        ax.axhspan(low, high, color=GOAL, alpha=0.18, lw=0, label="target region")
    said = False
    for n, number in enumerate(sorted(set(frame["round"].tolist()))):
        rows = np.flatnonzero(frame["round"] == number)
        left, right = rows[0] + 0.5, rows[-1] + 1.5
        if n:
            ax.axvline(left, color="#d0d0d0", lw=0.8)
        ax.text(
            (left + right) / 2, 1.01, f"round {number}", color="#555555", fontsize=9,
            transform=ax.get_xaxis_transform(), ha="center", va="bottom",
        )  # fmt: skip
        low, high = np.clip(temporary.get(number, (0.0, 0.0)), *ax.get_ylim())
        if number in temporary and low < high:
            label = None if said else "temporary target"
            said = True
            ax.fill_between(
                [left + 0.06, right - 0.06], low, high, label=label,
                facecolor=TEMPORARY + "22", edgecolor=TEMPORARY, lw=1.6,
            )  # fmt: skip


def _path_calls(ax: Axes, x: np.ndarray, frame: pd.DataFrame, verb: str) -> None:
    label = "predicted before: median, 90% interval"
    ax.vlines(x, frame["lower"], frame["upper"], color=PREDICTED, alpha=0.4, lw=2.2, label=label)
    ax.plot(x, frame["median"], "_", color=PREDICTED, ms=7, mew=1.8)
    value, hit = frame["value"].to_numpy(float), frame["hit"].to_numpy(bool)
    done = np.isfinite(value)
    miss, hit = done & ~hit, done & hit
    if miss.any():
        ax.plot(x[miss], value[miss], "o", color=MEASURED, ms=5, mfc="white", label=verb)
    if hit.any():
        ax.plot(x[hit], value[hit], "o", color=GOAL, ms=7, mec=MEASURED, label=f"{verb}, a hit")
    states = [s if s in _WITHOUT else "" for s in frame.get("state", [""] * len(x))]
    for state, (marker, color, words) in _WITHOUT.items():
        rows = ~done & (np.array(states) == state)
        if rows.any():
            ax.plot(
                x[rows], np.full(rows.sum(), 0.03), marker, color=color, ms=7, mew=2,
                mfc="none", transform=ax.get_xaxis_transform(), label=words,
            )  # fmt: skip


_WITHOUT = {
    "failed": ("x", MISSED, "failed"),
    "withdrawn": ("s", MISSED, "withdrawn"),
    "pending": ("o", "#808080", "waiting"),
    "": ("x", MISSED, "failed or waiting"),
}


def _robust_axis(
    ax: Axes, prop: Property, values: np.ndarray, keep: Sequence[float]
) -> tuple[float, float]:
    """A y axis that one value far away does not flatten; its limits."""
    every = np.append(values, np.asarray(keep, dtype=float))
    finite = every[np.isfinite(every)]
    log = prop.scale == "log" and bool(finite.size) and float(finite.min()) > 0
    low, high = robust_span(values, keep=keep, log=log, pad=0.06)
    scale_axis(ax, prop, "y", np.array([low, high]) if log else every)
    ax.set_ylim(low, high)
    return low, high


def _mark_open_ends(
    ax: Axes, x: np.ndarray, calls: pd.DataFrame, limits: tuple[float, float]
) -> None:
    """Arrowheads where predicted intervals leave the axis."""
    said = False
    for end, marker, height in (("lower", "v", 0.012), ("upper", "^", 0.988)):
        ends = calls[end].to_numpy(float)
        rows = ends < limits[0] if end == "lower" else ends > limits[1]
        if not rows.any():
            continue
        ax.plot(
            x[rows], np.full(int(rows.sum()), height), marker, color=PREDICTED, alpha=0.6, ms=5,
            transform=ax.get_xaxis_transform(),
            label=None if said else "interval goes on",
        )  # fmt: skip
        said = True


def _mark_beyond(ax: Axes, x: np.ndarray, values: np.ndarray, limits: tuple[float, float]) -> None:
    """Triangles at the edge, with their numbers, for values that the axis does not reach."""
    for above, marker, height in ((False, "v", 0.0), (True, "^", 1.0)):
        rows = np.flatnonzero(values > limits[1] if above else values < limits[0])
        if not len(rows):
            continue
        label = "beyond the axis" if above or not bool((values > limits[1]).any()) else None
        ax.plot(
            x[rows], np.full(len(rows), height), marker, color=MISSED, ms=9, clip_on=False,
            zorder=5, transform=ax.get_xaxis_transform(), label=label,
        )  # fmt: skip
        for at in dict.fromkeys(x[rows].tolist()):
            said = [f"{values[i]:.4g}" for i in rows if x[i] == at]
            words = ", ".join(said[:3]) + (", …" if len(said) > 3 else "")
            ax.annotate(
                words, (at, height), xycoords=ax.get_xaxis_transform(),
                xytext=(8, -9 if above else 9), textcoords="offset points", color=MISSED,
                fontsize=9, va="center", ha="left",
            )  # fmt: skip


@in_style
def best_so_far(
    values: np.ndarray,
    *,
    prop: Property,
    sign: int,
    start: float | None = None,
    verb: str = "computed",
) -> Chart:
    """The best value known after each proposal, in a search for an extreme.

    Args:
        values: Value of each proposal in the order of suggestion; NaN where there is none.
        prop: The property.
        sign: 1 where large values are good, -1 where small ones are.
        start: Best value known before.
        verb: How values came about.
    """
    values = np.asarray(values, dtype=float)
    before = np.nan if start is None else float(start)
    line = sign * np.fmax.accumulate(sign * np.append(before, values))
    if not np.isfinite(line).any():
        raise DataError("There is no curve to draw: no value is known.")
    figure, ax = new_chart(7.4, 4.0)
    limits = _robust_axis(ax, prop, values, line[np.isfinite(line)].tolist())
    x = np.arange(1, len(values) + 1)
    ax.step(np.arange(len(line)), line, where="post", color=GOAL, lw=2.2, label="best so far")
    ax.plot(x, values, "o", color=MEASURED, ms=5, mfc="white", label=verb)
    if start is not None:
        ax.axhline(before, color="#9a9a9a", lw=1.2, ls="--", label="best before the campaign")
    _mark_beyond(ax, x, values, limits)
    ax.set_xlim(0, len(values) + 0.8)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="proposal, in the order of suggestion", ylabel=wrapped(prop.label, 32))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@in_style
def learning_curve(
    arms: Mapping[str, np.ndarray],
    *,
    own: np.ndarray | None = None,
    batch: int | None = None,
    level: float = 0.8,
) -> Chart:
    """Cumulative hits against proposals, one band per way of choosing.

    Args:
        arms: Label -> cumulative hits, `n_seeds x n_calls`, the rule in use first and the baseline
            last. Lines are means; bands (first and last) and bars at the right (all) hold the
            middle `level` of the seeds.
        own: Cumulative hits of one campaign, `n_calls`, drawn in black.
        batch: Calls per round, for the ticks.
        level: Share of the seeds in the bands and bars.
    """
    if not arms and own is None:
        raise DataError("There is no curve to draw: arms is empty and own is not given.")
    figure, ax = new_chart(7.4, 4.2)
    tail, end = 50 * (1 - level), 0
    for i, (label, curves) in enumerate(arms.items()):
        hits = np.pad(np.atleast_2d(np.asarray(curves, dtype=float)), ((0, 0), (1, 0)))
        end, color, shape = hits.shape[1] - 1, ARMS[i % len(ARMS)], MARKERS[i % len(MARKERS)]
        low, high = np.percentile(hits, [tail, 100 - tail], axis=0)
        if i in (0, len(arms) - 1):
            ax.fill_between(np.arange(end + 1), low, high, color=color, alpha=0.15, lw=0)
        ax.plot(hits.mean(0), color=color, lw=2)
        x = end * (1.03 + 0.022 * i)
        ax.vlines(x, low[-1], high[-1], color=color, lw=2, alpha=0.6, clip_on=False)
        label = f"{label}: {hits[:, -1].mean():.1f} (n = {len(hits)})"
        ax.plot(x, hits[:, -1].mean(), shape, color=color, ms=6, label=label, clip_on=False)
    if own is not None:
        curve = np.concatenate([[0.0], np.asarray(own, dtype=float)])
        label = f"this campaign: {curve[-1]:.0f}"
        ax.step(np.arange(len(curve)), curve, where="post", color=MEASURED, lw=2, label=label)
        end = max(end, len(curve) - 1)
    ax.set(xlim=(0, end * (1.04 + 0.022 * len(arms))), ylim=(0, None))
    ax.set_xticks(np.arange(0, end + 1, batch or max(1, end // 5)))
    ax.set(xlabel="proposals", ylabel="hits in the target region")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    if arms:
        words = f"mean over seeds; bands and bars hold {level:.0%} of them"
        ax.set_title(words, fontsize=9.5, fontweight="normal")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@in_style
def smc_diagnostics(stages: pd.DataFrame) -> Chart:
    """Temperature, effective sample size, acceptance and distinct molecules, round by round.

    Args:
        stages: One row per stage, with columns `round`, `stage` (from 1), `beta`, `ess_fraction`,
            `acceptance` and `unique_fraction` (shares of the particles, 0 to 1).
    """
    panels = {
        "beta": "inverse temperature β",
        "ess_fraction": "effective sample size / N",
        "acceptance": "accepted proposals",
        "unique_fraction": "distinct molecules / N",
    }
    check_columns(stages, ["round", "stage", *panels], "the sampler's stages")
    figure = Chart(figsize=(7.6, 5.0), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    for ax, (column, title) in zip(axes.flat, panels.items(), strict=True):
        for i, number in enumerate(sorted(set(stages["round"].tolist()))):
            rows = stages[stages["round"] == number]
            ax.plot(
                rows["stage"], rows[column], marker=MARKERS[i % len(MARKERS)], ms=5, lw=1.4,
                color=ARMS[i % len(ARMS)], label=f"round {number}",
            )  # fmt: skip
        ax.set_title(title, fontsize=10.5, fontweight="normal")
        ax.set_ylim(-0.03, 1.05 * max(1.0, stages[column].max()))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in axes[1]:
        ax.set_xlabel("stage of the sampler")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=8)
    return figure


@in_style
def against_conditions(
    conditions: Mapping[str, Sequence[float | str]],
    values: np.ndarray,
    *,
    prop: Property,
    rounds: np.ndarray,
    region: tuple[float, float] | None = None,
) -> Chart:
    """Values against the conditions that they were found under, a panel for each condition.

    Args:
        conditions: Label -> value of each row; names of categories make an axis of names.
        values: Value of each row.
        prop: The property.
        rounds: Round of each row, which colours it; 0 for what nobody proposed, -1 for what was
            known before the first.
        region: Target region in the property's unit.
    """
    if not conditions or not len(values):
        raise DataError("There is nothing to draw: no condition, or no value.")
    wide = min(len(conditions), 3)
    figure, axes = new_grid(len(conditions), n_columns=wide, height=2.9)
    ends = [end for end in region or () if np.isfinite(end)]
    numbers = sorted(set(np.asarray(rounds).tolist()))
    for ax, (label, given) in zip(axes, conditions.items(), strict=True):
        x = np.asarray(given)
        limits = _robust_axis(ax, prop, np.asarray(values, dtype=float), ends)
        if x.dtype.kind in "US":
            names = list(dict.fromkeys(map(str, given)))
            x = np.array([names.index(str(v)) for v in given], dtype=float)
            room = max(8, 54 // (wide * len(names)))
            ax.set_xticks(range(len(names)), [wrapped(name, room, 3) for name in names])
        if region is not None:
            ax.axhspan(*np.clip(region, *limits), color=GOAL, alpha=0.18, lw=0)
        for k, number in enumerate(numbers, start=-numbers.count(-1)):
            rows = np.asarray(rounds) == number
            words = {-1: "before the campaign", 0: "not proposed"}.get(number, f"round {number}")
            shape, color = MARKERS[k % len(MARKERS)], ARMS[k % len(ARMS)]
            if number < 0:
                shape, color = "x", "#9a9a9a"
            ax.plot(x[rows], np.asarray(values)[rows], shape, ms=6, color=color, label=words)
        _mark_beyond(ax, x, np.asarray(values, dtype=float), limits)
        ax.set_xlabel(wrapped(label, 72 // wide))
        ax.set_ylabel(wrapped(prop.label, 24) if ax in axes[::wide] else "")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
