"""The bridge to ArviZ: fits, runs and draws in its container."""

from .bridge import to_arviz

__all__ = ["to_arviz"]
