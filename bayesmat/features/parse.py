"""SMILES to RDKit molecules, for featurizers."""

from __future__ import annotations

from collections.abc import Sequence

from rdkit import Chem, rdBase

from bayesmat._arguments import names
from bayesmat.data.materials import stray
from bayesmat.errors import FeatureError

__all__ = ["molecules"]

_SHOWN = 20


def molecules(materials: Sequence[str]) -> list[Chem.Mol]:
    """Parse SMILES, one molecule each.

    Args:
        materials: n SMILES.

    Returns:
        n sanitised molecules.

    Raises:
        FeatureError: Some cannot be parsed; the message lists them all.
    """
    materials = names(materials, "materials")
    with rdBase.BlockLogs():
        parsed = [
            Chem.MolFromSmiles(smiles) if smiles and not stray(smiles) else None
            for smiles in materials
        ]
    bad = [smiles for smiles, mol in zip(materials, parsed, strict=True) if mol is None]
    if bad:
        shown = ", ".join(map(repr, bad[:_SHOWN])) + (" ..." if len(bad) > _SHOWN else "")
        raise FeatureError(
            f"{len(bad)} of {len(materials)} materials are not SMILES that RDKit can read, so they "
            f"have no features. Correct or drop them: {shown}"
        )
    return [mol for mol in parsed if mol is not None]
