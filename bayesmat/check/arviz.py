"""The bridge to ArviZ: the one file that imports it.

Written for ArviZ 0.23 and 1.x: groups are built as plain xarray datasets, and only the container
(InferenceData or DataTree) depends on the version.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from bayesmat.errors import InferenceError
from bayesmat.inference.smc import SMCRun, systematic_resample
from bayesmat.models.report import FitReport

with warnings.catch_warnings():
    # ArviZ 0.23 announces 1.0 at every import; both are supported here.
    warnings.simplefilter("ignore", FutureWarning)
    import arviz

__all__ = ["to_arviz"]

_IS_TREE = int(arviz.__version__.split(".")[0]) >= 1


def to_arviz(
    draws: Mapping[str, Any] | SMCRun[Any] | FitReport,
    *,
    dims: Mapping[str, Sequence[str]] | None = None,
    coords: Mapping[str, Sequence[str]] | None = None,
    log_likelihood: Tensor | np.ndarray | None = None,
    log_weights: Tensor | None = None,
    chains: bool = False,
    seed: int = 0,
) -> Any:
    """Turn draws into ArviZ's container, for its plots, summaries and model comparison.

    Weighted particles are resampled (systematically, with `seed`) to equal weights first, because
    ArviZ has no weights. Particles of an SMC run form one chain of exchangeable draws: R-hat says
    little about them; run the sampler several times and stack the runs as chains instead.

    Args:
        draws: Name -> draws of shape `S x ...` (`C x S x ...` when `chains`); or an SMC run whose
            particles are such a mapping or a tensor; or a fit report, whose hyper-parameters and
            shares of variance are shown.
        dims: Name -> names of the dimensions after the draw, such as ("material", "property").
        coords: Dimension -> labels, such as {"property": ("gap",)}.
        log_likelihood: Pointwise log likelihood, `S x n` (`C x S x n`), for LOO.
        log_weights: Log weights of the draws, `S`; equal when not given.
        chains: Whether the first dimension counts chains.
        seed: Seed of the resampling of weighted particles.

    Returns:
        `arviz.InferenceData` with ArviZ 0.x, `xarray.DataTree` with ArviZ 1.x.

    Raises:
        InferenceError: Draws disagree in number, or labels do not fit the shapes.

    >>> data = to_arviz({"rho": torch.zeros(8)})
    >>> dict(data["posterior"].sizes)
    {'chain': 1, 'draw': 8}
    """
    arrays = {name: _array(value, chains) for name, value in _named(draws).items()}
    if log_likelihood is not None:
        arrays["\0y"] = _array(log_likelihood, chains)
    _check_same_draws(arrays)
    if log_weights is not None:
        generator = torch.Generator().manual_seed(seed)
        rows = systematic_resample(log_weights, generator).numpy()
        arrays = {name: array[:, rows] for name, array in arrays.items()}
    pointwise = arrays.pop("\0y", None)
    groups: dict[str, Any] = {"posterior": _dataset(arrays, dims or {}, coords or {})}
    if pointwise is not None:
        groups["log_likelihood"] = _dataset({"y": pointwise}, {"y": ("cell",)}, {})
    return _container(groups)


def _container(groups: dict[str, Any]) -> Any:
    return xr.DataTree.from_dict(groups) if _IS_TREE else arviz.InferenceData(**groups)


def _named(draws: Any) -> dict[str, Any]:
    if isinstance(draws, SMCRun):
        draws = draws.particles
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
        f"{type(draws).__name__} holds no draws that ArviZ could show. Give a mapping from names "
        "to draws, an SMC run over tensors, or a fit report."
    )


def _array(value: Any, chains: bool) -> np.ndarray:
    array = np.asarray(torch.as_tensor(value).detach().to(torch.float64))
    array = array if chains else array[None]
    if array.ndim < 2:
        raise InferenceError(
            f"Draws have shape {array.shape}; with chains=True they need at least (chains, draws)."
        )
    return array


def _check_same_draws(arrays: Mapping[str, np.ndarray]) -> None:
    shapes = {name: array.shape[:2] for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        named = {name.replace("\0y", "log_likelihood"): shape for name, shape in shapes.items()}
        raise InferenceError(
            f"Draws disagree in (chains, draws): {named}. They must come from one run; thin or "
            "cut them to the same number."
        )


def _dataset(
    arrays: Mapping[str, np.ndarray],
    dims: Mapping[str, Sequence[str]],
    coords: Mapping[str, Sequence[str]],
) -> xr.Dataset:
    variables = {}
    used: set[str] = set()
    for name, array in arrays.items():
        default = [f"{name}_dim_{i}" for i in range(array.ndim - 2)]
        inner = tuple(dims.get(name, default))
        if len(inner) != array.ndim - 2:
            raise InferenceError(
                f"{name!r} has {array.ndim - 2} dimensions after the draw, but dims names "
                f"{list(inner)}. Give one name each."
            )
        for dim, size in zip(inner, array.shape[2:], strict=True):
            if dim in coords and len(coords[dim]) != size:
                raise InferenceError(
                    f"{name!r} has {size} entries along {dim!r}, but coords has "
                    f"{len(coords[dim])} labels. Give one label each."
                )
        variables[name] = (("chain", "draw", *inner), array)
        used.update(inner)
    first = next(iter(arrays.values()))
    labels = {dim: list(values) for dim, values in coords.items() if dim in used}
    index = {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    return xr.Dataset(variables, coords={**index, **labels})
