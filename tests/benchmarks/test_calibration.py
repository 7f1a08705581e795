"""What the calibration benchmark reports is what was predicted, on materials held apart."""

import numpy as np
import pytest
import torch

from bayesmat.data.table import Property, PropertyTable
from bayesmat.models.kernels import MinMax
from benchmarks import calibration as bench


def line(n=300, sd=0.1):
    """Counts x with y = x + noise; the MinMax kernel of x makes a fair baseline."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(1, 60, (n, 1)).astype(float))
    y = x.numpy() + 0.1 * rng.normal(size=(n, 1))
    return x, PropertyTable(tuple(f"m{i}" for i in range(n)), "id", (Property("y", "K"),), y)


def test_a_split_keeps_groups_apart_and_nests_training_sets():
    groups = [f"g{i // 2}" for i in range(600)]
    small, test = bench.split(groups, 20, seed=3)
    large, again = bench.split(groups, 100, seed=3)
    assert small.tolist() == large[:20].tolist()
    assert test.tolist() == again.tolist()
    assert len({groups[i] for i in large}) == 100
    assert not {groups[i] for i in large} & {groups[i] for i in test}
    assert len(test) == len(set(test.tolist())) == bench.N_TEST
    assert bench.split(groups, 20, seed=4)[0].tolist() != small.tolist()


def test_figures_are_those_of_the_predictions():
    _, table = line()
    rows, test = np.arange(50), np.arange(50, 300)
    (scale,) = table.subset(rows).scales
    y = scale.to_model(torch.from_numpy(table.values[test, 0].copy()))
    rng = np.random.default_rng(1)
    error = torch.from_numpy(rng.normal(size=250))
    sharp = torch.ones(1, 250, dtype=torch.float64)
    good = bench.judge(table, rows, test, ((y + error)[None], sharp))
    wide = bench.judge(table, rows, test, ((y + error)[None], 3 * sharp))
    records = [r | {"seed": 0} for r in (good, wide)]
    found = bench.figures_of(records[:1], records[1:])
    for level, z in ((0.5, 0.67449), (0.9, 1.64485)):
        counted = float((error.abs() <= z).double().mean())
        assert found[f"cov{level * 100:.0f}"].value == pytest.approx(counted, abs=0.005)
    # CRPS in closed form for a unit Gaussian: 2 phi(e) + e (2 Phi(e) - 1) - 1 / sqrt(pi).
    e = error.numpy()
    density = np.exp(-(e**2) / 2) / np.sqrt(2 * np.pi)
    crps = 2 * density + e * torch.erf(error / 2**0.5).numpy() - np.pi**-0.5
    assert found["crps"].value == pytest.approx(crps.mean() * scale.sd, rel=1e-3)
    assert found["crps minus"].upper < 0
    assert found["crps ratio"].value < 1


def test_the_baseline_is_the_exact_gp_at_its_hyper_parameters():
    x, table = line()
    kernel = MinMax()
    similarity = kernel.statistic(kernel.prepare(x), x, x)
    rows, test = np.arange(60), np.arange(60, 100)
    mean, sd = bench.tanimoto_gp(similarity, table, rows, test, 0)
    y = table.subset(rows).scales[0].to_model(torch.from_numpy(table.values[test, 0].copy()))
    assert mean.shape == sd.shape == (1, 40)
    assert float((mean[0] - y).square().mean()) < 0.05  # the mean of the table has 1
    assert 0.1 < float(((mean[0] - y) / sd[0]).square().mean()) < 5
