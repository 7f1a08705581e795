"""A layer of a source network as a frozen module, and the feature maps that own one."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from bayesmat._arguments import settle
from bayesmat._counted import counted
from bayesmat._repr import Shown
from bayesmat.errors import ModelError
from bayesmat.features.base import Featurizer, Layout, function_of

from .networks import PyramidNetwork

__all__ = ["CompositeMap", "Embedding", "FeatureMap", "Features", "Layer", "state_digest"]

Layer = int | Literal["output"]


def state_digest(module: nn.Module) -> str:
    """SHA-256 of names, types, shapes and bytes of everything a module holds."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class Embedding(nn.Module):
    """A hidden layer of a network, or its predictions, as features: `(W h(x) + b - mean) / sd`.

    By default the linear output *before* the ReLU, as XenonPy's frozen featurizer takes it: no unit
    is dead outside the source population, the map stays differentiable and one-to-one with what
    the layer knows, and a kernel on it does not see a spike of zeros. Each unit is standardised
    with its mean and standard deviation over the source materials, so that lengthscales mean
    the same for every network and do not depend on the target data.

    The weights are a copy and never change; a model that fine-tunes holds its own weights and
    calls `torch.func.functional_call(embedding, theta, X)`.

    Args:
        network: A trained network.
        layer: Hidden layer, 0 = first, -1 = last; or "output", the predictions of its tasks.
        activated: Take what comes out of the ReLU.

    Raises:
        ModelError: The network has no such layer, or predictions are asked to be activated.
    """

    loc: Tensor
    scale: Tensor

    def __init__(
        self, network: PyramidNetwork, layer: Layer = -1, *, activated: bool = False
    ) -> None:
        super().__init__()
        depth = len(network.widths)
        self.layer: int | None = None
        if layer == "output":
            if activated:
                raise ModelError("predictions have no ReLU behind them: leave `activated` out.")
            units = slice(None)
        elif isinstance(layer, str) or not -depth <= layer < depth:
            raise ModelError(f"layer {layer} asked of a network with {depth} hidden layers.")
        else:
            self.layer = layer % depth
            start = sum(network.widths[: self.layer])
            units = slice(start, start + network.widths[self.layer])
        self.activated = activated
        self.network = copy.deepcopy(network)
        what = "output" if self.layer is None else "relu" if activated else "unit"
        self.register_buffer("loc", getattr(network, f"{what}_loc")[units].clone())
        self.register_buffer("scale", getattr(network, f"{what}_scale")[units].clone())
        self.requires_grad_(False)
        self.eval()

    @property
    def width(self) -> int:
        """Number of features k."""
        return len(self.loc)

    @property
    def digest(self) -> str:
        """Hash of the layer and of the weights as they are now."""
        where = "output" if self.layer is None else f"{self.layer}"
        where += "+" if self.activated else ""
        return hashlib.sha256(f"{where}:{state_digest(self)}".encode()).hexdigest()

    def forward(self, X: Tensor) -> Tensor:
        """Features of raw input columns.

        Args:
            X: `... x D`, the columns that the network was trained on.

        Returns:
            `... x k` float64.
        """
        if self.layer is None:
            return (self.network(X) - self.loc) / self.scale
        h = self.network.preactivation(X, self.layer)
        return ((h.relu() if self.activated else h) - self.loc) / self.scale


class Features(Protocol):
    """What a term of a node sees of a material: some columns of X as features.

    A `FeatureMap` reads the columns of featurizers, perhaps through an embedding, a `ConditionMap`
    those of a condition; a `CompositeMap` puts several side by side. Two with the same
    digest are the same function.
    """

    @property
    def label(self) -> str:
        """Name in reports."""
        ...

    @property
    def inputs(self) -> tuple[Featurizer, ...]:
        """The featurizers whose columns it reads."""
        ...

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the conditions whose columns it reads."""
        ...

    @property
    def parts(self) -> tuple[Features, ...]:
        """The maps that it consists of, in the order of their features."""
        ...

    @property
    def digest(self) -> str:
        """Hash of everything that the features depend on."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, `k`."""
        ...

    def columns(self, layout: Layout, X: Tensor) -> Tensor:
        """Features of the rows of X, `... x D` to `... x k`."""
        ...


