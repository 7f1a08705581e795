"""Records as JSON and tensors, and back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import ModelError
from bayesmat.inference.smc import Stage
from bayesmat.models.stored import decode, encode


def there_and_back(value: object) -> object:
    tensors: dict[str, Tensor] = {}
    return decode(json.loads(json.dumps(encode(value, tensors), allow_nan=False)), tensors)


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, 0.1, 1e-300, math.inf, -math.inf, "text", (), (1, ("a", None)), {},
        {"tensor": 1, "float": {"record": "x"}}, Stage(0.5, 10.0, -1.0, 0.2, 3, 0.4),
        Property("gap", "eV", "log"),
    ],
)  # fmt: skip
def test_values_come_back_as_they_were(value: object) -> None:
    again = there_and_back(value)
    assert again == value
    assert type(again) is type(value)


def test_numbers_of_numpy_are_numbers_and_nan_is_nan() -> None:
    assert there_and_back((np.int64(3), np.float32(0.5), np.bool_(True))) == (3, 0.5, True)
    assert math.isnan(there_and_back(math.nan))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.bool])
def test_arrays_keep_kind_shape_and_bits(dtype: torch.dtype) -> None:
    tensor = (100 * torch.randn(3, 4, generator=torch.Generator().manual_seed(0))).to(dtype)
    for value in (tensor, tensor.T, tensor[1, 1], tensor[:0], tensor.expand(2, 3, 4)):
        again = there_and_back((value, value.numpy()))
        assert torch.equal(again[0], value)
        assert again[0].dtype == dtype
        assert isinstance(again[1], np.ndarray)
        assert np.array_equal(again[1], value.numpy())


def test_frames_and_tables_come_back() -> None:
    frame = pd.DataFrame({"mean": [0.1, math.nan], "sd": [1.0, 2.0]}, index=["a", "b: c"])
    pd.testing.assert_frame_equal(there_and_back(frame), frame)
    table = PropertyTable(("CC", "C"), "smiles", (Property("Tb", "K"),), [[184.6], [math.nan]])
    assert there_and_back(table).to_frame().equals(table.to_frame())


def test_a_gradient_is_not_written() -> None:
    value = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert not there_and_back(value * 2).requires_grad


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, object(), print])
def test_what_is_no_record_is_refused(value: object) -> None:
    with pytest.raises(ModelError, match="cannot be written with a fit: keep numbers"):
        encode({"deep": (value,)}, {})
