"""Judging a posterior: convergence, left-out and held-out predictions, calibration, relevance."""

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
from .conformal import (
    ConformalIntervals,
    conformal_quantile,
    jackknife_plus,
    jackknife_plus_interval,
    split_conformal,
)
from .convergence import convergence
from .doctor import Examination, Finding, examine
from .domain import Domain, minmax_similarity
from .ence import ENCE, ence
from .heldout import HeldOut, held_out, kfold
from .ppc import PredictiveCheck, posterior_predictive, prior_predictive
from .predictive import LOO, PSISLOO, exact_loo, loo, psis_loo
from .recalibration import Recalibration, recalibrate
from .relevance import Relevance, relevance
from .resampling import Estimate, resampled_means, resampled_weights
from .sbc import SBC, rank_p_values, sbc
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
    "SBC",
    "CellPredictions",
    "ConformalIntervals",
    "Coverage",
    "Difference",
    "Domain",
    "Estimate",
    "Examination",
    "Finding",
    "HeldOut",
    "PredictiveCheck",
    "Recalibration",
    "Relevance",
    "Summary",
    "conformal_quantile",
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
    "examine",
    "held_out",
    "interval_score",
    "jackknife_plus",
    "jackknife_plus_interval",
    "kfold",
    "loo",
    "mean_squared_z",
    "minmax_similarity",
    "miscalibration_area",
    "nll_gaussian",
    "nll_mixture",
    "pit",
    "posterior_predictive",
    "prior_predictive",
    "psis_loo",
    "rank_p_values",
    "recalibrate",
    "relevance",
    "resampled_means",
    "resampled_weights",
    "sbc",
    "sharpness",
    "simultaneous_band",
    "split_conformal",
    "summarise",
    "to_arviz",
]
