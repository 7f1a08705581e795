"""A campaign as one self-contained web page: what was asked, proposed, predicted and found."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from bayesmat import plots
from bayesmat._arguments import checked, names
from bayesmat._files import writing
from bayesmat.check.calibration import coverage
from bayesmat.data.drawing import molecule_svg
from bayesmat.data.properties import Property
from bayesmat.errors import DataError
from bayesmat.explore.account import Account, Call, Forecast, Target, account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.models.report import FitReport
from bayesmat.pages import filled, image

__all__ = ["page", "read_arms", "report", "summary"]


def read_arms(path: str | Path) -> tuple[dict[str, np.ndarray], str]:
    """Read precomputed learning curves.

    The file is JSON: `{"arms": {label: {"hits": [[...], ...]}}, "source": "..."}` with one list of
    cumulative hits per seed; the rule in use stands first, the baseline last.

    Returns:
        Label -> cumulative hits `n_seeds x n_calls`, and a sentence saying where they come from.

    Raises:
        DataError: The file is absent, not JSON, or not of this form.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        arms = {name: np.array(arm["hits"], dtype=float) for name, arm in content["arms"].items()}
        source = str(content.get("source", Path(path).name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} holds no learning curves ({error}). It must be JSON with "
            '{"arms": {label: {"hits": [[cumulative hits of a seed], ...]}}}; leave it out to '
            "write the report without them."
        ) from error
    bad = [name for name, hits in arms.items() if hits.ndim != 2 or not hits.size]
    if bad or not arms:
        raise DataError(
            f"{path}: the arms {bad} are not rectangular lists of cumulative hits, one list per "
            "seed, all of the same length."
        )
    return arms, source


def summary(account: Account) -> tuple[str, ...]:
    """The campaign in a few sentences, as a report opens and a command line ends."""
    calls, hits = account.calls, account.hits
    done = [call for call in calls if call.values]
    failed = sum(call.failure is not None for call in calls)
    waiting = len(calls) - len(done) - failed
    wanted = " and ".join(str(target) for target in account.targets)
    counts = f"{len(done)} of {len(calls)} proposals have been computed"
    counts += f", {failed} failed" if failed else ""
    counts += f", {waiting} are waiting" if waiting else ""
    lines = [f"Wanted: {wanted}. In {account.n_rounds} rounds {counts}."]
    if any(target.is_region for target in account.targets) and done:
        lines.append(_hit_words(account, int(hits.sum()), len(done)))
    best = account.best
    if best is not None:
        props = [target.prop for target in account.targets]
        values = [f"{p.name} {_quantity(best.values[p.name], p)}" for p in props]
        lines.append(f"Best material: {best.material}, {' and '.join(values)}.")
    lines.extend(_coverage_words(account, target.prop) for target in account.targets)
    return tuple(line for line in (*lines, *account.changes) if line)


def _hits(n: int) -> str:
    return f"{n} hit" if n == 1 else f"{n} hits"


def _hit_words(account: Account, n_hits: int, n_done: int) -> str:
    text = f"{_hits(n_hits)} ({n_hits / n_done:.0%} of the computed ones)"
    if n_hits:
        first = account.calls[int(np.flatnonzero(account.hits)[0])].round
        text += f", the first in round {first}"
    if account.base_rate is not None:
        expected = account.base_rate * n_done
        text += (
            f"; random draws from the same prior would have given {expected:.1f} "
            f"(base rate {account.base_rate:.1%})"
        )
    stated = [call.probability for call in account.calls if call.values]
    if np.isfinite(stated).all():
        text += f"; the model itself had expected {np.sum(stated):.1f}"
    return text + "."


def _coverage_words(account: Account, prop: Property) -> str:
    frame = account.judged(prop.name)
    if frame.empty:
        return ""
    found = _coverage(frame, 0.9)
    text = (
        f"Of the {len(frame)} values of {prop.name}, the 90% intervals stated beforehand hold "
        f"{found[0]:.0%} (95% band of this share: {found[1]:.0%} to {found[2]:.0%})"
    )
    if frame["lower50"].notna().all():
        half = _coverage(frame, 0.5)
        text += f", the 50% intervals {half[0]:.0%} ({half[1]:.0%} to {half[2]:.0%})"
    return text + "."


