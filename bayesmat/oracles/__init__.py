"""bayesmat.oracles."""
