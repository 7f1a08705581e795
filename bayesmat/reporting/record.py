"""What a laboratory said besides: failures, corrections, replicates, unasked measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import pandas as pd

from bayesmat._counted import counted
from bayesmat.explore.account import Account, Call
from bayesmat.reporting.words import digits, label, quantity

__all__ = ["changes", "failures", "plain_table", "replicates", "unasked"]

_CHANGES = ("corrected", "withdrawn", "retried", "noted")
_NEXT = {"retried": "tried again", "told": "measured", "withdrawn": "withdrawn"}
_SAID = {"told": "measured again", "corrected": "corrected", "withdrawn": "withdrawn in part"}


def plain_table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    """Text as a table; everything is escaped."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(c)}</{tag}>" for c in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f'<table class="plain">{line(heads, "th")}{body}</table>'


def failures(account: Account) -> str:
    """How many failed for which reason, and each with what was said of it."""
    calls = (*account.calls, *account.unasked)
    failed = [call for call in calls if call.standing == "failed" and call.failure is not None]
    earlier = _earlier(account, {call.material for call in failed})
    rows = [(label(account, call), str(call.failure)) for call in failed] + earlier
    rows += [(label(account, c), f"left out: {c.left_out}") for c in calls if c.left_out]
    if not rows:
        return "<h2>Failures</h2><p>None.</p>"
    reasons = Counter(str(call.failure).split(":")[0] for call in failed).most_common()
    said = ", ".join(f"{n} × {reason}" for reason, n in reasons)
    words = "A failed attempt, or what was left out of an answer, is kept with its reason."
    words += f" {counted(len(failed), 'failure')} by reason: {said}." if failed else ""
    stand = "no longer stands" if len(earlier) == 1 else "no longer stand"
    words += f" {counted(len(earlier), 'earlier failure')} {stand}." if earlier else ""
    table = plain_table(rows, (_what(account), "reason"))
    return f"<h2>Failures</h2><p>{escape(words)}</p>{table}"


def _earlier(account: Account, failed: set[str]) -> list[tuple[str, str]]:
    """Failures that no longer stand, each with what came next."""
    named, standing = _names(account), set(failed)
    after: dict[str, str] = {}
    rows = []
    for event in account.events.drop_duplicates("number")[::-1].to_dict("records"):
        key, kind = event["material"], event["kind"]
        if kind == "failed" and key in standing:
            standing.remove(key)
        elif kind == "failed":
            since = after.get(key, "tried again")
            rows.append((named.get(key, key), f"{_text(event['note'])} ({since} since)"))
        after |= {key: _NEXT[kind]} if kind in _NEXT else {}
    return rows[::-1]


def changes(account: Account) -> str:
    """Corrections, withdrawals, new attempts and remarks, the earliest first."""
    named, units = _names(account), {t.prop.name: t.prop.unit for t in account.targets}
    rows, failed = [], {}
    for event in account.events.to_dict("records"):
        key, kind, note = event["material"], event["kind"], _text(event["note"])
        if kind == "failed":
            failed[key] = note
        if kind not in _CHANGES:
            continue
        if kind == "retried" and key in failed:
            note = "; ".join(filter(None, (f"failed before: {failed.pop(key)}", note)))
        where = named.get(key, key) if isinstance(key, str) else "the campaign"
        prop = _text(event["property"])
        unit = f" {units.get(prop, '')}".rstrip()
        was, now = (_cell(event[name], unit) for name in ("was", "value"))
        now += f" (sd {event['sd']:.4g}{unit})" if pd.notna(event["sd"]) else ""
        rows.append((_time(event["time"]), str(kind), where, prop, was, now, note))
    if not rows:
        return ""
    words = (
        "Nothing is overwritten: each of these was added to the history, and every earlier state "
        "can be rebuilt."
    )
    heads = ("when (UTC)", "what", _what(account), "property", "was", "is", "why")
    return f"<h2>Corrections and remarks</h2><p>{words}</p>{plain_table(rows, heads)}"


def _cell(value: float | str, unit: str) -> str:
    """A value of an event; of classes the name."""
    if isinstance(value, str) or pd.isna(value):
        return _text(value)
    return f"{value:.4g}{unit}"


def replicates(account: Account) -> str:
    """What was measured more than once, with its scatter."""
    rows = []
    for call in (*account.calls, *account.unasked):
        for target in account.targets:
            name = target.prop.name
            n = call.replicates.get(name, 0)
            if n > 1:
                spread = call.scatter.get(name)
                said = "–" if spread is None else quantity(spread, target.prop)
                value = quantity(call.values[name], target.prop)
                rows.append((label(account, call), name, str(n), value, said))
    if not rows:
        return ""
    heads = (_what(account), "property", "measurements", "mean", "standard deviation")
    return f"<h2>Replicates</h2>{plain_table(rows, heads)}"


def unasked(account: Account) -> str:
    """What was measured though nobody proposed it, each with its values and when it was told."""
    targets = [target.prop for target in account.targets]
    told = [call for call in account.unasked if call.values]
    if not told:
        return ""
    rows = [
        (
            label(account, call),
            *_story(account, call),
            *(_value(call, p.name) for p in targets),
            call.notes or "",
        )
        for call in told
    ]
    heads = (_what(account), "what", "when (UTC)", *(p.label for p in targets), "remarks")
    words = "The model learns from these, and no prediction was made beforehand."
    return f"<h2>Measured besides the proposals</h2><p>{words}</p>{plain_table(rows, heads)}"


def _story(account: Account, call: Call) -> tuple[str, str]:
    """What was said of a row that nobody proposed, and when."""
    events = [e for e in account.events.to_dict("records") if e["material"] == call.material]
    said = [e for e in events if e["kind"] in _SAID]
    when = ", ".join(dict.fromkeys(_time(e["time"]) for e in said))
    if call.round == 0:
        return "measured, not proposed", when
    kinds = dict.fromkeys(_SAID[e["kind"]] for e in said)
    return ", ".join(("known from the start", *kinds)), when


def _names(account: Account) -> dict[str, str]:
    """Key -> how a row is shown."""
    return {c.material: label(account, c) for c in (*account.calls, *account.unasked)}


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else ""


def _time(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if pd.notna(moment) else ""


def _value(call: Call, name: str) -> str:
    return digits(call.values[name]) if name in call.values else "–"


def _what(account: Account) -> str:
    return "recipe" if account.kind == "recipe" else "material"
