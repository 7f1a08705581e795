"""What a conditioned graph answers of its terms, its cells and its hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from bayesmat.inference.grid import HyperPosterior, Weighting
from bayesmat.inference.smc import systematic_resample
from bayesmat.models.answers import Labels, LeftOutCells, Parameters
from bayesmat.models.conditioning import Problem
from bayesmat.models.gaussian import Conditioned, Hyper, NodePrior, positive_definite
from bayesmat.models.left_out import LeftOut, Restandardised, left_out

__all__ = [
    "all_draws",
    "by_kind",
    "predicted_cells",
    "replicate",
    "shares",
    "simulated_scores",
    "weighed",
]

# Floating point operations that left-out predictions may cost: a second or so. Beyond, the kept
# particles answer for all points.
AFFORDABLE = 3e10
_CHUNK = 2**24
_PER_SET = 64


def shares(problem: Problem, hyper: Hyper, n_sets: int) -> Mapping[str, Mapping[str, Tensor]]:
    """Share of each group in the variance of the measured rows, given the hyper-parameters.

    The variance of a term is its mean prior variance over the rows, minus what is common to all
    rows (the mean of its Gram matrix): a constant shift explains nothing. A measured parent counts
    with all that it varies, times the square of the edge's coefficient. Noise is the mean variance
    of the cells' noise, as stated where it is.

    Args:
        problem: The compiled graph.
        hyper: Sets of hyper-parameters by name, `S` each.
        n_sets: S.

    Returns:
        Property -> group -> share, `S`.
    """
    nodes, mixing = problem.joint.nodes, problem.joint.mixing(hyper, n_sets)
    own = [_own_variances(problem, hyper, r, n_sets) for r in range(len(nodes))]
    apart = torch.stack([torch.stack(list(groups.values())).sum(0) for groups in own], -1)
    latent = torch.einsum("spr,sr->sp", mixing.square(), apart)
    out, noise = {}, problem.noise_sd(hyper).square()
    for r, node in enumerate(nodes):
        groups = {nodes[q].name: hyper[rho].square() * latent[:, q] for q, rho in node.edges}
        for group, value in own[r].items():
            groups[group] = groups.get(group, torch.zeros(n_sets)) + value
        groups["noise"] = noise[:, r]
        total = torch.stack(list(groups.values())).sum(0)
        out[node.name] = {group: value / total for group, value in groups.items()}
    return out


def _own_variances(problem: Problem, hyper: Hyper, r: int, n_sets: int) -> dict[str, Tensor]:
    """Variance of each group of node r's own part over the measured rows, `S` each."""
    node, groups = problem.joint.nodes[r], dict[str, Tensor]()
    for t, term in enumerate(node.terms):
        gram = problem.joint.node_covariance(r, problem.pair, hyper, parts=[t])
        variance = torch.diagonal(gram, dim1=-2, dim2=-1).mean(-1) - gram.mean((-2, -1))
        groups[term.group] = groups.get(term.group, torch.zeros(n_sets)) + variance
    known = problem.phi.computed[r]
    if known is not None:
        slope = torch.where(known[1] == 0, known[0], 0.0).var(unbiased=False)
        straight = (node.slope[0] ** 2 + node.slope[1] ** 2) * slope
        groups["parent"] = groups.get("parent", torch.zeros(n_sets)) + straight
    return groups


def weighed(problem: Problem, posterior: HyperPosterior) -> tuple[Tensor, Tensor, Weighting]:
    """Points `N x d`, log weights `N` and weighting: all, or the kept ones of a large table."""
    points = posterior.points
    if len(points) * problem.observations.n_cells**3 <= AFFORDABLE:
        return points, torch.log_softmax(posterior.log_weights, 0), posterior.weighting
    n = len(posterior.u)
    equal = torch.full((n,), 1 / n, dtype=torch.float64).log()
    return posterior.u, equal, "posterior"


def all_draws(problem: Problem, posterior: HyperPosterior) -> HyperPosterior:
    """As many equal-weight draws as points were weighed, which repeat where weights are large.

    The kept ones where so many factors would not fit into memory.
    """
    n = len(posterior.points)
    dear = n * problem.observations.n_cells**2 > 4 * _CHUNK
    if dear or len(posterior.u) >= n:
        return posterior
    generator = torch.Generator().manual_seed(0)
    rows = systematic_resample(posterior.log_weights, generator)
    return replace(posterior, u=posterior.points[rows])


