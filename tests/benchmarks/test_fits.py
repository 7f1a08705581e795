"""What the benchmark of fits compares is the same cells and features on both sides."""

import math

import numpy as np
import pytest
import torch

from bayesmat.data.table import Property, PropertyTable
from benchmarks import fits as bench


@pytest.fixture
def small(monkeypatch):
    """Forty real molecules of two properties, with cheap features in place of networks."""
    rng = np.random.default_rng(0)
    chains = [f"{'C' * n}{tail}" for n in range(2, 22) for tail in ("O", "N")]
    chains = [chains[i] for i in rng.permutation(40)]
    heavy = np.array([len(s) for s in chains], dtype=float)
    values = np.stack([300 + 20 * heavy, 450 + 22 * heavy], 1) + rng.normal(size=(40, 2))
    table = PropertyTable(
        tuple(chains), "smiles", (Property("Tb", "K"), Property("Tc", "K")), values
    )
    monkeypatch.setattr(bench, "data", lambda: table)
    monkeypatch.setattr(bench, "N_TEST", 10)
    return table


@pytest.mark.parametrize("nodes", [1, 2])
def test_training_and_test_cells_are_apart_and_counted(small, nodes):
    case = bench.case_of(20, nodes, "fingerprints")
    assert case.train.n_cells == pytest.approx(20, abs=1)
    assert case.test.n_rows == 10
    assert len(case.X) == len(case.phi) == case.train.n_rows + 10
    assert case.train.properties == bench.PROPERTIES[:nodes]


@pytest.mark.parametrize("arm", list(bench.ARMS))
@pytest.mark.parametrize("nodes", [1, 2])
def test_both_sides_learn_a_line(small, arm, nodes):
    record = bench.ARMS[arm](bench.case_of(24, nodes, "fingerprints"))
    assert record["s"] > 0
    assert math.isfinite(record["nll"])
    assert record["nll"] < 0.5 * math.log(2 * math.pi) + 0.5 + 0.5  # what the mean alone scores
    assert 0 <= record["cov90"] <= 1


def test_scores_are_those_of_the_mixture():
    y = torch.tensor([0.0, 5.0]).double()
    found = bench.judged(y, torch.zeros(1, 2).double(), torch.ones(1, 2).double())
    expected = 0.5 * math.log(2 * math.pi) + 0.5 * 25 / 2
    assert found == {"nll": pytest.approx(expected), "cov90": 0.5}
