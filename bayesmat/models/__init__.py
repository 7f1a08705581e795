"""Priors and models: the property graph, transfer, programs."""

from .base import Fitted, Prediction, Prior, PropertyModel, fit, layout_of
from .graph import Computed, Edge, Node, PropertyGraph
from .kernels import FeatureStack, Linear, Matern52, MinMax, Term
from .marginals import Marginals
from .report import FitReport
from .transfer import Transfer, transfer_node

__all__ = [
    "Computed",
    "Edge",
    "FeatureStack",
    "FitReport",
    "Fitted",
    "Linear",
    "Marginals",
    "Matern52",
    "MinMax",
    "Node",
    "Prediction",
    "Prior",
    "PropertyGraph",
    "PropertyModel",
    "Term",
    "Transfer",
    "fit",
    "layout_of",
    "transfer_node",
]
