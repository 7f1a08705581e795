"""Fits as labelled datasets: what the bridge to ArviZ puts into its container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from bayesmat.data.table import Observations
from bayesmat.errors import InferenceError
from bayesmat.inference.report import InferenceRun
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import Fitted, GenerativePrior, PropertyModel
from bayesmat.models.gaussian import NodePrior
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.left_out import left_out
from bayesmat.models.program import Program
from bayesmat.models.program_model import ProgramModel

from .ppc import n_components, replicated

__all__ = ["Names", "dataset", "of_fitted", "of_model", "of_run"]

Coords = dict[str, tuple[tuple[str, ...], list[str]]]


@dataclass(frozen=True)
class Names:
    """Names that a user gives: variable -> dimensions, dimension -> labels."""

    dims: Mapping[str, Sequence[str]] = field(default_factory=dict)
    coords: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Parameters:
    """Draws by variable, `N x ...`, with names of the dimensions after the draw."""

    values: dict[str, Tensor]
    dims: dict[str, tuple[str, ...]] = field(default_factory=dict)
    coords: Coords = field(default_factory=dict)

    def dataset(self, chains: int, names: Names) -> xr.Dataset:
        """Folded into chains; what the user names goes first."""
        arrays = {k: _folded(v, chains) for k, v in self.values.items()}
        labels: Coords = {k: ((k,), list(v)) for k, v in names.coords.items()}
        return dataset(arrays, {**self.dims, **names.dims}, self.coords | labels)


def dataset(
    arrays: Mapping[str, np.ndarray], dims: Mapping[str, Sequence[str]], coords: Coords
) -> xr.Dataset:
    """A dataset of arrays `C x S x ...`; labels of dimensions that no array has are left out.

    Raises:
        InferenceError: Names or labels do not fit the shapes.
    """
    variables, sizes = {}, {}
    for name, array in arrays.items():
        default = [f"{name}_dim_{i}" for i in range(array.ndim - 2)]
        inner = tuple(dims.get(name, default))
        if len(inner) != array.ndim - 2:
            raise InferenceError(
                f"{name!r} has {array.ndim - 2} dimensions after the draw, but dims names "
                f"{list(inner)}. Give one name each."
            )
        for dim, size in zip(inner, array.shape[2:], strict=True):
            if dim in coords and len(coords[dim][1]) != size:
                raise InferenceError(
                    f"{name!r} has {size} entries along {dim!r}, but coords has "
                    f"{len(coords[dim][1])} labels. Give one label each."
                )
            sizes[dim] = size
        # ArviZ 1.x keeps groups in a tree, where a slash would be a path.
        variables[name.replace("/", "_")] = (("chain", "draw", *inner), array)
    first = next(iter(arrays.values()))
    labels = {name: (on, values) for name, (on, values) in coords.items() if set(on) <= set(sizes)}
    index = {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    return xr.Dataset(variables, coords={**index, **labels})


def of_run(run: InferenceRun, names: Names) -> dict[str, xr.Dataset]:
    """Posterior and, for chains, the figures of every transition."""
    coords: Coords = {k: ((k,), list(v)) for k, v in names.coords.items()}
    arrays = {name: v.double().numpy() for name, v in run.draws.items()}
    groups = {"posterior": dataset(arrays, names.dims, coords)}
    if run.stats:
        groups["sample_stats"] = dataset({k: v.numpy() for k, v in run.stats.items()}, {}, {})
    return groups


def of_model(model: PropertyModel, names: Names) -> dict[str, xr.Dataset]:
    """Posterior and, for chains, the figures of every transition, of the draws that are kept."""
    if isinstance(model, GraphModel):
        found = _of_graph(model.problem.joint.nodes, model.draws)
        return {"posterior": found.dataset(1, names)}
    if not isinstance(model, ProgramModel):
        return {"posterior": _Parameters(dict(model.draws)).dataset(1, names)}
    groups = {"posterior": _of_program(model, model.draws, model.inferred_noise_sd).dataset(
        _chains(model), names
    )}  # fmt: skip
    if model.run.stats:
        kept = model.run.kept(model.n_draws)
        stats = {k: v.flatten()[kept] for k, v in model.run.stats.items()}
        groups["sample_stats"] = _Parameters(stats).dataset(_chains(model), Names())
    return groups


def of_fitted(fitted: Fitted, names: Names, *, seed: int) -> dict[str, xr.Dataset]:
    """Everything that a fit knows: posterior, prior, both predictives, data, log likelihood."""
    model, groups = fitted.model, of_model(fitted.model, names)
    obs = fitted.table.observations(fitted.scales)
    chains = _chains(model)
    if isinstance(model, GraphModel | ProgramModel):
        n = n_components(model)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            y = replicated(fitted, torch.arange(n), generator)
            density = _log_likelihood(fitted, obs)
        groups["posterior_predictive"] = _cells(fitted, obs, _physical(fitted, obs, y), chains)
        groups["log_likelihood"] = _cells(fitted, obs, density, chains)
        if isinstance(fitted.prior, PropertyGraph | Program):
            groups |= _prior(fitted, fitted.prior, obs, n, names, seed)
    observed = _cells(fitted, obs, _physical(fitted, obs, obs.y[None]), 1)
    groups["observed_data"] = observed.isel(chain=0, draw=0, drop=True)
    return groups


def _prior(
    fitted: Fitted,
    prior: GenerativePrior,
    obs: Observations,
    n: int,
    names: Names,
    seed: int,
) -> dict[str, xr.Dataset]:
    """Draws of the parameters before data, and measurements of the same cells from them."""
    X = fitted.layout(fitted.table.materials, fitted.table.condition_values)
    rows, index = torch.unique(obs.rows, return_inverse=True)
    measured = replace(obs, rows=index, n_rows=len(rows))
    draws = prior.sample(X[rows], n, layout=fitted.layout, seed=seed)
    if isinstance(fitted.model, GraphModel):
        found = _of_graph(fitted.model.problem.joint.nodes, draws.parameters)
    else:
        found = _of_program(fitted.model, draws.parameters, draws.noise_sd)
    y = draws.measurements(measured, seed=spawn(seed, "noise"))
    return {
        "prior": found.dataset(1, names),
        "prior_predictive": _cells(fitted, obs, _physical(fitted, obs, y), 1),
    }


def _log_likelihood(fitted: Fitted, obs: Observations) -> Tensor:
    """Log density of every cell, model space, `S x k`: for a graph given the other cells.

    Given them and the hyper-parameters it is what leave-one-out wants of a model that integrates
    f; for a program it is the density given the sites.
    """
    model = fitted.model
    if isinstance(model, GraphModel):
        return left_out(model.conditioned).log_density
    X = fitted.layout(fitted.table.materials, fitted.table.condition_values)
    f = model.latent(X) if isinstance(model, ProgramModel) else torch.empty(0)
    return torch.stack([obs.log_density(f[s], model.inferred_noise_sd[s]) for s in range(len(f))])


def _of_graph(nodes: Sequence[NodePrior], hyper: Mapping[str, Tensor]) -> _Parameters:
    """Hyper-parameters by kind: noise by property, weights by term, slopes by edge ..."""
    values = {"noise": torch.stack([hyper[node.noise] for node in nodes], -1)}
    dims: dict[str, tuple[str, ...]] = {"noise": ("property",)}
    coords: Coords = {"property": (("property",), [node.name for node in nodes])}
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
        "term": (on_term, [f"{n.name}: {n.terms[t].label}" for n, t in terms]),
        "term_property": (on_term, [n.name for n, _ in terms]),
        "network": (on_term, [n.terms[t].features.label for n, t in terms]),
        "group": (on_term, [n.terms[t].group for n, t in terms]),
        "feature": (on_feature, [f"{n.name}: {n.terms[t].lengthscales[i]}" for n, t, i in ells]),
        "feature_property": (on_feature, [n.name for n, _, _ in ells]),
        "edge": (("edge",), [f"{nodes[parent].name} -> {n.name}" for n, parent, _ in edges]),
        "computed": (("computed",), [node.name for node in kappas]),
    }
    return _Parameters(values, dims, coords)


def _of_program(model: PropertyModel, draws: Mapping[str, Tensor], noise_sd: Tensor) -> _Parameters:
    """Sites as they are, and the noise by property."""
    coords: Coords = {"property": (("property",), list(model.properties))}
    if "noise" in draws:
        return _Parameters(dict(draws), {}, coords)
    return _Parameters({**draws, "noise": noise_sd}, {"noise": ("property",)}, coords)


def _chains(model: PropertyModel) -> int:
    """Chains that the kept draws can be told apart into: all, or one if they are uneven."""
    if not isinstance(model, ProgramModel):
        return 1
    of = model.run.kept(model.n_draws) // model.run.n_draws
    counts = torch.bincount(of, minlength=model.run.n_chains)
    return model.run.n_chains if bool((counts == counts[0]).all()) else 1


def _cells(fitted: Fitted, obs: Observations, values: Tensor, chains: int) -> xr.Dataset:
    """Values of the cells, `N x k`, labelled by material, property and unit."""
    rows, columns = obs.rows.tolist(), obs.columns.tolist()
    props = [fitted.table.properties[j] for j in columns]
    on = ("cell",)
    coords: Coords = {
        "cell": (on, [str(i) for i in range(len(rows))]),
        "material": (on, [fitted.table.materials[i] for i in rows]),
        "property": (on, [prop.name for prop in props]),
        "unit": (on, [prop.unit for prop in props]),
    }
    return dataset({"y": _folded(values, chains)}, {"y": on}, coords)


def _physical(fitted: Fitted, obs: Observations, y: Tensor) -> Tensor:
    """Values of the cells in the properties' units."""
    out = torch.empty_like(y)
    for j, scale in enumerate(fitted.scales):
        at = obs.columns == j
        out[:, at] = scale.to_physical(y[:, at])
    return out


def _folded(values: Tensor, chains: int) -> np.ndarray:
    array = values.detach().numpy()
    return array.reshape(chains, len(array) // chains, *array.shape[1:])
