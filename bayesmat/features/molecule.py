"""Featurizers of molecules: fingerprints and descriptors of the molecular graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors as rdmd
from skfp.fingerprints import (
    AtomPairFingerprint,
    ECFPFingerprint,
    MACCSFingerprint,
    RDKit2DDescriptorsFingerprint,
)
from torch import Tensor

from bayesmat._arguments import names, settle
from bayesmat._bounds import at_least

from .base import check_finite, numbered, versioned
from .parse import molecules

__all__ = ["ECFP", "MACCS", "AtomPairs", "CheapDescriptors", "Descriptors2D"]

_LIBRARIES = ("scikit-fingerprints", "rdkit")


def _fingerprint(
    transform: Callable[[list[Chem.Mol]], np.ndarray], materials: Sequence[str], d: int
) -> np.ndarray:
    mols = molecules(materials)
    return np.asarray(transform(mols), dtype=np.float64) if mols else np.zeros((0, d))


@dataclass(frozen=True)
class ECFP:
    """Extended-connectivity (Morgan) fingerprint: counts of circular atom environments.

    Use it with the MinMax (Tanimoto on counts) kernel. 0.1 ms a molecule, so it suits what a
    sampler scores 10^5 times.

    Args:
        radius: Bonds from the centre atom; 2 is ECFP4.
        size: Folded length d.
        count: Counts; False gives presence (0 or 1).
        functional: Pharmacophore classes instead of elements (FCFP).
        chirality: Tell stereoisomers apart, by R and S centres and E and Z bonds: for tables in
            which they have different values. Mirror images are then less alike than they are for
            most properties. Isomers whose centres are neither R nor S (1,4-dimethylcyclohexane), or
            have neighbours that are equal within the radius, stay equal.

    References:
        Rogers & Hahn, Extended-Connectivity Fingerprints, 2010, doi:10.1021/ci100050t.

    >>> ECFP(size=64)(["CCO"]).shape
    torch.Size([1, 64])
    """

    radius: int = 2
    size: int = 2048
    count: bool = True
    functional: bool = False
    chirality: bool = False

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 0, "radius")
        at_least(self, 1, "size")

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        arguments = f"radius={self.radius},size={self.size},count={self.count}"
        arguments += ",chirality=True" if self.chirality else ""
        return versioned(f"{self._kind}({arguments})", *_LIBRARIES)

    @property
    def _kind(self) -> str:
        return "fcfp" if self.functional else "ecfp"

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        return numbered(f"{self._kind}{2 * self.radius}", self.size)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Counts of `n` SMILES: `n x d`."""
        materials = names(materials, "materials")
        skfp = ECFPFingerprint(
            fp_size=self.size,
            radius=self.radius,
            count=self.count,
            use_pharmacophoric_invariants=self.functional,
            include_chirality=self.chirality,
        )
        values = _fingerprint(skfp.transform, materials, self.size)
        return check_finite(values, materials, self.names, featurizer=self.id)


@dataclass(frozen=True)
class MACCS:
    """The 166 MACCS structural keys, as 0 or 1.

    Readable and short; coarser than `ECFP`, so not enough alone to tell close relatives apart.

    References:
        Durant et al., Reoptimization of MDL Keys, 2002, doi:10.1021/ci010132r.

    >>> MACCS()(["CCO"]).shape
    torch.Size([1, 166])
    """

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return versioned("maccs()", *_LIBRARIES)

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        return numbered("maccs", 166)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Keys of `n` SMILES: `n x 166`."""
        materials = names(materials, "materials")
        values = _fingerprint(MACCSFingerprint().transform, materials, 166)
        return check_finite(values, materials, self.names, featurizer=self.id)


@dataclass(frozen=True)
class AtomPairs:
    """Counts of pairs of atoms at each distance: sees size and shape where `ECFP` sees vicinity.

    Args:
        size: Folded length d.

    References:
        Carhart et al., Atom Pairs as Molecular Features, 1985, doi:10.1021/ci00046a002.

    >>> float(AtomPairs(size=512)(["CCO"]).sum())
    3.0
    """

    size: int = 2048

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 1, "size")

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return versioned(f"atom_pairs(size={self.size})", *_LIBRARIES)

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        return numbered("atom_pair", self.size)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Counts of `n` SMILES: `n x d`."""
        materials = names(materials, "materials")
        skfp = AtomPairFingerprint(fp_size=self.size, count=True, count_simulation=False)
        values = _fingerprint(skfp.transform, materials, self.size)
        return check_finite(values, materials, self.names, featurizer=self.id)


