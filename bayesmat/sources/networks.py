"""Random pyramid networks: small, differently shaped regressors, trained together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bayesmat._arguments import seed_of, settle
from bayesmat.errors import ModelError

from .scales import InputScale, TargetScale

__all__ = [
    "PyramidNetwork",
    "PyramidSpec",
    "masked_loss",
    "networks_of",
    "tensors_of",
]

HUBER_DELTA = 2.0


@dataclass(frozen=True)
class PyramidSpec:
    """Shape of one network, what it reads and learns, and its own seed.

    Attributes:
        widths: Units of each hidden layer, first to last.
        dropout: Probability with which a hidden unit is dropped in training.
        seed: Seed of the columns that are read, the initial weights and the dropout masks of this
            network alone, so that it does not change when others are trained beside it.
        share: Share of the input columns that it reads, chosen at random.
        tasks: Columns of the labels that it learns; None for all.
    """

    widths: tuple[int, ...]
    dropout: float = 0.1
    seed: int = 0
    share: float = 1.0
    tasks: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        settle(self)
        seed_of(self.seed, "PyramidSpec(seed)")
        if not self.widths or min(self.widths) < 1:
            raise ModelError(
                f"widths {self.widths!r} describe no hidden layer; give at least one width >= 1, "
                "for example (224, 64, 16)."
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ModelError(f"dropout {self.dropout!r} is not a probability in [0, 1).")
        if not 0.0 < self.share <= 1.0:
            raise ModelError(f"share {self.share!r} of the columns is not in (0, 1].")
        if self.tasks is not None and (not self.tasks or min(self.tasks) < 0):
            raise ModelError(f"tasks {self.tasks!r} name no columns of labels; None is all.")

    @classmethod
    def random(
        cls,
        seed: int,
        *,
        depths: tuple[int, int] = (3, 6),
        first: tuple[int, int] = (128, 256),
        last: tuple[int, int] = (12, 28),
        shares: tuple[float, float] = (0.5, 1.0),
        dropout: float = 0.1,
    ) -> PyramidSpec:
        """Draw depth, first and last width and the share of columns; between, widths shrink.

        Random shapes make an ensemble diverse: the basis of shotgun transfer learning
        (Yamada et al. 2019, doi:10.1021/acscentsci.9b00804). All ranges include their ends.

        >>> spec = PyramidSpec.random(0)
        >>> 3 <= len(spec.widths) <= 6, list(spec.widths) == sorted(spec.widths, reverse=True)
        (True, True)
        """
        seed = seed_of(seed)
        rng = np.random.default_rng([seed, 7])
        depth = int(rng.integers(depths[0], depths[1] + 1))
        top, end = (int(rng.integers(low, high + 1)) for low, high in (first, last))
        steps = np.sort(rng.uniform(size=max(depth - 2, 0)))
        inner = [round(top * (end / top) ** float(step)) for step in steps]
        widths = (top, *inner, end)[:depth] if depth > 1 else (end,)
        return cls(widths, dropout, seed, float(rng.uniform(*shares)))

    def columns(self, d: int) -> Tensor:
        """Which of d input columns it reads, in order."""
        if self.share == 1.0:
            return torch.arange(d)
        rng = np.random.default_rng([self.seed, 11])
        n = max(1, round(self.share * d))
        return torch.from_numpy(np.sort(rng.choice(d, n, replace=False)))


def masked_loss(prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Weighted mean Huber loss over the labelled cells of each network.

    `l(r) = r^2 / 2` up to `|r| = 2` and linear beyond: tables of measured properties hold
    misprints of many standard deviations, and a squared error would be spent on them.

    Args:
        prediction: `K x b x m`, standardised.
        target: `b x m`, standardised, NaN where there is no label.
        weights: Of each task in each network, `K x 1 x m`, 0 for one that it does not learn; 1 by
            default.

    Returns:
        `K` losses; 0 where the batch has no label at all.
    """
    known = (~target.isnan()).to(prediction.dtype).expand(prediction.shape)
    known = known if weights is None else known * weights
    residual = prediction - target.nan_to_num()
    size = residual.abs()
    cells = torch.where(
        size <= HUBER_DELTA, 0.5 * size**2, HUBER_DELTA * (size - 0.5 * HUBER_DELTA)
    )
    total = known.sum((-2, -1))
    return (cells * known).sum((-2, -1)) / torch.where(total > 0, total, 1.0)


