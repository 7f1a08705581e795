"""Real data to learn from: the `chemicals` tables, and public files with checksums."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from chemicals.utils import source_path
from rdkit import Chem, rdBase
from tqdm.auto import tqdm

from bayesmat._arguments import names
from bayesmat.errors import BadCell, DataError, MaterialError

from .cache import cache_dir
from .files import read_card, write_card
from .materials import canonical_smiles
from .origins import ORGANIC, Origin
from .public import PUBLIC_FILES, fetch, load
from .table import PropertyTable

__all__ = [
    "ORGANIC",
    "PUBLIC_FILES",
    "STARTER",
    "chemicals_disagreements",
    "chemicals_table",
    "fetch",
    "load",
    "without_stereo",
]

_LOGGER = logging.getLogger(__name__)
_RECIPE = 1  # raise it when what is kept, or how it is merged, changes
_ELEMENTS = frozenset({"C", "H", "N", "O", "S", "P", "F", "Cl", "Br", "I", "Si", "B"})
# The tasks of the first source networks.
STARTER = (
    "Tb", "Tm", "Tc", "Pc", "Vc", "omega", "refractive_index", "Hf_gas", "S0_gas",
)  # fmt: skip


def chemicals_table(properties: Sequence[str] = STARTER, *, progress: bool = True) -> PropertyTable:
    """Organic molecules with properties from the tables of the `chemicals` package.

    By default about 20,000 molecules with nine properties; `ORGANIC` of `data.origins` has all
    names, units and sources, of which those that end in `_Joback` are group-contribution estimates
    for 50,000 molecules.

    One-component, neutral molecules of C, H, N, O, S, P, halogens, Si and B without isotopes or
    radicals. Boiling and melting point `Tb`, `Tm` and critical temperature `Tc` (K), critical
    pressure `Pc` (MPa) and volume `Vc` (cm^3/mol), acentric factor `omega`, refractive index
    of the sodium D line at 20-25 C, ideal-gas enthalpy of formation `Hf_gas` (kJ/mol) and
    entropy `S0_gas` (J/mol/K). Most are measured; the Yaws collection behind the critical
    constants, enthalpies and entropies also holds estimates for the larger molecules.
    NaN where there is no value; values that cannot be (boiling above 1300 K) are in `dropped`.
    Other properties are those at 25 C where they depend on temperature.

    Registry numbers that lead to one canonical SMILES (often stereoisomers drawn without their
    stereochemistry) become one row with the median; see `chemicals_disagreements`. The first
    call parses 21,000 structures (some ten seconds) and keeps the result in the cache folder.

    Args:
        properties: Names, `tuple(ORGANIC)` for all.
        progress: Show a progress bar while building.

    Returns:
        The table, sorted by SMILES.

    Raises:
        DataError: An unknown property, or the cached table is damaged.
    """
    wanted = names(properties, "properties")
    unknown = [name for name in wanted if name not in ORGANIC]
    if unknown or not wanted:
        raise DataError(
            f"the properties {unknown} are unknown: choose from {list(ORGANIC)}."
            if unknown
            else "no property is named: choose from `data.origins.ORGANIC`."
        )
    path, _, misprints = _built(wanted, progress)
    frame = pd.read_csv(path)
    origins = [ORGANIC[name] for name in wanted]
    return PropertyTable(
        materials=tuple(frame["smiles"]),
        kind="smiles",
        properties=tuple(origin.prop for origin in origins),
        values=frame[list(wanted)].to_numpy(np.float64),
        dropped=tuple(
            BadCell(0, name, f"{value:g} of {smiles}", f"{ORGANIC[name].limits}: a misprint")
            for smiles, name, value in misprints
        ),
    )


def chemicals_disagreements() -> pd.DataFrame:
    """Cells of `chemicals_table` that are the median of values that differ.

    Columns: `smiles`, `property`, `n`, `lowest`, `highest`, in the units of the table. The
    spread is that of isomers and of sources, so it is not given out as a measurement error.
    """
    _, disagreements, _ = _built(STARTER, progress=False)
    return pd.read_csv(disagreements)


def _built(
    wanted: Sequence[str], progress: bool
) -> tuple[Path, Path, list[tuple[str, str, float]]]:
    folder = cache_dir() / "datasets"
    stem = f"chemicals-{version('chemicals')}-rdkit-{version('rdkit')}-{_RECIPE}"
    if tuple(wanted) != STARTER:
        stem += f"-{hashlib.sha256(' '.join(wanted).encode()).hexdigest()[:8]}"
    table, spread, card = (
        folder / f"{stem}{end}" for end in (".csv", "-disagreements.csv", ".json")
    )
    if not card.exists():
        cells, dropped = _plausible(_organic_cells(wanted, progress))
        wide, duplicates = _merge(cells, wanted)
        files = {table: wide, spread: duplicates}
        content = {path: frame.to_csv(index=False).encode() for path, frame in files.items()}
        write_card(card, content, {"rows": len(wide), "dropped": dropped})
    return table, spread, read_card(card)["dropped"]


@lru_cache(maxsize=64)
def read_source(file: str) -> pd.DataFrame:
    """A table of the `chemicals` package, indexed by CAS registry number."""
    frame = pd.read_csv(Path(source_path) / file, sep="\t", low_memory=False)
    return frame.set_index(frame.pop("CAS").map(_registry_number))


def _registry_number(cas: object) -> str:
    """With hyphens, which some files leave out."""
    text = str(cas)
    return f"{text[:-3]}-{text[-3:-1]}-{text[-1]}" if text.isdigit() else text


def _labels(origin: Origin) -> pd.Series:
    """Values of one property by CAS in our unit; the first source that has a value counts."""
    found = pd.Series(dtype=np.float64)
    for column in origin.columns:
        series = column.read(read_source(column.file)).dropna()
        found = series if found.empty else found.combine_first(series)
    return found


def _organic_cells(names: Sequence[str], progress: bool) -> pd.DataFrame:
    """Long form `smiles, property, value`, a row for each CAS and property."""
    labels = {name: _labels(ORGANIC[name]) for name in names}
    wanted = set().union(*(series.index for series in labels.values()))
    found = structures(wanted)
    bar = tqdm(found.items(), desc="reading structures", disable=not progress, leave=False)
    keys = {cas: key for cas, smiles in bar if (key := organic_key(smiles)) is not None}
    _LOGGER.info("%d of %d labelled substances are organic molecules", len(keys), len(wanted))
    parts = []
    for name, series in labels.items():
        known = series[series.index.isin(keys.keys())]
        smiles = [keys[cas] for cas in known.index]
        parts.append(pd.DataFrame({"smiles": smiles, "property": name, "value": known.to_numpy()}))
    return pd.concat(parts, ignore_index=True)


def structures(wanted: set[str]) -> dict[str, str]:
    """SMILES of these CAS registry numbers, as far as the package knows them."""
    found: dict[str, str] = {}
    for name in ("pubchem small", "pubchem large", "example user db"):
        path = Path(source_path) / "Identifiers" / f"chemical identifiers {name}.tsv"
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                _, cas, _, _, smiles, _ = line.split("\t", 5)
                if cas in wanted:
                    found[cas] = smiles
    return dict(sorted(found.items()))


def organic_key(smiles: str) -> str | None:
    """Canonical SMILES of a neutral one-component organic molecule; None for all else."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or len(Chem.GetMolFrags(mol)) != 1 or Chem.GetFormalCharge(mol):
        return None
    atoms = list(mol.GetAtoms())
    symbols = {atom.GetSymbol() for atom in atoms}
    if not symbols <= _ELEMENTS or not any(map(_is_organic_carbon, atoms)):
        return None
    if any(atom.GetIsotope() or atom.GetNumRadicalElectrons() for atom in atoms):
        return None
    try:
        return canonical_smiles(smiles)
    except MaterialError:
        return None


