"""The ensemble posterior: every draw once, the same for every candidate."""

from __future__ import annotations

import torch
from botorch.sampling.get_sampler import get_sampler

from bayesmat.models.program_model import DrawsPosterior, EveryDraw


def test_every_draw_is_used_once_for_every_candidate() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(5, 2, 1, generator=generator, dtype=torch.float64)
    for batch in ((), (3,), (2, 3)):
        posterior = DrawsPosterior(values.expand(*batch, 5, 2, 1))
        sampler = get_sampler(posterior, torch.Size([64]), seed=0)
        assert isinstance(sampler, EveryDraw)
        samples = sampler(posterior)
        assert samples.shape == (5, *batch, 2, 1)
        flat = samples.reshape(5, -1, 2, 1)
        assert (flat == values[:, None]).all()
