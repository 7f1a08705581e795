"""Transfer learning as a property graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bayesmat._arguments import checked, names
from bayesmat.errors import ModelError
from bayesmat.features.base import Featurizer
from bayesmat.features.conditions import ConditionMap
from bayesmat.inference.grid import Integrator
from bayesmat.models.choice import Choice
from bayesmat.models.computed import Computed
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.sources.embedding import FeatureMap

__all__ = ["Sources", "Transfer", "transfer_node"]


class Sources(Protocol):
    """Anything that owns feature maps learned on data-rich properties."""

    @property
    def feature_maps(self) -> tuple[FeatureMap, ...]:
        """A hidden layer of each network."""
        ...

    @property
    def descriptors(self) -> Featurizer | None:
        """What to read besides, where the networks know nothing of the property; or None."""
        ...


def transfer_node(
    property: str,
    *,
    sources: Sources | None = None,
    parents: Sequence[Computed | Edge] = (),
    fingerprints: Featurizer | None = None,
    descriptors: Featurizer | None = None,
    conditions: Sequence[ConditionMap] | None = None,
) -> Node:
    r"""A node whose discrepancy is a sparse sum over source layers and fixed fingerprints.

    .. math:: k = w_T^2 k_{TM} + w_L^2 \phi\cdot\phi' + w_M^2 k_{M52}(\phi,\phi')
        + w_D^2 d\cdot d' + w_E^2 k_{M52}(d, d')

    phi concatenates all source layers (correlated networks outvote the rest if each has its own
    weight), d are the descriptors that the networks read themselves: where the sources know nothing
    of the property, they are what is left. A weight near 0 switches a part off, so "no transfer" is
    a point of the posterior.
    What the table's kind of material and its conditions add is chosen when it is fitted.

    Raises:
        ModelError: More than one computed parent.
    """
    sources = checked(sources, Sources | None, "sources")
    parents = checked(parents, tuple[Computed | Edge, ...], "parents")
    conditions = checked(conditions, tuple[ConditionMap, ...] | None, "conditions")
    maps = None if conditions is None else tuple(dict.fromkeys(conditions))
    layers = () if sources is None else tuple(sources.feature_maps)
    if descriptors is None and sources is not None:
        descriptors = sources.descriptors
    choice = Choice(layers, fingerprints, descriptors, maps)
    computed = [parent for parent in parents if isinstance(parent, Computed)]
    if len(computed) > 1:
        given = [parent.name for parent in computed]
        raise ModelError(f"{property!r} has the computed parents {given}; a node takes one.")
    edges = tuple(parent for parent in parents if isinstance(parent, Edge))
    return Node(property, (), edges, computed[0] if computed else None, choice=choice)


def Transfer(
    property: str | Sequence[str],
    *,
    sources: Sources | None = None,
    parents: Sequence[Computed] = (),
    fingerprints: Featurizer | None = None,
    descriptors: Featurizer | None = None,
    conditions: Sequence[ConditionMap] | None = None,
    integrator: Integrator | None = None,
) -> PropertyGraph:
    """A graph that transfers from source networks, on top of a computed parent.

    Use it when the wanted property has 20 to 500 values and related properties have thousands.
    Without `sources` it is a Gaussian process on what suits the materials of the table: count
    fingerprints of molecules and repeat units, element statistics of compositions. Conditions of
    the table are read, alone and together with the materials; the report says so.

    Args:
        property: Name of the wanted property, or several, of one table: each has terms and noise of
            its own and an edge from the one before, rho ~ N(0, 0.5), so that a measured property
            helps where another is missing. For other relations give a `PropertyGraph` edges.
        sources: For example ``bm.zoo.load("molecule/starter")``.
        parents: At most one `Computed` parent.
        fingerprints: Count fingerprint; ECFP4 of 2048 counts by default.
        descriptors: Named descriptors beside the fingerprints, each in units of its training sd,
            such as ``RepeatUnitDescriptors()`` for polymers; with `sources`, by default those that
            the networks read.
        conditions: How conditions are read, ``[bm.ConditionMap("temperature", transform="1/T")]``;
            by default all of the table, temperatures as 1/T where the property is on a log scale.
        integrator: How hyper-parameters are integrated; see `PropertyGraph`.

    Raises:
        ModelError: More than one computed parent, or no property.
    """
    wanted, known = names(property, "property"), checked(parents, tuple[Computed, ...], "parents")
    nodes = tuple(
        transfer_node(
            name,
            sources=sources,
            parents=(*known, *(Edge(parent, 0.0, 0.5) for parent in wanted[:i][-1:])),
            fingerprints=fingerprints,
            descriptors=descriptors,
            conditions=conditions,
        )
        for i, name in enumerate(wanted)
    )
    return PropertyGraph(nodes, integrator)
