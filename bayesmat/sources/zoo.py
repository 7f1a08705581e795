"""The zoo of source networks: recipes by name, shipped or trained once and kept."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import numpy as np

from bayesmat._arguments import checked, seed_of
from bayesmat.data.cache import cache_dir
from bayesmat.data.datasets import ORGANIC, chemicals_table, without_stereo
from bayesmat.data.materials import canonical_all
from bayesmat.data.public import fetch_url
from bayesmat.data.table import PropertyTable
from bayesmat.errors import DataError, ModelError
from bayesmat.features.molecule import ECFP, CheapDescriptors, Descriptors2D

from .ensemble import SourceEnsemble, train
from .exchange import read_file, write_file
from .family import Family
from .training import Schedule

__all__ = [
    "RECIPES", "Family", "Recipe", "SourceEnsemble", "build", "is_there", "keep", "load", "names",
    "read_file", "train", "write_file",
]  # fmt: skip

_RECIPE = 3  # raise it when the same call would train something else
_LOGGER = logging.getLogger(__name__)
_SHIPPED = Path(__file__).parent / "shipped"
MEASURED = tuple(name for name, origin in ORGANIC.items() if origin.kind != "estimated")


@dataclass(frozen=True)
class Recipe:
    """How an ensemble of the zoo is made.

    Attributes:
        about: What it is, in a sentence.
        tasks: Properties of `chemicals_table` that are learned.
        families: Which networks.
        fallback: Whether `Transfer` reads the networks' descriptors besides, for the case that the
            networks know nothing of the property. Not for designs: they reach beyond the table, and
            lines in descriptors reach with them.
        schedule: How long they are trained.
    """

    about: str
    tasks: tuple[str, ...]
    families: tuple[Family, ...]
    fallback: bool = True
    schedule: Schedule = field(default_factory=lambda: Schedule(25, patience=8))

    def provenance(self, *, excluded: int) -> dict[str, str | bool]:
        """What the card says of the data."""
        return {
            "about": self.about,
            "fallback": self.fallback,
            "source": f"tables of the Python package chemicals {version('chemicals')}",
            "licence": "MIT",
            "split": "a tenth of the molecules judges, a tenth stops; stereoisomers together",
            "excluded": f"{excluded} molecules",
        }

    def table(self, exclude: Collection[str], progress: bool) -> PropertyTable:
        """The materials with a measured label, without the excluded molecules in any stereo form.

        Properties that are left with fewer than 40 labels are left out.
        """
        table = chemicals_table(self.tasks, progress=progress)
        measured = [name in MEASURED for name in table.property_names]
        known = ~np.isnan(table.values[:, measured]).all(axis=1)
        forbidden = set(exclude)
        free = np.array([without_stereo(m) not in forbidden for m in table.materials])
        table = table.subset(known & free)
        enough = (~np.isnan(table.values)).sum(axis=0) >= _FEWEST
        return table.select([n for n, is_known in zip(self.tasks, enough, strict=True) if is_known])


_FEWEST = 40


def names() -> tuple[str, ...]:
    """Names that `load` knows: the recipes, and what was imported."""
    imported = sorted(path.stem for path in _imports().glob("*.safetensors"))
    return (*RECIPES, *(f"imported/{stem}" for stem in imported))


def is_there(name: str) -> bool:
    """Whether an ensemble is shipped, imported or trained already, with seed 0."""
    if name not in RECIPES:
        return name in names()
    return _shipped(name).exists() or _trained(name, 0, []).exists()


def keep(source: str | Path, name: str) -> SourceEnsemble:
    """Take an ensemble from a file or an address into the zoo, as "imported/NAME".

    Args:
        source: A .safetensors file that `write_file` made, or its address with the SHA-256 behind
            it, "https://example.org/networks.safetensors#sha256=...".
        name: Letters, digits, "-" and "_".

    Raises:
        DataError: The name cannot be, is taken, or the file is damaged, foreign or not to be had.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise DataError(f"{name!r} is no name: give letters, digits, '-' and '_', at most 64.")
    path = _imports() / f"{name}.safetensors"
    if path.exists():
        raise DataError(f"imported/{name} is there already: delete {path}, or give another name.")
    ensemble = _from_outside(str(source))
    write_file(ensemble, path)
    return ensemble


def _imports() -> Path:
    return cache_dir() / "zoo" / "imported"


def _from_outside(source: str) -> SourceEnsemble:
    """An ensemble of a file, or of an address with its SHA-256."""
    if not re.match(r"https?://", source):
        return read_file(source)
    address, _, digest = source.partition("#sha256=")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise DataError(
            f"{source} does not say what it should be: put #sha256= and the 64 hexadecimal digits "
            "of its SHA-256 behind the address, as `bayesmat zoo export` prints them."
        )
    return read_file(fetch_url(address, digest))


