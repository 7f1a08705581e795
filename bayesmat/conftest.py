"""Doctests start from the same random state, so that printed numbers are real."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def fork_rng() -> Iterator[None]:
    """Run each doctest on a forked, seeded generator and restore the caller's."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        yield
