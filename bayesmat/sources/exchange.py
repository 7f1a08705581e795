"""An ensemble as one file that can be given to anybody: tensors and a card, nothing that runs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safetensors import safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from bayesmat._arguments import checked
from bayesmat._files import write_atomically, writing
from bayesmat.errors import BayesmatError, DataError
from bayesmat.features.base import Featurizer
from bayesmat.features.composition import ElementStatistics, Magpie
from bayesmat.features.molecule import ECFP, MACCS, AtomPairs, CheapDescriptors, Descriptors2D
from bayesmat.features.polymer import RepeatUnitDescriptors, RepeatUnitECFP

from .embedding import state_digest
from .ensemble import SourceEnsemble, assembled
from .family import Family
from .networks import tensors_of

__all__ = ["described", "families_of", "read_file", "write_file"]

_FORMAT = "bayesmat source networks 1"
_KNOWN: Mapping[str, type[Any]] = MappingProxyType(
    {
        cls.__name__: cls
        for cls in (
            ECFP, MACCS, AtomPairs, CheapDescriptors, Descriptors2D, ElementStatistics, Magpie,
            RepeatUnitECFP, RepeatUnitDescriptors,
        )
    }
)  # fmt: skip


def described(featurizer: Featurizer) -> dict[str, Any] | None:
    """A featurizer of bayesmat by name and settings; None of the user's own.

    >>> described(ECFP(size=1024))["settings"]["size"]
    1024
    """
    name = type(featurizer).__name__
    if _KNOWN.get(name) is not type(featurizer):
        return None
    return {"type": name, "settings": dataclasses.asdict(featurizer)}  # type: ignore[call-overload]


def families_of(card: Mapping[str, Any]) -> tuple[Family, ...]:
    """The families that a card describes.

    Raises:
        DataError: The card is incomplete, or the networks read a featurizer that there is not.
    """
    try:
        return tuple(
            Family(
                str(f["label"]), tuple(map(_featurizer, f["featurizers"])), int(f["size"]),
                int(f["layer"]),
            )
            for f in card["families"]
        )  # fmt: skip
    except DataError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the card does not say completely what the networks read ({error!r}): it was written "
            "by another version, or changed."
        ) from error


def _featurizer(said: Mapping[str, Any] | None) -> Featurizer:
    if said is None:
        raise DataError(
            "the networks read a featurizer of somebody's own, which no file describes: name the "
            "families that they were trained with, read_file(path, families)."
        )
    name = str(said["type"])
    if name not in _KNOWN:
        raise DataError(
            f"the networks read {name!r}, which this version of bayesmat does not have: it has "
            f"{', '.join(_KNOWN)}."
        )
    made: Featurizer = _KNOWN[name](**said["settings"])
    return made


def write_file(ensemble: SourceEnsemble, path: Path | str) -> None:
    """Write networks and card into one file, ending in .safetensors.

    Featurizers of the user's own are not in it: whoever reads the file must name them.

    Raises:
        DataError: The file cannot be written.
    """
    ensemble, path = checked(ensemble, SourceEnsemble, "ensemble"), _named(path)
    card = dict(ensemble.card)
    card["families"] = [
        {**said, "layer": layer, "featurizers": [described(f) for f in inputs]}
        for said, (inputs, layer) in zip(card["families"], _by_family(ensemble), strict=True)
    ]
    card["weights_sha256"] = _weights(ensemble)
    text = json.dumps(card, allow_nan=False)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = tensors_of(ensemble.networks)
        write_atomically(path, save_tensors(tensors, {"format": _FORMAT, "card": text}))


def read_file(path: Path | str, families: Sequence[Family] | None = None) -> SourceEnsemble:
    """Read what `write_file` wrote; nothing of the file is executed, and nothing written.

    Args:
        path: The file.
        families: Those that the networks were trained with, where they read featurizers of the
            user's own.

    Raises:
        DataError: It is no such file, is damaged or was changed, or its featurizers are unknown.
        ModelError: Its featurizers give other numbers here than where the networks were trained,
            or the families are others.
    """
    path = _named(path)
    families = checked(families, tuple[Family, ...] | None, "families")
    tensors, said = _read(path)
    if said.get("format") != _FORMAT:
        raise DataError(
            f"{path} holds no source networks of bayesmat (format {said.get('format')!r}, expected "
            f"{_FORMAT!r}). Export them with `bayesmat zoo export`."
        )
    try:
        card = json.loads(said["card"])
        known = families_of(card) if families is None else families
        ensemble = assembled(tensors, known, card, str(path))
        told = card["weights_sha256"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, BayesmatError):
            raise
        raise DataError(
            f"the card in {path} cannot be read ({error!r}): it was changed."
        ) from error
    if _weights(ensemble) != told:
        raise DataError(
            f"the weights in {path} are not those of its card (their SHA-256 differs): it was "
            "damaged or changed. Get it again, or delete it: what the zoo trained is trained anew."
        )
    return ensemble


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.exists():
        raise DataError(f"there is no file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            said = dict(file.metadata() or {})
            return {name: file.get_tensor(name) for name in file.keys()}, said
    except Exception as error:  # safetensors raises its own untyped error
        raise DataError(
            f"{path} cannot be read as tensors ({error}): it was cut off, or is another kind of "
            "file. Get it again, or delete it: what the zoo trained is trained anew."
        ) from error


def _named(path: Path | str) -> Path:
    path = Path(path)
    if path.suffix != ".safetensors":
        raise DataError(f"{path} should end in .safetensors, as files of source networks do.")
    return path


def _by_family(ensemble: SourceEnsemble) -> Sequence[tuple[tuple[Featurizer, ...], int]]:
    """Inputs and layer of each family, in order."""
    found, at = [], 0
    for said in ensemble.card["families"]:
        first = ensemble.feature_maps[at]
        depth = len(ensemble.networks[at].widths)
        layer = first.embedding.layer if first.embedding is not None else None
        found.append((first.inputs, (depth - 1 if layer is None else layer) - depth))
        at += int(said["size"])
    return found


def _weights(ensemble: SourceEnsemble) -> str:
    digest = hashlib.sha256()
    for network in ensemble.networks:
        digest.update(state_digest(network).encode())
    return digest.hexdigest()
