"""What a fit is written as: records as JSON, their arrays as safetensors, in one file.

Nothing in the file is run. Records are of a closed list of frozen dataclasses, made again by their
constructors, which check them; a hash over everything notices a changed byte.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from bayesmat._files import write_atomically, writing
from bayesmat._repr import Shown
from bayesmat.data.table import Condition, Property, PropertyTable, Scale
from bayesmat.errors import BadCell, ModelError
from bayesmat.inference.grid import HyperPosterior
from bayesmat.inference.report import InferenceReport, InferenceRun
from bayesmat.inference.smc import Stage
from bayesmat.models.kernels import Prepared
from bayesmat.models.report import Ablation, FitReport, LeaveOneOut, Noise

__all__ = ["FORMAT", "StoredFit", "decode", "encode", "read", "write"]

FORMAT = 1


@dataclass(frozen=True, eq=False, repr=False)
class StoredFit(Shown):
    """What a file holds of a fit; its prior brings the rest.

    Attributes:
        digest: That of the prior.
        versions: Versions of the packages that its numbers depend on.
        properties: The properties of the prior.
        table: The table.
        scales: Map of each property to model space.
        report: What was fitted.
        state: What the prior makes the model from.
    """

    digest: str
    versions: Mapping[str, str]
    properties: tuple[str, ...]
    table: PropertyTable
    scales: tuple[Scale, ...]
    report: FitReport
    state: Mapping[str, Any]


_RECORDS = {
    kind.__name__: kind
    for kind in (
        Ablation, BadCell, Condition, FitReport, HyperPosterior, InferenceReport, InferenceRun,
        LeaveOneOut, Noise, Prepared, Property, PropertyTable, Scale, Stage, StoredFit,
    )
}  # fmt: skip


def encode(value: object, tensors: dict[str, Tensor]) -> object:
    """A value as JSON; its arrays are added to `tensors` and referred to by name.

    >>> tensors = {}
    >>> encode({"a": (1, math.inf, torch.ones(2))}, tensors)
    {'mapping': [['a', [1, {'float': 'inf'}, {'tensor': '0'}]]]}
    >>> decode(encode({"a": (1, math.inf)}, {}), {})
    {'a': (1, inf)}

    Raises:
        ModelError: Something is neither a number, text, an array, a record of a fit, nor a tuple or
            mapping of them.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else {"float": str(number)}
    if isinstance(value, Tensor):
        return {"tensor": _kept(value.detach().cpu(), tensors)}
    if isinstance(value, np.ndarray):
        return {"array": _kept(torch.from_numpy(value.copy()), tensors)}
    if isinstance(value, pd.DataFrame):
        parts = (list(value.columns), list(value.index), value.to_numpy(dtype=np.float64))
        return {"frame": encode(parts, tensors)}
    if isinstance(value, tuple | list):
        return [encode(item, tensors) for item in value]
    if isinstance(value, Mapping):
        return {"mapping": [[str(k), encode(v, tensors)] for k, v in value.items()]}
    name = type(value).__name__
    if is_dataclass(value) and _RECORDS.get(name) is type(value):
        content = {f.name: getattr(value, f.name) for f in fields(value)}
        return {"record": name, "fields": encode(content, tensors)}
    raise ModelError(
        f"a {name} cannot be written with a fit: keep numbers, text, tensors, arrays and mappings "
        "of them in the state of a model."
    )


def _kept(tensor: Tensor, tensors: dict[str, Tensor]) -> str:
    name = str(len(tensors))
    tensors[name] = tensor.clone(memory_format=torch.contiguous_format)
    return name


def decode(content: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `encode` was given; lists come back as tuples.

    Raises:
        KeyError, TypeError, ValueError: It was not written by `encode`.
    """
    if isinstance(content, list):
        return tuple(decode(item, tensors) for item in content)
    if not isinstance(content, dict):
        return content
    if "float" in content:
        return float(content["float"])
    if "tensor" in content:
        return tensors[content["tensor"]]
    if "array" in content:
        return tensors[content["array"]].numpy()
    if "frame" in content:
        columns, index, values = decode(content["frame"], tensors)
        return pd.DataFrame(values, index=list(index), columns=list(columns))
    if "mapping" in content:
        return {key: decode(item, tensors) for key, item in content["mapping"]}
    return _RECORDS[content["record"]](**decode(content["fields"], tensors))


def write(path: Path, fit: StoredFit) -> None:
    """Write whole or not at all; a file that is there is replaced in one step.

    Raises:
        ModelError: The file cannot be written there.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(encode(fit, tensors), allow_nan=False)
    about = {"bayesmat_fit": str(FORMAT), "content": text, "sha256": _hash(text, tensors)}
    with writing(path, ModelError, note="; what was there is as it was"):
        write_atomically(path, save(tensors, about))


def read(path: Path) -> StoredFit:
    """What was written.

    Raises:
        ModelError: There is no such file, it is no saved fit, of a later format, or damaged.
    """
    if not path.is_file():
        raise ModelError(f"there is no saved fit {path}: fitted.save(path) writes one.")
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} is not a saved fit, or only a part of one ({error}): give a file that "
            "fitted.save(path) wrote, or fit again."
        ) from error
    if "bayesmat_fit" not in about:
        raise ModelError(
            f"{path} holds tensors but no fit: give a file that fitted.save(path) wrote."
        )
    if about["bayesmat_fit"] != str(FORMAT):
        raise ModelError(
            f"{path} has the format {about['bayesmat_fit']!r} of another bayesmat; this one reads "
            f"{FORMAT}. Install the version that wrote it (or a later one), or fit again."
        )
    text = about.get("content", "")
    if about.get("sha256") != _hash(text, tensors):
        raise ModelError(
            f"{path} is not what was written there (its SHA-256 differs), so nothing computed from "
            "it could be trusted: take it from a backup, or fit again."
        )
    try:
        found = decode(json.loads(text), tensors)
        if not isinstance(found, StoredFit):
            raise TypeError(f"a {type(found).__name__} instead of a fit")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path} holds what this bayesmat cannot read ({error!r}): install the version that "
            "wrote it, or fit again."
        ) from error
    return found


def _hash(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
