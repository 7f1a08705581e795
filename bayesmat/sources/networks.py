"""Random pyramid networks: small, differently shaped regressors, trained together."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from bayesmat._arguments import seed_of, settle
from bayesmat.errors import ModelError

from .scales import InputScale, TargetScale

__all__ = [
    "PyramidNetwork",
    "PyramidSpec",
    "masked_loss",
    "train_pyramids",
]

LEARNING_RATE = 4e-3
BATCH_SIZE = 256
WEIGHT_DECAY = 1e-2
HUBER_DELTA = 2.0

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class PyramidSpec:
    """Shape of one network: hidden widths, the share of units dropped and its own seed.

    Attributes:
        widths: Units of each hidden layer, first to last.
        dropout: Probability with which a hidden unit is dropped in training.
        seed: Seed of the initial weights and of the dropout masks of this network alone, so
            that a network does not change when others are trained beside it.
    """

    widths: tuple[int, ...]
    dropout: float = 0.1
    seed: int = 0

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

    @classmethod
    def random(
        cls,
        seed: int,
        ranges: Sequence[tuple[int, int]] = ((192, 256), (48, 96), (12, 28)),
        dropout: float = 0.1,
    ) -> PyramidSpec:
        """Draw the widths uniformly, each from its own range (both ends included).

        Random shapes make an ensemble diverse: the basis of shotgun transfer learning
        (Yamada et al. 2019, doi:10.1021/acscentsci.9b00804).

        >>> PyramidSpec.random(0).widths == PyramidSpec.random(0).widths
        True
        """
        seed = seed_of(seed)
        rng = np.random.default_rng(seed)
        widths = tuple(int(rng.integers(low, high + 1)) for low, high in ranges)
        return cls(widths, dropout, seed)


def masked_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean Huber loss over the labelled cells of each network.

    `l(r) = r^2 / 2` up to `|r| = 2` and linear beyond: tables of measured properties hold
    misprints of many standard deviations, and a squared error would be spent on them.

    Args:
        prediction: `K x b x m`, standardised.
        target: `b x m`, standardised, NaN where there is no label.

    Returns:
        `K` losses; 0 where the batch has no label at all.
    """
    known = ~target.isnan()
    residual = torch.where(known, prediction - target.nan_to_num(), 0.0)
    size = residual.abs()
    cells = torch.where(
        size <= HUBER_DELTA, 0.5 * size**2, HUBER_DELTA * (size - 0.5 * HUBER_DELTA)
    )
    return cells.sum((-2, -1)) / known.sum().clamp_min(1)