def _coverage(frame: pd.DataFrame, level: float) -> tuple[float, float, float]:
    suffix = "" if level == 0.9 else "50"
    ends = (frame[f"lower{suffix}"].to_numpy(), frame[f"upper{suffix}"].to_numpy())
    found = coverage(frame["value"].to_numpy(), *ends, level=level)
    return found.value, found.lower, found.upper


def _quantity(value: float, prop: Property) -> str:
    return f"{_digits(value)} {prop.unit}".rstrip()


def _digits(value: float) -> str:
    """Three significant digits, zeros kept: 3.00, 150, 1234."""
    return f"{value:#.3g}".rstrip(".") if 1e-3 <= abs(value) < 1e3 else f"{value:.4g}"


def _bar_svg(forecast: Forecast, target: Target, value: float, span: tuple[float, float]) -> str:
    """A small axis: green region, blue interval and median, black value."""
    log = target.prop.scale == "log" and span[0] > 0

    def x(v: float) -> float:
        low, high, v = (math.log(u) if log else u for u in (*span, min(max(v, span[0]), span[1])))
        return 2 + 196 * (v - low) / (high - low)

    left, right = x(max(target.lower, span[0])), x(min(target.upper, span[1]))
    region = f'<rect x="{left:.1f}" y="1" width="{right - left:.1f}" height="18" fill="#cdebe2"/>'
    line = '<line x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}" stroke="{}" stroke-width="{}"/>'
    parts = [
        region if target.is_region else "",
        line.format(2, 198, 10, 10, "#d5d9dd", 1),
        line.format(x(forecast.lower), x(forecast.upper), 10, 10, "#7fb8d8", 5),
        line.format(x(forecast.median), x(forecast.median), 4, 16, plots.PREDICTED, 2.5),
    ]
    if math.isfinite(value):
        fill = plots.GOAL if target.lower <= value <= target.upper else "#ffffff"
        parts.append(
            f'<circle cx="{x(value):.1f}" cy="10" r="4.5" fill="{fill}" stroke="#1a1a1a" '
            'stroke-width="1.4"/>'
        )
    return f'<svg viewBox="0 0 200 20" aria-hidden="true">{"".join(parts)}</svg>'


def _card(account: Account, number: int, spans: Mapping[str, tuple[float, float]]) -> str:
    call = account.calls[number]
    css, mark = "", '<span class="mark no">waiting</span>'
    if call.failure is not None:
        css, mark = " failed", '<span class="mark bad">✕ failed</span>'
    elif account.is_hit(call):
        css, mark = " hit", '<span class="mark">✓ hit</span>'
    elif call.values:
        css, mark = "", '<span class="mark no">no hit</span>'
    drawing = molecule_svg(call.material) if account.kind in ("smiles", "repeat_unit") else None
    parts = [f'<div class="card{css}">{mark}<span class="number">{number + 1}</span>']
    parts.append(drawing or "")
    several = len(account.targets) > 1
    for target in account.targets:
        if target.prop.name in call.forecasts:
            name = escape(target.prop.name.replace("_", " ")) + " " if several else ""
            parts.append(_card_property(call, target, spans[target.prop.name], name))
    if math.isfinite(call.probability):
        parts.append(f'<div class="soft">stated chance of a hit {call.probability:.0%}</div>')
    if call.failure is not None:
        parts.append(f'<div class="reason">{escape(call.failure)}</div>')
    parts.append(f"<code>{escape(call.material)}</code></div>")
    return "".join(parts)


def _card_property(call: Call, target: Target, span: tuple[float, float], name: str) -> str:
    prop, forecast = target.prop, call.forecasts[target.prop.name]
    value = call.values.get(prop.name, math.nan)
    found = _quantity(value, prop) if math.isfinite(value) else "–"
    median, lower, upper = map(_digits, (forecast.median, forecast.lower, forecast.upper))
    return (
        f'{_bar_svg(forecast, target, value, span)}<table><tr class="predicted"><td>{name}'
        f"predicted</td><td>{median} ({lower}–{upper})</td></tr>"
        f"<tr><td>computed</td><td><b>{escape(found)}</b></td></tr></table>"
    )


