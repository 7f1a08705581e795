"""Web pages that hold everything they show: the frame, and figures inside it."""

from __future__ import annotations

import base64
from html import escape
from importlib.resources import files
from string import Template

from bayesmat import plots

__all__ = ["filled", "image"]


def filled(title: str, subtitle: str, body: str) -> str:
    """A whole page: title and subtitle are text, the body is HTML."""
    template = Template((files("bayesmat") / "templates" / "report.html").read_text("utf-8"))
    return template.substitute(title=escape(title), subtitle=escape(subtitle), body=body)


def image(figure: plots.Chart, words: str, caption: str = "") -> str:
    """A figure as an HTML element that needs no other file.

    Args:
        figure: The figure.
        words: What it shows, for those who cannot see it.
        caption: Printed below.
    """
    data = base64.b64encode(plots.png(figure, dpi=130)).decode()
    width = round(figure.get_figwidth() * 118)
    return (
        f'<figure><img width="{width}" alt="{escape(words)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