class PyramidNetwork(nn.Module):
    """A trained, frozen multi-task perceptron with its input and target scaling inside.

    It also remembers the mean and standard deviation of every hidden unit (`unit_loc`,
    `unit_scale`, all layers in a row) over the materials that it was trained on.

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
        units = sum(self.widths)
        self.register_buffer("unit_loc", torch.zeros(units, dtype=torch.float64))
        self.register_buffer("unit_scale", torch.ones(units, dtype=torch.float64))
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


def train_pyramids(
    X: Tensor,
    Y: Tensor,
    specs: Sequence[PyramidSpec],
    *,
    seed: int,
    epochs: int = 20,
    progress: bool = False,
) -> tuple[PyramidNetwork, ...]:
    """Train networks of different shapes at once on the labelled cells of a table.

    Hidden layers are zero-padded to a common width, so that a step is one wide matrix product
    and a few batched ones; padding stays exactly zero under AdamW, so each network is the one
    it would be if trained alone. AdamW, one-cycle learning rate up to 4e-3, batches of 256,
    Huber loss on standardised labels. Deterministic for a seed and a number of threads.

    Args:
        X: Features of the source materials, `n x D`, finite.
        Y: Labels, `n x m`, NaN where there is none; log-transformed already where wanted.
        specs: Shape of each network.
        seed: Seed of the order of the batches, which all networks share.
        epochs: Passes over the data.
        progress: Show a progress bar.

    Returns:
        One frozen network per spec.

    Raises:
        ModelError: Shapes disagree, `X` is not finite, or a task has no scale.
    """
    seed = seed_of(seed)
    _check(X, Y, specs)
    inputs, targets = InputScale.fit(X), TargetScale.fit(Y)
    x = inputs(X.double()).float()
    y = ((Y.double() - targets.loc) / targets.scale).float()
    pyramids = _PaddedPyramids(specs, x, y.shape[1])
    _optimise(pyramids, x, y, seed=seed, epochs=epochs, progress=progress)
    networks = tuple(
        PyramidNetwork(pyramids.unpadded(k), inputs, targets) for k in range(len(specs))
    )
    for network in networks:
        _remember_population(network, X)
    return networks


def _remember_population(network: PyramidNetwork, X: Tensor) -> None:
    layers = range(len(network.widths))
    moments = [torch.std_mean(network.preactivation(X, i), 0, correction=0) for i in layers]
    scale = torch.cat([sd for sd, _ in moments])
    network.unit_loc.copy_(torch.cat([mean for _, mean in moments]))
    network.unit_scale.copy_(torch.where(scale > 1e-9, scale, 1.0))


def _optimise(
    pyramids: _PaddedPyramids, x: Tensor, y: Tensor, *, seed: int, epochs: int, progress: bool
) -> None:
    steps = epochs * -(-len(x) // BATCH_SIZE)
    optimiser = torch.optim.AdamW(
        pyramids.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps + 1)
    order = torch.Generator().manual_seed(seed)
    title = f"training {len(pyramids.specs)} networks"
    with tqdm(total=steps, desc=title, disable=not progress, leave=False) as bar:
        for epoch in range(epochs):
            total = 0.0
            for rows in torch.randperm(len(x), generator=order).split(BATCH_SIZE):
                losses = masked_loss(pyramids(x[rows]), y[rows])
                optimiser.zero_grad()
                losses.sum().backward()
                optimiser.step()
                schedule.step()
                total += float(losses.detach().mean()) * len(rows)
                bar.update()
            bar.set_postfix(loss=f"{total / len(x):.3f}")
            _LOGGER.debug("epoch %d: mean training loss %.4f", epoch, total / len(x))


class _PaddedPyramids(nn.Module):
    """K networks as zero-padded stacks of weights; only used while training."""

    def __init__(self, specs: Sequence[PyramidSpec], x: Tensor, n_tasks: int) -> None:
        super().__init__()
        self.specs = tuple(specs)
        depth = len(specs[0].widths)
        self.sizes = [[x.shape[1], *spec.widths, n_tasks] for spec in specs]
        padded = [max(sizes[level] for sizes in self.sizes) for level in range(depth + 2)]
        weights = [torch.zeros(len(specs), a, b) for a, b in pairwise(padded)]
        self.generators = [torch.Generator().manual_seed(spec.seed) for spec in specs]
        # Sparse inputs have far fewer active columns than columns: their mean squared norm is
        # the fan-in that keeps the first layer's variance at one.
        energy = float(x.double().square().sum(1).mean().clamp_min(1e-12))
        for k, sizes in enumerate(self.sizes):
            for level, (a, b) in enumerate(pairwise(sizes)):
                fan_in = energy if level == 0 else a
                gain = 1.0 if level == depth else 2.0
                draw = torch.randn(a, b, generator=self.generators[k])
                weights[level][k, :a, :b] = draw * (gain / fan_in) ** 0.5
        first = weights[0].permute(1, 0, 2).reshape(x.shape[1], -1).contiguous()
        self.first = nn.Parameter(first)
        self.rest = nn.ParameterList(weights[1:])
        self.biases = nn.ParameterList(torch.zeros(len(specs), 1, b) for b in padded[1:])

    def forward(self, x: Tensor) -> Tensor:
        """`b x d` to `K x b x m`, with dropout."""
        n_nets, _, width = self.biases[0].shape
        h = (x @ self.first).view(len(x), n_nets, width).permute(1, 0, 2) + self.biases[0]
        for level, (weight, bias) in enumerate(zip(self.rest, self.biases[1:], strict=True)):
            h = torch.baddbmm(bias, torch.relu(h) * self._kept(len(x), level), weight)
        return h

    def _kept(self, rows: int, level: int) -> Tensor:
        masks = torch.zeros(len(self.specs), rows, self.biases[level].shape[-1])
        for k, (spec, generator) in enumerate(zip(self.specs, self.generators, strict=True)):
            width = spec.widths[level]
            kept = torch.rand(rows, width, generator=generator) >= spec.dropout
            masks[k, :, :width] = kept / (1.0 - spec.dropout)
        return masks

    def unpadded(self, k: int) -> list[tuple[Tensor, Tensor]]:
        """Weights `out x in` and biases `out` of network `k`, copied."""
        width = self.biases[0].shape[-1]
        weights = [self.first[:, k * width : (k + 1) * width], *(w[k] for w in self.rest)]
        sizes = self.sizes[k]
        return [
            (weights[i][:a, :b].detach().T.clone(), self.biases[i][k, 0, :b].detach().clone())
            for i, (a, b) in enumerate(pairwise(sizes))
        ]


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], dtype=torch.float64)
    layer.load_state_dict({"weight": weight.double(), "bias": bias.double()})
    return layer


def _check(X: Tensor, Y: Tensor, specs: Sequence[PyramidSpec]) -> None:
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y):
        raise ModelError(
            f"X is {tuple(X.shape)} and Y is {tuple(Y.shape)}: both must be matrices with one "
            "row per material."
        )
    if not len(specs) or len({len(spec.widths) for spec in specs}) != 1:
        raise ModelError("networks trained together need the same number of hidden layers.")
    bad = torch.nonzero(~X.isfinite().all(1)).flatten().tolist()
    if bad:
        raise ModelError(f"rows {bad[:10]} of X ({len(bad)} in all) are not finite.")
    if Y.isinf().any():
        raise ModelError("Y holds infinite labels; use NaN for a cell that was not measured.")
