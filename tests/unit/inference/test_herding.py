"""A few plain points stand for many weighted ones, better than a draw of them would."""

from __future__ import annotations

import torch

from bayesmat.inference.herding import herded, kept, mean_shift
from bayesmat.inference.smc import systematic_resample


def cloud(n: int, d: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    u = 1.5 * torch.randn(n, d, generator=generator, dtype=torch.float64)
    return u, -0.5 * (u - 0.4).square().sum(-1) + 0.5 * (u / 1.5).square().sum(-1)


def test_means_are_nearer_than_those_of_resampling() -> None:
    """Five dimensions, 64 of 1,000: the root mean square over thirty resamplings is beaten by 3."""
    u, log_w = cloud(1000, 5)
    ours = mean_shift(u, log_w, herded(u, log_w, 64))
    drawn = [
        mean_shift(u, log_w, systematic_resample(log_w, torch.Generator().manual_seed(s))[::15])
        for s in range(30)
    ]
    assert 3 * ours < float(torch.tensor(drawn).square().mean().sqrt())


def test_spread_is_kept() -> None:
    u, log_w = cloud(1000, 5)
    w = torch.softmax(log_w, 0)
    sd = (w @ (u - w @ u).square()).sqrt()
    found = u[herded(u, log_w, 128)].std(0)
    assert ((found / sd - 1).abs() < 0.12).all()


def test_heavy_points_are_repeated_by_their_weight() -> None:
    u = torch.tensor([[0.0], [5.0], [9.0]]).double()
    index = herded(u, torch.tensor([0.75, 0.25, 0.0]).double().log(), 8)
    assert torch.bincount(index, minlength=3).tolist() == [6, 2, 0]


def test_as_many_are_kept_as_the_mean_needs() -> None:
    u, log_w = cloud(2000, 8)
    index = kept(u, log_w, None)
    assert mean_shift(u, log_w, index) <= 0.05
    assert len(kept(u, log_w, 10)) == 10


def test_more_candidates_than_a_kernel_holds() -> None:
    u, log_w = cloud(6000, 3)
    index = herded(u, log_w, 64)
    assert mean_shift(u, log_w, index) < 0.05
    equal = herded(u, torch.zeros(6000).double(), 64)
    assert mean_shift(u, torch.zeros(6000).double(), equal) < 0.05


def test_one_point_is_all_there_is() -> None:
    u = torch.zeros(1, 4).double()
    assert herded(u, torch.zeros(1).double(), 3).tolist() == [0, 0, 0]
    assert mean_shift(u, torch.zeros(1).double(), torch.tensor([0])) == 0.0
