"""The state of an interrupted training, without pickle."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from bayesmat._files import write_atomically
from bayesmat.errors import ModelError

from .networks import PyramidNetwork, networks_of, tensors_of

__all__ = ["Checkpoint", "fingerprint", "finished", "keep_finished"]

_EVERY_S = 10.0


class Training(Protocol):
    """What a training consists of, as far as it must be kept."""

    pyramids: Any
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    order: torch.Generator
    best: dict[str, Tensor]
    lowest: Tensor
    waited: Tensor
    epoch: int


def fingerprint(x: Tensor, y: Tensor, held: Tensor, rest: object) -> str:
    """Hash of everything that decides what a training ends with."""
    digest = hashlib.sha256(repr(rest).encode())
    for tensor in (x, y, held):
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    digest.update(str(torch.get_num_threads()).encode())
    return digest.hexdigest()


@dataclass
class Checkpoint:
    """A file with the state of a training, written every ten seconds.

    Attributes:
        path: The file; None keeps nothing.
        key: Fingerprint of the training: a file with another one is refused.
        name: Part of the training that it is about.
    """

    path: Path | None
    key: str
    name: str = ""
    _written: float = field(default_factory=time.monotonic)

    def part(self, name: str) -> Checkpoint:
        """The checkpoint of a part, in a file of its own."""
        path = None if self.path is None else self.path.with_name(f"{self.path.name}.{name}")
        return replace(self, path=path, name=name)

    def keep(self, run: Training) -> None:
        """Write the state, if the last time was ten seconds ago or the run is at its end."""
        if self.path is None or time.monotonic() - self._written < _EVERY_S:
            return
        tensors = {name: t.contiguous() for name, t in _tensors(run).items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, save(tensors, {"key": self.key, "epoch": str(run.epoch)}))
        self._written = time.monotonic()

    def restore(self, run: Training) -> bool:
        """Put a run into the state of the file; whether there was one.

        Raises:
            ModelError: It is of another training, or damaged.
        """
        kept = None if self.path is None else _read(self.path, self.key)
        if kept is None:
            return False
        _put(run, kept[0], int(kept[1]["epoch"]))
        return True

    def remove(self) -> None:
        """Delete the files of all parts: the training is at its end."""
        if self.path is not None:
            for file in self.path.parent.glob(f"{self.path.name}.*"):
                file.unlink()


def keep_finished(path: Path, key: str, networks: Sequence[PyramidNetwork]) -> None:
    """Keep networks whose training is at its end, while others of an ensemble are trained."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(tensors_of(networks), {"key": key}))


def finished(path: Path, key: str) -> tuple[PyramidNetwork, ...] | None:
    """What `keep_finished` wrote; None if there is nothing.

    Raises:
        ModelError: It is of another training, or damaged.
    """
    found = _read(path, key)
    return None if found is None else networks_of(found[0])


def _read(path: Path, key: str) -> tuple[dict[str, Tensor], dict[str, str]] | None:
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
            found = {name: file.get_tensor(name) for name in file.keys()}
    except Exception as error:  # safetensors raises its own untyped error
        raise ModelError(
            f"{path} should be the state of an interrupted training and cannot be read "
            f"({error}). Delete it: the training begins anew."
        ) from error
    if said.get("key") != key:
        raise ModelError(
            f"{path} is the state of another training (data, networks, seed, schedule or number "
            "of threads differ). Delete it, or name another file."
        )
    return found, said


def _tensors(run: Training) -> dict[str, Tensor]:
    found = {f"now.{name}": p.detach() for name, p in run.pyramids.named_parameters()}
    found |= {f"best.{name}": tensor for name, tensor in run.best.items()}
    found |= {"lowest": run.lowest, "waited": run.waited, "order": run.order.get_state()}
    found |= {f"masks.{k}": g.get_state() for k, g in enumerate(run.pyramids.generators)}
    for place, state in run.optimiser.state_dict()["state"].items():
        found |= {f"adam.{place}.{name}": torch.as_tensor(value) for name, value in state.items()}
    return found


def _put(run: Training, found: Mapping[str, Tensor], epoch: int) -> None:
    with torch.no_grad():
        for name, parameter in run.pyramids.named_parameters():
            parameter.copy_(found[f"now.{name}"])
    run.best = {name: found[f"best.{name}"] for name in run.best}
    run.lowest, run.waited, run.epoch = found["lowest"], found["waited"], epoch
    run.order.set_state(found["order"])
    for k, generator in enumerate(run.pyramids.generators):
        generator.set_state(found[f"masks.{k}"])
    state = run.optimiser.state_dict()
    for name, tensor in found.items():
        if name.startswith("adam."):
            _, place, field_name = name.split(".")
            state["state"].setdefault(int(place), {})[field_name] = tensor
    run.optimiser.load_state_dict(state)
    steps = int(found["adam.0.step"])
    run.schedule.load_state_dict({"last_epoch": steps - 1, "_step_count": steps})
    run.schedule.step()  # sets the learning rate of the next step
