"""Featurizers of polymers: the infinite chain of a repeat unit with two `*`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem
from skfp.fingerprints import ECFPFingerprint
from torch import Tensor

from bayesmat._arguments import names, settle
from bayesmat._bounds import at_least
from bayesmat.errors import FeatureError

from .base import check_finite, numbered, versioned
from .molecule import CheapDescriptors, cheap_descriptors
from .parse import molecules

__all__ = ["RepeatUnitDescriptors", "RepeatUnitECFP", "oligomer"]

_EXTENSIVE = ("n_", "bonds_", "molar_mass", "polar_surface", "surface", "h_bond_", "rings")
_MORE = ("aromatic_rings", "rotatable_bonds", "chi0v", "chi1v", "chi2v", "log_p")
_Count = Callable[[list[Chem.Mol]], np.ndarray]
_REACH = 3  # bonds that an additive descriptor looks from one atom
_UP, _DOWN = Chem.BondDir.ENDUPRIGHT, Chem.BondDir.ENDDOWNRIGHT
_SLOPES, _MIRRORED = {_UP: 1, _DOWN: -1}, {_UP: _DOWN, _DOWN: _UP}
_IODINE = 53  # comes before carbon, as a star comes after it


def oligomer(unit: str, n_units: int) -> Chem.Mol:
    """The chain of `n_units` repeat units, ends left as `*`.

    Args:
        unit: SMILES of a repeat unit with exactly two `*`, each bound once.
        n_units: At least 1.

    Returns:
        The molecule; a `*` at each end.

    Raises:
        FeatureError: Not a repeat unit.

    >>> Chem.MolToSmiles(oligomer("*CC(*)C", 2))
    '*CC(C)CC(*)C'
    """
    if n_units < 1:
        raise FeatureError(f"A chain has at least one repeat unit, got n_units={n_units}.")
    return _chain(_units([unit])[0], n_units)


def _chain(mol: Chem.Mol, n_units: int) -> Chem.Mol:
    head, tail = _ends(mol)
    units, last = Chem.Mol(), 0
    for number in range(n_units):
        unit = Chem.Mol(mol)
        if last * _slope(unit, head) < 0:
            _mirror(unit)
        last = -_slope(unit, tail)
        if number > 0:
            unit.GetAtomWithIdx(head).SetAtomMapNum(number)
        if number < n_units - 1:
            unit.GetAtomWithIdx(tail).SetAtomMapNum(number + 1)
        units = Chem.CombineMols(units, unit)
    chain = Chem.molzip(units) if n_units > 1 else units
    Chem.SanitizeMol(chain)
    return chain


def _slope(mol: Chem.Mol, star: int) -> int:
    """Direction of the bond that leaves a star: 1 up, as in */C, -1 down, 0 none."""
    (bond,) = mol.GetAtomWithIdx(star).GetBonds()
    up = _SLOPES.get(bond.GetBondDir(), 0)
    return up if bond.GetBeginAtomIdx() == star else -up


def _mirror(mol: Chem.Mol) -> None:
    r"""The same E and Z bonds, written with / for \ and the reverse."""
    for bond in mol.GetBonds():
        bond.SetBondDir(_MIRRORED.get(bond.GetBondDir(), bond.GetBondDir()))


def _labelled(chain: Chem.Mol) -> Chem.Mol:
    """The chain with R and S, and with those E and Z bonds that are so whatever its ends are.

    Where both arms of the chain leave from one end of a double bond, it depends on the nearer end
    of a finite chain which of them comes first. Centres need no such care: a fingerprint reads R
    and S only where the neighbours of a centre differ within its radius.
    """
    chain, capped = Chem.Mol(chain), Chem.Mol(chain)
    for star in _ends(chain):
        capped.GetAtomWithIdx(star).SetAtomicNum(_IODINE)
    for mol in (chain, capped):
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    for bond, other in zip(chain.GetBonds(), capped.GetBonds(), strict=True):
        if bond.GetStereo() != other.GetStereo():
            bond.SetStereo(Chem.BondStereo.STEREONONE)
    return chain


def _has_ez(mol: Chem.Mol) -> bool:
    return any(bond.GetStereo() != Chem.BondStereo.STEREONONE for bond in mol.GetBonds())


def _fault(mol: Chem.Mol) -> str | None:
    """Why a molecule is not a repeat unit."""
    stars = [a for a in mol.GetAtoms() if a.GetAtomicNum() == 0]
    if len(stars) != 2 or any(star.GetDegree() != 1 for star in stars):
        return f"has {len(stars)} '*', a chain needs exactly two, each bound to one atom"
    if len({star.GetBonds()[0].GetBondType() for star in stars}) != 1:
        return "its two '*' must have bonds of the same order, or units cannot be joined"
    if any(star.GetNeighbors()[0].GetAtomicNum() == 0 for star in stars):
        return "has no atom between its two '*'"
    if len(Chem.GetMolFrags(mol)) != 1:
        return "is in pieces: the two '*' are not connected"
    return None


def _units(materials: Sequence[str]) -> list[Chem.Mol]:
    mols = molecules(materials)
    faults = [(unit, _fault(mol)) for unit, mol in zip(materials, mols, strict=True)]
    bad = [f"  {unit!r} {fault}" for unit, fault in faults if fault is not None]
    if bad:
        raise FeatureError(
            f"{len(bad)} of {len(materials)} materials are not repeat units (polystyrene is "
            "'*CC(*)c1ccccc1'), so they have no features. Correct or drop them:\n" + "\n".join(bad)
        )
    return mols


def _ends(mol: Chem.Mol) -> tuple[int, int]:
    head, tail = (a.GetIdx() for a in mol.GetAtoms() if a.GetAtomicNum() == 0)
    return head, tail


def _per_unit(
    mol: Chem.Mol, reach: int, count: Callable[[list[Chem.Mol]], np.ndarray]
) -> np.ndarray:
    """What one more repeat unit adds to an additive description: exact for the infinite chain.

    The ends of a chain long enough do not see each other, so both chains have the same ends and
    these cancel: no end groups, no artificial ring.
    """
    head, tail = _ends(mol)
    backbone = len(Chem.GetShortestPath(mol, head, tail)) - 2
    n_units = 1 + math.ceil(2 * (reach + 1) / backbone)
    shorter, longer = count([_chain(mol, n_units), _chain(mol, n_units + 1)])
    return longer - shorter


@dataclass(frozen=True)
class RepeatUnitECFP:
    """Counts of circular atom environments per repeat unit of the infinite chain.

    The same whatever bond of the backbone the repeat unit was cut at; twice as large for a unit
    written twice (canonical keys avoid that). Tacticity is not seen.

    Args:
        radius: Bonds from the centre atom.
        size: Folded length d.
        functional: Pharmacophore classes instead of elements.
        chirality: Tell stereoisomers apart, by E and Z bonds and by R and S centres whose
            neighbours differ within the radius, as in polylactide: for tables in which they have
            different values. The centres of a vinyl polymer are neither R nor S in the infinite
            chain, nor are those of a 1,4-cyclohexane.

    >>> a, b = RepeatUnitECFP(size=256)(["*CC(*)C", "*C(C)C*"])
    >>> bool((a == b).all())
    True
    """

    radius: int = 2
    size: int = 2048
    functional: bool = False
    chirality: bool = False

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 0, "radius")
        at_least(self, 1, "size")

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        kind = "repeat_unit_fcfp" if self.functional else "repeat_unit_ecfp"
        more = ",chirality=True" if self.chirality else ""
        name = f"{kind}(radius={self.radius},size={self.size}{more})"
        return versioned(name, "scikit-fingerprints", "rdkit")

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        kind = "fcfp" if self.functional else "ecfp"
        return numbered(f"unit_{kind}{2 * self.radius}", self.size)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Counts of `n` repeat units: `n x d`."""
        materials = names(materials, "materials")
        skfp = ECFPFingerprint(
            fp_size=self.size,
            radius=self.radius,
            count=True,
            use_pharmacophoric_invariants=self.functional,
            include_chirality=self.chirality,
        )

        def count(mols: list[Chem.Mol]) -> np.ndarray:
            seen = list(map(_labelled, mols)) if self.chirality else mols
            return np.asarray(skfp.transform(seen), dtype=np.float64)

        def reach(mol: Chem.Mol) -> int:
            # E or Z may be decided at the far end of a side chain.
            further = mol.GetNumAtoms() if self.chirality and _has_ez(mol) else 0
            return 2 * self.radius + further

        rows = [_per_unit(mol, reach(mol), count) for mol in _units(materials)]
        values = np.array(rows).reshape(len(rows), self.size)
        return check_finite(values, materials, self.names, featurizer=self.id)


