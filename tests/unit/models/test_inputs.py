"""Cells, rows and columns that do not belong together are named."""

from __future__ import annotations

import pytest
import torch

from bayesmat.errors import ModelError
from bayesmat.models.inputs import check_cells, check_columns
from tests.unit.models.helpers import axes, observations

CELLS = observations([(0, 0), (2, 0)], torch.zeros(2, dtype=torch.float64), 3, 1)
X = torch.zeros(3, 2, dtype=torch.float64)


def test_what_belongs_together_passes() -> None:
    check_cells(("p0",), CELLS, X, axes())
    check_columns(X.expand(4, 3, 2), axes())


@pytest.mark.parametrize(
    ("properties", "rows", "d", "words"),
    [
        (("other",), 3, 2, r"the properties \('p0',\), the prior \('other',\)"),
        (("p0",), 2, 2, r"X has shape \(2, 2\), expected 3 x D"),
        (("p0",), 3, 1, r"X has 1 columns, its layout 2 .* pass the layout that made X"),
    ],
)
def test_what_does_not_is_named(properties: tuple[str, ...], rows: int, d: int, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        check_cells(properties, CELLS, torch.zeros(rows, d, dtype=torch.float64), axes())
