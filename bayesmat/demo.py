"""The demonstration: a real search for molecules with a small orbital gap, from a CSV file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from bayesmat import plots
from bayesmat._arguments import seed_of
from bayesmat._files import writing
from bayesmat.data.io import read_csv
from bayesmat.data.table import PropertyTable
from bayesmat.errors import DataError
from bayesmat.explore.account import Account, account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import Within
from bayesmat.explore.select import SpacierRule
from bayesmat.explore.store import url_of
from bayesmat.models.base import Fitted, fit
from bayesmat.models.computed import Computed
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.transfer import Transfer
from bayesmat.oracles.xtb import XTB
from bayesmat.reporting import read_arms, report, summary
from bayesmat.sources import zoo

__all__ = ["BASE_RATES", "Demo", "main", "prior", "start_table"]

# Share of 1,500 filtered prior draws whose GFN1-xTB gap lies in the region: benchmarks/RESULTS.md.
BASE_RATES = {(2.0, 2.5): 0.016, (1.5, 2.0): 0.0047}
CURVES = "gap_learning_curves.json"


@dataclass(frozen=True)
class Demo:
    """What the demonstration runs.

    Attributes:
        out: Folder of the report, the figures and the campaign's database.
        lower: Lower end of the wanted gap, eV.
        upper: Upper end, eV.
        rounds: Rounds of the search.
        batch: Molecules computed in each.
        seed: Seeds the search.
        workers: Processes that run xTB.
    """

    out: Path
    lower: float = 2.0
    upper: float = 2.5
    rounds: int = 5
    batch: int = 8
    seed: int = 0
    workers: int = 2


def start_table(path: Path | None = None) -> PropertyTable:
    """The 40 molecules that the demonstration starts from, GFN1-xTB orbital gaps above 4 eV.

    Args:
        path: Another table with the columns `smiles` and `gap [eV]`.
    """
    return read_csv(
        path or _packaged("gap_start.csv"), material="smiles", properties={"gap": "log eV"}
    )


def prior() -> PropertyGraph:
    """Two nodes on the log of the gap: a computed Hueckel parent, and a transferring child."""
    sources = zoo.load("molecule/starter")
    return Transfer("gap", sources=sources, parents=[Computed("gap_huckel")])


def main(settings: Demo, say: Callable[[str], None]) -> Path:
    """Run or resume the demonstration, and write the report.

    Args:
        settings: What to run.
        say: Receives the story, a line at a time.

    Returns:
        Path of the report.
    """
    began = time.perf_counter()
    # Bounds and seed are refused before the work.
    goal, seed = Within("gap", settings.lower, settings.upper), seed_of(settings.seed)
    with writing(settings.out / "report.html"):
        settings.out.mkdir(parents=True, exist_ok=True)
    table = start_table()
    low, high = float(table.values.min()), float(table.values.max())
    say(
        f"1. {table.n_rows} molecules with GFN1 orbital gaps of {low:.1f} to {high:.1f} eV. "
        f"Wanted: {settings.lower}-{settings.upper} eV, outside all of them."
    )
    say(
        "2. Source networks on boiling and melting points, critical constants, refractive index ..."
    )
    model_prior = prior()
    say("3. The property graph (Hueckel gap -> GFN1 gap, with networks and fingerprints):")
    fitted = fit(model_prior, table, seed=seed)
    for line in fitted.report.lines:
        say(f"   {line}")
    say(
        f"4. {settings.rounds} rounds of {settings.batch}: SMC designs, SPACIER chooses, "
        "xTB answers."
    )
    campaign = _campaign(settings, table, model_prior, goal)
    try:
        campaign.run(settings.rounds, settings.batch, workers=settings.workers)
        account = _write(settings, campaign, fitted)
    finally:
        campaign.close()
    path = settings.out / "report.html"
    say(f"5. Report: {path}")
    for line in summary(account):
        say(f"   {line}")
    say(f"   Seed {settings.seed}, {time.perf_counter() - began:.0f} s in all.")
    return path


def _campaign(
    settings: Demo, table: PropertyTable, model_prior: PropertyGraph, goal: Within
) -> Campaign:
    name = f"gap_{settings.lower:g}_{settings.upper:g}_seed{settings.seed}.db"
    file = settings.out / name
    oracle = XTB("GFN1-xTB")
    url = url_of(file)
    if file.exists():
        return Campaign.open(url, prior=model_prior, oracle=oracle, rule=SpacierRule())
    return Campaign.create(
        url, table, model_prior, goals=[goal], oracle=oracle, rule=SpacierRule(), seed=settings.seed
    )


def _write(settings: Demo, campaign: Campaign, fitted: Fitted) -> Account:
    """The report and its figures, each also as a PNG."""
    curves = _packaged(CURVES) if (settings.lower, settings.upper) == (2.0, 2.5) else None
    rate, notes = _base_rate(settings), _notes(settings)
    report(
        campaign, settings.out / "report.html", learning_curves=curves, base_rate=rate,
        notes=notes, fit_report=fitted.report,
    )  # fmt: skip
    account = account_of(campaign, base_rate=rate, notes=notes, fit_report=fitted.report)
    arms = read_arms(curves)[0] if curves else {}
    gap, target = account.frame("gap"), account.targets[0]
    judged = account.judged("gap")["pit"].to_numpy()
    start = np.asarray(account.start["gap"], dtype=float)
    path = plots.campaign_path(
        gap, prop=target.prop, region=(settings.lower, settings.upper),
        temporary=account.temporary.get("gap"), start=start,
    )  # fmt: skip
    drawn = {
        "path": path,
        "learning": plots.learning_curve(arms, own=np.cumsum(account.hits), batch=settings.batch),
        "calibration": plots.calibration_curve(judged),
        "pit": plots.pit_histogram(judged),
        "relevance": plots.relevance(account.shares, title="gap"),
        "sampler": plots.smc_diagnostics(account.stages),
    }
    for name, figure in drawn.items():
        plots.save(figure, settings.out / f"{name}.png")
    return account


def _notes(settings: Demo) -> tuple[str, ...]:
    return (
        "The gap is the GFN1-xTB orbital gap (LUMO minus HOMO of one MMFF conformer), not an "
        "optical gap: on 22 molecules of earlier campaigns B3LYP/def2-SVP orbital gaps were "
        "1.69 eV + 1.04 times this value (RMSE 0.30 eV).",
        f"Seed {settings.seed}. One search is one draw: the learning curves show the spread.",
    )


def _base_rate(settings: Demo) -> float | None:
    return BASE_RATES.get((settings.lower, settings.upper))


def _packaged(name: str) -> Path:
    """A data file of the package, or of the checkout it was installed from."""
    root = Path(str(files("bayesmat")))
    for folder in (root / "data" / "tables", root.parent / "examples"):
        if (folder / name).exists():
            return folder / name
    raise DataError(f"{name} is neither in the package nor in examples/: reinstall bayesmat.")
