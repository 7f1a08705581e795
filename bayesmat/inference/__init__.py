"""Samplers: tempered SMC, a grid over hyper-parameters, NUTS.

Import from the modules; the public names are in `bayesmat`.
"""

__all__: list[str] = []