def predicted_cells(
    problem: Problem,
    points: Tensor,
    units: Tensor,
    space: Restandardised | None,
    known: Conditioned | None = None,
) -> LeftOutCells:
    """Every cell from those of the other units, at every point, `N x d`.

    Args:
        problem: The compiled graph.
        points: The points.
        units: Unit of each cell, `k`.
        space: The spaces of the other cells.
        known: The cells as factorised at these points, where that was done before.
    """
    obs = problem.observations
    step = max(1, _CHUNK // max(obs.n_cells, 1) ** 2)
    found: list[LeftOut] = []
    noises: list[Tensor] = []
    for i, u in enumerate(points.split(step)):
        some = slice(i * step, i * step + len(u))
        conditioned = problem.conditioned(u) if known is None else known.some(some)
        found.append(left_out(conditioned, units, observations=obs, space=space))
        noises.append(problem.noise(problem.priors.values(u)).expand(len(u), -1))
    noise = torch.cat(noises)
    if space is not None:
        factor = space.factor[units, obs.columns]
        noise = torch.where(obs.yvar.isnan(), factor.square() * noise, noise)
    cells = LeftOut(
        torch.cat([part.error for part in found]),
        torch.cat([part.variance for part in found]),
        torch.cat([part.log_density for part in found]),
        torch.cat([part.log_ratio for part in found]),
    )
    return LeftOutCells(obs.y - cells.error, noise.sqrt(), cells)


def replicate(
    problem: Problem,
    hyper: Hyper,
    conditioned: Conditioned,
    chosen: Tensor,
    generator: torch.Generator,
) -> Tensor:
    r"""New values of the cells: with noise N, mean y - N alpha and covariance 2N - N Q N."""
    noise, y = problem.noise(hyper), problem.observations.y
    out = torch.empty(len(chosen), len(y), dtype=torch.float64)
    for s in torch.unique(chosen).tolist():
        at = torch.nonzero(chosen == s).squeeze(-1)
        variance = noise[s].expand_as(y)
        precision = torch.cholesky_inverse(conditioned.chol[s])
        covariance = torch.diag(2 * variance) - variance[:, None] * precision * variance
        factor = torch.linalg.cholesky(positive_definite(covariance, scale=variance.max()))
        z = torch.randn(len(at), len(y), generator=generator, dtype=torch.float64)
        out[at] = y - variance * conditioned.alpha[s] + z @ factor.T
    return out


def simulated_scores(conditioned: Conditioned, n: int, generator: torch.Generator) -> Tensor:
    r"""Left-out scores of data from the model itself, at least `n x k`.

    Left-out errors share their training cells, so they are correlated: for a Gaussian with
    :math:`K = LL^\top` they are :math:`L^{-\top}\epsilon/\sqrt{Q_{ii}}`, Q the precision.
    """
    chol = conditioned.chol[:_PER_SET]
    each, k = -(-n // len(chol)), chol.shape[-1]
    epsilon = torch.randn(len(chol), k, each, generator=generator, dtype=torch.float64)
    precision = torch.diagonal(torch.cholesky_inverse(chol), dim1=-2, dim2=-1)
    alpha = torch.linalg.solve_triangular(chol.transpose(-1, -2), epsilon, upper=True)
    return (alpha / precision.sqrt()[..., None]).transpose(-1, -2).reshape(-1, k)


def by_kind(
    nodes: Sequence[NodePrior], hyper: Mapping[str, Tensor], noise_from: Sequence[str]
) -> Parameters:
    """Hyper-parameters by kind: noise by property, weights by term, slopes by edge ..."""
    values = {"noise": torch.stack([hyper[node.noise] for node in nodes], -1)}
    dims: dict[str, tuple[str, ...]] = {"noise": ("property",)}
    coords: dict[str, Labels] = {"property": (("property",), [node.name for node in nodes])}
    terms = [(node, t) for node in nodes for t in range(len(node.terms))]
    ells = [(node, t, i) for node, t in terms for i in range(len(node.ell_names(t)))]
    edges = [(node, parent, name) for node in nodes for parent, name in node.edges]
    kappas = [node for node in nodes if node.kappa is not None]
    kinds = {
        "weight": ("term", [hyper[n.weight_name(t)] for n, t in terms]),
        "lengthscale": ("feature", [hyper[n.ell_names(t)[i]] for n, t, i in ells]),
        "rho": ("edge", [hyper[name] for _, _, name in edges]),
        "kappa": ("computed", [hyper[node.kappa or ""] for node in kappas]),
    }
    for kind, (dim, columns) in kinds.items():
        if columns:
            values[kind], dims[kind] = torch.stack(columns, -1), (dim,)
    on_term, on_feature = ("term",), ("feature",)
    coords |= {
        "noise_from": (("property",), noise_from),
        "term": (on_term, [f"{n.name}: {n.terms[t].label}" for n, t in terms]),
        "term_property": (on_term, [n.name for n, _ in terms]),
        "network": (on_term, [n.terms[t].features.label for n, t in terms]),
        "group": (on_term, [n.terms[t].group for n, t in terms]),
        "feature": (on_feature, [f"{n.name}: {n.terms[t].lengthscales[i]}" for n, t, i in ells]),
        "feature_property": (on_feature, [n.name for n, _, _ in ells]),
        "edge": (("edge",), [f"{nodes[parent].name} -> {n.name}" for n, parent, _ in edges]),
        "computed": (("computed",), [node.name for node in kappas]),
    }
    return Parameters(values, dims, coords)
