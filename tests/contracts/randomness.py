"""The generators of the process, which nothing of ours reads or moves."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def states() -> tuple[str, ...]:
    """What the generators of torch, NumPy and Python will give next."""
    numpy = np.random.mtrand._rand.get_state()
    return str(torch.get_rng_state().tolist()), str(numpy), str(random.getstate())


@contextmanager
def untouched() -> Iterator[None]:
    """Moves every generator, and fails where what is done inside moves one again."""
    torch.rand(1), np.random.mtrand._rand.random(), random.random()
    before = states()
    yield
    assert states() == before