def load(
    name: str = "molecule/starter",
    *,
    exclude: Collection[str] = (),
    seed: int = 0,
    progress: bool = True,
) -> SourceEnsemble:
    """An ensemble of the zoo: shipped with the package, or trained once and kept in the cache.

    `"molecule/starter"` is shipped: random-pyramid networks that read fingerprints and fast
    descriptors and learned 48 measured properties of 23,000 organic molecules (`chemicals_table`).
    `"molecule/full"` is trained in some minutes when it is first asked for: more networks, which
    read the 200 descriptors of RDKit (3 ms a molecule). Features are the last hidden layers.

    Leakage: the networks have seen the *source* labels of molecules that may be in your table.
    That is how transfer is used in practice; when you report an error on held-out molecules of
    a property close to the sources, name these molecules in `exclude`, which trains (and
    caches) an ensemble that never saw them or their stereoisomers.

    Args:
        name: See `names`; or a .safetensors file, or its address with "#sha256=..." behind it.
        exclude: SMILES of molecules that the networks must not have seen.
        seed: Seed of shapes, initial weights, batches and the held-out split.
        progress: Show progress bars while training.

    Returns:
        The ensemble with its card.

    Raises:
        ModelError: Unknown name.
        MaterialError: `exclude` holds strings that are not SMILES; all are listed.
        DataError: The stored files are damaged; the message says what to delete.
    """
    name, exclude, seed = (
        checked(name, str, "name"),
        checked(exclude, tuple[str, ...], "exclude"),
        seed_of(seed),
    )
    progress = checked(progress, bool, "progress")
    if name not in RECIPES:
        return _kept(name, exclude)
    excluded = sorted(
        {without_stereo(smiles) for smiles in canonical_all(sorted(exclude), "smiles")}
    )
    shipped, trained = _shipped(name), _trained(name, seed, excluded)
    if shipped.exists() and not excluded and seed == 0:
        try:
            return read_file(shipped)
        except ModelError as error:
            _LOGGER.warning("%s is trained anew, as features give other numbers: %s", name, error)
    if not trained.exists():
        ensemble = build(name, exclude=excluded, seed=seed, progress=progress)
        if not trained.exists():  # another process may have been faster
            write_file(ensemble, trained)
    return read_file(trained)


def _kept(name: str, exclude: Collection[str]) -> SourceEnsemble:
    """An ensemble that is no recipe: imported, of a file, or of an address."""
    outside = name.endswith(".safetensors") or re.match(r"https?://", name)
    if name not in names() and not outside:
        raise ModelError(
            f"there is no source ensemble {name!r}; known: {', '.join(names())}. A file of your "
            "own ends in .safetensors."
        )
    if exclude:
        raise ModelError(
            f"{name!r} cannot be trained anew without {len(exclude)} molecules: only the recipes "
            f"{', '.join(RECIPES)} can."
        )
    if name in names():
        return read_file(_imports() / f"{name.removeprefix('imported/')}.safetensors")
    return _from_outside(name)


def build(
    name: str,
    *,
    exclude: Collection[str] = (),
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: bool = True,
) -> SourceEnsemble:
    """Train an ensemble of the zoo; `load` keeps what it makes.

    Args:
        name: See `names`.
        exclude: Canonical SMILES without stereochemistry.
        seed: As in `load`.
        checkpoint: Where an interrupted training goes on; in the cache by default.
        progress: Show progress bars.
    """
    recipe = RECIPES[name]
    table = recipe.table(exclude, progress)
    families = [family.within(table.property_names) for family in recipe.families]
    state = checkpoint or _trained(name, seed, exclude).with_suffix(".state")
    made = train(
        table, families, name=name, seed=seed, schedule=recipe.schedule, checkpoint=state,
        progress=progress,
    )  # fmt: skip
    return replace(made, card={**made.card, **recipe.provenance(excluded=len(exclude))})


def _shipped(name: str) -> Path:
    return _SHIPPED / f"{name.replace('/', '-')}.safetensors"


def _trained(name: str, seed: int, excluded: Collection[str]) -> Path:
    """Where an ensemble is kept: another file for everything that decides its weights."""
    recipe = RECIPES[name]
    made = repr((recipe.tasks, recipe.families, recipe.schedule))
    key = [_RECIPE, name, seed, sorted(excluded), version("chemicals"), version("rdkit"), made]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
    return cache_dir() / "zoo" / f"{name.replace('/', '-')}-{digest}.safetensors"


_MANY = ("Tb", "Tm", "density", "refractive_index", "Tc", "Vm_liquid")
_CHEAP, _2D, _ECFP = CheapDescriptors(), Descriptors2D(), ECFP()
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "molecule/starter": Recipe(
            "fast to describe: what a design of molecules scores by the thousand",
            MEASURED,
            (
                Family("fp", (_ECFP, _CHEAP), 4, -1),
                Family("descriptors", (_CHEAP,), 4, -1),
                Family("deep", (_CHEAP,), 4, -1, depths=(3, 6), shares=(0.6, 1.0)),
            ),
            fallback=False,
        ),
        "molecule/full": Recipe(
            "the most that open data give; 3 ms to describe a molecule",
            tuple(ORGANIC),
            (
                Family("2d", (_2D,), 5, -1, tasks=MEASURED),
                Family("deep", (_2D,), 4, -1, tasks=MEASURED, depths=(3, 6), shares=(0.5, 1.0)),
                Family("fp", (_ECFP, _2D), 4, -1, tasks=MEASURED),
                Family("cheap", (_CHEAP,), 3, -1, tasks=MEASURED),
                Family("each", (_2D,), 6, -1, tasks=_MANY, each=True),
                Family("joback", (_2D,), 3, -1),
            ),
        ),
    }
)
