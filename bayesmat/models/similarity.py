"""How alike two rows of X are to a model: one notion for distances, diversity and diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from bayesmat._repr import Shown
from bayesmat.features.base import Layout
from bayesmat.features.conditions import for_scales
from bayesmat.models.kernels import Exchangeable, Kernel, Linear, Matern52, MinMax, Prepared
from bayesmat.models.product import Factor, Product
from bayesmat.sources.embedding import CompositeMap, Features

__all__ = ["ReadsSimilarity", "Similarity"]

_CHUNK = 512


@runtime_checkable
class ReadsSimilarity(Protocol):
    """A prior that says which kernel looks at which features."""

    @property
    def kernels(self) -> tuple[tuple[Features, Kernel], ...]:
        """Feature maps with their kernels, in the order of the model."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Similarity(Shown):
    r"""A kernel on a feature map as a measure of likeness: 1 for equal rows, towards 0 for unlike.

    For count fingerprints it is the MinMax (Tanimoto) similarity; otherwise a Matern-5/2
    correlation whose lengthscale is half the median distance of the training rows, so that rows at
    half that distance are alike by 0.52 and rows at that distance by 0.14. The distance of a row is
    one minus its largest similarity to a training row: 0 for an equal one, about 1 where nothing is
    alike.

    Attributes:
        features: The feature map.
        kernel: A kernel whose value at equal rows is 1.
        prepared: What it read off the training rows.
        layout: Where the columns of X are.
    """

    features: Features
    kernel: Kernel
    prepared: Prepared
    layout: Layout

    @staticmethod
    def of(prior: object, maps: Sequence[Features], layout: Layout, X: Tensor) -> Similarity | None:
        """The similarity of a prior on its training rows X, `n x D`; None if it reads no feature.

        Its first count-fingerprint term, else its first smooth term, else a smooth kernel on the
        first feature map (count fingerprints where a feature map consists of counts). Where it
        reads conditions, times a smooth kernel on the continuous ones together and an exchangeable
        one on those with categories: a known material at a far temperature is far. Products and
        feature maps with conditions among them count for the materials that they read.

        Args:
            prior: The prior; one that `ReadsSimilarity` is asked for its kernels.
            maps: Its feature maps.
            layout: What made X.
            X: The training rows.
        """
        pairs = prior.kernels if isinstance(prior, ReadsSimilarity) else ()
        pairs = pairs or tuple((m, _kernel_for(m, layout, X)) for m in maps)
        if not pairs:
            return None
        of_material = [piece for pair in pairs for piece in _of_material(*pair)]
        counted = [pair for pair in of_material if isinstance(pair[1], MinMax)]
        smooth = [pair for pair in of_material if not isinstance(pair[1], Linear)]
        factors: list[Factor] = [
            (_sharp(own), m) for m, own in (counted or smooth or of_material)[:1]
        ]
        factors += _of_conditions([m for m, _ in pairs], layout)
        kernel, features = factors[0]
        if len(factors) > 1:
            kernel = Product(tuple(factors))
            label = " x ".join(m.label for _, m in factors)
            features = CompositeMap(tuple(m for _, m in factors), label)
        phi = features.columns(layout, X).detach()
        scales = for_scales(phi, condition_flags(features))
        return Similarity(features, kernel, kernel.prepare(scales), layout)

    @property
    def is_count(self) -> bool:
        """Whether it compares count fingerprints, so that its values mean the same everywhere."""
        return isinstance(self.kernel, MinMax)

    def columns(self, X: Tensor) -> Tensor:
        """The features that are compared, `n x k`."""
        return self.features.columns(self.layout, X).detach()

    def between(self, phi1: Tensor, phi2: Tensor) -> Tensor:
        """Similarity of features `n1 x k` and `n2 x k`, in [0, 1], `n1 x n2`."""
        parts = [
            self.kernel.value(self.kernel.statistic(self.prepared, rows, phi2), None)
            for rows in phi1.split(_CHUNK)
        ]
        return torch.cat(parts) if parts else torch.zeros(0, len(phi2), dtype=torch.float64)

    def distance(self, X: Tensor, train: Tensor) -> Tensor:
        """One minus the largest similarity of rows X, `n x D`, to training rows, `n`."""
        known = self.columns(train)
        parts = [1.0 - self.between(self.columns(rows), known).amax(-1) for rows in X.split(_CHUNK)]
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)

    def _facts(self) -> dict[str, object]:
        return {"features": self.features.label, "kernel": self.kernel.name}


def condition_flags(features: Features) -> tuple[bool, ...]:
    """Whether each of the features is a condition."""
    return tuple(bool(part.conditions) for part in features.parts for _ in part.names)


def _of_material(features: Features, kernel: Kernel) -> list[tuple[Features, Kernel]]:
    """What a kernel reads of materials, conditions left out."""
    if isinstance(kernel, Product):
        return [piece for own, m in kernel.factors for piece in _of_material(m, own)]
    parts = tuple(part for part in features.parts if not part.conditions)
    if len(parts) < len(features.parts):
        return [(CompositeMap(parts, features.label), kernel)] if parts else []
    return [(features, kernel)]


def _of_conditions(maps: Sequence[Features], layout: Layout) -> list[Factor]:
    """Kernels of the conditions that some map reads, each as it is read first."""
    read: dict[tuple[str, ...], Features] = {}
    for part in (p for m in maps for p in m.parts if p.conditions):
        read.setdefault(part.conditions, part)
    classes = {(c.name,) for c in layout.conditions if c.categories is not None}
    smooth = tuple(p for names, p in read.items() if names not in classes)
    found: list[Factor] = []
    if smooth:
        found.append((Matern52(factor=0.5, standardise=True), CompositeMap(smooth, "conditions")))
    return [*found, *((Exchangeable(), p) for names, p in read.items() if names in classes)]


def _sharp(kernel: Kernel) -> MinMax | Matern52 | Exchangeable:
    """The measure of likeness in the place of a model's kernel, on features scaled as it does."""
    if isinstance(kernel, MinMax | Exchangeable):
        return kernel
    standardise = kernel.standardise if isinstance(kernel, Matern52 | Linear) else True
    return Matern52(factor=0.5, standardise=standardise)


def _kernel_for(features: Features, layout: Layout, X: Tensor) -> Kernel:
    """MinMax for a fingerprint of counts, else a smooth kernel on standardised features."""
    phi = features.columns(layout, X)
    is_count = bool((phi >= 0).all()) and bool((phi == phi.round()).all())
    is_sparse = phi.shape[-1] >= 100 and float((phi > 0).double().mean()) < 0.5
    return MinMax() if is_count and is_sparse else Matern52(standardise=True)
