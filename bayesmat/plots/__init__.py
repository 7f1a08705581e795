"""Figures in one visual language: blue is predicted, black is measured, green is the goal.

Every function takes plain arrays, frames or records and returns a matplotlib figure that shows
itself in a notebook; nothing touches pyplot's global state. Colours are Okabe and Ito's, which
colour-blind readers can tell apart; shapes repeat what colours say, and orange is what deserves a
second look.
"""

from .calibration import calibration_curve, coverage, influence, pit_ecdf, pit_histogram
from .campaigns import (
    against_conditions,
    best_so_far,
    campaign_path,
    learning_curve,
    smc_diagnostics,
)
from .draws import pair, rank, trace
from .posterior import forest, prior_posterior, relevance
from .predictions import bands, parity, parity_grid
from .style import GOAL, PREDICTED, Chart, png, robust_span, save
from .tables import missing_pattern

__all__ = [
    "GOAL",
    "PREDICTED",
    "Chart",
    "against_conditions",
    "bands",
    "best_so_far",
    "calibration_curve",
    "campaign_path",
    "coverage",
    "forest",
    "influence",
    "learning_curve",
    "missing_pattern",
    "pair",
    "parity",
    "parity_grid",
    "pit_ecdf",
    "pit_histogram",
    "png",
    "prior_posterior",
    "rank",
    "relevance",
    "robust_span",
    "save",
    "smc_diagnostics",
    "trace",
]
