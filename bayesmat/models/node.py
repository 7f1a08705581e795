"""One property of a graph: its kernel terms, its parents, its noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bayesmat._arguments import settle
from bayesmat._bounds import at_least
from bayesmat._repr import Shown
from bayesmat.data.table import PropertyTable
from bayesmat.models.choice import Choice
from bayesmat.models.computed import Computed
from bayesmat.models.digests import UNHASHED
from bayesmat.models.kernels import Term

__all__ = ["Edge", "Node", "TermChoice"]


@dataclass(frozen=True)
class Edge:
    r"""A linear edge from a measured parent, :math:`f = \rho f_\mathrm{parent} + \ldots`.

    rho ~ N(mean, sd) relates standardised properties (Kennedy and O'Hagan 2000,
    doi:10.1093/biomet/87.1.1).
    """

    parent: str
    mean: float = 1.0
    sd: float = 0.5

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, -math.inf, "mean")
        at_least(self, 0, "sd")


class TermChoice(Protocol):
    """Chooses the kernel terms of a node for a table: by the kind of material, by conditions."""

    @property
    def plain(self) -> Sequence[Term]:
        """The terms of a node that has not seen a table."""
        ...

    def __call__(self, property: str, table: PropertyTable) -> Sequence[Term]:
        """The terms."""
        ...


@dataclass(frozen=True, repr=False)
class Node(Shown):
    """One property: its kernel terms, its parents, its noise.

    Attributes:
        property: Name of the property in the table.
        terms: The summands of the discrepancy's kernel; without any, what suits the table that is
            fitted: its kind of material and its conditions, as in `Transfer`.
        edges: Linear edges from measured parents.
        computed: A computed parent, or None.
        mean_sd: Prior sd of the constant mean, in standard deviations.
        noise: Prior median of the noise sd where the table gives none, in standard deviations.
        noise_sd: Prior sd of its log.
        choice: Chooses the terms again for the table that is fitted (see `Suitable`); None keeps
            those that are given.
    """

    property: str
    terms: tuple[Term, ...] = ()
    edges: tuple[Edge, ...] = ()
    computed: Computed | None = None
    mean_sd: float = 1.0
    noise: float = 0.1
    noise_sd: float = 1.0
    choice: TermChoice | None = field(default=None, metadata=UNHASHED)

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 0, "mean_sd", "noise_sd")
        at_least(self, 0, "noise", above=True)
        if not self.terms:
            choice = self.choice or Choice()
            object.__setattr__(self, "choice", choice)
            object.__setattr__(self, "terms", tuple(choice.plain))

    def suited(self, table: PropertyTable) -> Node:
        """This node with the terms that its choice makes for a table."""
        if self.choice is None:
            return self
        return replace(self, terms=tuple(self.choice(self.property, table)), choice=None)

    def _facts(self) -> dict[str, object]:
        return {
            "property": self.property,
            "parents": [edge.parent for edge in self.edges] or "none",
            "computed parent": self.computed.name if self.computed else "none",
            "terms": [f"{t.kernel.name} on {t.label}" for t in self.terms],
            "noise": f"prior median {self.noise:g} sd of the property",
        }
