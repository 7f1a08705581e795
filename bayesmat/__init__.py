"""Bayesian probabilistic programming for materials science with little data.

A table of measured properties, feature maps learned where data are plentiful, and a graph of how
properties depend on one another become one joint posterior. Prediction, imputation, inverse design
and the next experiment are questions put to that posterior.
"""

import lazy_loader

from bayesmat._version import __version__ as __version__

# The public names stand in `__init__.pyi`; each is imported when it is first asked for.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
