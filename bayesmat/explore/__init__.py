"""bayesmat.explore."""
