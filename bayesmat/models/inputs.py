"""What every prior checks before it is conditioned: cells, rows of X and their layout."""

from __future__ import annotations

from torch import Tensor

from bayesmat.data.table import Observations
from bayesmat.errors import ModelError
from bayesmat.features.base import Layout

__all__ = ["check_cells", "check_columns", "check_matrix"]


def check_cells(
    properties: tuple[str, ...], observations: Observations, X: Tensor, layout: Layout
) -> None:
    """Check that cells, rows and columns belong together.

    Args:
        properties: What the prior relates, in order.
        observations: Long-form cells.
        X: One row for each row of the table, `n x D`.
        layout: What made X.

    Raises:
        ModelError: Other properties, another number of rows, or another width.
    """
    if observations.properties != properties:
        raise ModelError(
            f"The observations have the properties {observations.properties}, the prior "
            f"{properties}: select and order them alike (fit() does it)."
        )
    if X.dim() != 2 or X.shape[0] != observations.n_rows:
        raise ModelError(f"X has shape {tuple(X.shape)}, expected {observations.n_rows} x D.")
    check_columns(X, layout)


def check_matrix(X: Tensor, layout: Layout) -> None:
    """Check that X is a matrix whose rows can have been made by a layout.

    Raises:
        ModelError: It has another number of dimensions, or another width.
    """
    if X.dim() != 2:
        raise ModelError(
            f"X has shape {tuple(X.shape)}: give one row for each material, n x {layout.width}, "
            "like fitted.layout(materials)."
        )
    check_columns(X, layout)


def check_columns(X: Tensor, layout: Layout) -> None:
    """Check that rows of X, `... x D`, can have been made by a layout.

    Raises:
        ModelError: They have another width.
    """
    if X.shape[-1] != layout.width:
        raise ModelError(
            f"X has {X.shape[-1]} columns, its layout {layout.width} ({layout}): pass the layout "
            "that made X."
        )
