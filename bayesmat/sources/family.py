"""Families of source networks: what they read, what they learn, how they are shaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayesmat._arguments import settle
from bayesmat.errors import ModelError
from bayesmat.features.base import Featurizer
from bayesmat.features.molecule import ECFP, MACCS, AtomPairs
from bayesmat.features.polymer import RepeatUnitECFP

from .networks import PyramidSpec

__all__ = ["Family", "is_descriptor"]


@dataclass(frozen=True)
class Family:
    """Networks that read the same features and are drawn from the same shapes.

    Attributes:
        label: For the card and the labels of the feature maps.
        inputs: Featurizers.
        size: How many networks.
        layer: Hidden layer that becomes the features, -1 = last. The one before it, -2, keeps more
            of the molecule and less of what was learned; on open data it was worse throughout.
        tasks: Names of the properties that they learn; None for all of the table.
        each: Every network learns one property alone, the first the first one, and so on.
        depths: Fewest and most hidden layers.
        shares: Smallest and largest share of the columns that a network reads.
    """

    label: str
    inputs: tuple[Featurizer, ...]
    size: int
    layer: int = -1
    tasks: tuple[str, ...] | None = None
    each: bool = False
    depths: tuple[int, int] = (3, 3)
    shares: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        settle(self)

    def within(self, names: Sequence[str]) -> Family:
        """The family with those of its tasks that a table has."""
        if self.tasks is None:
            return self
        return replace(self, tasks=tuple(name for name in self.tasks if name in names))

    def specs(self, seed: int, first: int, names: Sequence[str]) -> list[PyramidSpec]:
        """The shapes of its networks.

        Args:
            seed: Seed of the ensemble.
            first: Number of the first of its networks in the ensemble.
            names: Properties of the table.

        Raises:
            ModelError: The table lacks a task.
        """
        wanted = list(names) if self.tasks is None else list(self.tasks)
        lacking = [name for name in wanted if name not in names]
        if lacking:
            raise ModelError(
                f"the networks {self.label!r} learn {lacking}, which the table does not have: it "
                f"has {list(names)}."
            )
        found = []
        for i in range(self.size):
            spec = PyramidSpec.random(
                _spec_seed(seed, first + i), depths=self.depths, first=(192, 256),
                shares=self.shares,
            )  # fmt: skip
            own = [wanted[i % len(wanted)]] if self.each else wanted
            everything = tuple(own) == tuple(names)
            tasks = None if everything else tuple(list(names).index(name) for name in own)
            found.append(replace(spec, tasks=tasks))
        return found


def is_descriptor(featurizer: Featurizer) -> bool:
    """Whether its columns mean something each, as those of fingerprints do not."""
    inner = getattr(featurizer, "featurizer", featurizer)  # of one that is kept on disk
    return not isinstance(inner, ECFP | MACCS | AtomPairs | RepeatUnitECFP)


def _spec_seed(seed: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])
