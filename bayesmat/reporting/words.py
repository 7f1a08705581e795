"""A campaign in sentences: counts, hits, the best so far, and whether intervals held."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesmat._counted import counted
from bayesmat.check.calibration import coverage
from bayesmat.data.properties import Condition, Property
from bayesmat.explore.account import Account, Call, Target

__all__ = [
    "best_start", "condition_words", "coverage_of", "coverage_words", "digits",
    "hit_count", "improving", "label", "quantity", "summary", "times", "wanted",
]  # fmt: skip


def summary(account: Account) -> tuple[str, ...]:
    """The campaign in a few sentences, as a report opens and a command line ends."""
    done = [call for call in account.calls if call.standing == "told"]
    aims = " and ".join(map(wanted, account.targets))
    lines = [f"Wanted: {aims}. In {counted(account.n_rounds, 'round')} {_counts(account)}."]
    if account.has_region and done:
        lines.append(_hit_words(account, int(account.hits.sum()), len(done)))
    lines += [_best_words(account), _lab_words(account)]
    lines += [f"Far outside of its prediction: {said}" for said in account.surprises]
    lines.extend(coverage_words(account, target.prop) for target in account.targets)
    return tuple(line for line in (*lines, *account.changes) if line)


def times(n: int) -> str:
    """How often.

    >>> times(1), times(3)
    ('once', '3 times')
    """
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


def hit_count(n: int) -> str:
    """So many hits."""
    return counted(n, "hit")


def wanted(target: Target) -> str:
    """A target in words, with an article where it is an extreme."""
    return f"{'the ' if target.sign and not target.is_region else ''}{target}"


def label(account: Account, call: Call) -> str:
    """A row in few digits: its name and material, if it has them, then its conditions."""
    said = ", ".join(condition_words(account.conditions, call.conditions))
    if call.structure is None:
        return (said or call.material) + (f" ({call.name})" if call.name else "")
    shown = f"{call.name} ({call.structure})" if call.name else call.structure
    return f"{shown} at {said}" if said else shown


def condition_words(
    columns: tuple[Condition, ...], conditions: Mapping[str, float | str]
) -> list[str]:
    """Each condition with its value and unit."""
    units = {c.name: f" {c.unit or ''}".rstrip() for c in columns}
    said = {
        name: value if isinstance(value, str) else f"{value:.4g}{units.get(name, '')}"
        for name, value in conditions.items()
    }
    return [f"{name.replace('_', ' ')} {value}" for name, value in said.items()]


def _counts(account: Account) -> str:
    states = [call.standing for call in account.calls]
    n, told = len(states), states.count("told")
    have = "has" if 1 in (n, told) else "have"
    said = f"{told} of {counted(n, 'proposal')} {have} been {account.verb}"
    failed, gone = states.count("failed"), states.count("withdrawn")
    waiting = states.count("pending")
    reasons = account.status.reasons if account.status is not None else ""
    said += f", {failed} failed{reasons}" if failed else ""
    said += f", {gone} {'was' if gone == 1 else 'were'} withdrawn" if gone else ""
    return said + (f", {waiting} {'is' if waiting == 1 else 'are'} waiting" if waiting else "")


def _hit_words(account: Account, n_hits: int, n_done: int) -> str:
    text = f"{hit_count(n_hits)} ({n_hits / n_done:.0%} of the {account.verb} ones)"
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


def _best_words(account: Account) -> str:
    best = account.best
    if best is None:
        return ""
    what = "recipe" if account.kind == "recipe" else "material"
    values = [
        f"{t.prop.name} {quantity(best.values[t.prop.name], t.prop)}" for t in account.targets
    ]
    is_open = any(t.is_region and math.isinf(t.upper - t.lower) for t in account.targets)
    head = "Among the hits" if is_open and account.is_hit(best) else f"Best {what}"
    text = f"{head}: {label(account, best)}, {' and '.join(values)}"
    start = best_start(account)
    if start is not None:
        text += f"; the best before the campaign was {quantity(start, account.targets[0].prop)}"
    return text + "."


def best_start(account: Account) -> float | None:
    """The best value of the start, where one property is to be as large or small as can be."""
    target = account.targets[0]
    start = account.start if account.before is None else account.before
    known = start.get(target.prop.name, ())
    if len(account.targets) > 1 or account.has_region or not target.sign or not len(known):
        return None
    return float(max(known) if target.sign > 0 else min(known))


def improving(account: Account) -> list[bool]:
    """Whether each call was better than all that was known before it."""
    found: list[bool] = []
    target, best = account.targets[0], best_start(account)
    for call in account.calls:
        value = call.values.get(target.prop.name) if call.is_meant else None
        better = value is not None and (best is None or target.sign * (value - best) > 0)
        best = value if better else best
        found.append(better)
    return found


def _lab_words(account: Account) -> str:
    status = account.status
    if status is None:
        return ""
    what = "recipe" if account.kind == "recipe" else "material"
    said = [
        f"{counted(n, what)} {words}"
        for n, words in (
            (status.unasked, "measured though not proposed"),
            (status.corrected, "with a corrected value"),
            (status.replicated, "measured more than once"),
        )
        if n
    ]
    return f"Besides: {', '.join(said)}." if said else ""


def coverage_words(account: Account, prop: Property) -> str:
    """How many values the stated intervals hold; nothing before there are values."""
    frame = account.judged(prop.name)
    if frame.empty:
        return ""
    found = coverage_of(frame, 0.9)
    if len(frame) == 1:
        inside = "inside" if found[0] == 1 else "outside"
        return f"The value of {prop.name} lies {inside} the 90% interval stated beforehand."
    text = (
        f"Of the {len(frame)} values of {prop.name}, the 90% intervals stated beforehand hold "
        f"{found[0]:.0%} (95% band of this share: {found[1]:.0%} to {found[2]:.0%})"
    )
    if frame["lower50"].notna().all():
        half = coverage_of(frame, 0.5)
        text += f", the 50% intervals {half[0]:.0%} ({half[1]:.0%} to {half[2]:.0%})"
    return text + "."


def coverage_of(frame: pd.DataFrame, level: float) -> tuple[float, float, float]:
    """Share of values inside their intervals, and its 95 % band."""
    suffix = "" if level == 0.9 else "50"
    ends = (frame[f"lower{suffix}"].to_numpy(), frame[f"upper{suffix}"].to_numpy())
    found = coverage(frame["value"].to_numpy(), *ends, level=level)
    return found.value, found.lower, found.upper


def quantity(value: float, prop: Property) -> str:
    """A value with its unit."""
    return f"{digits(value)} {prop.unit}".rstrip()


def digits(value: float) -> str:
    """Three significant digits, zeros kept: 3.00, 150, 1234."""
    return f"{value:#.3g}".rstrip(".") if 1e-3 <= abs(value) < 1e3 else f"{value:.4g}"
