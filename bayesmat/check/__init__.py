"""Judging a posterior: convergence, leave-one-out, scores, calibration, domain."""

from .arviz import to_arviz
from .calibration import (
    Coverage,
    coverage,
    coverage_curve,
    dkw_band,
    mean_squared_z,
    miscalibration_area,
    pit,
    sharpness,
)
from .cells import CellPredictions
from .convergence import Convergence, convergence
from .domain import Domain, minmax_similarity
from .ence import ENCE, ence
from .heldout import HeldOut, held_out, kfold
from .predictive import LOO, PSISLOO, exact_loo, loo, psis_loo
from .resampling import Estimate
from .scores import (
    crps_gaussian,
    crps_mixture,
    crps_sample,
    crps_student_t,
    energy_score,
    interval_score,
    nll_gaussian,
    nll_mixture,
)
from .summary import Difference, Summary, summarise
from .uniformity import simultaneous_band

__all__ = [
    "ENCE",
    "LOO",
    "PSISLOO",
    "CellPredictions",
    "Convergence",
    "Coverage",
    "Difference",
    "Domain",
    "Estimate",
    "HeldOut",
    "Summary",
    "convergence",
    "coverage",
    "coverage_curve",
    "crps_gaussian",
    "crps_mixture",
    "crps_sample",
    "crps_student_t",
    "dkw_band",
    "ence",
    "energy_score",
    "exact_loo",
    "held_out",
    "interval_score",
    "kfold",
    "loo",
    "mean_squared_z",
    "minmax_similarity",
    "miscalibration_area",
    "nll_gaussian",
    "nll_mixture",
    "pit",
    "psis_loo",
    "sharpness",
    "simultaneous_band",
    "summarise",
    "to_arviz",
]
