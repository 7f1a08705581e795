"""The ensemble posterior: every draw once, the same for every candidate."""

from __future__ import annotations

import torch
from botorch.sampling.get_sampler import get_sampler

from bayesmat.models.base import fit
from bayesmat.models.program_model import DrawsPosterior, EveryDraw
from tests.unit.models.fits import SMALL, waves
from tests.unit.models.programs import linear


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


def test_the_complete_model_has_every_draw_with_its_own_noise() -> None:
    model = fit(linear(2, 2, SMALL, n_draws=6), waves(), seed=0, explain=False).model
    found = model.complete()
    assert (len(model.noise_sd), len(found.noise_sd)) == (6, 48)
    for name, values in model.run.flat().items():
        torch.testing.assert_close(found.draws[name], values)
    torch.testing.assert_close(found.inferred_noise_sd, found.draws["s"])


def test_replicates_scatter_by_the_noise_of_their_draw_and_stated_sds() -> None:
    """20,000 replicates of one draw: sds within 5 standard errors of sd / sqrt(40,000)."""
    model = fit(linear(2, 2, SMALL, n_draws=6), waves(), seed=0, explain=False).model
    obs, chosen = model.observations, torch.full((20_000,), 3)
    y = model.replicate(chosen, torch.Generator().manual_seed(0))
    sd = model.inferred_noise_sd[3, obs.columns]
    sd = torch.where(obs.yvar.isnan(), sd, obs.yvar.sqrt())
    assert 0 < int(obs.yvar.isnan().sum()) < obs.n_cells
    assert float((y.std(0) / sd - 1).abs().max()) < 5 / 40_000**0.5
