"""Featurizers: from strings to the columns of X. Only this layer ever sees a string."""

from .base import CONDITIONS, Featurizer, Layout, check_finite
from .molecule import ECFP, MACCS, AtomPairs, CheapDescriptors

__all__ = [
    "CONDITIONS",
    "ECFP",
    "MACCS",
    "AtomPairs",
    "CheapDescriptors",
    "Featurizer",
    "Layout",
    "check_finite",
]