_DESCRIPTORS_2D = tuple(map(str, RDKit2DDescriptorsFingerprint().get_feature_names_out()))
_IPC = _DESCRIPTORS_2D.index("Ipc")
_LARGEST = 1e38  # of float32, in which scikit-fingerprints returns them


@dataclass(frozen=True)
class Descriptors2D:
    """The 200 two-dimensional descriptors of RDKit; 3 ms a molecule, so wrap it in `Cached`.

    `Ipc` grows exponentially with size: its logarithm, log(1 + Ipc), is returned. Partial charges
    do not exist for some metals, which is an error here and not a number.

    >>> Descriptors2D()(["CCO"]).shape
    torch.Size([1, 200])
    """

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return versioned("descriptors_2d(1)", *_LIBRARIES)

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        return _DESCRIPTORS_2D

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Descriptors of `n` SMILES: `n x 200`."""
        materials = names(materials, "materials")
        skfp = RDKit2DDescriptorsFingerprint(clip_val=_LARGEST)
        values = _fingerprint(skfp.transform, materials, len(_DESCRIPTORS_2D))
        values[:, _IPC] = np.log1p(values[:, _IPC])
        return check_finite(values, materials, self.names, featurizer=self.id)


_ELEMENTS = ("C", "N", "O", "F", "P", "S", "Cl", "Br", "I", "Si")
_SCALARS: MappingProxyType[str, Callable[[Chem.Mol], float]] = MappingProxyType(
    {
        "molar_mass": rdmd._CalcMolWt,
        "polar_surface": rdmd.CalcTPSA,
        "surface": rdmd.CalcLabuteASA,
        "h_bond_donors": rdmd.CalcNumHBD,
        "h_bond_acceptors": rdmd.CalcNumHBA,
        "fraction_sp3": rdmd.CalcFractionCSP3,
        "kappa1": rdmd.CalcKappa1,
        "kappa2": rdmd.CalcKappa2,
        "hall_kier_alpha": rdmd.CalcHallKierAlpha,
        "chi0v": rdmd.CalcChi0v,
        "chi1v": rdmd.CalcChi1v,
        "chi2v": rdmd.CalcChi2v,
        "rings": rdmd.CalcNumRings,
        "aromatic_rings": rdmd.CalcNumAromaticRings,
        "rotatable_bonds": rdmd.CalcNumRotatableBonds,
    }
)


@dataclass(frozen=True)
class CheapDescriptors:
    """Element counts, bond counts and the fast graph descriptors of RDKit: about 0.2 ms a molecule.

    What boiling points and densities mostly depend on; for the full set see `Descriptors2D`, which
    costs ten times more. Molar mass in g/mol, surfaces in square angstrom, the rest dimensionless.

    >>> row = CheapDescriptors()(["CCO"])[0]
    >>> dict(zip(CheapDescriptors().names, row.tolist()))["n_O"]
    1.0
    """

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return versioned("cheap_descriptors(1)", "rdkit")

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        return _CHEAP_NAMES

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Descriptors of `n` SMILES: `n x d`."""
        materials = names(materials, "materials")
        rows = [cheap_descriptors(mol) for mol in molecules(materials)]
        values = np.array(rows, dtype=np.float64).reshape(len(rows), len(_CHEAP_NAMES))
        return check_finite(values, materials, self.names, featurizer=self.id)


_BONDS = ("single", "double", "triple", "aromatic")
_CHEAP_NAMES = (
    *(f"n_{e}" for e in _ELEMENTS),
    "n_H",
    *(f"bonds_{b}" for b in _BONDS),
    *_SCALARS,
    "log_p",
    "molar_refractivity",
)
_BOND_INDEX = {
    Chem.BondType.SINGLE: 0,
    Chem.BondType.DOUBLE: 1,
    Chem.BondType.TRIPLE: 2,
    Chem.BondType.AROMATIC: 3,
}


def cheap_descriptors(mol: Chem.Mol) -> list[float]:
    """The row of `CheapDescriptors` for one parsed molecule."""
    elements = dict.fromkeys(_ELEMENTS, 0)
    n_hydrogen = 0
    for atom in mol.GetAtoms():
        n_hydrogen += atom.GetTotalNumHs()
        symbol = atom.GetSymbol()
        if symbol in elements:
            elements[symbol] += 1
    bonds = [0] * len(_BONDS)
    for bond in mol.GetBonds():
        kind = _BOND_INDEX.get(bond.GetBondType())
        if kind is not None:
            bonds[kind] += 1
    scalars = [function(mol) for function in _SCALARS.values()]
    return [*elements.values(), n_hydrogen, *bonds, *scalars, *rdmd.CalcCrippenDescriptors(mol)]
