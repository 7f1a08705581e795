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
from bayesmat.models.answers import Labels, Parameters
from bayesmat.models.base import Fitted
from bayesmat.models.model import GenerativePrior, PropertyModel

__all__ = ["Names", "dataset", "of_fitted", "of_model", "of_run"]

Coords = dict[str, Labels]


@dataclass(frozen=True)
class Names:
    """Names that a user gives: variable -> dimensions, dimension -> labels."""

    dims: Mapping[str, Sequence[str]] = field(default_factory=dict)
    coords: Mapping[str, Sequence[str]] = field(default_factory=dict)


def dataset(
    arrays: Mapping[str, np.ndarray],
    dims: Mapping[str, Sequence[str]],
    coords: Mapping[str, Labels],
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
    found = model.labelled()
    groups = {"posterior": _labelled(found, names)}
    if found.stats:
        stats = {k: _folded(v, found.chains) for k, v in found.stats.items()}
        groups["sample_stats"] = dataset(stats, {}, {})
    return groups


def of_fitted(fitted: Fitted, names: Names, *, seed: int) -> dict[str, xr.Dataset]:
    """Everything that a fit knows: posterior, prior, both predictives, data, log likelihood."""
    model = fitted.model.complete()
    groups, chains = of_model(model, names), model.labelled().chains
    obs = fitted.table.observations(fitted.scales)
    n = len(model.noise_sd)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        y = model.replicate(torch.arange(n), generator)
        density = model.pointwise
    groups["posterior_predictive"] = _cells(fitted, obs, _physical(fitted, obs, y), chains)
    groups["log_likelihood"] = _cells(fitted, obs, density, chains)
    if isinstance(fitted.prior, GenerativePrior):
        groups |= _of_prior(fitted, fitted.prior, n, names, seed)
    observed = _cells(fitted, obs, _physical(fitted, obs, obs.y[None]), 1)
    groups["observed_data"] = observed.isel(chain=0, draw=0, drop=True)
    return groups


def _of_prior(
    fitted: Fitted, prior: GenerativePrior, n: int, names: Names, seed: int
) -> dict[str, xr.Dataset]:
    """Draws of the parameters before data, and measurements of the same cells from them."""
    obs = fitted.table.observations(fitted.scales)
    X = fitted.layout(fitted.table.rows)
    rows, index = torch.unique(obs.rows, return_inverse=True)
    measured = replace(obs, rows=index, n_rows=len(rows))
    draws = prior.sample(X[rows], n, layout=fitted.layout, seed=seed)
    y = draws.measurements(measured, seed=spawn(seed, "noise"))
    return {
        "prior": _labelled(fitted.model.labelled(draws), names),
        "prior_predictive": _cells(fitted, obs, _physical(fitted, obs, y), 1),
    }


def _labelled(found: Parameters, names: Names) -> xr.Dataset:
    """Draws folded into chains; what the user names goes first."""
    arrays = {k: _folded(v, found.chains) for k, v in found.values.items()}
    labels: Coords = {k: ((k,), list(v)) for k, v in names.coords.items()}
    return dataset(arrays, {**found.dims, **names.dims}, {**found.coords, **labels})


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
