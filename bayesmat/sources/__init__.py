"""bayesmat.sources."""
