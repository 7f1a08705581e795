"""What the command line runs; a module of its own, so that `--help` need not import it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.table import Table

from bayesmat.data._cells import number
from bayesmat.data.io import Column, read_csv
from bayesmat.demo import Demo
from bayesmat.demo import main as demo
from bayesmat.errors import CampaignError
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import AtLeast, AtMost, Goal, Maximize, Minimize, Within
from bayesmat.explore.setup import Setup
from bayesmat.explore.store import url_of
from bayesmat.models.base import fit
from bayesmat.models.prediction import Prediction
from bayesmat.reporting import report, summary

__all__ = [
    "AtLeast", "AtMost", "Campaign", "Column", "Demo", "Goal", "Maximize", "Minimize",
    "Setup", "Within", "account_of", "as_options", "demo", "fit", "number", "opened", "read_csv",
    "reopened", "report", "shown", "summary", "url_of",
]  # fmt: skip


_OPTIONS = {
    r", or pass on_invalid='drop' to leave them out": "",
    r"kind='repeat_unit'": "-m COLUMN:repeat_unit",
    r"Column\('([^']*)', unit='([^']*)'\)": r'-p "COLUMN=\1" -f "COLUMN=\2"',
    r"Open it with Campaign\.open": "Go on with it (bayesmat campaign status FILE.db)",
    r"make one with Campaign\.create": "make one with bayesmat campaign create",
}


def opened(file: Path) -> Campaign:
    """A campaign to read and to tell.

    Raises:
        CampaignError: There is none.
    """
    if not file.exists():
        raise CampaignError(f"There is no campaign {file}. Start one: bayesmat campaign create.")
    return Campaign.open(url_of(file))


def reopened(file: Path) -> Campaign:
    """A campaign with the prior and the oracle it was created with."""
    opened(file).close()
    setup = Setup.read(file)
    return Campaign.open(url_of(file), prior=setup.prior(), oracle=setup.calculator())


def as_options(text: str) -> str:
    """What an error says of arguments in Python, as options of the command line.

    >>> as_options("say Column('K', unit='degC')")
    'say -p "COLUMN=K" -f "COLUMN=degC"'
    """
    for python, option in _OPTIONS.items():
        text = re.sub(python, option, text)
    return text


def shown(prediction: Prediction, probability: np.ndarray | None = None, title: str = "") -> Table:
    """A prediction as a table of the terminal."""
    table = Table(title=title, title_justify="left")
    table.add_column("material", overflow="fold")
    names = ["property", "median", f"{prediction.level:.0%} interval", "distance", "P(goals)"]
    for name in names if probability is not None else names[:-1]:
        table.add_column(name, justify="left" if name == "property" else "right")
    for i, material in enumerate(prediction.materials):
        for j, prop in enumerate(prediction.properties):
            median, low, high = (
                m[i, j] for m in (prediction.median, prediction.lower, prediction.upper)
            )
            cells = [f"{median:.3g}", f"{low:.3g} - {high:.3g}"]
            cells.append(f"{prediction.domain_distance[i]:.2f}")
            cells += [f"{probability[i]:.0%}"] if probability is not None else []
            table.add_row(escape(material) if j == 0 else "", escape(prop.label), *cells)
    return table
