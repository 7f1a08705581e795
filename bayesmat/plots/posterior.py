"""What the posterior says, and whether the draws can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bayesmat.errors import DataError

from .style import PREDICTED, Chart, in_style, new_chart

__all__ = ["relevance"]


@in_style
def relevance(shares: Mapping[str, np.ndarray], *, title: str = "") -> Chart:
    """Share of the variance that each group of features explains, with its uncertainty.

    Args:
        shares: Group -> posterior draws of its share, `S`, between 0 and 1.
        title: Heading, such as the property's name.
    """
    if not shares:
        raise DataError("There is no group of features to draw.")
    labels: Sequence[str] = list(shares)[::-1]
    figure, ax = new_chart(7.0, 1.2 + 0.42 * len(labels))
    for y, label in enumerate(labels):
        q = np.quantile(np.asarray(shares[label], dtype=float), [0.05, 0.25, 0.5, 0.75, 0.95])
        ax.hlines(y, q[0], q[4], color=PREDICTED, alpha=0.45, lw=2.2)
        ax.hlines(y, q[1], q[3], color=PREDICTED, lw=5)
        ax.plot(q[2], y, "o", color="white", mec=PREDICTED, ms=7, mew=1.8)
    ax.set_yticks(range(len(labels)), labels)
    ax.set(xlim=(0, 1), ylim=(-0.6, len(labels) - 0.4), title=title)
    ax.set_xlabel("share of the variance (median, 50% and 90% intervals)")
    return figure
