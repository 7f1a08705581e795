"""A campaign as one self-contained web page: what was asked, proposed, predicted and found."""

from .page import page, read_arms, report
from .words import summary

__all__ = ["page", "read_arms", "report", "summary"]
