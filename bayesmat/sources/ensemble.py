"""Ensembles of source networks: trained on a table, judged on held-out materials, stored."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from bayesmat._arguments import checked, seed_of
from bayesmat._counted import counted
from bayesmat._repr import Shown, table
from bayesmat.data.datasets import without_stereo
from bayesmat.data.table import PropertyTable
from bayesmat.errors import FeatureError, ModelError
from bayesmat.features.base import Featurizer, Layout, function_of

from .checkpoint import fingerprint, finished, keep_finished
from .embedding import Embedding, FeatureMap
from .family import Family, is_descriptor
from .judging import judged
from .networks import PyramidNetwork, PyramidSpec, networks_of
from .training import Schedule, train_pyramids

__all__ = ["SourceEnsemble", "assembled", "train"]

_HELD_OUT, _VALIDATION = 0.1, 0.1
_CHUNK = 512

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, repr=False)
class SourceEnsemble(Shown):
    """Trained source networks, and a hidden layer of each as a feature map.

    Attributes:
        networks: The networks, families in order.
        feature_maps: One for each network: its featurizers and a hidden layer.
        card: JSON-able: tasks with units and held-out errors, versions, data hash, seed,
            number of excluded materials.
    """

    networks: tuple[PyramidNetwork, ...]
    feature_maps: tuple[FeatureMap, ...]
    card: Mapping[str, Any]

    @property
    def descriptors(self) -> Featurizer | None:
        """What to read where the networks know nothing: the richest descriptors among their inputs.

        None if they read fingerprints alone, or if the card says that there is no fallback.
        """
        if not self.card.get("fallback", True):
            return None
        every = {f.id: f for m in self.feature_maps for f in m.inputs if is_descriptor(f)}
        return max(every.values(), key=lambda f: len(f.names), default=None)

    @property
    def digest(self) -> str:
        """Hash of all feature maps."""
        text = "\n".join(feature_map.digest for feature_map in self.feature_maps)
        return hashlib.sha256(text.encode()).hexdigest()

    def __str__(self) -> str:
        rows = [
            f"  {t['name']:18s} {t['n_test']:5d} held out: RMSE {t['rmse']:.4g}, "
            f"MAE {t['mae']:.4g} {t['unit']} (the mean: {t['rmse_mean']:.4g}, {t['mae_mean']:.4g})"
            for t in self.card["tasks"]
        ]
        head = (
            f"{self.card['name']}: {counted(len(self.networks), 'network')}, "
            f"{counted(self.card['n_train'], 'material')}"
        )
        return "\n".join([head, *rows])

    def _facts(self) -> dict[str, object]:
        tasks = [task["name"] for task in self.card["tasks"]]
        return {"name": self.card["name"], "networks": len(self.networks), "tasks": tasks}

    def _repr_html_(self) -> str:
        keys = ("name", "unit", "n_test", "rmse", "rmse_mean", "mae")
        heads = ("task", "unit", "held out", "RMSE", "RMSE of the mean", "MAE")
        rows = [[task[key] for key in keys] for task in self.card["tasks"]]
        return table(rows, heads, caption=str(self).splitlines()[0])


def train(
    table: PropertyTable,
    families: Sequence[Family],
    *,
    name: str = "",
    seed: int,
    schedule: Schedule | None = None,
    checkpoint: Path | None = None,
    progress: bool = False,
) -> SourceEnsemble:
    """Train an ensemble of source networks on a table of your own.

    A tenth of the materials (stereoisomers together) is held out and only used for the errors
    on the card, another tenth decides how long each network is trained. Properties on the log
    scale are learned as logarithms. Materials that a featurizer cannot describe are left out, and
    named on the card and in the log.

    Args:
        table: Continuous properties; NaN where not measured.
        families: Which networks.
        name: For the card and the labels.
        seed: Seed of shapes, initial weights, batches and the held-out split.
        schedule: How long and how fast; `Schedule(patience=5)` by default.
        checkpoint: File from which an interrupted training goes on.
        progress: Show progress bars.

    Returns:
        The ensemble.

    Raises:
        ModelError: The table has conditions, categories, or a property with too few labels.
    """
    table = checked(table, PropertyTable, "table")
    families, name = checked(families, tuple[Family, ...], "families"), checked(name, str, "name")
    seed = seed_of(seed)
    schedule = checked(schedule, Schedule | None, "schedule") or Schedule(patience=5)
    progress = checked(progress, bool, "progress")
    if table.conditions or any(prop.categories for prop in table.properties):
        raise ModelError(
            "source networks learn continuous properties of materials alone; select a table "
            "without conditions and without categorical properties."
        )
    layout = Layout([featurizer for family in families for featurizer in family.inputs])
    X, odd = _featurise(layout, table.materials, progress)
    table = table.subset(np.array([m not in odd for m in table.materials]))
    logs = torch.tensor([prop.scale == "log" for prop in table.properties])
    values = torch.tensor(table.values, dtype=torch.float64)
    Y = torch.where(logs, values.clamp_min(1e-300).log(), values)
    started = time.perf_counter()
    held, validation = map(torch.from_numpy, _held_out(table, seed))
    networks: list[PyramidNetwork] = []
    maps: list[FeatureMap] = []
    predictions: list[Tensor] = []
    for i, family in enumerate(families):
        x = FeatureMap(family.inputs).columns(layout, X)
        specs = family.specs(seed, len(networks), table.property_names)
        state = None if checkpoint is None else Path(f"{checkpoint}.{i}")
        trained = _family(
            (x[~held], Y[~held], validation[~held]), specs, seed, schedule, state, progress
        )
        networks += trained
        maps += _maps(trained, family, name)
        for spec, network in zip(specs, trained, strict=True):
            found = torch.full_like(Y, torch.nan)
            tasks = slice(None) if spec.tasks is None else list(spec.tasks)
            found[:, tasks] = network.predict(x)
            predictions.append(found)
    if checkpoint is not None:
        for kept in checkpoint.parent.glob(f"{checkpoint.name}.*.finished"):
            kept.unlink()
    card = _description(table, families, name=name, seed=seed, schedule=schedule)
    card["not_described"] = sorted(odd)
    card["n_train"] = int((~held & ~validation).sum())
    card["seconds"] = round(time.perf_counter() - started, 1)
    card["tasks"] = judged(table, Y, torch.stack(predictions), held, validation)
    return SourceEnsemble(tuple(networks), tuple(maps), card)


def _family(
    data: tuple[Tensor, Tensor, Tensor],
    specs: Sequence[PyramidSpec],
    seed: int,
    schedule: Schedule,
    state: Path | None,
    progress: bool,
) -> tuple[PyramidNetwork, ...]:
    """Train the networks of a family, or read them where an interrupted run had finished them."""
    X, Y, validation = data
    key = fingerprint(X, Y, validation, (tuple(specs), seed, schedule))
    kept = None if state is None else Path(f"{state}.finished")
    known = None if kept is None else finished(kept, key)
    if known is not None:
        return known
    trained = train_pyramids(
        X, Y, specs, seed=seed, schedule=schedule, validation=validation, checkpoint=state,
        progress=progress,
    )  # fmt: skip
    if kept is not None:
        keep_finished(kept, key, trained)
    return trained


def assembled(
    tensors: Mapping[str, Tensor], families: Sequence[Family], card: Mapping[str, Any], source: str
) -> SourceEnsemble:
    """The ensemble of stored tensors.

    Args:
        tensors: As `networks.tensors_of` gives them.
        families: What the networks read.
        card: What is said of them.
        source: Where they come from, for messages.

    Raises:
        ModelError: The families are not those of the card, or the tensors are no networks.
    """
    told = [(f["label"], f["size"], f["inputs"]) for f in card.get("families", ())]
    given = [(f.label, f.size, [function_of(i) for i in f.inputs]) for f in families]
    if told != given:
        raise ModelError(
            f"{source} was trained on {told}, not on {given}: features of other kinds or numbers "
            "would be read as if they were the same. Train again."
        )
    networks = networks_of(tensors)
    count = sum(family.size for family in families)
    if len(networks) != count:
        raise ModelError(f"{source} holds {len(networks)} networks, and its card says {count}.")
    maps: list[FeatureMap] = []
    for family in families:
        part = networks[len(maps) : len(maps) + family.size]
        maps += _maps(part, family, card["name"])
    return SourceEnsemble(networks, tuple(maps), card)


def _maps(networks: Sequence[PyramidNetwork], family: Family, name: str) -> list[FeatureMap]:
    prefix = f"{name}/{family.label}" if name else family.label
    return [
        FeatureMap(family.inputs, Embedding(network, family.layer), f"{prefix}-{i}")
        for i, network in enumerate(networks)
    ]


def _featurise(
    layout: Layout, materials: Sequence[str], progress: bool
) -> tuple[Tensor, frozenset[str]]:
    """X of the materials that have all features, and those that have not."""
    odd: set[str] = set()

    def described(some: Sequence[str]) -> list[Tensor]:
        try:
            return [layout(some)]
        except FeatureError:
            if len(some) == 1:
                odd.add(some[0])
                return []
            middle = len(some) // 2
            return described(some[:middle]) + described(some[middle:])

    starts = range(0, len(materials), _CHUNK)
    bar = tqdm(starts, desc="describing materials", disable=not progress, leave=False)
    found = [part for start in bar for part in described(materials[start : start + _CHUNK])]
    if not found:
        raise ModelError("no material has all features: choose featurizers of its kind.")
    if odd:
        _LOGGER.warning("%d materials have no features and are left out: %s", len(odd), sorted(odd))
    return torch.cat(found), frozenset(odd)


def _held_out(table: PropertyTable, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that judge, and rows that stop; stereoisomers together."""
    flat = table.kind == "smiles"
    groups = np.array([without_stereo(m) if flat else m for m in table.materials])
    unique = np.random.default_rng(seed).permutation(np.unique(groups))
    ends = np.cumsum([max(1, round(share * len(unique))) for share in (_HELD_OUT, _VALIDATION)])
    return np.isin(groups, unique[: ends[0]]), np.isin(groups, unique[ends[0] : ends[1]])


def _table_digest(table: PropertyTable) -> str:
    digest = hashlib.sha256("\n".join(table.materials).encode())
    digest.update("\n".join(map(str, table.properties)).encode())
    digest.update(np.ascontiguousarray(table.values).tobytes())
    return digest.hexdigest()


def _description(
    table: PropertyTable, families: Sequence[Family], *, name: str, seed: int, schedule: Schedule
) -> dict[str, Any]:
    return {
        "name": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "schedule": dataclasses.asdict(schedule),
        "data_sha256": _table_digest(table),
        "families": [
            {"label": f.label, "size": f.size, "inputs": [function_of(i) for i in f.inputs]}
            for f in families
        ],
        "versions": {p: version(p) for p in ("torch", "rdkit", "chemicals", "numpy")},
        "threads": torch.get_num_threads(),
    }
