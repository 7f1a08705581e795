"""bayesmat.features."""