def _span(account: Account, target: Target) -> tuple[float, float]:
    """The range of the small axes: the same in every card, so that they can be compared."""
    frame = account.frame(target.prop.name)
    ends = [end for end in (target.lower, target.upper) if math.isfinite(end)]
    numbers = np.append(frame[["median", "value"]].to_numpy(float).ravel(), ends)
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    if target.prop.scale == "log":
        return low / 1.3, high * 1.3
    pad = 0.15 * (high - low or 1.0)
    return low - pad, high + pad


def _tiles(account: Account) -> str:
    n_done = sum(bool(call.values) for call in account.calls)
    tiles = [(str(n_done), "computed"), (str(int(account.hits.sum())), "hits")]
    if account.base_rate is not None:
        tiles.append((f"{account.base_rate * n_done:.1f}", "hits expected of random draws"))
    frame = account.judged(account.targets[0].prop.name)
    if len(frame):
        tiles.append((f"{_coverage(frame, 0.9)[0]:.0%}", "of values inside their 90% interval"))
    best = account.best
    if best is not None:
        prop = account.targets[0].prop
        tiles.append((_quantity(best.values[prop.name], prop), "best material"))
    boxes = [
        f'<div class="tile"><b>{escape(b)}</b><span>{escape(w)}</span></div>' for b, w in tiles
    ]
    return f'<div class="tiles">{"".join(boxes)}</div>'


def _proposals(account: Account) -> str:
    spans = {
        t.prop.name: _span(account, t) for t in account.targets if account.predicts(t.prop.name)
    }
    parts = [
        "<h2>The proposals</h2><p>Round by round, in the order chosen. Blue bar: 90% interval and "
        "median stated before the call; dot: what was then computed; green: the target region.</p>"
    ]
    for number in sorted({call.round for call in account.calls}):
        rows = [i for i, call in enumerate(account.calls) if call.round == number]
        n_hits = int(account.hits[rows].sum())
        parts.append(f"<h3>Round {number} <span>{_hits(n_hits)} of {len(rows)}</span></h3>")
        parts.append(f'<div class="cards">{"".join(_card(account, i, spans) for i in rows)}</div>')
    return "".join(parts)


def _path(account: Account) -> str:
    parts = ["<h2>The path to the target</h2>"]
    for target in account.targets:
        name = target.prop.name
        if account.predicts(name):
            figure = plots.campaign_path(
                account.frame(name),
                prop=target.prop,
                region=(target.lower, target.upper) if target.is_region else None,
                temporary=account.temporary.get(name),
                start=np.asarray(account.start.get(name, ()), dtype=float),
            )
            parts.append(image(figure, f"{name} predicted and computed, call by call"))
    return "".join(parts)


def _learning(account: Account, arms: Mapping[str, np.ndarray], source: str) -> str:
    if not arms and not account.hits.any():
        return ""
    n_batch = sum(call.round == account.calls[0].round for call in account.calls)
    figure = plots.learning_curve(arms, own=np.cumsum(account.hits), batch=n_batch)
    n = min((len(hits) for hits in arms.values()), default=0)
    caption = f"Precomputed by {source} over {n} paired seeds; not run for this page." if n else ""
    return f"<h2>Hits against calls</h2>{image(figure, 'cumulative hits', caption)}"


def _calibration(account: Account) -> str:
    parts = []
    for target in account.targets:
        frame = account.judged(target.prop.name)
        if frame.empty:
            continue
        parts.append(f"<p>{escape(_coverage_words(account, target.prop))}</p>")
        if frame["pit"].notna().all():
            pit = frame["pit"].to_numpy()
            curve = image(plots.calibration_curve(pit), "coverage against nominal level")
            bars = image(plots.pit_histogram(pit), "PIT histogram")
            parts.append(f'<div class="pair">{curve}{bars}</div>')
    if not parts:
        return ""
    caution = (
        "Every prediction was stored before its call, so nothing here is fitted. Chosen materials "
        "are the model's favourites, and favourites flatter: expect coverage a little below the "
        "nominal level, and see the band before reading anything into one campaign."
    )
    return f"<h2>Were the predictions honest?</h2><p>{caution}</p>{''.join(parts)}"


