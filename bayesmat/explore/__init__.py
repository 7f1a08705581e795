"""The choice of the next experiment: goals, candidates, rules, and the campaign.

Import from the modules (`bayesmat.explore.goals` ...); the public names are in `bayesmat`.
"""

__all__: list[str] = []
