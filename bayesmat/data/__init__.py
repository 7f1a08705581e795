"""bayesmat.data."""
