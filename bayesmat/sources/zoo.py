"""The zoo of source networks: recipes by name, trained once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from importlib.metadata import version
from types import MappingProxyType

from bayesmat._arguments import checked, seed_of
from bayesmat.data.cache import cache_dir
from bayesmat.data.datasets import chemicals_table, without_stereo
from bayesmat.data.materials import canonical_all
from bayesmat.errors import ModelError
from bayesmat.features.molecule import ECFP, CheapDescriptors

from .ensemble import Family, SourceEnsemble, load_from, save, train

__all__ = ["Family", "SourceEnsemble", "load", "load_from", "names", "save", "train"]

_RECIPE = 3  # raise it when the same call would train something else


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


_DESCRIPTORS = CheapDescriptors()
_RECIPES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "molecule/starter": (
            Family("fp", (ECFP(), _DESCRIPTORS), 3),
            Family("descriptors", (_DESCRIPTORS,), 3),
        )
    }
)
