"""Sections of the report that are mostly figures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from bayesmat import plots
from bayesmat.explore.account import Account, Target
from bayesmat.pages import image
from bayesmat.reporting.words import best_start, coverage_words, improving, times

__all__ = ["calibration", "conditions", "learning", "model", "path", "sampler"]

_MOST_PANELS = 6


def path(account: Account) -> str:
    """What was predicted and found, proposal by proposal, for each target."""
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
                verb=account.verb,
            )
            words = f"{name} predicted and {account.verb}, proposal by proposal"
            parts.append(image(figure, words))
    return "".join(parts)


def conditions(account: Account) -> str:
    """Values of the first target against each condition."""
    target = account.targets[0]
    name = target.prop.name
    told = [c for c in (*account.known, *account.calls, *account.unasked) if name in c.values]
    shown = sorted(account.conditions, key=lambda c: c.categories is not None)[:_MOST_PANELS]
    if not told or not shown:
        return ""
    figure = plots.against_conditions(
        {c.label: [call.conditions[c.name] for call in told] for c in shown},
        np.array([call.values[name] for call in told]),
        prop=target.prop,
        rounds=np.array([call.round for call in told]),
        region=(target.lower, target.upper) if target.is_region else None,
    )
    words = f"{name} against the conditions it was {account.verb} under"
    return f"<h2>Under which conditions</h2>{image(figure, words)}"


def learning(account: Account, arms: Mapping[str, np.ndarray], source: str) -> str:
    """Hits against proposals; of a search for an extreme the best so far."""
    target = account.targets[0]
    if not account.has_region:
        return _best(account, target)
    if not arms and not account.hits.any():
        return ""
    n_batch = sum(call.round == account.calls[0].round for call in account.calls)
    figure = plots.learning_curve(arms, own=np.cumsum(account.hits), batch=n_batch)
    n = min((len(hits) for hits in arms.values()), default=0)
    caption = f"Precomputed by {source} over {n} paired seeds; not run for this page." if n else ""
    return f"<h2>Hits against proposals</h2>{image(figure, 'cumulative hits', caption)}"


def _best(account: Account, target: Target) -> str:
    name = target.prop.name
    values = np.array(
        [call.values.get(name, np.nan) if call.is_meant else np.nan for call in account.calls]
    )
    if len(account.targets) > 1 or not target.sign or not np.isfinite(values).any():
        return ""
    figure = plots.best_so_far(
        values, prop=target.prop, sign=target.sign, start=best_start(account), verb=account.verb
    )
    n = sum(improving(account))
    caption = f"The best value known was {f'improved {times(n)}' if n else 'not improved'}."
    return f"<h2>The best so far</h2>{image(figure, f'best {name} so far', caption)}"


def calibration(account: Account) -> str:
    """Whether the stated intervals held."""
    parts = []
    for target in account.targets:
        frame = account.judged(target.prop.name)
        if frame.empty:
            continue
        parts.append(f"<p>{escape(coverage_words(account, target.prop))}</p>")
        if frame["pit"].notna().all():
            pit = frame["pit"].to_numpy()
            curve = image(plots.calibration_curve(pit), "coverage against nominal level")
            bars = image(plots.pit_histogram(pit), "PIT histogram")
            parts.append(f'<div class="pair">{curve}{bars}</div>')
    if not parts:
        return ""
    caution = (
        "Every prediction was stored before its value was known, so nothing here is fitted. Chosen "
        "materials are the model's favourites, and favourites flatter: expect coverage a little "
        "below the nominal level, and see the band before reading anything into one campaign."
    )
    return f"<h2>Were the predictions honest?</h2><p>{caution}</p>{''.join(parts)}"


def model(account: Account) -> str:
    """The fit in words, and what each group explains."""
    if not account.fit_lines and not account.shares:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in account.fit_lines)
    figure = ""
    if account.shares:
        title = account.targets[0].prop.name
        figure = image(plots.relevance(account.shares, title=title), "share of variance by group")
    return f"<h2>What the model learned</h2><ul>{items}</ul>{figure}"


def sampler(account: Account) -> str:
    """How the sampler fared."""
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
