"""What a conditioned graph says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bayesmat.data.table import Observations
from bayesmat.features.base import Layout
from bayesmat.models.left_out import leave_one_out
from bayesmat.models.report import Ablation, FitReport, LeaveOneOut

if TYPE_CHECKING:
    from bayesmat.models.graph import Node, PropertyGraph
    from bayesmat.models.graph_model import GraphModel

__all__ = ["ablations", "report_of"]


def report_of(model: GraphModel) -> FitReport:
    """The report of one fit, without refits."""
    hyper = model.hyper_posterior
    log_density, cdf = leave_one_out(model.conditioned)
    return FitReport(
        n_cells=int(model.problem.observations.y.numel()),
        inference=hyper.named(model.problem.priors.values),
        hyper=model.hyper,
        shares=_shares(model),
        loo=LeaveOneOut(log_density, cdf),
    )


def _shares(model: GraphModel) -> Mapping[str, Mapping[str, Tensor]]:
    """Share of each group in the variance of the measured rows, given the hyper-parameters.

    The variance of a term is its mean prior variance over the rows, minus what is common to all
    rows (the mean of its Gram matrix): a constant shift explains nothing. Noise is the rest.
    """
    problem, out = model.problem, {}
    for r, node in enumerate(problem.joint.nodes):
        groups: dict[str, Tensor] = {}
        for t, term in enumerate(node.terms):
            gram = problem.joint.node_covariance(r, problem.pair, model.hyper, parts=[t])
            variance = torch.diagonal(gram, dim1=-2, dim2=-1).mean(-1) - gram.mean((-2, -1))
            groups[term.group] = groups.get(term.group, torch.zeros(model.n_sets)) + variance
        known = problem.phi.computed[r]
        if known is not None:
            slope = torch.where(known[1] == 0, known[0], 0.0).var(unbiased=False)
            straight = (node.slope[0] ** 2 + node.slope[1] ** 2) * slope
            groups["parent"] = groups.get("parent", torch.zeros(model.n_sets)) + straight
        groups["noise"] = model.hyper[node.noise].square()
        total = torch.stack(list(groups.values())).sum(0)
        out[node.name] = {group: value / total for group, value in groups.items()}
    return out


def ablations(
    graph: PropertyGraph,
    observations: Observations,
    X: Tensor,
    model: GraphModel,
    *,
    layout: Layout,
    seed: int,
) -> tuple[Ablation, ...]:
    """Refit without each group of terms and compare leave-one-out densities cell by cell."""
    full, _ = leave_one_out(model.conditioned)
    out = []
    for group in _groups(graph):
        nodes = tuple(_without(node, group) for node in graph.nodes)
        if any(not node.terms for node in nodes):
            continue  # the only terms of a node cannot be left out
        reduced = replace(graph, nodes=nodes)
        refit = reduced.condition(observations, X, layout=layout, seed=seed)
        less, _ = leave_one_out(refit.conditioned)
        gain = full - less
        se = float(gain.std() * len(gain) ** 0.5) if len(gain) > 1 else 0.0
        out.append(Ablation(group, float(gain.sum()), se))
    return tuple(out)


def _groups(graph: PropertyGraph) -> tuple[str, ...]:
    groups = dict.fromkeys(term.group for node in graph.nodes for term in node.terms)
    if any(node.computed for node in graph.nodes):
        groups = {"parent": None, **groups}
    return tuple(groups)


def _without(node: Node, group: str) -> Node:
    terms = tuple(term for term in node.terms if term.group != group)
    return replace(node, terms=terms, computed=None if group == "parent" else node.computed)
