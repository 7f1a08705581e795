"""What matters to a property: shares of terms, and total effects of what is exchanged."""

from .ranking import By, Relevance, relevance

__all__ = ["By", "Relevance", "relevance"]
