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
from .convergence import Convergence, convergence
from .domain import Domain, minmax_similarity
from .predictive import LOO, PSISLOO, exact_loo, loo_log_density, loo_moments, psis_loo
from .scores import (
    crps_gaussian,
    crps_mixture,
    crps_sample,
    crps_student_t,
    interval_score,
    nll_gaussian,
    nll_mixture,
)
from .uniformity import simultaneous_band

__all__ = [
    "LOO",
    "PSISLOO",
    "Convergence",
    "Coverage",
    "Domain",
    "convergence",
    "coverage",
    "coverage_curve",
    "crps_gaussian",
    "crps_mixture",
    "crps_sample",
    "crps_student_t",
    "dkw_band",
    "exact_loo",
    "interval_score",
    "loo_log_density",
    "loo_moments",
    "mean_squared_z",
    "minmax_similarity",
    "miscalibration_area",
    "nll_gaussian",
    "nll_mixture",
    "pit",
    "psis_loo",
    "sharpness",
    "simultaneous_band",
    "to_arviz",
]
