"""Real data to learn from: the `chemicals` tables, and public files with checksums."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from chemicals.utils import source_path
from rdkit import Chem, rdBase
from tqdm.auto import tqdm

from bayesmat.errors import BadCell, DataError, MaterialError

from .cache import cache_dir
from .files import read_card, write_card
from .materials import canonical_smiles
from .properties import Property
from .public import PUBLIC_FILES, fetch, load
from .table import PropertyTable

__all__ = [
    "PUBLIC_FILES",
    "chemicals_disagreements",
    "chemicals_table",
    "fetch",
    "load",
    "without_stereo",
]

_LOGGER = logging.getLogger(__name__)
_RECIPE = 1  # raise it when what is kept, or how it is merged, changes
_ELEMENTS = frozenset({"C", "H", "N", "O", "S", "P", "F", "Cl", "Br", "I", "Si", "B"})
_ROOM_K = (293.1, 298.2)
# No organic molecule boils above this; the package holds three misprints beyond it.
_HOTTEST_K = 1300.0


@dataclass(frozen=True)
class _Column:
    """One column of the `chemicals` package: its place and how to reach our unit."""

    file: str
    name: str
    per_unit: float = 1.0
    temperature: str = ""


_PROPERTIES: Mapping[str, tuple[Property, tuple[_Column, ...]]] = MappingProxyType(
    {
        prop.name: (prop, columns)
        for prop, columns in (
            (
                Property("Tb", "K", "log"),
                (
                    _Column("Phase Change/Yaws Boiling Points.tsv", "Tb"),
                    _Column("Misc/Physical Constants of Organic Compounds.csv", "Tb"),
                ),
            ),
            (
                Property("Tm", "K", "log"),
                (
                    _Column("Phase Change/OpenNotebook Melting Points.tsv", "Tm"),
                    _Column("Misc/Physical Constants of Organic Compounds.csv", "Tm"),
                ),
            ),
            (
                Property("Tc", "K", "log"),
                (_Column("Critical Properties/Yaws Collection.tsv", "Tc"),),
            ),
            (
                Property("Pc", "MPa", "log"),
                (_Column("Critical Properties/Yaws Collection.tsv", "Pc", 1e-6),),
            ),
            (
                Property("Vc", "cm^3/mol", "log"),
                (_Column("Critical Properties/Yaws Collection.tsv", "Vc", 1e6),),
            ),
            (
                Property("omega", "1"),
                (_Column("Critical Properties/Yaws Collection.tsv", "omega"),),
            ),
            (
                Property("refractive_index", "1"),
                (_Column("Misc/CRC Handbook Organic RI.csv", "RI", 1.0, "RIT"),),
            ),
            (
                Property("Hf_gas", "kJ/mol"),
                (_Column("Reactions/Yaws Hf S0 (g).tsv", "Hfg", 1e-3),),
            ),
            (
                Property("S0_gas", "J/mol/K"),
                (_Column("Reactions/Yaws Hf S0 (g).tsv", "S0g"),),
            ),
        )
    }
)


def chemicals_table(*, progress: bool = True) -> PropertyTable:
    """About 20,000 organic molecules with nine properties from the `chemicals` package.

    One-component, neutral molecules of C, H, N, O, S, P, halogens, Si and B without isotopes or
    radicals. Boiling and melting point `Tb`, `Tm` and critical temperature `Tc` (K), critical
    pressure `Pc` (MPa) and volume `Vc` (cm^3/mol), acentric factor `omega`, refractive index
    of the sodium D line at 20-25 C, ideal-gas enthalpy of formation `Hf_gas` (kJ/mol) and
    entropy `S0_gas` (J/mol/K). Most are measured; the Yaws collection behind the critical
    constants, enthalpies and entropies also holds estimates for the larger molecules.
    NaN where there is no value; values that cannot be (boiling above 1300 K) are in `dropped`.

    Registry numbers that lead to one canonical SMILES (often stereoisomers drawn without their
    stereochemistry) become one row with the median; see `chemicals_disagreements`. The first
    call parses 21,000 structures (some ten seconds) and keeps the result in the cache folder.

    Args:
        progress: Show a progress bar while building.

    Returns:
        The table, sorted by SMILES.

    Raises:
        DataError: The cached table is damaged.
    """
    path, _, misprints = _built(progress)
    frame = pd.read_csv(path)
    properties = tuple(prop for prop, _ in _PROPERTIES.values())
    values = frame[[prop.name for prop in properties]].to_numpy(np.float64)
    return PropertyTable(
        materials=tuple(frame["smiles"]),
        kind="smiles",
        properties=properties,
        values=values,
        dropped=tuple(
            BadCell(0, prop, f"{value:g} of {smiles}", f"above {_HOTTEST_K:g} K: a misprint")
            for smiles, prop, value in misprints
        ),
    )


def chemicals_disagreements() -> pd.DataFrame:
    """Cells of `chemicals_table` that are the median of values that differ.

    Columns: `smiles`, `property`, `n`, `lowest`, `highest`, in the units of the table. The
    spread is that of isomers and of sources, so it is not given out as a measurement error.
    """
    _, disagreements, _ = _built(progress=False)
    return pd.read_csv(disagreements)


def _built(progress: bool) -> tuple[Path, Path, list[tuple[str, str, float]]]:
    folder = cache_dir() / "datasets"
    stem = f"chemicals-{version('chemicals')}-rdkit-{version('rdkit')}-{_RECIPE}"
    table, spread, card = (
        folder / f"{stem}{end}" for end in (".csv", "-disagreements.csv", ".json")
    )
    if not card.exists():
        cells, dropped = _plausible(_organic_cells(progress))
        wide, duplicates = _merge(cells)
        files = {table: wide, spread: duplicates}
        content = {path: frame.to_csv(index=False).encode() for path, frame in files.items()}
        write_card(card, content, {"rows": len(wide), "dropped": dropped})
    return table, spread, read_card(card)["dropped"]


@lru_cache(maxsize=16)
def read_source(file: str) -> pd.DataFrame:
    """A table of the `chemicals` package, indexed by CAS registry number."""
    return pd.read_csv(Path(source_path) / file, sep="\t").set_index("CAS")


def _labels(prop: str) -> pd.Series:
    """Values of one property by CAS in our unit; the first source that has a value counts."""
    found: pd.Series | None = None
    for column in _PROPERTIES[prop][1]:
        frame = read_source(column.file)
        series = frame[column.name] * column.per_unit
        if column.temperature:
            series = series[frame[column.temperature].between(*_ROOM_K)]
        found = series if found is None else found.combine_first(series)
    if found is None:
        raise DataError(f"no source is known for {prop!r}.")
    return found.dropna()


def _organic_cells(progress: bool) -> pd.DataFrame:
    """Long form `smiles, property, value`, a row for each CAS and property."""
    labels = {name: _labels(name) for name in _PROPERTIES}
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
    hot = cells["property"].isin(["Tb", "Tm"]) & (cells["value"] > _HOTTEST_K)
    dropped = cells[hot]
    return cells[~hot], [
        (str(s), str(p), float(v)) for s, p, v in dropped.itertuples(index=False, name=None)
    ]


def _merge(cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Median per molecule and property (wide), and the cells whose values differed."""
    grouped = cells.groupby(["smiles", "property"])["value"]
    wide = grouped.median().unstack().reindex(columns=list(_PROPERTIES)).sort_index()
    spread = grouped.agg(n="size", lowest="min", highest="max").reset_index()
    return wide.reset_index(), spread[spread["lowest"] < spread["highest"]]
