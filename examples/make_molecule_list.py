"""Make bayesmat/data/tables/molecules_filtered.smi.gz: sane molecules from the `chemicals` tables.

Run it after every change of the filter (about two minutes on one core):

    python examples/make_molecule_list.py [--output FILE]

It reads the identifier tables of the installed `chemicals` package (MIT licence), keeps the
one-component structures, strips stereochemistry, and writes those that pass
`MoleculeFilter.default()`, sorted, one canonical SMILES a line. The file is the same for the same
versions of `chemicals`, RDKit and the filter.
"""

from __future__ import annotations

import argparse
import gzip
import io
from collections.abc import Iterator
from pathlib import Path

from chemicals.utils import source_path
from rdkit import Chem, rdBase
from tqdm import tqdm

import bayesmat
from bayesmat.design.chemistry import MoleculeFilter

TABLES = ("pubchem large", "pubchem small", "example user db")
SMILES_COLUMN = 4


def raw_smiles() -> Iterator[str]:
    for name in TABLES:
        path = Path(source_path) / "Identifiers" / f"chemical identifiers {name}.tsv"
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                smiles = line.split("\t", SMILES_COLUMN + 1)[SMILES_COLUMN]
                if smiles and "." not in smiles:
                    yield smiles


def flat(smiles: str) -> str | None:
    """Canonical SMILES without stereochemistry, or None if RDKit cannot read it (again)."""
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return None
    Chem.RemoveStereochemistry(mol)
    written = Chem.MolToSmiles(mol)
    again = Chem.MolFromSmiles(written)
    return written if again is not None and Chem.MolToSmiles(again) == written else None


def candidates() -> list[str]:
    with rdBase.BlockLogs():
        molecules = {flat(smiles) for smiles in tqdm(list(raw_smiles()), desc="reading")}
    return sorted(smiles for smiles in molecules if smiles is not None)


def write(path: Path, lines: list[str]) -> None:
    """Write compressed text that is the same in every run (no time stamp)."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as stream:
        stream.write("".join(f"{line}\n" for line in lines).encode("ascii"))
    path.write_bytes(buffer.getvalue())


def main() -> None:
    default = Path(bayesmat.__file__).parent / "data" / "tables" / "molecules_filtered.smi.gz"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=default)
    output = parser.parse_args().output
    molecule_filter = MoleculeFilter.default()
    pool = candidates()
    kept = [smiles for smiles in tqdm(pool, desc="filtering") if molecule_filter(smiles)]
    write(output, kept)
    print(f"{len(kept)} of {len(pool)} structures pass filter {molecule_filter.digest}: {output}")


if __name__ == "__main__":
    main()
