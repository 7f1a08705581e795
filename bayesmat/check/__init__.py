"""bayesmat.check."""
