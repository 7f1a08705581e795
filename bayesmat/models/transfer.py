"""Transfer learning as a one-node property graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bayesmat._arguments import checked
from bayesmat.errors import ModelError
from bayesmat.features.base import Featurizer
from bayesmat.features.molecule import ECFP
from bayesmat.inference.grid import Integrator
from bayesmat.models.computed import Computed
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.kernels import Linear, Matern52, MinMax, Term
from bayesmat.sources.embedding import CompositeMap, FeatureMap

__all__ = ["Sources", "Transfer", "transfer_node"]


class Sources(Protocol):
    """Anything that owns feature maps learned on data-rich properties."""

    @property
    def feature_maps(self) -> tuple[FeatureMap, ...]:
        """The maps."""
        ...


def transfer_node(
    property: str,
    *,
    sources: Sources | None = None,
    parents: Sequence[Computed | Edge] = (),
    fingerprints: Featurizer | None = None,
    descriptors: Featurizer | None = None,
) -> Node:
    r"""A node whose discrepancy is a sparse sum over source layers and fixed fingerprints.

    .. math:: k = w_T^2 k_{TM} + w_L^2 \phi\cdot\phi' + w_M^2 k_{M52}(\phi,\phi')

    phi concatenates all source layers (correlated networks outvote the rest if each has its own
    weight). A weight near 0 switches a part off, so "no transfer" is a point of the posterior.

    Raises:
        ModelError: More than one computed parent.
    """
    sources = checked(sources, Sources | None, "sources")
    parents = checked(parents, tuple[Computed | Edge, ...], "parents")
    count = ECFP() if fingerprints is None else fingerprints
    terms = [Term(MinMax(), FeatureMap((count,)), "fingerprints")]
    if sources is not None:
        layers = CompositeMap(tuple(sources.feature_maps), "source networks")
        terms.append(Term(Linear(), layers, "networks"))
        terms.append(Term(Matern52(), layers, "networks"))
    if descriptors is not None:
        named = FeatureMap((descriptors,))
        terms.append(Term(Linear(standardise=True), named, "descriptors"))
        terms.append(Term(Matern52(standardise=True), named, "descriptors"))
    computed = [parent for parent in parents if isinstance(parent, Computed)]
    if len(computed) > 1:
        names = [parent.name for parent in computed]
        raise ModelError(f"{property!r} has the computed parents {names}; a node takes one.")
    edges = tuple(parent for parent in parents if isinstance(parent, Edge))
    return Node(property, tuple(terms), edges, computed[0] if computed else None)


def Transfer(
    property: str,
    *,
    sources: Sources | None = None,
    parents: Sequence[Computed] = (),
    fingerprints: Featurizer | None = None,
    descriptors: Featurizer | None = None,
    integrator: Integrator | None = None,
) -> PropertyGraph:
    """A one-node graph that transfers from source networks, on top of a computed parent.

    Use it when the wanted property has 20 to 500 values and related properties have thousands.
    Without `sources` it is a Gaussian process on fingerprints.

    Args:
        property: Name of the wanted property.
        sources: For example ``bm.zoo.load("molecule/starter")``.
        parents: At most one `Computed` parent.
        fingerprints: Count fingerprint; ECFP4 of 2048 counts by default.
        descriptors: Named descriptors beside the fingerprints, each in units of its training sd,
            such as ``RepeatUnitDescriptors()`` for polymers, which no source network knows.
        integrator: How hyper-parameters are integrated; see `PropertyGraph`.
    """
    node = transfer_node(
        property,
        sources=sources,
        parents=parents,
        fingerprints=fingerprints,
        descriptors=descriptors,
    )
    return PropertyGraph((node,), integrator)
