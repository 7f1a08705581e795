"""Remembered rows are exact to the last bit, and small."""

import numpy as np
import pytest
import torch

from bayesmat.features import ECFP, CheapDescriptors
from bayesmat.features._memory import BLOCK, RowMemory

RNG = np.random.default_rng(0)
ROWS = {
    "counts": np.where(RNG.random(2048) < 0.02, RNG.integers(1, 9, 2048), 0).astype(float),
    "large counts": np.array([0.0, 0.0, 0.0, 70_000.0, -3.0, 0.0, 0.0, 0.0]),
    "beyond integers": np.array([0.0, 1e300, -(2.0**53), 0.0, 0.0]),
    "dense integers": np.arange(256.0),
    "descriptors": RNG.normal(size=200),
    "one tiny number": np.array([0.0, 0.0, 5e-324, 0.0]),
    "negative zero": np.array([-0.0, 1.0, 2.0]),
    "nothing": np.zeros(7),
    "no column": np.zeros(0),
    "wide": np.where(np.arange(70_000) == 69_999, 1.0, 0.0),
}


def never(materials):
    raise AssertionError(f"{materials} were computed before")


@pytest.mark.parametrize("name", ROWS)
def test_rows_come_back_to_the_last_bit(name):
    memory, row = RowMemory(2**30), torch.tensor(ROWS[name])[None]
    first, again = torch.full_like(row, torch.nan), torch.full_like(row, torch.nan)
    memory.fill(first, name, ["C"], lambda materials: row)
    memory.fill(again, name, ["C"], never)
    for out in (first, again):
        assert out.numpy().tobytes() == row.numpy().tobytes()


def test_equal_names_of_materials_under_two_featurizers_are_two_rows():
    memory, out = RowMemory(2**30), torch.empty(1, 1, dtype=torch.float64)
    for name, value in (("a", 1.0), ("b", 2.0)):
        memory.fill(out, name, ["C"], lambda _, value=value: torch.tensor([[value]]).double())
        assert float(out) == value


@pytest.mark.parametrize(
    ("featurizer", "limit"), [(ECFP(), 800), (CheapDescriptors(), 8 * 33 + 400)], ids=repr
)
def test_a_molecule_takes_hundreds_of_bytes(featurizer, limit):
    """2048 float64 take 16 kB: a pool of 54,433 molecules took 0.9 GB here alone."""
    molecules = ["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "CC(C)Cc1ccc(cc1)C(C)C"]
    memory = RowMemory(2**30)
    out = torch.empty(3, len(featurizer.names), dtype=torch.float64)
    memory.fill(out, featurizer.id, molecules, featurizer)
    assert torch.equal(out, featurizer(molecules))
    assert memory.n_bytes < 3 * limit


def test_the_budget_bounds_what_is_kept_and_rows_are_right_beyond_it():
    memory, asked = RowMemory(20_000), []

    def lengths(materials):
        asked.append(len(materials))
        return torch.tensor([[float(len(m))] for m in materials]).double()

    chains = ["C" * n for n in range(1, 2 * BLOCK)]
    for _ in range(2):
        out = torch.empty(len(chains), 1, dtype=torch.float64)
        memory.fill(out, "lengths", chains, lengths)
        assert out[:, 0].tolist() == [float(n) for n in range(1, 2 * BLOCK)]
        assert memory.n_bytes <= 20_000
    assert max(asked) <= BLOCK
