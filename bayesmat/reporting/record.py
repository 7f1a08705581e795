"""What a laboratory said besides: failures, corrections, replicates, unasked measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import pandas as pd

from bayesmat.explore.account import Account, Call
from bayesmat.reporting.words import count, digits, label, quantity

__all__ = ["changes", "failures", "plain_table", "replicates", "unasked"]

_CHANGES = ("corrected", "withdrawn", "retried", "noted")


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
    rows = [(label(account, call), str(call.failure)) for call in failed]
    rows += [(label(account, c), f"left out: {c.left_out}") for c in calls if c.left_out]
    if not rows:
        return "<h2>Failures</h2><p>None.</p>"
    reasons = Counter(str(call.failure).split(":")[0] for call in failed).most_common()
    said = ", ".join(f"{n} × {reason}" for reason, n in reasons)
    words = "A failed attempt, or what was left out of an answer, is kept with its reason."
    words += f" {count(len(failed), 'failure')} by reason: {said}." if failed else ""
    table = plain_table(rows, (_what(account), "reason"))
    return f"<h2>Failures</h2><p>{escape(words)}</p>{table}"


def changes(account: Account) -> str:
    """Corrections, withdrawals, new attempts and remarks, the earliest first."""
    events = account.events
    if events.empty:
        return ""
    named = {c.material: label(account, c) for c in (*account.calls, *account.unasked)}
    units = {t.prop.name: t.prop.unit for t in account.targets}
    rows = []
    for event in events[events["kind"].isin(_CHANGES)].to_dict("records"):
        key = event["material"]
        where = named.get(key, key) if isinstance(key, str) else "the campaign"
        prop = event["property"] if isinstance(event["property"], str) else ""
        unit = f" {units.get(prop, '')}".rstrip()
        was, now = (
            f"{event[name]:.4g}{unit}" if pd.notna(event[name]) else "" for name in ("was", "value")
        )
        note = event["note"] if isinstance(event["note"], str) else ""
        when = f"{event['time']:%Y-%m-%d %H:%M}" if pd.notna(event["time"]) else ""
        rows.append((when, str(event["kind"]), where, prop, was, now, note))
    if not rows:
        return ""
    words = (
        "Nothing is overwritten: each of these was added to the history, and every earlier state "
        "can be rebuilt."
    )
    heads = ("when (UTC)", "what", _what(account), "property", "was", "is", "why")
    return f"<h2>Corrections and remarks</h2><p>{words}</p>{plain_table(rows, heads)}"


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
    """What was measured though nobody proposed it."""
    names = [target.prop for target in account.targets]
    told = [call for call in account.unasked if call.values]
    if not told:
        return ""
    rows = [
        (label(account, call), *(_value(call, p.name) for p in names), call.notes or "")
        for call in told
    ]
    heads = (_what(account), *(p.label for p in names), "remarks")
    words = (
        "Measured though the campaign did not propose it, or known from the start and measured or "
        "corrected since; the model learns from it, and no prediction was made beforehand."
    )
    return f"<h2>Measured without being asked</h2><p>{words}</p>{plain_table(rows, heads)}"


def _value(call: Call, name: str) -> str:
    return digits(call.values[name]) if name in call.values else "–"


def _what(account: Account) -> str:
    return "recipe" if account.kind == "recipe" else "material"