def without_stereo(smiles: str) -> str:
    """Canonical SMILES without stereochemistry and isotopes: what fingerprints can see.

    >>> without_stereo("C[C@H](N)C(=O)O")
    'CC(N)C(=O)O'
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    return smiles if mol is None else str(Chem.MolToSmiles(mol, isomericSmiles=False))


def _is_organic_carbon(atom: Chem.Atom) -> bool:
    """A carbon bound to hydrogen, halogen or carbon: not CO2, CS2 or a carbide."""
    if atom.GetSymbol() != "C":
        return False
    partners = {neighbour.GetSymbol() for neighbour in atom.GetNeighbors()}
    return bool(atom.GetTotalNumHs()) or bool(partners & {"C", "F", "Cl", "Br", "I"})


def _plausible(cells: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, str, float]]]:
    limits = {name: (ORGANIC[name].low, ORGANIC[name].high) for name in cells["property"].unique()}
    low, high = (cells["property"].map({n: ends[k] for n, ends in limits.items()}) for k in (0, 1))
    odd = (cells["value"] < low) | (cells["value"] > high)
    return cells[~odd], [
        (str(s), str(p), float(v)) for s, p, v in cells[odd].itertuples(index=False, name=None)
    ]


def _merge(cells: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Median per molecule and property (wide), and the cells whose values differed."""
    grouped = cells.groupby(["smiles", "property"])["value"]
    wide = grouped.median().unstack().reindex(columns=list(names)).sort_index()
    spread = grouped.agg(n="size", lowest="min", highest="max").reset_index()
    return wide.reset_index(), spread[spread["lowest"] < spread["highest"]]
