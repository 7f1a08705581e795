"""Make `gap_start.csv`: 40 molecules with GFN1-xTB gaps above 4 eV that the demo starts from.

`python examples/make_gap_start.py pool` computes the gaps of 1,200 molecules drawn from the bundled
list (about a minute) into `benchmarks/data/gap_gfn1_pool.csv`; `python examples/make_gap_start.py`
draws the start set of seed 0 from them. Benchmarks call `draw_start` with other seeds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rdkit import Chem
from tqdm import tqdm

from bayesmat.data.materials import canonical_smiles
from bayesmat.design.corpus import filtered_molecules
from bayesmat.oracles import XTB

ROOT = Path(__file__).resolve().parents[1]
POOL = ROOT / "benchmarks" / "data" / "gap_gfn1_pool.csv"
START = ROOT / "examples" / "gap_start.csv"
LOWEST, HIGHEST = 4.0, 14.0  # eV
CONJUGATED = 4  # atoms with a multiple bond in one conjugated part


def conjugated_atoms(smiles: str) -> int:
    """Number of atoms with a multiple bond in the largest part joined by conjugated bonds.

    Four and more: butadiene, acrylonitrile, benzene. An ester, an amide or a carbamate has two.
    """
    molecule = Chem.MolFromSmiles(smiles)
    single = Chem.BondType.SINGLE
    multiple = {
        atom.GetIdx()
        for atom in molecule.GetAtoms()
        if any(bond.GetBondType() != single for bond in atom.GetBonds())
    }
    part = {atom: {atom} for atom in multiple}
    for bond in molecule.GetBonds():
        begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if bond.GetIsConjugated() and {begin, end} <= multiple:
            joined = part[begin] | part[end]
            part.update(dict.fromkeys(joined, joined))
    return max((len(atoms) for atoms in part.values()), default=0)


def compute_pool(n: int = 1200, *, seed: int = 0) -> pd.DataFrame:
    """Gaps of molecules drawn at random from the list; the few that fail are left out."""
    rng = np.random.default_rng(seed)
    molecules = filtered_molecules()
    drawn = [canonical_smiles(molecules[i]) for i in rng.permutation(len(molecules))[:n]]
    oracle = XTB("GFN1-xTB")
    answers = [oracle([smiles])[0] for smiles in tqdm(sorted(drawn), desc=oracle.digest)]
    kept = [a for a in answers if a.failure is None]
    for failed in (a for a in answers if a.failure is not None):
        sys.stderr.write(f"left out: {failed.material}: {failed.failure}\n")
    return pd.DataFrame(
        {
            "smiles": [a.material for a in kept],
            "gap [eV]": [round(a.values["gap"], 4) for a in kept],
            "conjugated_atoms": [conjugated_atoms(a.material) for a in kept],
        }
    )


def draw_start(pool: pd.DataFrame, n: int = 40, *, seed: int) -> pd.DataFrame:
    """Draw n molecules with gaps of 4-14 eV, half of them with a conjugated part.

    Each half is cut into n/2 strata of equally many molecules by gap, and one molecule is drawn
    from each: every start set spans the range, with the density that sane chemistry has.
    """
    rng = np.random.default_rng(seed)
    inside = pool[pool["gap [eV]"].between(LOWEST, HIGHEST, inclusive="neither")]
    conjugated = inside["conjugated_atoms"] >= CONJUGATED
    rows: list[int] = []
    for half, size in ((inside[conjugated], n - n // 2), (inside[~conjugated], n // 2)):
        ordered = half.sort_values(["gap [eV]", "smiles"]).index.to_numpy()
        rows += [int(rng.choice(stratum)) for stratum in np.array_split(ordered, size)]
    return inside.loc[rows].sort_values(["gap [eV]", "smiles"]).reset_index(drop=True)


def load_pool() -> pd.DataFrame:
    """Read the committed table of gaps."""
    return pd.read_csv(POOL)


def main() -> None:
    if sys.argv[1:] == ["pool"]:
        POOL.parent.mkdir(parents=True, exist_ok=True)
        compute_pool().to_csv(POOL, index=False)
    start = draw_start(load_pool(), seed=0)
    part = np.where(
        start["conjugated_atoms"] >= CONJUGATED, "conjugated part", "no conjugated part"
    )
    start = start[["smiles", "gap [eV]"]].assign(note=part)
    start.to_csv(START, index=False)


if __name__ == "__main__":
    main()