@dataclass(frozen=True, repr=False)
class FeatureMap(Shown):
    """What a node of the graph sees of a material: columns of X, then perhaps an embedding.

    Attributes:
        inputs: Featurizers whose columns are read, in this order.
        embedding: Applied to these columns; without it they are the features.
        label: Name in reports; made from the inputs when left empty.
    """

    inputs: tuple[Featurizer, ...]
    embedding: Embedding | None = None
    label: str = ""

    def __post_init__(self) -> None:
        settle(self)
        if not self.inputs:
            raise ModelError("a feature map needs at least one featurizer.")
        if not self.label:
            names = "+".join(featurizer.id.split("(")[0] for featurizer in self.inputs)
            object.__setattr__(self, "label", names)

    @property
    def digest(self) -> str:
        """Hash of what the featurizers compute and of the embedding's weights."""
        parts = [function_of(featurizer) for featurizer in self.inputs]
        parts.append(self.embedding.digest if self.embedding is not None else "")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features: the featurizers' columns, or numbered units of the embedding."""
        if self.embedding is not None:
            return tuple(f"{self.label}[{i}]" for i in range(self.embedding.width))
        return tuple(name for featurizer in self.inputs for name in featurizer.names)

    @property
    def conditions(self) -> tuple[str, ...]:
        """None: it describes materials."""
        return ()

    @property
    def parts(self) -> tuple[FeatureMap, ...]:
        """Itself alone."""
        return (self,)

    def columns(self, layout: Layout, X: Tensor) -> Tensor:
        """Features of the rows of X.

        Args:
            layout: Says where each featurizer's block lies.
            X: `... x D` as made by `layout`.

        Returns:
            `... x k` float64.

        Raises:
            ModelError: The layout lacks one of the featurizers.
        """
        missing = [f.id for f in self.inputs if f.id not in layout.blocks]
        if missing:
            raise ModelError(
                f"the layout has no columns of {missing}, which {self.label!r} reads; build the "
                "layout from the inputs of all feature maps."
            )
        x = torch.cat([X[..., layout.blocks[f.id]] for f in self.inputs], dim=-1).double()
        return x if self.embedding is None else self.embedding(x)

    def _facts(self) -> dict[str, object]:
        inner = self.embedding
        made = "none" if inner is None else counted(inner.width, "feature")
        return {"label": self.label, "inputs": [f.id for f in self.inputs], "embedding": made}


@dataclass(frozen=True, eq=False, repr=False)
class CompositeMap(Shown):
    """Several feature maps side by side, as one set of features.

    Correlated source networks outvote the rest when each has a kernel of its own; side by side, one
    weight speaks for all of them.

    Attributes:
        parts: The maps, in this order; a composite among them is taken apart.
        label: Name in reports.

    Raises:
        ModelError: There is no map.
    """

    parts: tuple[Features, ...]
    label: str

    def __post_init__(self) -> None:
        settle(self)
        if not self.parts:
            raise ModelError(f"the composite map {self.label!r} needs at least one feature map.")
        object.__setattr__(self, "parts", tuple(part for m in self.parts for part in m.parts))

    @property
    def inputs(self) -> tuple[Featurizer, ...]:
        """The featurizers of all maps."""
        return tuple(featurizer for m in self.parts for featurizer in m.inputs)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions of all maps."""
        return tuple(dict.fromkeys(name for m in self.parts for name in m.conditions))

    @property
    def digest(self) -> str:
        """Hash of the digests of the maps."""
        text = "\n".join(m.digest for m in self.parts)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features of all maps."""
        return tuple(name for m in self.parts for name in m.names)

    def columns(self, layout: Layout, X: Tensor) -> Tensor:
        """Features of rows of X, shape `... x sum(k)`."""
        return torch.cat([m.columns(layout, X) for m in self.parts], -1)

    def _facts(self) -> dict[str, object]:
        return {"label": self.label, "parts": [m.label for m in self.parts]}
