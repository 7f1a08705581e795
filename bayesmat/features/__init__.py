"""Featurizers: from strings to the columns of X. Only this layer ever sees a string."""

from .base import CONDITIONS, Featurizer, Layout, check_finite
from .huckel import (
    COMPUTED,
    HuckelGap,
    HuckelModel,
    HuckelOrbitals,
    HuckelResult,
    computed,
)
from .molecule import ECFP, MACCS, AtomPairs, CheapDescriptors

__all__ = [
    "COMPUTED",
    "CONDITIONS",
    "ECFP",
    "MACCS",
    "AtomPairs",
    "CheapDescriptors",
    "Featurizer",
    "HuckelGap",
    "HuckelModel",
    "HuckelOrbitals",
    "HuckelResult",
    "Layout",
    "check_finite",
    "computed",
]
