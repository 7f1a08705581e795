"""Priors and models: the property graph, transfer, programs.

Import from the modules; the public names are in `bayesmat`.
"""

__all__: list[str] = []
