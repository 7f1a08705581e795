"""The proposals, round by round: cards of materials, tables of recipes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from bayesmat import plots
from bayesmat.data.drawing import molecule_svg
from bayesmat.explore.account import Account, Call, Forecast, Target
from bayesmat.reporting.words import condition_words, digits, hit_count, improving, quantity, times

__all__ = ["proposals"]

Spans = Mapping[str, tuple[float, float]]
_DRAWN = ("smiles", "repeat_unit")


def proposals(account: Account) -> str:
    """Every proposal with its prediction, what came of it, and why it was made."""
    spans = {
        t.prop.name: _span(account, t) for t in account.targets if account.predicts(t.prop.name)
    }
    region = "; green: the target region" if account.has_region else ""
    parts = [
        "<h2>The proposals</h2><p>Round by round, in the order chosen. Blue bar: 90% interval and "
        f"median stated beforehand; dot: what was then {account.verb} (a triangle where it lies "
        f"beyond the axis){region}.</p>"
    ]
    for number in sorted({call.round for call in account.calls}):
        rows = [i for i, call in enumerate(account.calls) if call.round == number]
        told = sum(account.calls[i].standing == "told" for i in rows)
        said = f"{told} of {len(rows)} {account.verb}"
        if account.has_region:
            said = f"{hit_count(int(account.hits[rows].sum()))} of {told} {account.verb}"
        said += f", {waits} waiting" if (waits := _waiting(account, rows)) else ""
        parts.append(f"<h3>Round {number} <span>{said}</span></h3>")
        if account.kind == "recipe":
            parts.append(_table(account, rows, spans))
        else:
            cards = "".join(_card(account, i, spans) for i in rows)
            parts.append(f'<div class="cards">{cards}</div>')
    return "".join(parts)


def _waiting(account: Account, rows: list[int]) -> int:
    return sum(account.calls[i].standing == "pending" for i in rows)


def _span(account: Account, target: Target) -> tuple[float, float]:
    """The range of the small axes: the same in every card, so that they can be compared."""
    frame = account.frame(target.prop.name)
    ends = [end for end in (target.lower, target.upper) if math.isfinite(end)]
    log = target.prop.scale == "log"
    numbers = frame[["median", "value"]].to_numpy(float).ravel()
    return plots.robust_span(numbers, keep=ends, log=log, pad=0.15)


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
        inside = target.is_region and target.lower <= value <= target.upper
        fill = plots.GOAL if inside else "#ffffff"
        stroke = f'fill="{fill}" stroke="#1a1a1a" stroke-width="1.4"/>'
        dot = f'<circle cx="{x(value):.1f}" cy="10" r="4.5" {stroke}'
        if value > span[1]:
            dot = f'<path d="M190 5 L198 10 L190 15 Z" {stroke}'
        if value < span[0]:
            dot = f'<path d="M10 5 L2 10 L10 15 Z" {stroke}'
        parts.append(dot)
    return f'<svg viewBox="0 0 200 20" aria-hidden="true">{"".join(parts)}</svg>'


def _mark(account: Account, number: int) -> tuple[str, str]:
    """Class of a card, and what became of its proposal."""
    call = account.calls[number]
    if call.standing == "failed":
        return " failed", '<span class="mark bad">✕ failed</span>'
    if call.standing == "withdrawn":
        return " failed", '<span class="mark no">withdrawn</span>'
    if call.standing == "pending":
        return "", '<span class="mark no">waiting</span>'
    if account.is_hit(call):
        return " hit", '<span class="mark">✓ hit</span>'
    if account.has_region:
        return "", '<span class="mark no">no hit</span>'
    if improving(account)[number]:
        return " hit", '<span class="mark">✓ best so far</span>'
    return "", f'<span class="mark no">{account.verb}</span>'


def _card(account: Account, number: int, spans: Spans) -> str:
    call = account.calls[number]
    css, mark = _mark(account, number)
    material = call.structure or call.material
    parts = [f'<div class="card{css}">{mark}<span class="number">{number + 1}</span>']
    parts.append((molecule_svg(material) if account.kind in _DRAWN else None) or "")
    facts = [call.name, *condition_words(account.conditions, call.conditions)]
    parts += [f'<div class="fact">{escape(fact)}</div>' for fact in facts if fact]
    parts += [f'<div class="soft">{escape(column)}</div>' for column in _columns(call)]
    several = len(account.targets) > 1
    for target in account.targets:
        if target.prop.name in call.forecasts:
            name = escape(target.prop.name.replace("_", " ")) + " " if several else ""
            parts.append(_card_property(account, call, target, spans[target.prop.name], name))
    parts += [f'<div class="{css}">{escape(words)}</div>' for css, words in _remarks(call)]
    parts.append(f"<code>{escape(material)}</code></div>")
    return "".join(parts)


def _columns(call: Call) -> list[str]:
    """Columns of the pool but its name, in words and with all digits: they may be prices."""
    return [
        f"{name}: {value:.12g}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in call.columns.items()
        if value is not None and value == value and str(value).strip() != call.name
    ]


def _remarks(call: Call) -> list[tuple[str, str]]:
    """What was said of a proposal, with the class that it is written in."""
    found: list[tuple[str, str]] = []
    if math.isfinite(call.probability):
        found.append(("soft", f"stated chance of a hit {call.probability:.0%}"))
    if call.failure is not None:
        found.append(("reason", call.failure))
    if call.corrections:
        found.append(("reason", f"corrected {times(call.corrections)}"))
    if call.notes:
        found.append(("soft", call.notes))
    if call.reason:
        found.append(("why", call.reason))
    return found


def _card_property(
    account: Account, call: Call, target: Target, span: tuple[float, float], name: str
) -> str:
    forecast, prop = call.forecasts[target.prop.name], target.prop
    value = call.values.get(prop.name, math.nan)
    return (
        f'{_bar_svg(forecast, target, value, span)}<table><tr class="predicted"><td>{name}'
        f"predicted</td><td>{_interval(forecast)}</td></tr>"
        f"<tr><td>{account.verb}</td><td><b>{escape(_found(call, target))}</b></td></tr></table>"
        f"{_repeated(call, target)}"
    )


def _interval(forecast: Forecast) -> str:
    median, lower, upper = map(digits, (forecast.median, forecast.lower, forecast.upper))
    dash = " to " if forecast.lower < 0 else "–"
    return f"{median} ({lower}{dash}{upper})"


def _found(call: Call, target: Target) -> str:
    """The value that stands."""
    value = call.values.get(target.prop.name, math.nan)
    return quantity(value, target.prop) if math.isfinite(value) else "–"


def _repeated(call: Call, target: Target) -> str:
    """Of how many measurements a value is the mean, and how they scatter."""
    prop = target.prop
    n, scatter = call.replicates.get(prop.name, 1), call.scatter.get(prop.name, math.nan)
    if n < 2:
        return ""
    spread = f", standard deviation {quantity(scatter, prop)}" if math.isfinite(scatter) else ""
    return f'<div class="soft">mean of {n}{escape(spread)}</div>'


def _table(account: Account, rows: list[int], spans: Spans) -> str:
    """Recipes have no picture: a line for each, its conditions in columns."""
    heads = ["", *(c.label for c in account.conditions)]
    targets = [t for t in account.targets if t.prop.name in spans]
    for target in targets:
        heads += [f"{target.prop.label} predicted", "", account.verb]
    heads.append("")
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    body = "".join(_line(account, i, targets, spans) for i in rows)
    return f'<div class="scroll"><table class="plain rows"><tr>{head}</tr>{body}</table></div>'


def _line(account: Account, number: int, targets: list[Target], spans: Spans) -> str:
    call = account.calls[number]
    given = [call.conditions[c.name] for c in account.conditions]
    cells = [str(number + 1), *(v if isinstance(v, str) else f"{v:.4g}" for v in given)]
    line = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    for target in targets:
        forecast = call.forecasts[target.prop.name]
        value = call.values.get(target.prop.name, math.nan)
        bar = _bar_svg(forecast, target, value, spans[target.prop.name])
        line += (
            f'<td class="predicted">{_interval(forecast)}</td><td class="bar">{bar}</td>'
            f"<td><b>{escape(_found(call, target))}</b>"
            f"{_repeated(call, target)}</td>"
        )
    _, mark = _mark(account, number)
    said = [*filter(None, [call.name]), *_columns(call), *(words for _, words in _remarks(call))]
    span = len(cells) + 3 * len(targets)
    why = f'<tr class="why"><td></td><td colspan="{span}">{escape(" · ".join(said))}</td></tr>'
    return f"<tr>{line}<td>{mark}</td></tr>{why if said else ''}"
