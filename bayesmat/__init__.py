"""Bayesian probabilistic programming for materials science with little data.

A table of measured properties, feature maps learned where data are plentiful, and a graph of how
properties depend on one another become one joint posterior. Prediction, imputation, inverse design
and the next experiment are questions put to that posterior.
"""

from bayesmat import check, data, design, features, oracles, plots
from bayesmat.check import relevance, to_arviz
from bayesmat.checkup import Checkup, doctor
from bayesmat.data import (
    Column,
    Condition,
    Observations,
    Property,
    PropertyTable,
    from_frame,
    read_csv,
    to_csv,
)
from bayesmat.errors import BayesmatError
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.candidates import MoleculeDesign, Pool
from bayesmat.explore.goals import AtLeast, AtMost, Maximize, Minimize, Within
from bayesmat.explore.improvement import ImprovementRule
from bayesmat.explore.select import (
    ExpectedDistanceRule,
    LiteralSpacierRule,
    ProbabilityRule,
    SpacierRule,
)
from bayesmat.features import ECFP
from bayesmat.inference.grid import Grid, SMCIntegrator
from bayesmat.inference.importance import ImportanceIntegrator
from bayesmat.inference.laplace import Laplace
from bayesmat.inference.moves import HMC
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.population import SMC
from bayesmat.inference.pyro_program import noncentred
from bayesmat.models.base import Fitted, fit
from bayesmat.models.descriptors import DescriptorGP
from bayesmat.models.graph import Computed, Edge, Node, PropertyGraph
from bayesmat.models.kernels import ARD, Linear, Matern52, MinMax, Term
from bayesmat.models.prediction import Prediction
from bayesmat.models.program import Program, program
from bayesmat.models.transfer import Transfer
from bayesmat.report import report
from bayesmat.sources import FeatureMap, zoo

__all__ = [
    "ARD",
    "ECFP",
    "HMC",
    "NUTS",
    "SMC",
    "AtLeast",
    "AtMost",
    "BayesmatError",
    "Campaign",
    "Checkup",
    "Column",
    "Computed",
    "Condition",
    "DescriptorGP",
    "Edge",
    "ExpectedDistanceRule",
    "FeatureMap",
    "Fitted",
    "Grid",
    "ImportanceIntegrator",
    "ImprovementRule",
    "Laplace",
    "Linear",
    "LiteralSpacierRule",
    "Matern52",
    "Maximize",
    "MinMax",
    "Minimize",
    "MoleculeDesign",
    "Node",
    "Observations",
    "Pool",
    "Prediction",
    "ProbabilityRule",
    "Program",
    "Property",
    "PropertyGraph",
    "PropertyTable",
    "SMCIntegrator",
    "SpacierRule",
    "Term",
    "Transfer",
    "Within",
    "check",
    "data",
    "design",
    "doctor",
    "features",
    "fit",
    "from_frame",
    "noncentred",
    "oracles",
    "plots",
    "program",
    "read_csv",
    "relevance",
    "report",
    "to_arviz",
    "to_csv",
    "zoo",
]
