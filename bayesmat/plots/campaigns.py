"""A search in figures: its path, its hits and its sampler."""

from __future__ import annotations

from collections.abc import Mapping

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
    scale_axis,
)

__all__ = ["campaign_path", "learning_curve", "smc_diagnostics"]


@in_style
def campaign_path(
    calls: pd.DataFrame,
    *,
    prop: Property,
    region: tuple[float, float] | None = None,
    temporary: Mapping[int, tuple[float, float]] | None = None,
    start: np.ndarray | None = None,
) -> Chart:
    """What was predicted and what came out, call by call.

    Args:
        calls: One row per proposal in the order of suggestion, with columns `round`, `median`,
            `lower`, `upper` (predicted), `value` (NaN while waiting or failed) and `hit`.
        prop: The property drawn; a log property gets a log axis.
        region: Target region in the property's unit; an end may be infinite.
        temporary: Temporary target region of each round.
        start: Values known before the campaign, drawn at the left.
    """
    need = ["round", "median", "lower", "upper", "value", "hit"]
    check_columns(calls, need, "the path of a campaign")
    x = np.arange(1, len(calls) + 1)
    known = np.array([] if start is None else start, dtype=float)
    ends = [end for end in region or () if np.isfinite(end)]
    shown = np.concatenate([calls[["median", "value"]].to_numpy(float).ravel(), known, ends])
    figure, ax = new_chart(7.6, 4.6)
    scale_axis(ax, prop, "y", shown)
    low, high = np.nanmin(shown), np.nanmax(shown)
    pad = 0.06 * (high - low or 1)
    is_log = ax.get_yscale() == "log"
    ax.set_ylim(*((low / 1.15, high * 1.15) if is_log else (low - pad, high + pad)))
    _path_background(ax, calls, region, temporary or {})
    ax.plot(np.full(known.size, -1.0), known, "_", color=MEASURED, ms=9, alpha=0.6)
    _path_calls(ax, x, calls)
    ax.set_xlim(-2 if known.size else 0.2, len(calls) + 0.8)
    ticks = [1, *range(5, len(calls) + 1, 5 if len(calls) <= 60 else 20)]
    labels = [*map(str, ticks), *(["start"] if known.size else [])]
    ax.set_xticks([*ticks, -1][: len(labels)], labels)
    ax.set(xlabel="oracle call, in the order of suggestion", ylabel=prop.label)
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
    for n, number in enumerate(sorted(set(frame["round"].tolist()))):
        rows = np.flatnonzero(frame["round"] == number)
        left, right = rows[0] + 0.5, rows[-1] + 1.5
        if n:
            ax.axvline(left, color="#d0d0d0", lw=0.8)
        ax.text(
            (left + right) / 2, 1.01, f"round {number}", color="#555555", fontsize=9,
            transform=ax.get_xaxis_transform(), ha="center", va="bottom",
        )  # fmt: skip
        if number in temporary:
            low, high = temporary[number]
            label = "temporary target" if n == 0 else None
            ax.fill_between(
                [left + 0.06, right - 0.06], low, high, label=label,
                facecolor=TEMPORARY + "22", edgecolor=TEMPORARY, lw=1.6,
            )  # fmt: skip


def _path_calls(ax: Axes, x: np.ndarray, frame: pd.DataFrame) -> None:
    label = "predicted before: median, 90% interval"
    ax.vlines(x, frame["lower"], frame["upper"], color=PREDICTED, alpha=0.4, lw=2.2, label=label)
    ax.plot(x, frame["median"], "_", color=PREDICTED, ms=7, mew=1.8)
    value, hit = frame["value"].to_numpy(float), frame["hit"].to_numpy(bool)
    done = np.isfinite(value)
    miss, hit = done & ~hit, done & hit
    if miss.any():
        ax.plot(x[miss], value[miss], "o", color=MEASURED, ms=5, mfc="white", label="computed")
    if hit.any():
        ax.plot(x[hit], value[hit], "o", color=GOAL, ms=7, mec=MEASURED, label="computed, a hit")
    if (~done).any():
        ax.plot(
            x[~done], np.full((~done).sum(), 0.03), "x", color=MISSED, ms=7, mew=2,
            transform=ax.get_xaxis_transform(), label="failed or waiting",
        )  # fmt: skip


@in_style
def learning_curve(
    arms: Mapping[str, np.ndarray],
    *,
    own: np.ndarray | None = None,
    batch: int | None = None,
    level: float = 0.8,
) -> Chart:
    """Cumulative hits against oracle calls, one band per way of choosing.

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
    ax.set(xlabel="oracle calls", ylabel="hits in the target region")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
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
