"""Inference: tempered SMC for parameters and molecules, NUTS, Laplace, grids; one report."""

from .grid import Grid, HyperPosterior, Integrator, SMCIntegrator
from .importance import ImportanceIntegrator
from .laplace import Laplace
from .moves import HMC, MALA, RandomWalk
from .nuts import NUTS
from .pareto import pareto_k, pareto_smoothed
from .population import SMC
from .pyro_program import ProgramTarget, noncentred
from .report import InferenceReport, InferenceRun
from .smc import SMCRun, Stage, Tempering, tempered_smc

__all__ = [
    "HMC",
    "MALA",
    "NUTS",
    "SMC",
    "Grid",
    "HyperPosterior",
    "ImportanceIntegrator",
    "InferenceReport",
    "InferenceRun",
    "Integrator",
    "Laplace",
    "ProgramTarget",
    "RandomWalk",
    "SMCIntegrator",
    "SMCRun",
    "Stage",
    "Tempering",
    "noncentred",
    "pareto_k",
    "pareto_smoothed",
    "tempered_smc",
]
