"""Row independence is judged up to the rounding of single precision, and no further."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bayesmat.errors import ModelError
from bayesmat.models.program_laws import check_rows

X = torch.rand(8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
NOISE = torch.ones(1, dtype=torch.float64)


def test_rounding_of_an_embedding_is_no_dependence() -> None:
    def evaluate(draw: dict[str, Tensor], rows: Tensor) -> tuple[Tensor, Tensor]:
        return rows.sum(-1, keepdim=True) * (1 + 1e-7 * len(rows)), NOISE

    check_rows(evaluate, {}, X)


def test_a_thousandth_is() -> None:
    def evaluate(draw: dict[str, Tensor], rows: Tensor) -> tuple[Tensor, Tensor]:
        return rows.sum(-1, keepdim=True) * (1 + 1e-3 * len(rows)), NOISE

    with pytest.raises(ModelError, match="changes with the rows around it"):
        check_rows(evaluate, {}, X)


def test_noise_must_not_follow_the_rows() -> None:
    def evaluate(draw: dict[str, Tensor], rows: Tensor) -> tuple[Tensor, Tensor]:
        return rows.sum(-1, keepdim=True), rows.mean().reshape(1)

    with pytest.raises(ModelError, match="noise scale changes"):
        check_rows(evaluate, {}, X)
