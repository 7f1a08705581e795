"""What tells one prior from another: settings, source text and weights, as JSON to be hashed."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import FunctionType, MappingProxyType

from torch import Tensor

from bayesmat.errors import ModelError
from bayesmat.features.conditions import ConditionMap
from bayesmat.models.computed import Computed
from bayesmat.sources.embedding import CompositeMap, FeatureMap

__all__ = ["UNHASHED", "content", "described"]

UNHASHED = MappingProxyType({"hashed": False})  # metadata of a field that a digest leaves out


def described(value: object) -> object:
    """A JSON-able description of a frozen configuration; feature maps by their content hash."""
    if isinstance(value, FeatureMap | CompositeMap | ConditionMap):
        return value.digest
    if isinstance(value, Computed):
        settings = [getattr(value, field.name) for field in fields(value)[1:]]
        return ["Computed", value.features.digest, *settings]
    if isinstance(value, tuple):
        return [described(v) for v in value]
    if is_dataclass(value):
        hashed = [f.name for f in fields(value) if f.metadata != UNHASHED]
        pairs = [[name, described(getattr(value, name))] for name in hashed]
        return [type(value).__name__, *pairs]
    return value


def content(value: object, depth: int = 2) -> object:
    """A JSON-able description of what a digest must notice."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        data = value.detach().cpu().contiguous().numpy()
        return [str(data.dtype), list(data.shape), hashlib.sha256(data.tobytes()).hexdigest()]
    if isinstance(value, list | tuple) and depth:
        return [content(v, depth - 1) for v in value]
    if isinstance(value, Mapping) and depth:
        return [[str(k), content(v, depth - 1)] for k, v in value.items()]
    if isinstance(value, FunctionType) and depth:
        try:
            text = textwrap.dedent(inspect.getsource(value))
        except OSError as error:
            raise ModelError(
                f"the source text of {value.__name__!r} cannot be read, so that a campaign could "
                "not tell this program from another: write it in a file or a notebook cell."
            ) from error
        outside = inspect.getclosurevars(value)
        names = {**outside.globals, **outside.nonlocals}
        return [text, [[k, content(names[k], depth - 1)] for k in sorted(names)]]
    return f"{type(value).__module__}.{type(value).__qualname__}"
