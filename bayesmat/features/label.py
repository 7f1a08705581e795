"""The name of a material as a feature, where nothing else is known of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bayesmat._arguments import names

__all__ = ["Label"]


@dataclass(frozen=True)
class Label:
    """A number for each name, equal for equal names and otherwise without meaning.

    With an `Exchangeable` kernel it gives each material a level of its own (a random effect): rows
    of one sample share it, a sample that was never measured has the spread of all. Not for kernels
    that measure distances.

    >>> a, b, c = Label()(["batch 1", "batch 2", "batch 1"])[:, 0].tolist()
    >>> a == c, a == b
    (True, False)
    """

    id: ClassVar[str] = "label"
    names: ClassVar[tuple[str, ...]] = ("label",)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Numbers of the names, `n x 1`."""
        codes = [
            int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")
            for name in names(materials, "materials")
        ]
        return torch.tensor(codes, dtype=torch.float64).reshape(-1, 1)
