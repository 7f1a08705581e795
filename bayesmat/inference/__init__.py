"""Samplers: tempered SMC for parameters and molecules, a grid over hyper-parameters, NUTS."""

from .grid import Grid, HyperPosterior, Integrator, SMCIntegrator
from .smc import SMCRun, Stage, Tempering, tempered_smc

__all__ = [
    "Grid",
    "HyperPosterior",
    "Integrator",
    "SMCIntegrator",
    "SMCRun",
    "Stage",
    "Tempering",
    "tempered_smc",
]