class PyramidNetwork(nn.Module):
    """A trained, frozen multi-task perceptron with its input and target scaling inside.

    It also remembers the mean and standard deviation over the materials that it was trained on: of
    every hidden unit before and behind its ReLU (`unit_loc`, `relu_loc`, all layers in a row), and
    of its standardised predictions (`output_loc`).

    Weights are kept in float64, so that what it returns does not depend on how many rows are
    asked for at once. They are parameters without gradient: a model that fine-tunes uses
    `torch.func.functional_call` with its own copies.
    """

    keep: Tensor
    log1p: Tensor
    input_loc: Tensor
    input_scale: Tensor
    target_loc: Tensor
    target_scale: Tensor
    unit_loc: Tensor
    unit_scale: Tensor
    relu_loc: Tensor
    relu_scale: Tensor
    output_loc: Tensor
    output_scale: Tensor

    def __init__(
        self, linears: Sequence[tuple[Tensor, Tensor]], inputs: InputScale, targets: TargetScale
    ) -> None:
        """Build from `(weight out x in, bias out)` pairs, the last one being the read-out."""
        super().__init__()
        self.layers = nn.ModuleList(_linear(weight, bias) for weight, bias in linears)
        for name, tensor in (
            ("keep", inputs.keep),
            ("log1p", inputs.log1p),
            ("input_loc", inputs.loc.double()),
            ("input_scale", inputs.scale.double()),
            ("target_loc", targets.loc.double()),
            ("target_scale", targets.scale.double()),
        ):
            self.register_buffer(name, tensor.clone())
        sizes = {"unit": sum(self.widths), "relu": sum(self.widths), "output": len(targets.loc)}
        for name, size in sizes.items():
            self.register_buffer(f"{name}_loc", torch.zeros(size, dtype=torch.float64))
            self.register_buffer(f"{name}_scale", torch.ones(size, dtype=torch.float64))
        self.requires_grad_(False)
        self.eval()

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> PyramidNetwork:
        """Rebuild from a `state_dict`."""
        depth = sum(name.endswith(".weight") for name in state)
        try:
            pairs = [(state[f"layers.{i}.weight"], state[f"layers.{i}.bias"]) for i in range(depth)]
            inputs = InputScale(*(state[k] for k in ("keep", "log1p", "input_loc", "input_scale")))
            targets = TargetScale(state["target_loc"], state["target_scale"])
            network = cls(pairs, inputs, targets)
            network.load_state_dict(dict(state))
        except (KeyError, RuntimeError, IndexError, ValueError) as error:
            raise ModelError(
                f"these tensors do not describe a pyramid network: {error}. They were stored by "
                "another version, or are not complete; train the network again."
            ) from error
        return network

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        linears = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        return tuple(layer.out_features for layer in linears[:-1])

    def preactivation(self, X: Tensor, layer: int = -1) -> Tensor:
        """Linear output of a hidden layer, before its ReLU.

        Args:
            X: Raw input columns, `... x D`.
            layer: Hidden layer, 0 = first, -1 = last.

        Returns:
            `... x width` float64.
        """
        depth = len(self.layers) - 1
        if not -depth <= layer < depth:
            raise ModelError(f"layer {layer} asked of a network with {depth} hidden layers.")
        if X.shape[-1] <= int(self.keep.max()):
            raise ModelError(
                f"X has {X.shape[-1]} columns, but the network reads column {int(self.keep.max())}:"
                " these are not the features that it was trained on."
            )
        scale = InputScale(self.keep, self.log1p, self.input_loc, self.input_scale)
        h = self.layers[0](scale(X.double()))
        for linear in self.layers[1 : layer % depth + 1]:
            h = linear(torch.relu(h))
        return h

    def forward(self, X: Tensor) -> Tensor:
        """Standardised predictions, `... x m`."""
        return self.layers[-1](torch.relu(self.preactivation(X)))

    def predict(self, X: Tensor) -> Tensor:
        """Predictions on the scale of the labels it was trained on, `... x m`."""
        return self.forward(X) * self.target_scale + self.target_loc


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], dtype=torch.float64)
    layer.load_state_dict({"weight": weight.double(), "bias": bias.double()})
    return layer


def tensors_of(networks: Sequence[PyramidNetwork]) -> dict[str, Tensor]:
    """All weights and scales, keyed by the number of the network and the name of the tensor.

    In float32 where that loses nothing: weights were trained in it.
    """

    def narrow(tensor: Tensor) -> Tensor:
        is_exact = tensor.is_floating_point() and torch.equal(tensor.float().double(), tensor)
        return tensor.float() if is_exact else tensor

    return {
        f"{i}:{name}": narrow(tensor).contiguous()
        for i, network in enumerate(networks)
        for name, tensor in network.state_dict().items()
    }


def networks_of(tensors: Mapping[str, Tensor]) -> tuple[PyramidNetwork, ...]:
    """The networks whose `tensors_of` these are.

    Raises:
        ModelError: They do not describe networks.
    """
    states: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        place, _, own = key.partition(":")
        states.setdefault(place, {})[own] = tensor
    if states.keys() != set(map(str, range(len(states)))):
        raise ModelError(f"networks are numbered from 0, and these tensors belong to {[*states]}.")
    return tuple(PyramidNetwork.from_state(states[str(i)]) for i in range(len(states)))
