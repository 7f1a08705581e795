"""Streams of random numbers made from one seed do not repeat each other."""

from __future__ import annotations

import torch

from bayesmat.inference.seeds import spawn


def test_streams_of_neighbouring_seeds_and_of_purposes_differ() -> None:
    purposes = ("prior", "moves", "resampling")
    seeds = [spawn(seed, purpose) for seed in (*range(200), 2**63 - 1) for purpose in purposes]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_seed_of_a_stream_is_the_same_on_every_machine() -> None:
    assert spawn(0, "moves") == 15779756163545029


def test_numbers_of_two_streams_are_uncorrelated() -> None:
    """False alarm 6e-5."""
    one, two = (
        torch.randn(10_000, generator=torch.Generator().manual_seed(spawn(0, purpose)))
        for purpose in ("prior", "moves")
    )
    assert abs(float((one * two).mean())) < 4 / 100
