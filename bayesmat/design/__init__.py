"""bayesmat.design."""
