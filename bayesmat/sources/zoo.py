"""Stored ensembles of source networks, each with a card that says what it is worth."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor
from tqdm.auto import tqdm

from bayesmat._arguments import checked, seed_of, settle
from bayesmat._repr import Shown, table
from bayesmat.data.cache import cache_dir
from bayesmat.data.datasets import chemicals_table, without_stereo
from bayesmat.data.files import read_card, write_card
from bayesmat.data.materials import canonical_all
from bayesmat.data.table import PropertyTable
from bayesmat.errors import DataError, ModelError
from bayesmat.features.base import Featurizer, Layout, function_of
from bayesmat.features.molecule import ECFP, CheapDescriptors

from .embedding import Embedding, FeatureMap
from .networks import PyramidNetwork, PyramidSpec
from .training import Schedule, train_pyramids

__all__ = ["Family", "SourceEnsemble", "load", "load_from", "names", "save", "train"]

_LOGGER = logging.getLogger(__name__)
_RECIPE = 2  # raise it when the same call would train something else
_HELD_OUT = 0.1
_CHUNK = 512


@dataclass(frozen=True)
class Family:
    """Networks that read the same features.

    Attributes:
        label: For the card and the labels of the feature maps.
        inputs: Featurizers.
        size: How many networks.
        layer: Hidden layer that becomes the features, -1 = last. The last layer keeps little
            but the source properties; the one before it keeps more of the molecule, which
            helps a target that is unlike them.
    """

    label: str
    inputs: tuple[Featurizer, ...]
    size: int
    layer: int = -2

    def __post_init__(self) -> None:
        settle(self)


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
            f"{self.card['name']}: {len(self.networks)} networks, {self.card['n_train']} materials"
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


def names() -> tuple[str, ...]:
    """Names that `load` knows."""
    return tuple(_RECIPES)


def load(
    name: str = "molecule/starter",
    *,
    exclude: Collection[str] = (),
    seed: int = 0,
    progress: bool = True,
) -> SourceEnsemble:
    """A stored ensemble; trained once, in about a minute, when the cache does not have it.

    `"molecule/starter"`: six random-pyramid networks trained jointly on nine measured
    properties of 20,000 organic molecules (`chemicals_table`), three reading fingerprints and
    cheap descriptors, three the descriptors only. Features are the middle hidden layers (48 to
    96 units each).

    Leakage: the networks have seen the *source* labels of molecules that may be in your table.
    That is how transfer is used in practice; when you report an error on held-out molecules of
    a property close to the sources, name these molecules in `exclude`, which trains (and
    caches) an ensemble that never saw them or their stereoisomers.

    Args:
        name: See `names`.
        exclude: SMILES of molecules that the networks must not have seen.
        seed: Seed of shapes, initial weights, batches and the held-out split.
        progress: Show progress bars while training.

    Returns:
        The ensemble with its card.

    Raises:
        ModelError: Unknown name.
        MaterialError: `exclude` holds strings that are not SMILES; all are listed.
        DataError: The cached files are damaged; the message says what to delete.
    """
    name, exclude, seed = (
        checked(name, str, "name"),
        checked(exclude, tuple[str, ...], "exclude"),
        seed_of(seed),
    )
    progress = checked(progress, bool, "progress")
    if name not in _RECIPES:
        raise ModelError(f"there is no source ensemble {name!r}; known: {', '.join(_RECIPES)}.")
    families = _RECIPES[name]
    excluded = sorted(
        {without_stereo(smiles) for smiles in canonical_all(sorted(exclude), "smiles")}
    )
    key = [_RECIPE, name, seed, excluded, version("chemicals"), version("rdkit")]
    key += [(f.label, f.size, [i.id for i in f.inputs]) for f in families]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
    card = cache_dir() / "zoo" / f"{name.replace('/', '-')}-{digest}.json"
    if not card.exists():
        table = chemicals_table(progress=progress)
        forbidden = set(excluded)
        rows = [i for i, m in enumerate(table.materials) if without_stereo(m) not in forbidden]
        ensemble = train(table.subset(rows), families, name=name, seed=seed, progress=progress)
        if not card.exists():  # another process may have been faster
            save(ensemble, card)
    return load_from(card, families)


def train(
    table: PropertyTable,
    families: Sequence[Family],
    *,
    name: str = "",
    seed: int,
    epochs: int = 20,
    progress: bool = False,
) -> SourceEnsemble:
    """Train an ensemble of source networks on a table of your own.

    A tenth of the materials (stereoisomers together) is held out and only used for the errors
    on the card. Properties on the log scale are learned as logarithms.

    Args:
        table: Continuous properties; NaN where not measured.
        families: Which networks.
        name: For the card and the labels.
        seed: Seed of shapes, initial weights, batches and the held-out split.
        epochs: Passes over the data.
        progress: Show progress bars.

    Returns:
        The ensemble.

    Raises:
        ModelError: The table has conditions, categories, or a property with too few labels.
    """
    table = checked(table, PropertyTable, "table")
    families, name = checked(families, tuple[Family, ...], "families"), checked(name, str, "name")
    seed, epochs = seed_of(seed), checked(epochs, int, "epochs")
    progress = checked(progress, bool, "progress")
    if table.conditions or any(prop.categories for prop in table.properties):
        raise ModelError(
            "source networks learn continuous properties of materials alone; select a table "
            "without conditions and without categorical properties."
        )
    layout = Layout([featurizer for family in families for featurizer in family.inputs])
    X = _featurise(layout, table.materials, progress)
    logs = torch.tensor([prop.scale == "log" for prop in table.properties])
    values = torch.tensor(table.values, dtype=torch.float64)
    Y = torch.where(logs, values.clamp_min(1e-300).log(), values)
    held = torch.from_numpy(_held_out(table, seed))
    networks: list[PyramidNetwork] = []
    maps: list[FeatureMap] = []
    predictions: list[Tensor] = []
    for family in families:
        x = FeatureMap(family.inputs).columns(layout, X)
        specs = [
            PyramidSpec.random(_spec_seed(seed, len(networks) + i)) for i in range(family.size)
        ]
        trained = train_pyramids(
            x[~held], Y[~held], specs, seed=seed, schedule=Schedule(epochs), progress=progress
        )
        networks += trained
        maps += _maps(trained, family, name)
        predictions += [network.predict(x[held]) for network in trained]
    card = _description(table, families, name=name, seed=seed, epochs=epochs)
    card["n_train"] = int((~held).sum())
    card["tasks"] = _errors(table, Y, held, torch.stack(predictions))
    return SourceEnsemble(tuple(networks), tuple(maps), card)


def save(ensemble: SourceEnsemble, card: Path) -> None:
    """Store as safetensors beside a JSON card (`card`, ending in .json)."""
    ensemble = checked(ensemble, SourceEnsemble, "ensemble")
    card = checked(card, str | Path, "card")
    tensors = {
        f"{i}:{name}": tensor.contiguous()
        for i, network in enumerate(ensemble.networks)
        for name, tensor in network.state_dict().items()
    }
    write_card(card, {card.with_suffix(".safetensors"): save_tensors(tensors)}, ensemble.card)


def load_from(card: Path, families: Sequence[Family]) -> SourceEnsemble:
    """Read what `save` wrote.

    Args:
        card: Path of the JSON card.
        families: The families that the ensemble was trained with.

    Raises:
        DataError: A file is missing or damaged.
        ModelError: The families are not those of the card.
    """
    card = checked(card, str | Path, "card")
    families = checked(families, tuple[Family, ...], "families")
    content = read_card(card)
    content.pop("sha256")
    told = [(f["label"], f["size"], f["inputs"]) for f in content.get("families", ())]
    given = [(f.label, f.size, [function_of(i) for i in f.inputs]) for f in families]
    by_id = [(f.label, f.size, [i.id for i in f.inputs]) for f in families]  # earlier versions
    if told not in (given, by_id):
        raise ModelError(
            f"{card} was trained on {told}, not on {given}: features of other kinds or numbers "
            "would be read as if they were the same. Train again."
        )
    try:
        tensors = load_tensors(card.with_suffix(".safetensors").read_bytes())
    except Exception as error:  # safetensors raises its own untyped error
        raise DataError(f"the weights beside {card} cannot be read: {error}") from error
    states: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, field = key.partition(":")
        states.setdefault(int(index), {})[field] = tensor
    networks = tuple(PyramidNetwork.from_state(states[i]) for i in range(len(states)))
    maps: list[FeatureMap] = []
    for family in families:
        part = networks[len(maps) : len(maps) + family.size]
        maps += _maps(part, family, content["name"])
    return SourceEnsemble(networks, tuple(maps), content)


def _maps(networks: Sequence[PyramidNetwork], family: Family, name: str) -> list[FeatureMap]:
    prefix = f"{name}/{family.label}" if name else family.label
    return [
        FeatureMap(family.inputs, Embedding(network, family.layer), f"{prefix}-{i}")
        for i, network in enumerate(networks)
    ]


def _featurise(layout: Layout, materials: Sequence[str], progress: bool) -> Tensor:
    starts = range(0, len(materials), _CHUNK)
    bar = tqdm(starts, desc="describing materials", disable=not progress, leave=False)
    return torch.cat([layout(materials[start : start + _CHUNK]) for start in bar])


def _held_out(table: PropertyTable, seed: int) -> np.ndarray:
    flat = table.kind == "smiles"
    groups = np.array([without_stereo(m) if flat else m for m in table.materials])
    unique = np.unique(groups)
    size = max(1, round(_HELD_OUT * len(unique)))
    chosen = np.random.default_rng(seed).choice(unique, size, replace=False)
    return np.isin(groups, chosen)


def _spec_seed(seed: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])


def _table_digest(table: PropertyTable) -> str:
    digest = hashlib.sha256("\n".join(table.materials).encode())
    digest.update("\n".join(map(str, table.properties)).encode())
    digest.update(np.ascontiguousarray(table.values).tobytes())
    return digest.hexdigest()


def _description(
    table: PropertyTable, families: Sequence[Family], *, name: str, seed: int, epochs: int
) -> dict[str, Any]:
    return {
        "name": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "epochs": epochs,
        "data_sha256": _table_digest(table),
        "families": [
            {"label": f.label, "size": f.size, "inputs": [function_of(i) for i in f.inputs]}
            for f in families
        ],
        "versions": {p: version(p) for p in ("torch", "rdkit", "chemicals", "numpy")},
        "threads": torch.get_num_threads(),
    }


def _errors(
    table: PropertyTable, Y: Tensor, held: Tensor, predictions: Tensor
) -> list[dict[str, Any]]:
    """Held-out errors of the averaged networks in units, beside those of predicting the mean."""
    tasks: list[dict[str, Any]] = []
    for j, prop in enumerate(table.properties):
        seen = Y[~held, j]
        seen = seen[~seen.isnan()]
        truth = Y[held, j]
        known = ~truth.isnan()
        truth = truth[known]
        ours = predictions[:, known, j]
        back = torch.exp if prop.scale == "log" else torch.clone
        residual = back(ours.mean(0)) - back(truth)
        baseline = back(seen.mean()) - back(truth)
        each = (back(ours) - back(truth)).square().mean(1).sqrt()
        tasks.append(
            {
                "name": prop.name,
                "unit": prop.unit,
                "scale": prop.scale,
                "n_train": len(seen),
                "n_test": len(truth),
                "rmse": _number(residual.square().mean().sqrt()),
                "mae": _number(residual.abs().mean()),
                "rmse_mean": _number(baseline.square().mean().sqrt()),
                "mae_mean": _number(baseline.abs().mean()),
                "rmse_each": [_number(v) for v in each],
            }
        )
    return tasks


def _number(value: Tensor) -> float | None:
    return float(value) if bool(value.isfinite()) else None


_DESCRIPTORS = CheapDescriptors()
_RECIPES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "molecule/starter": (
            Family("fp", (ECFP(), _DESCRIPTORS), 3),
            Family("descriptors", (_DESCRIPTORS,), 3),
        )
    }
)
