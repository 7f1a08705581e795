"""bayesmat.models."""