def _model(account: Account) -> str:
    if not account.fit_lines and not account.shares:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in account.fit_lines)
    figure = ""
    if account.shares:
        title = account.targets[0].prop.name
        figure = image(plots.relevance(account.shares, title=title), "share of variance by group")
    return f"<h2>What the model learned</h2><ul>{items}</ul>{figure}"


def _sampler(account: Account) -> str:
    if account.stages.empty:
        return ""
    words = (
        "Molecules come from a tempered sequential Monte Carlo run per round. The temperature goes "
        "from the prior (β = 0) to the target (β = 1); few distinct molecules or an acceptance "
        "near zero mean that the candidates are fewer and more alike than their number says."
    )
    return (
        f"<h2>The sampler</h2><p>{words}</p>{image(plots.smc_diagnostics(account.stages), words)}"
    )


def _table(rows: Sequence[tuple[str, str]], heads: tuple[str, str]) -> str:
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    body = "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td></tr>" for a, b in rows)
    return f'<table class="plain"><tr>{head}</tr>{body}</table>'


def _failures(account: Account) -> str:
    rows = [(call.material, call.failure) for call in account.calls if call.failure is not None]
    rows += [(c.material, f"left out: {c.left_out}") for c in account.calls if c.left_out]
    if not rows:
        return "<h2>Failures</h2><p>None.</p>"
    words = "A failed call, or what was left out of an answer, is kept with its reason."
    return f"<h2>Failures</h2><p>{words}</p>{_table(rows, ('material', 'reason'))}"


def page(
    account: Account, *, arms: Mapping[str, np.ndarray] | None = None, source: str = ""
) -> str:
    """The report of a campaign as HTML that needs no other file and no network.

    Args:
        account: The campaign as plain data.
        arms: Precomputed learning curves, label -> cumulative hits `n_seeds x n_calls`.
        source: Where they come from, for the caption.

    Raises:
        DataError: The campaign has no proposal yet.
    """
    if not account.calls:
        raise DataError(
            "The campaign has no proposal yet, so there is nothing to report. Ask it for one "
            "(campaign.suggest or campaign.run) first."
        )
    opening = "".join(f"<p>{escape(line)}</p>" for line in summary(account))
    notes = "".join(f'<p class="soft">{escape(note)}</p>' for note in account.notes)
    body = [
        _tiles(account), opening, notes, _path(account), _proposals(account),
        _learning(account, arms or {}, source), _calibration(account), _model(account),
        _sampler(account), _failures(account), "<h2>Provenance</h2>",
        _table(list(account.provenance.items()), ("what", "value")),
    ]  # fmt: skip
    title = "Search for " + " and ".join(str(target) for target in account.targets)
    subtitle = f"{account.n_rounds} rounds, {len(account.calls)} proposals"
    return filled(title, subtitle, "".join(body))


def report(
    campaign: Campaign,
    path: str | Path,
    *,
    learning_curves: str | Path | None = None,
    base_rate: float | None = None,
    notes: Sequence[str] = (),
    fit_report: FitReport | None = None,
) -> Path:
    """Write the report of a campaign: one HTML file that needs no network.

    Args:
        campaign: The campaign; it need not be finished.
        path: Where to write; folders are made.
        learning_curves: JSON of precomputed learning curves, see `read_arms`.
        base_rate: Probability that a random draw from the same prior is a hit, where known.
        notes: Sentences that a reader must know, such as what the oracle computes.
        fit_report: A fit to the final data, explained; else the last stored one is shown in words.

    Returns:
        The path.

    Raises:
        DataError: The campaign has no proposal yet, the learning curves cannot be read, or the page
            cannot be written.
    """
    campaign, path = checked(campaign, Campaign, "campaign"), checked(path, str | Path, "path")
    learning_curves = checked(learning_curves, str | Path | None, "learning_curves")
    base_rate, notes = checked(base_rate, float | None, "base_rate"), names(notes, "notes")
    fit_report = checked(fit_report, FitReport | None, "fit_report")
    arms, source = read_arms(learning_curves) if learning_curves is not None else ({}, "")
    account = account_of(campaign, base_rate=base_rate, notes=notes, fit_report=fit_report)
    path = Path(path)
    content = page(account, arms=arms, source=source)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return path