@dataclass(frozen=True)
class RepeatUnitDescriptors:
    """Additive cheap descriptors per repeat unit, and the same per heavy atom (intensive).

    The per-atom half makes units of different length comparable: a property of the chain does not
    depend on how much of it is drawn. Molar mass in g/mol.

    >>> row = RepeatUnitDescriptors()(["*CC*"])[0].tolist()
    >>> dict(zip(RepeatUnitDescriptors().names, row))["unit_n_H"]
    4.0
    """

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return versioned("repeat_unit_descriptors(1)", "rdkit")

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        return tuple(f"unit_{n}" for n in _UNIT_NAMES) + tuple(f"atom_{n}" for n in _UNIT_NAMES)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Descriptors of `n` repeat units: `n x d`."""
        materials = names(materials, "materials")
        rows = []
        for mol in _units(materials):
            row = _per_unit(mol, _REACH, _additive)
            rows.append(np.concatenate([row, row / (mol.GetNumAtoms() - 2)]))
        values = np.array(rows).reshape(len(rows), len(self.names))
        return check_finite(values, materials, self.names, featurizer=self.id)


_ADDITIVE = [
    column
    for column, name in enumerate(CheapDescriptors().names)
    if name.startswith(_EXTENSIVE) or name in (*_MORE, "molar_refractivity")
]
_UNIT_NAMES = tuple(CheapDescriptors().names[column] for column in _ADDITIVE)


def _additive(mols: list[Chem.Mol]) -> np.ndarray:
    return np.array([cheap_descriptors(mol) for mol in mols])[:, _ADDITIVE]
