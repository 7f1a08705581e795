"""The page: its tiles, its sections in order, and writing it to a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from bayesmat._arguments import checked, names
from bayesmat._counted import counted
from bayesmat._files import writing
from bayesmat.errors import DataError
from bayesmat.explore.account import Account, account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.models.report import FitReport
from bayesmat.pages import filled
from bayesmat.reporting.cards import proposals
from bayesmat.reporting.figures import calibration, conditions, learning, model, sampler
from bayesmat.reporting.figures import path as path_section
from bayesmat.reporting.record import changes, failures, plain_table, replicates, unasked
from bayesmat.reporting.words import best_start, coverage_of, quantity, summary, wanted

__all__ = ["page", "read_arms", "report"]


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


def _tiles(account: Account) -> str:
    n_done = sum(call.standing == "told" for call in account.calls)
    tiles = [(str(n_done), f"of {counted(len(account.calls), 'proposal')} {account.verb}")]
    n_hits = int(account.hits.sum())
    if account.has_region:
        tiles.append((str(n_hits), "hit" if n_hits == 1 else "hits"))
    if account.base_rate is not None:
        tiles.append((f"{account.base_rate * n_done:.1f}", "hits expected of random draws"))
    frame = account.judged(account.targets[0].prop.name)
    if len(frame):
        tiles.append((f"{coverage_of(frame, 0.9)[0]:.0%}", "of values inside their 90% interval"))
    best, prop, start = account.best, account.targets[0].prop, best_start(account)
    if start is not None:
        tiles.append((quantity(start, prop), "best before the campaign"))
    if best is not None:
        what = "recipe" if account.kind == "recipe" else "material"
        tiles.append((quantity(best.values[prop.name], prop), f"best {what}"))
    boxes = [
        f'<div class="tile"><b>{escape(b)}</b><span>{escape(w)}</span></div>' for b, w in tiles
    ]
    return f'<div class="tiles">{"".join(boxes)}</div>'


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
        _tiles(account), opening, notes, path_section(account),
        learning(account, arms or {}, source), conditions(account), proposals(account),
        unasked(account), replicates(account),
        changes(account), failures(account), calibration(account), model(account),
        sampler(account), "<h2>Provenance</h2>",
        plain_table(list(account.provenance.items()), ("what", "value")),
    ]  # fmt: skip
    title = "Search for " + " and ".join(map(wanted, account.targets))
    subtitle = f"{counted(account.n_rounds, 'round')}, {counted(len(account.calls), 'proposal')}"
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
