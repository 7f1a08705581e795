"""Figures in one visual language: blue is predicted, black is measured, green is the goal.

Every function takes plain arrays, frames or records and returns a matplotlib figure that shows
itself in a notebook; nothing touches pyplot's global state. Colours are Okabe and Ito's, which
colour-blind readers can tell apart; shapes repeat what colours say.
"""

from .campaigns import campaign_path, learning_curve, smc_diagnostics
from .posterior import relevance
from .predictions import calibration_curve, parity, pit_histogram
from .style import GOAL, PREDICTED, Chart, png, save

__all__ = [
    "GOAL",
    "PREDICTED",
    "Chart",
    "calibration_curve",
    "campaign_path",
    "learning_curve",
    "parity",
    "pit_histogram",
    "png",
    "relevance",
    "save",
    "smc_diagnostics",
]
