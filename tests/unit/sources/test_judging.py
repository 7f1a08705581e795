"""Held-out errors are those of the networks that learned a task, in units and in model space."""

import math

import numpy as np
import pytest
import torch

from bayesmat.data.properties import Property
from bayesmat.data.table import PropertyTable
from bayesmat.sources.judging import judged


def test_figures_of_a_known_error():
    """Predictions are off by +-0.1 (validation) and by exactly 0.1 and -0.2 (held out)."""
    n = 40
    truth = torch.linspace(1.0, 3.0, n, dtype=torch.float64)
    held, validation = torch.arange(n) < 2, (torch.arange(n) >= 2) & (torch.arange(n) < 22)
    table = PropertyTable(
        tuple(f"m{i}" for i in range(n)), "id",
        (Property("a", "eV"), Property("b", "eV", "log")),
        np.column_stack([truth.numpy(), truth.exp().numpy()]),
    )  # fmt: skip
    Y = torch.stack([truth, truth], 1)
    off = 0.1 * (-1.0) ** torch.arange(n, dtype=torch.float64)
    off[:2] = torch.tensor([0.1, -0.2])
    one = torch.stack([truth + 2 * off, torch.full((n,), torch.nan)], 1)
    other = torch.stack([truth, truth + off], 1)
    a, b = judged(table, Y, torch.stack([one, other]), held, validation)
    assert (a["networks"], b["networks"]) == (2, 1)
    assert (a["n_train"], a["n_test"]) == (18, 2)
    assert a["rmse"] == pytest.approx(math.sqrt((0.01 + 0.04) / 2))
    assert a["mae"] == pytest.approx(0.15)
    assert a["coverage90"] == 0.5  # 0.2 is more than 1.64 times 0.1
    nll = math.log(0.1) + 0.5 * math.log(2 * math.pi) + 0.5 * (1 + 4) / 2
    assert a["nll"] == pytest.approx(b["nll"]) == pytest.approx(nll)
    expected = [math.e ** truth[i] * abs(math.exp(off[i]) - 1) for i in range(2)]
    assert b["mae"] == pytest.approx(float(np.mean(expected)))
    assert a["r2"] == pytest.approx(1 - 0.025 / float(truth[:2].var(correction=0)))


def test_a_task_without_held_out_labels_has_no_figures():
    table = PropertyTable(("a", "b"), "id", (Property("y"),), [[1.0], [2.0]])
    Y = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    none = torch.zeros(2, dtype=torch.bool)
    (task,) = judged(table, Y, Y[None], none, none)
    assert task["n_test"] == 0
    assert task["rmse"] is task["nll"] is task["coverage90"] is task["r2"] is None
