"""Priors and models: the property graph, transfer, programs."""

from .base import Fitted, fit, layout_of
from .computed import Computed
from .descriptors import DescriptorGP
from .graph import Edge, Node, PropertyGraph
from .kernels import ARD, Linear, Matern52, MinMax, Term
from .marginals import Marginals
from .model import Prior, PropertyModel
from .prediction import Prediction
from .report import FitReport
from .saved import load_fit
from .transfer import Transfer, transfer_node

__all__ = [
    "ARD",
    "Computed",
    "DescriptorGP",
    "Edge",
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
    "load_fit",
    "transfer_node",
]
