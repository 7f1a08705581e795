"""bayesmat.inference."""
