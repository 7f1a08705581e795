"""Pyramid networks trained together, each with its own early stopping."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from bayesmat._arguments import seed_of, settle
from bayesmat._bounds import at_least
from bayesmat.errors import ModelError

from .checkpoint import Checkpoint, fingerprint
from .networks import PyramidNetwork, PyramidSpec, masked_loss
from .scales import InputScale, TargetScale

__all__ = ["Schedule", "train_pyramids"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast networks are trained: AdamW with a one-cycle learning rate.

    Attributes:
        epochs: Passes over the data, at most.
        patience: Epochs without a better one on the validation rows after which a network stops;
            None lets it go to the end.
        learning_rate: The highest of the cycle.
        batch: Rows of a step.
        weight_decay: Of AdamW.
        balance: A label of a task with n labels weighs `n^-balance`: with 0 a task of 12,000
            labels outvotes one of 60, with 1 all tasks count alike.
    """

    epochs: int = 20
    patience: int | None = None
    learning_rate: float = 4e-3
    batch: int = 256
    weight_decay: float = 1e-2
    balance: float = 0.5

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 1, "epochs", "batch")
        if self.patience is not None and self.patience < 1:
            raise ModelError(f"patience is {self.patience}: give at least one epoch, or None.")


def train_pyramids(
    X: Tensor,
    Y: Tensor,
    specs: Sequence[PyramidSpec],
    *,
    seed: int,
    schedule: Schedule | None = None,
    validation: Tensor | None = None,
    checkpoint: Path | None = None,
    progress: bool = False,
) -> tuple[PyramidNetwork, ...]:
    """Train networks of different shapes at once on the labelled cells of a table.

    Hidden layers are zero-padded to a common width, so that a step is one wide matrix product
    and a few batched ones; padding stays exactly zero under AdamW, so each network is the one
    it would be if trained alone. AdamW, one-cycle learning rate, Huber loss on standardised labels,
    float32. Deterministic for a seed and a number of threads.

    Args:
        X: Features of the source materials, `n x D`, finite.
        Y: Labels, `n x m`, NaN where there is none; log-transformed already where wanted.
        specs: Shape of each network, the share of columns that it reads, and its tasks.
        seed: Seed of the order of the batches, which all networks share.
        schedule: Epochs, patience, learning rate; `Schedule()` by default.
        validation: Rows that are not trained on (`n` bool): each network keeps the weights of the
            epoch that predicted these best.
        checkpoint: File that keeps the state every ten seconds, and from which an interrupted
            training goes on to the same weights; it is removed at the end.
        progress: Show a progress bar.

    Returns:
        One frozen network per spec.

    Raises:
        ModelError: Shapes disagree, `X` is not finite, a task has no scale, patience has no
            validation rows, or the checkpoint is of another training.
    """
    seed, schedule = seed_of(seed), schedule or Schedule()
    held = torch.zeros(len(X), dtype=torch.bool) if validation is None else validation.bool()
    _check(X, Y, specs, held, schedule)
    inputs, targets = InputScale.fit(X[~held]), TargetScale.fit(Y[~held])
    x = inputs(X.double()).float()
    y = ((Y.double() - targets.loc) / targets.scale).float()
    balance = _balance(y[~held], schedule.balance)
    key = fingerprint(x, y, held, (tuple(specs), seed, schedule))
    store = Checkpoint(checkpoint, key)
    depths = sorted({len(spec.widths) for spec in specs})
    steps = schedule.epochs * -(-int((~held).sum()) // schedule.batch) * len(depths)
    title = f"training {len(specs)} networks"
    networks: dict[int, PyramidNetwork] = {}
    with tqdm(total=steps, desc=title, disable=not progress, leave=False) as bar:
        for depth in depths:
            of_depth = [k for k, spec in enumerate(specs) if len(spec.widths) == depth]
            pyramids = PaddedPyramids([specs[k] for k in of_depth], x, balance)
            run = _Run(pyramids, x, y, held, seed, schedule)
            run.optimise(store.part(f"{depth}"), bar)
            for place, k in enumerate(of_depth):
                used, tasks = pyramids.columns[place], pyramids.tasks[place]
                networks[k] = PyramidNetwork(
                    pyramids.unpadded(place), inputs.part(used), targets.part(tasks)
                )
    store.remove()
    for network in networks.values():
        _remember_population(network, X[~held])
    return tuple(networks[k] for k in range(len(specs)))


def _remember_population(network: PyramidNetwork, X: Tensor) -> None:
    hidden = [network.preactivation(X, i) for i in range(len(network.widths))]
    parts = {"unit": hidden, "relu": [h.relu() for h in hidden], "output": [network(X)]}
    for name, columns in parts.items():
        scale, mean = torch.std_mean(torch.cat(columns, 1), 0, correction=0)
        getattr(network, f"{name}_loc").copy_(mean)
        getattr(network, f"{name}_scale").copy_(torch.where(scale > 1e-9, scale, 1.0))


class _Run:
    """The training of the networks of one depth."""

    def __init__(
        self,
        pyramids: PaddedPyramids,
        x: Tensor,
        y: Tensor,
        held: Tensor,
        seed: int,
        plan: Schedule,
    ) -> None:
        self.pyramids, self.x, self.y, self.plan = pyramids, x, y, plan
        self.rows, self.held = torch.nonzero(~held).flatten(), torch.nonzero(held).flatten()
        self.patience = plan.epochs if plan.patience is None else plan.patience
        self.steps = -(-len(self.rows) // plan.batch)
        self.optimiser: torch.optim.Optimizer = torch.optim.AdamW(
            pyramids.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
        )
        self.schedule: torch.optim.lr_scheduler.LRScheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, plan.learning_rate, total_steps=plan.epochs * self.steps + 1
        )
        self.order = torch.Generator().manual_seed(seed)
        self.best = {name: p.detach().clone() for name, p in pyramids.named_parameters()}
        self.lowest = torch.full((len(pyramids.specs),), torch.inf)
        self.waited = torch.zeros(len(pyramids.specs), dtype=torch.int64)
        self.epoch = 0

    def optimise(self, store: Checkpoint, bar: tqdm[Any]) -> None:
        """Go through the epochs that are left, then take the best weights of each network."""
        if store.restore(self):
            bar.update(self.epoch * self.steps)
        while self.epoch < self.plan.epochs and bool((self.waited < self.patience).any()):
            active = (self.waited < self.patience).float()
            total = 0.0
            for some in torch.randperm(len(self.rows), generator=self.order).split(self.plan.batch):
                rows = self.rows[some]
                losses = masked_loss(
                    self.pyramids(self.x[rows]), self.y[rows], self.pyramids.weights
                )
                self.optimiser.zero_grad()
                (losses * active).sum().backward()
                self.optimiser.step()
                self.schedule.step()
                total += float(losses.detach().mean()) * len(rows)
                bar.update()
            self.epoch += 1
            self._judge()
            bar.set_postfix(loss=f"{total / len(self.rows):.3f}")
            _LOGGER.debug("epoch %d: mean training loss %.4f", self.epoch, total / len(self.rows))
            store.keep(self)
        bar.update((self.plan.epochs - self.epoch) * self.steps)
        if len(self.held):
            with torch.no_grad():
                for name, parameter in self.pyramids.named_parameters():
                    parameter.copy_(self.best[name])

    def _judge(self) -> None:
        """Keep the weights of networks that predict the held-out rows better than ever."""
        if not len(self.held):
            return
        with torch.no_grad():
            found = self.pyramids.plain(self.x[self.held])
            losses = masked_loss(found, self.y[self.held], self.pyramids.weights)
            better = (losses < self.lowest) & (self.waited < self.patience)
            self.lowest = torch.where(better, losses, self.lowest)
            self.waited = torch.where(better, 0, self.waited + 1)
            for name, parameter in self.pyramids.named_parameters():
                mask = self.pyramids.of_network(name, better)
                self.best[name] = torch.where(mask, parameter, self.best[name])


class PaddedPyramids(nn.Module):
    """K networks of one depth as zero-padded stacks of weights; only used while training."""

    def __init__(self, specs: Sequence[PyramidSpec], x: Tensor, balance: Tensor) -> None:
        super().__init__()
        n_tasks = len(balance)
        self.specs = tuple(specs)
        depth = len(specs[0].widths)
        self.sizes = [[x.shape[1], *spec.widths, n_tasks] for spec in specs]
        self.columns = [spec.columns(x.shape[1]) for spec in specs]
        self.tasks = [list(range(n_tasks) if s.tasks is None else s.tasks) for s in specs]
        padded = [max(sizes[level] for sizes in self.sizes) for level in range(depth + 2)]
        weights = [torch.zeros(len(specs), a, b) for a, b in pairwise(padded)]
        self.generators = [torch.Generator().manual_seed(spec.seed) for spec in specs]
        for k, sizes in enumerate(self.sizes):
            # Sparse inputs have far fewer active columns than columns: their mean squared norm is
            # the fan-in that keeps the first layer's variance at one.
            read = x[:, self.columns[k]]
            energy = float(read.double().square().sum(1).mean().clamp_min(1e-12))
            for level, (a, b) in enumerate(pairwise(sizes)):
                fan_in = energy if level == 0 else a
                gain = 1.0 if level == depth else 2.0
                draw = torch.randn(a, b, generator=self.generators[k])
                weights[level][k, :a, :b] = draw * (gain / fan_in) ** 0.5
        self.width = padded[1]
        unread = torch.ones(len(specs), x.shape[1], dtype=torch.bool)
        self.weights = torch.zeros(len(specs), 1, n_tasks)
        for k in range(len(specs)):
            unread[k, self.columns[k]] = False
            self.weights[k, 0, self.tasks[k]] = balance[self.tasks[k]]
        reads = (~unread).T[:, :, None].expand(-1, -1, self.width).reshape(x.shape[1], -1)
        self.reads = None if bool(reads.all()) else reads.float()
        first = weights[0].permute(1, 0, 2).reshape(x.shape[1], -1).contiguous()
        self.first = nn.Parameter(first if self.reads is None else first * self.reads)
        self.rest = nn.ParameterList(weights[1:])
        self.biases = nn.ParameterList(torch.zeros(len(specs), 1, b) for b in padded[1:])

    def forward(self, x: Tensor) -> Tensor:
        """`b x d` to `K x b x m`, with dropout."""
        return self._through(x, dropped=True)

    def plain(self, x: Tensor) -> Tensor:
        """`b x d` to `K x b x m`, as the trained networks will predict."""
        return self._through(x, dropped=False)

    def _through(self, x: Tensor, *, dropped: bool) -> Tensor:
        n_nets, _, width = self.biases[0].shape
        first = self.first if self.reads is None else self.first * self.reads
        h = (x @ first).view(len(x), n_nets, width).permute(1, 0, 2) + self.biases[0]
        for level, (weight, bias) in enumerate(zip(self.rest, self.biases[1:], strict=True)):
            h = torch.relu(h)
            h = torch.baddbmm(bias, h * self._kept(len(x), level) if dropped else h, weight)
        return h

    def _kept(self, rows: int, level: int) -> Tensor:
        masks = torch.zeros(len(self.specs), rows, self.biases[level].shape[-1])
        for k, (spec, generator) in enumerate(zip(self.specs, self.generators, strict=True)):
            width = spec.widths[level]
            kept = torch.rand(rows, width, generator=generator) >= spec.dropout
            masks[k, :, :width] = kept / (1.0 - spec.dropout)
        return masks

    def of_network(self, name: str, chosen: Tensor) -> Tensor:
        """Which entries of a parameter belong to the chosen networks (`K` bool), to broadcast."""
        return chosen.repeat_interleave(self.width) if name == "first" else chosen[:, None, None]

    def unpadded(self, k: int) -> list[tuple[Tensor, Tensor]]:
        """Weights `out x in` and biases `out` of network `k`, without the padding, copied."""
        first = self.first[self.columns[k], k * self.width : (k + 1) * self.width]
        weights = [first, *(w[k] for w in self.rest)]
        sizes = [len(self.columns[k]), *self.sizes[k][1:]]
        pairs = [
            (weights[i][:a, :b].detach().T.clone(), self.biases[i][k, 0, :b].detach().clone())
            for i, (a, b) in enumerate(pairwise(sizes))
        ]
        weight, bias = pairs[-1]
        return [*pairs[:-1], (weight[self.tasks[k]], bias[self.tasks[k]])]


def _balance(y: Tensor, power: float) -> Tensor:
    """Weight of the labels of each task, 1 on average over the labels."""
    n = (~y.isnan()).sum(0).double().clamp_min(1.0)
    weights = n**-power
    return (weights * n.sum() / (weights * n).sum()).float()


def _check(
    X: Tensor, Y: Tensor, specs: Sequence[PyramidSpec], held: Tensor, plan: Schedule
) -> None:
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y):
        raise ModelError(
            f"X is {tuple(X.shape)} and Y is {tuple(Y.shape)}: both must be matrices with one "
            "row per material."
        )
    if not len(specs):
        raise ModelError("there is no network to train: give at least one spec.")
    bad = torch.nonzero(~X.isfinite().all(1)).flatten().tolist()
    if bad:
        raise ModelError(f"rows {bad[:10]} of X ({len(bad)} in all) are not finite.")
    if Y.isinf().any():
        raise ModelError("Y holds infinite labels; use NaN for a cell that was not measured.")
    if len(held) != len(X) or bool(held.all()):
        raise ModelError(
            f"validation marks {int(held.sum())} of {len(held)} rows, and X has {len(X)}: mark "
            "some rows, one mark for each row of X."
        )
    if plan.patience is not None and not bool(held.any()):
        raise ModelError(
            f"patience {plan.patience} has no rows to judge by: mark some as validation."
        )
    unknown = [s.tasks for s in specs if s.tasks and max(s.tasks) >= Y.shape[1]]
    if unknown:
        raise ModelError(f"the tasks {unknown} are asked of a Y with {Y.shape[1]} columns.")
