"""The property graph: properties as nodes, physical dependence as edges, one joint posterior."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bayesmat._arguments import checked, seed_of, settle
from bayesmat._repr import Shown, table, words
from bayesmat.data.table import Observations, PropertyTable
from bayesmat.errors import ModelError
from bayesmat.features.base import Layout
from bayesmat.features.conditions import for_scales
from bayesmat.inference.grid import HyperPosterior, Integrator
from bayesmat.inference.importance import ImportanceIntegrator
from bayesmat.inference.seeds import streams
from bayesmat.models.computed import Computed
from bayesmat.models.conditioning import Encoder, Problem
from bayesmat.models.digests import described
from bayesmat.models.gaussian import JointPrior, NodePrior, positive_definite
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.hyper import HyperPriors, LogNormal, Normal
from bayesmat.models.inputs import check_cells, check_columns
from bayesmat.models.kernels import Kernel, Matern52, Prepared, Term
from bayesmat.models.model import PriorDraws
from bayesmat.models.node import Edge, Node
from bayesmat.models.similarity import condition_flags
from bayesmat.sources.embedding import FeatureMap, Features

__all__ = ["Computed", "Edge", "Node", "PropertyGraph"]


@dataclass(frozen=True, repr=False)
class PropertyGraph(Shown):
    r"""A frozen description of how properties depend on one another and on features.

    .. math:: f_p(x) = \sum_r \rho_{pr} f_r(x) + h_p(c(x)) + \delta_p(\phi_p(x)), \qquad
              y_{ip} = f_p(x_i) + \epsilon_{ip}\ \text{if measured}

    Given hyper-parameters the posterior is exact for any pattern of measured cells (valid when
    what is missing does not depend on the unseen value); hyper-parameters are integrated by
    `integrator`. One node is GP regression or transfer; a chain is Kennedy-O'Hagan cokriging.

    Not for nonlinear laws between measured properties: write a `bm.program`.

    Attributes:
        nodes: In any order; edges must not form a cycle.
        integrator: How hyper-parameters are integrated; None is an `ImportanceIntegrator` with
            settings that suit the number of cells.
    """

    nodes: tuple[Node, ...]
    integrator: Integrator | None = None

    def __post_init__(self) -> None:
        settle(self)
        names = [node.property for node in self.nodes]
        if len(set(names)) < len(names) or not names:
            raise ModelError(f"A graph needs nodes with distinct properties, got {names}.")
        for node in self.nodes:
            labels = [term.label for term in _terms(node)]
            if len(set(labels)) < len(labels):
                raise ModelError(f"Node {node.property!r} has the same term twice: {labels}.")
            for edge in node.edges:
                if edge.parent not in names:
                    raise ModelError(
                        f"Node {node.property!r} names the parent {edge.parent!r}, which is not a "
                        f"node. Nodes: {names}. Computed parents go into Node.computed."
                    )
        _order(self.nodes)

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties, parents before children."""
        return tuple(node.property for node in _order(self.nodes))

    @property
    def features(self) -> tuple[Features, ...]:
        """Every feature map that some node owns."""
        found: list[Features] = []
        for node in self.nodes:
            for term in _terms(node):
                found.extend(term.features.parts)
            if node.computed is not None:
                found.append(node.computed.features)
        return tuple({m.digest: m for m in found}.values())

    @property
    def kernels(self) -> tuple[tuple[Features, Kernel], ...]:
        """Feature maps with their kernels: what `Similarity` is chosen from."""
        return tuple((t.features, t.kernel) for node in self.nodes for t in node.terms)

    def digest(self) -> str:
        """Hash of configuration, weights, features and streams: what a campaign is opened by."""
        text = json.dumps([described(self), streams()])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def hyper_priors(self) -> HyperPriors:
        """The priors of all hyper-parameters by name."""
        priors: dict[str, Normal | LogNormal] = {}
        for node in _order(self.nodes):
            p = node.property
            for term in _terms(node):
                priors[f"{p}: w {term.label}"] = LogNormal(term.weight, term.weight_sd)
                for name, sd in term.kernel.lengthscales(term.features).items():
                    priors[f"{p}: ell {name}"] = LogNormal(1.0, sd)
            for edge in node.edges:
                priors[f"{p}: rho {edge.parent}"] = Normal(edge.mean, edge.sd)
            if node.computed is not None and node.computed.growth is not None:
                priors[f"{p}: kappa"] = Normal(*node.computed.growth)
            priors[f"{p}: noise"] = LogNormal(node.noise, node.noise_sd)
        return HyperPriors(priors)

    def suited(self, table: PropertyTable) -> PropertyGraph:
        """This graph with the terms that nodes without given ones choose for a table.

        Raises:
            ModelError: No node reads a condition of the table.
        """
        graph = replace(self, nodes=tuple(node.suited(table) for node in self.nodes))
        read = {name for m in graph.features for name in m.conditions}
        unread = [c.name for c in table.conditions if c.name not in read]
        if unread:
            raise ModelError(
                f"no node reads the conditions {unread} of the table, so that rows under different "
                "ones would pass for replicates: give a node a term on "
                f"bm.ConditionMap({unread[0]!r}), use bm.Transfer, which reads them by itself, or "
                "read the table without that column."
            )
        return graph

    def condition(
        self,
        observations: Observations,
        X: Tensor,
        *,
        layout: Layout,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> GraphModel:
        """The posterior given measured cells, with hyper-parameters integrated.

        Args:
            observations: Long-form cells in model space; its properties must be this graph's.
            X: Features of all rows of the table, shape `n x D`.
            layout: What made X (see `layout_of`).
            seed: Seeds the hyper-parameter sampler.
            checkpoint: File that a run killed half-way continues from.

        Raises:
            ModelError: Properties differ, or X is not of that layout.
        """
        observations = checked(observations, Observations, "observations")
        X, layout, seed = checked(X, Tensor, "X"), checked(layout, Layout, "layout"), seed_of(seed)
        problem = self._problem(observations, X, layout)
        integrator = self.integrator
        if integrator is None:
            integrator = ImportanceIntegrator.suited(observations.n_cells)
        posterior = integrator(
            problem.log_marginal, len(problem.priors.names), seed=seed, checkpoint=checkpoint
        )
        return GraphModel(problem, posterior)

    def restore(
        self, state: Mapping[str, Any], observations: Observations, X: Tensor, *, layout: Layout
    ) -> GraphModel:
        """The posterior whose `GraphModel.state` this is, given the same cells."""
        return GraphModel.restored(self._problem(observations, X, layout), state, X)

    def sample(self, X: Tensor, n: int, *, layout: Layout, seed: int) -> PriorDraws:
        r"""Draws of hyper-parameters, and of f at rows X given them.

        .. math:: u \sim N(0, I), \quad \delta_r \sim N(0, k_r), \quad f = A(\mu + \delta)

        Args:
            X: Rows, `rows x D`; centres and scales of the kernels are read off them.
            n: Number of draws.
            layout: What made X.
            seed: Seeds them.
        """
        X, n = checked(X, Tensor, "X"), checked(n, int, "n")
        layout, seed = checked(layout, Layout, "layout"), seed_of(seed)
        joint, encoder = _compile(self, X, layout)
        priors, phi = self.hyper_priors(), encoder(X)
        pair = joint.pair(phi, phi)
        generator = torch.Generator().manual_seed(seed)
        u = torch.randn(n, len(priors.names), generator=generator, dtype=torch.float64)
        with torch.no_grad():
            hyper = priors.values(u)
            own = []
            for r in range(len(joint.nodes)):
                k = joint.node_covariance(r, pair, hyper).expand(n, len(X), len(X))
                z = torch.randn(n, len(X), 1, generator=generator, dtype=torch.float64)
                own.append((torch.linalg.cholesky(positive_definite(k)) @ z)[..., 0])
            mixing = joint.mixing(hyper, n)
            f = joint.mean(phi, hyper, n) + torch.einsum("spr,rsn->snp", mixing, torch.stack(own))
        noise = torch.stack([hyper[node.noise] for node in joint.nodes], -1)
        return PriorDraws(hyper, f, noise)

    def log_likelihood(
        self,
        parameters: Mapping[str, Tensor],
        observations: Observations,
        X: Tensor,
        *,
        layout: Layout,
    ) -> Tensor:
        """Log p(y | hyper-parameters) of draws of them, f integrated out; shape `n`."""
        observations = checked(observations, Observations, "observations")
        X, layout = checked(X, Tensor, "X"), checked(layout, Layout, "layout")
        problem = self._problem(observations, X, layout)
        n = len(next(iter(parameters.values())))
        with torch.no_grad():
            return problem.log_marginal_at(parameters, n)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of terms, with "parent" for what is computed: each can be left out."""
        groups = dict.fromkeys(term.group for node in self.nodes for term in node.terms)
        if any(node.computed for node in self.nodes):
            groups = {"parent": None, **groups}
        return tuple(groups)

    def without(self, group: str) -> PropertyGraph | None:
        """The graph without a group of terms; None if a node would have no term left.

        Raises:
            ModelError: It has no such group.
        """
        if group not in self.groups:
            raise ModelError(
                f"the graph has no group {group!r} that it could do without; it has {self.groups}."
            )
        if any(all(term.group == group for term in node.terms) for node in self.nodes):
            return None
        return replace(self, nodes=tuple(_without(node, group) for node in self.nodes))

    def quick(self) -> PropertyGraph:
        """The same graph with the default integrator."""
        return replace(self, integrator=None)

    def condition_at(
        self, observations: Observations, X: Tensor, hyper: dict[str, float], *, layout: Layout
    ) -> GraphModel:
        """The posterior at one given set of hyper-parameters: exact conditioning, no sampling."""
        observations = checked(observations, Observations, "observations")
        X, hyper = checked(X, Tensor, "X"), checked(hyper, Mapping, "hyper")
        problem = self._problem(observations, X, layout)
        u = problem.priors.standard(hyper)
        return GraphModel(problem, HyperPosterior.point(u))

    def _problem(self, observations: Observations, X: Tensor, layout: Layout) -> Problem:
        check_cells(self.properties, observations, X, layout)
        measured = torch.unique(observations.rows)
        joint, encoder = _compile(self, X[measured] if measured.numel() else X, layout)
        return Problem.of(joint, self.hyper_priors(), encoder, observations, X)

    def _facts(self) -> dict[str, object]:
        return {"properties": self.properties, "integrator": self.integrator}

    def _repr_html_(self) -> str:
        facts = [node._facts() for node in _order(self.nodes)]
        how = self.integrator or "an integrator that suits the number of cells"
        caption = f"PropertyGraph, hyper-parameters by {words(how)}"
        return table([list(f.values()) for f in facts], list(facts[0]), caption=caption)


def _terms(node: Node) -> tuple[Term, ...]:
    """The node's terms, with the bend of its computed parent."""
    if node.computed is None or node.computed.bend == 0:
        return node.terms
    bend = Term(Matern52(), node.computed.features, "parent", weight=node.computed.bend)
    return (bend, *node.terms)


def _without(node: Node, group: str) -> Node:
    terms = tuple(term for term in node.terms if term.group != group)
    return replace(node, terms=terms, computed=None if group == "parent" else node.computed)


def _order(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Parents before children, otherwise as given."""
    done: list[Node] = []
    waiting = list(nodes)
    while waiting:
        known = {node.property for node in done}
        ready = [node for node in waiting if all(e.parent in known for e in node.edges)]
        if not ready:
            names = [node.property for node in waiting]
            raise ModelError(f"The edges among {names} form a cycle: a graph needs a direction.")
        done.append(ready[0])
        waiting.remove(ready[0])
    return tuple(done)


def _compile(graph: PropertyGraph, X: Tensor, layout: Layout) -> tuple[JointPrior, Encoder]:
    """Read scales off the training rows X and fix the order of everything."""
    check_columns(X, layout)
    nodes = _order(graph.nodes)
    index = {node.property: i for i, node in enumerate(nodes)}
    compiled, maps, parents = [], [], []
    same: dict[str, Features] = {}  # equal feature maps are one object, computed once
    for node in nodes:
        terms, known = _terms(node), node.computed
        parent = _standardised(known.features, layout, X) if known else None
        compiled.append(
            NodePrior(
                name=node.property,
                terms=terms,
                prepared=tuple(_prepared(t, layout, X) for t in terms),
                edges=tuple(
                    (index[e.parent], f"{node.property}: rho {e.parent}") for e in node.edges
                ),
                slope=(known.slope_mean, known.slope_sd) if known else (0.0, 0.0),
                offset_sd=known.offset_sd if known else 0.0,
                mean_sd=node.mean_sd,
                noise=f"{node.property}: noise",
                kappa=f"{node.property}: kappa" if known and known.growth else None,
                parent_sd=parent[2] if parent else 1.0,
                computed=str(known.name) if known else None,
            )
        )
        maps.append(tuple(same.setdefault(t.features.digest, t.features) for t in terms))
        parents.append(parent)
    return JointPrior(tuple(compiled)), Encoder(layout, tuple(maps), tuple(parents))


def _prepared(term: Term, layout: Layout, X: Tensor) -> Prepared:
    phi = term.features.columns(layout, X)
    return term.kernel.prepare(for_scales(phi, condition_flags(term.features)))


def _standardised(
    features: FeatureMap, layout: Layout, X: Tensor
) -> tuple[FeatureMap, float, float]:
    """The computed parent with the mean and sd of its trusted training values."""
    c, flag = features.columns(layout, X).unbind(-1)
    trusted = c[flag == 0]
    if trusted.numel() < 2 or float(trusted.std()) == 0:
        return features, float(trusted.mean()) if trusted.numel() else 0.0, 1.0
    return features, float(trusted.mean()), float(trusted.std())
