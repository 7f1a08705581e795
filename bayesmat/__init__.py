"""Bayesian probabilistic programming for materials science with little data."""
