"""Canonical keys: one string per material, whatever way it was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from rdkit import Chem, rdBase

from bayesmat.errors import BadCell, MaterialError

__all__ = [
    "Kind",
    "canonical",
    "canonical_all",
    "canonical_smiles",
]

Kind = Literal["smiles", "repeat_unit", "composition", "id"]


def canonical_smiles(smiles: str) -> str:
    """Temporary minimal version."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        raise MaterialError(f"{smiles!r} is not a SMILES")
    return Chem.MolToSmiles(mol)


def canonical(material: str, kind: Kind = "smiles") -> str:
    return canonical_smiles(material) if kind == "smiles" else material.strip()


def canonical_all(materials: Sequence[str], kind: Kind = "smiles") -> tuple[str, ...]:
    return tuple(canonical(m, kind) for m in materials)
