"""Scores are asked once, in one batch, and checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from bayesmat.design.scores import MemoScore
from bayesmat.errors import DesignError


def constant(value: float) -> Callable[[Sequence[str]], Tensor]:
    return lambda materials: torch.full((len(materials),), value)


def test_every_material_is_scored_once_in_one_batch() -> None:
    calls: list[list[str]] = []

    def score(materials: Sequence[str]) -> Tensor:
        calls.append(list(materials))
        return torch.tensor([float(len(m)) for m in materials])

    memo = MemoScore(score)
    assert memo(["CC", "O", "CC"]).tolist() == [2.0, 1.0, 2.0]
    assert memo(["O", "NNN"]).tolist() == [1.0, 3.0]
    assert memo([]).shape == (0,)
    assert calls == [["CC", "O"], ["NNN"]]
    assert dict(memo.memo) == {"CC": 2.0, "O": 1.0, "NNN": 3.0}
    assert memo(["O"]).dtype == torch.float64


def test_impossible_materials_are_allowed() -> None:
    assert MemoScore(constant(-math.inf))(["C"]).tolist() == [-math.inf]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_and_infinity_name_the_material(value: float) -> None:
    with pytest.raises(DesignError, match="'CCO'"):
        MemoScore(constant(value))(["CCO"])


def test_wrong_shape() -> None:
    with pytest.raises(DesignError, match=r"shape \(1, 2\) for 2 materials"):
        MemoScore(lambda materials: torch.zeros(1, len(materials)))(["C", "N"])
