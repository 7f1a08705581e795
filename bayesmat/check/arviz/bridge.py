"""The bridge to ArviZ: the one file that imports it.

Works with ArviZ 0.x and 1.x: groups are plain xarray datasets (made in `groups`), and only the
container (InferenceData or DataTree) depends on the version.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from bayesmat._arguments import array, checked, seed_of
from bayesmat.errors import InferenceError
from bayesmat.inference.grid import HyperPosterior
from bayesmat.inference.report import InferenceRun
from bayesmat.inference.smc import SMCRun, systematic_resample
from bayesmat.models.base import Fitted
from bayesmat.models.model import PropertyModel
from bayesmat.models.report import FitReport

from .groups import Coords, Names, dataset, of_fitted, of_model, of_run

with warnings.catch_warnings():
    # ArviZ 0.23 announces 1.0 at every import; both are supported here.
    warnings.simplefilter("ignore", FutureWarning)
    import arviz

__all__ = ["to_arviz"]

_IS_TREE = int(arviz.__version__.split(".")[0]) >= 1
Drawn = (
    Mapping[str, Any]
    | Fitted
    | PropertyModel
    | InferenceRun
    | HyperPosterior
    | FitReport
    | SMCRun[Any]
)


def to_arviz(
    draws: Drawn,
    *,
    dims: Mapping[str, Sequence[str]] | None = None,
    coords: Mapping[str, Sequence[str]] | None = None,
    log_likelihood: Tensor | np.ndarray | None = None,
    log_weights: Tensor | None = None,
    chains: bool = False,
    seed: int = 0,
) -> Any:
    """Turn a fit, a run or draws into ArviZ's container, for its plots, summaries and comparison.

    A fit gives the groups `posterior` (hyper-parameters by kind, or sites), `prior`,
    `posterior_predictive` and `prior_predictive` (new measurements of the same cells),
    `observed_data`, `log_likelihood` and, for chains, `sample_stats`. Hyper-parameters of a graph
    are `noise` by property, `weight` by term (with its network), `lengthscale` by feature, `rho` by
    edge and `kappa` by property; cells carry the coordinates material, property and unit. Values
    are in physical units, log densities in model space (those of a graph given the other cells:
    `arviz.loo` is `bayesmat.check.loo`, but that what is left out still standardised the rest).

    `noise` is that of cells which do not state theirs. Its coordinate `noise_from` says of each
    property whether cells do: where all do ("stated"), no cell informs these draws, which are then
    as the prior has them and used by no prediction.

    All draws are there, also those that a model does not keep for predictions. ArviZ has no
    weights: weighted particles are resampled (systematically, with `seed`). A population is one
    chain of exchangeable draws, of which R-hat says little: stack several runs as chains instead.
    Not for plots that bayesmat has itself (`bayesmat.plots`).

    Args:
        draws: A fit, a model, a run of `NUTS`, `SMC` or `Laplace`, a hyper-parameter posterior, a
            fit report, an SMC run over tensors, or name -> draws of shape `S x ...` (`C x S x ...`
            when `chains`).
        dims: Name -> names of the dimensions after the draw, such as ("material", "property").
        coords: Dimension -> labels, such as {"property": ("gap",)}.
        log_likelihood: Pointwise log likelihood of given draws, `S x n` (`C x S x n`), for LOO.
        log_weights: Log weights of given draws, `S`; equal when not given.
        chains: Whether the first dimension of given draws counts chains.
        seed: Seeds simulated measurements, prior draws and the resampling of weighted particles.

    Returns:
        `arviz.InferenceData` with ArviZ 0.x, `xarray.DataTree` with ArviZ 1.x.

    Raises:
        InferenceError: Draws disagree in number, or labels do not fit the shapes.

    >>> data = to_arviz({"rho": torch.zeros(8)})
    >>> dict(data["posterior"].sizes)
    {'chain': 1, 'draw': 8}
    """
    seed, chains = seed_of(seed), checked(chains, bool, "chains")
    dims, coords = checked(dims, Mapping | None, "dims"), checked(coords, Mapping | None, "coords")
    names = Names(dims or {}, coords or {})
    knows = isinstance(draws, Fitted | PropertyModel | InferenceRun)
    if knows and not (log_likelihood is None and log_weights is None and not chains):
        raise InferenceError(
            f"{type(draws).__name__} brings its own chains, weights and densities: log_likelihood, "
            "log_weights and chains are for bare draws by name."
        )
    if isinstance(draws, Fitted):
        return _container(of_fitted(draws, names, seed=seed))
    if isinstance(draws, PropertyModel):
        return _container(of_model(draws.complete(), names))
    if isinstance(draws, InferenceRun):
        return _container(of_run(draws, names))
    arrays = {name: _array(value, chains) for name, value in _named(draws).items()}
    if log_likelihood is not None:
        arrays["\0y"] = _array(log_likelihood, chains)
    _check_same_draws(arrays)
    if log_weights is not None:
        generator = torch.Generator().manual_seed(seed)
        rows = systematic_resample(log_weights, generator).numpy()
        arrays = {name: array[:, rows] for name, array in arrays.items()}
    pointwise = arrays.pop("\0y", None)
    labels: Coords = {dim: ((dim,), list(values)) for dim, values in names.coords.items()}
    groups = {"posterior": dataset(arrays, names.dims, labels)}
    if pointwise is not None:
        groups["log_likelihood"] = dataset({"y": pointwise}, {"y": ("cell",)}, {})
    return _container(groups)


def _container(groups: dict[str, Any]) -> Any:
    return xr.DataTree.from_dict(groups) if _IS_TREE else arviz.InferenceData(**groups)


def _named(draws: Any) -> dict[str, Any]:
    if isinstance(draws, SMCRun):
        draws = draws.particles
    if isinstance(draws, HyperPosterior):
        return {"u": draws.u}
    if isinstance(draws, FitReport):
        shares = {
            f"{name}: share of {group}": particles
            for name, groups in draws.shares.items()
            for group, particles in groups.items()
        }
        return {**draws.hyper, **shares}
    if isinstance(draws, Tensor):
        return {"particles": draws}
    if isinstance(draws, Mapping):
        return dict(draws)
    raise InferenceError(
        f"{type(draws).__name__} holds no draws that ArviZ could show. Give a fit, a model, a run, "
        "a fit report, or a mapping from names to draws."
    )


def _array(value: Any, chains: bool) -> np.ndarray:
    found = array(value, "draws")
    found = found if chains else found[None]
    if found.ndim < 2:
        raise InferenceError(
            f"Draws have shape {found.shape}; with chains=True they need at least (chains, draws)."
        )
    return found


def _check_same_draws(arrays: Mapping[str, np.ndarray]) -> None:
    shapes = {name: array.shape[:2] for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        named = {name.replace("\0y", "log_likelihood"): shape for name, shape in shapes.items()}
        raise InferenceError(
            f"Draws disagree in (chains, draws): {named}. They must come from one run; thin or "
            "cut them to the same number."
        )
