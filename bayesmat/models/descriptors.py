"""Regression on named descriptors as a one-node property graph."""

from __future__ import annotations

from collections.abc import Sequence

from bayesmat._arguments import checked
from bayesmat.errors import ModelError
from bayesmat.features.base import Featurizer
from bayesmat.inference.grid import Integrator
from bayesmat.models.computed import Computed
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import ARD, Term
from bayesmat.sources.embedding import FeatureMap

__all__ = ["DescriptorGP"]

_MOST = 60


def DescriptorGP(
    property: str,
    features: Featurizer,
    parents: Sequence[Computed] = (),
    *,
    integrator: Integrator | None = None,
) -> PropertyGraph:
    r"""A Gaussian process on named descriptors, each with a lengthscale of its own.

    .. math:: f \sim GP\bigl(m, w^2 k_{M52}(r)\bigr), \qquad
              r^2 = 5 \sum_j (\phi_j - \phi'_j)^2 / \ell_j^2

    Use it when the question is *which* of up to some tens of descriptors matter
    (`bayesmat.relevance` with ``by="feature"`` answers), and 50 to 500 values are there to tell.
    Not for fingerprints, and not to predict from more descriptors than values: `Transfer` is
    better there. All lengthscales are integrated, so it costs seconds to minutes.

    Args:
        property: Name of the wanted property.
        features: Named descriptors, such as ``bm.features.CheapDescriptors()``.
        parents: At most one `Computed` parent.
        integrator: How hyper-parameters are integrated; see `PropertyGraph`.

    Raises:
        ModelError: More than 60 descriptors, or more than one parent.

    >>> from bayesmat.features import CheapDescriptors
    >>> DescriptorGP("Tb", CheapDescriptors()).properties
    ('Tb',)
    """
    features = checked(features, Featurizer, "features")
    parents = checked(parents, tuple[Computed, ...], "parents")
    if len(features.names) > _MOST:
        raise ModelError(
            f"{features.id.split('(')[0]} has {len(features.names)} columns: a lengthscale for "
            f"each of more than {_MOST} cannot be learned from little data. Name the descriptors "
            "that could matter, or use Transfer() on fingerprints."
        )
    if len(parents) > 1:
        names = [parent.name for parent in parents]
        raise ModelError(f"{property!r} has the computed parents {names}; a node takes one.")
    term = Term(ARD(), FeatureMap((features,)), "descriptors", weight=1.0, weight_sd=0.75)
    node = Node(property, (term,), computed=parents[0] if parents else None)
    return PropertyGraph((node,), integrator)
