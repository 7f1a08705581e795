"""Features learned where data are plentiful: networks, their layers, stored ensembles."""

from . import zoo
from .embedding import CompositeMap, Embedding, FeatureMap
from .networks import PyramidNetwork, PyramidSpec
from .training import Schedule, train_pyramids
from .zoo import SourceEnsemble

__all__ = [
    "CompositeMap",
    "Embedding",
    "FeatureMap",
    "PyramidNetwork",
    "PyramidSpec",
    "Schedule",
    "SourceEnsemble",
    "train_pyramids",
    "zoo",
]
