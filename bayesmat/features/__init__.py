"""Featurizers: from strings to the columns of X. Only this layer ever sees a string."""

from .base import CONDITIONS, Featurizer, Layout, check_finite
from .cache import Cached, FeatureCache
from .composition import ElementStatistics, Magpie
from .conditions import ConditionMap
from .huckel import (
    COMPUTED,
    HuckelGap,
    HuckelModel,
    HuckelOrbitals,
    HuckelResult,
    computed,
)
from .label import Label
from .molecule import ECFP, MACCS, AtomPairs, CheapDescriptors, Descriptors2D
from .polymer import RepeatUnitDescriptors, RepeatUnitECFP
from .selected import Selected

__all__ = [
    "COMPUTED",
    "CONDITIONS",
    "ECFP",
    "MACCS",
    "AtomPairs",
    "Cached",
    "CheapDescriptors",
    "ConditionMap",
    "Descriptors2D",
    "ElementStatistics",
    "FeatureCache",
    "Featurizer",
    "HuckelGap",
    "HuckelModel",
    "HuckelOrbitals",
    "HuckelResult",
    "Label",
    "Layout",
    "Magpie",
    "RepeatUnitDescriptors",
    "RepeatUnitECFP",
    "Selected",
    "check_finite",
    "computed",
]
