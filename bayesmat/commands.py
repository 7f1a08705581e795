"""What the command line runs; a module of its own, so that `--help` need not import it."""

from bayesmat.data.io import Column, read_csv
from bayesmat.demo import Demo
from bayesmat.demo import main as demo
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.goals import AtLeast, AtMost, Goal, Maximize, Minimize, Within
from bayesmat.explore.setup import Setup
from bayesmat.models.base import fit
from bayesmat.models.prediction import Prediction
from bayesmat.reporting import report, summary

__all__ = [
    "AtLeast", "AtMost", "Campaign", "Column", "Demo", "Goal", "Maximize", "Minimize", "Prediction",
    "Setup", "Within", "account_of", "demo", "fit", "read_csv", "report", "summary",
]  # fmt: skip
