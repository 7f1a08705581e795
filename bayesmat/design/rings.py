"""What is wrong with a molecule's rings: sizes, fusions, and tautomers of arenes.

These need a whole ring's view or a count, which SMARTS says badly.
"""

from __future__ import annotations

from collections.abc import Sequence

from rdkit.Chem import Atom, BondType, HybridizationType, Mol, rdMolDescriptors

__all__ = ["arene_tautomers", "fused_arene_count", "ring_shape"]


def ring_shape(
    mol: Mol, *, sizes: Sequence[int], max_rings: int, max_spiro: int, max_arenes: int
) -> str | None:
    """Say what is wrong with the number, sizes and fusions of the rings, if anything is.

    Args:
        mol: A sanitised molecule.
        sizes: Allowed ring sizes; a seven-ring needs three sp3 atoms besides.
        max_rings: Most rings allowed.
        max_spiro: Most spiro atoms allowed.
        max_arenes: Most benzene rings allowed in one fused system.

    Returns:
        The reason for refusal, or None.
    """
    rings = mol.GetRingInfo().AtomRings()
    if len(rings) > max_rings:
        return f"more than {max_rings} rings"
    for ring in rings:
        if len(ring) not in sizes:
            return f"{len(ring)}-membered ring"
        if len(ring) == 7 and _n_sp3(mol, ring) < 3:
            return "unsaturated 7-membered ring"
    if len(rings) > 1:
        if rdMolDescriptors.CalcNumBridgeheadAtoms(mol):
            return "bridged rings"
        if rdMolDescriptors.CalcNumSpiroAtoms(mol) > max_spiro:
            return f"more than {max_spiro} spiro atoms"
        if len(rings) > max_arenes and fused_arene_count(mol) > max_arenes:
            return f"more than {max_arenes} fused benzene rings"
    return None


def fused_arene_count(mol: Mol) -> int:
    """Count the benzene rings of the largest set joined by shared bonds.

    >>> from rdkit import Chem
    >>> fused_arene_count(Chem.MolFromSmiles("c1ccc2cc3ccccc3cc2c1"))
    3
    """
    info = mol.GetRingInfo()
    arenes = [
        frozenset(bonds)
        for atoms, bonds in zip(info.AtomRings(), info.BondRings(), strict=True)
        if len(atoms) == 6 and all(_aromatic_carbon(mol.GetAtomWithIdx(i)) for i in atoms)
    ]
    largest = 0
    while arenes:
        cluster, rest = set(arenes.pop()), arenes
        size = 1
        while joined := [ring for ring in rest if ring & cluster]:
            cluster.update(*joined)
            size += len(joined)
            rest = [ring for ring in rest if ring not in joined]
        arenes, largest = rest, max(largest, size)
    return largest


def arene_tautomers(mol: Mol) -> str | None:
    """Say whether moving one hydrogen would turn a ring aromatic.

    Such a ring has one sp3 carbon with a hydrogen and is otherwise trigonal: cyclohexadienones
    (phenols), isotoluenes, 3H-indoles, 2H-pyrroles and the like. Rings held by two arenes
    (anthrone) and all-carbon five-rings (indene, fluorene) are real and pass.

    >>> from rdkit import Chem
    >>> arene_tautomers(Chem.MolFromSmiles("O=C1C=CCC=C1"))
    'tautomer of a six-membered arene'
    >>> arene_tautomers(Chem.MolFromSmiles("O=C1c2ccccc2Cc2ccccc12")) is None
    True
    """
    for ring in mol.GetRingInfo().AtomRings():
        if len(ring) not in (5, 6):
            continue
        atoms = [mol.GetAtomWithIdx(i) for i in ring]
        movable = [a for a in atoms if _is_sp3_carbon(a)]
        rest = [a for a in atoms if not _is_sp3_carbon(a)]
        if len(movable) != 1 or not movable[0].GetTotalNumHs() or not all(map(_trigonal, rest)):
            continue
        n_aromatic = sum(a.GetIsAromatic() for a in rest)
        if len(ring) == 6 and n_aromatic <= 2:
            return "tautomer of a six-membered arene"
        nitrogen = any(a.GetAtomicNum() == 7 for a in rest)
        if len(ring) == 5 and nitrogen and n_aromatic <= 2 and not _exocyclic(rest, set(ring)):
            return "tautomer of an azole"
    return None


def _n_sp3(mol: Mol, ring: Sequence[int]) -> int:
    sp3 = HybridizationType.SP3
    return sum(mol.GetAtomWithIdx(i).GetHybridization() == sp3 for i in ring)


def _aromatic_carbon(atom: Atom) -> bool:
    return bool(atom.GetIsAromatic() and atom.GetAtomicNum() == 6)


def _is_sp3_carbon(atom: Atom) -> bool:
    return bool(atom.GetAtomicNum() == 6 and atom.GetTotalDegree() == 4)


def _trigonal(atom: Atom) -> bool:
    number, degree = atom.GetAtomicNum(), atom.GetTotalDegree()
    return bool((number == 6 and degree == 3) or (number == 7 and degree == 2))


def _exocyclic(atoms: Sequence[Atom], ring: set[int]) -> bool:
    return any(
        bond.GetBondType() == BondType.DOUBLE and bond.GetOtherAtomIdx(atom.GetIdx()) not in ring
        for atom in atoms
        for bond in atom.GetBonds()
    )
