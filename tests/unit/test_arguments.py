"""Arguments are told apart by what they are asked to do."""

from __future__ import annotations

import pytest

import bayesmat as bm
from bayesmat._arguments import checked
from bayesmat.errors import ArgumentError
from bayesmat.inference.report import Sampler


def test_a_callable_of_another_kind_is_told_by_what_it_takes() -> None:
    """Samplers of programs and integrators of graphs are both called, with other arguments."""
    with pytest.raises(ArgumentError, match=r"give an integrator, like bm\."):
        bm.Transfer("gap", integrator=bm.NUTS())  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="sampler is a bayesmat Grid: give a sampler"):
        checked(bm.Grid(), Sampler, "sampler")


@pytest.mark.parametrize("sampler", [bm.NUTS(), bm.SMC(), bm.Laplace()])
def test_every_sampler_is_one(sampler: Sampler) -> None:
    assert checked(sampler, Sampler, "sampler") is sampler
