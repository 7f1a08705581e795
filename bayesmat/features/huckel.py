"""Frontier orbitals by the Hueckel method: a free physical estimate of an orbital gap."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np
from rdkit import Chem
from torch import Tensor

from bayesmat._arguments import checked, names, settle
from bayesmat.errors import FeatureError

from .base import Featurizer, check_finite, versioned
from .huckel_parameters import COULOMB, COUPLING, LONE_PAIR
from .parse import molecules
from .pi_system import PiSystem, pi_system

__all__ = [
    "COMPUTED",
    "HuckelGap",
    "HuckelModel",
    "HuckelOrbitals",
    "HuckelResult",
    "computed",
    "huckel",
]

_BROKEN_BELOW = 0.6  # |beta|: see HuckelGap
_NO_PI_GAP = 3.0
_BROKEN_GAP = 1.2
# Bond length 1.517 - 0.18 p (Coulson & Golebiewski 1961), shorter by 0.063 for each sp carbon, and
# beta ~ exp(-r / 0.2623), both in angstrom, so that benzene (p = 2/3) has beta 1.
_PER_ORDER = 0.18 / 0.2623
_PER_SP = 0.063 / 0.2623
_ITERATIONS = 8
NO_PI_SYSTEM = "no pi system"


@dataclass(frozen=True)
class HuckelModel:
    """Which physics is on.

    Args:
        alternation: Resonance integrals between atoms of double bonds follow the bond order, so
            that polyenes alternate (eight iterations); sp atoms are closer.
        lone_pairs: The highest lone pair outside the pi system may be the HOMO (n -> pi*).
        twist: Crowded single bonds between conjugated parts are turned, which weakens them.

    With everything off it is the textbook method: `HuckelModel.topological()`.
    """

    alternation: bool = True
    lone_pairs: bool = True
    twist: bool = True

    def __post_init__(self) -> None:
        settle(self)

    @classmethod
    def topological(cls) -> HuckelModel:
        """The textbook method: one beta for each pair of atom types.

        >>> round(huckel("C=CC=C", HuckelModel.topological()).gap, 3)
        1.236
        """
        return cls(alternation=False, lone_pairs=False, twist=False)


@dataclass(frozen=True)
class HuckelResult:
    """Frontier orbitals of one molecule.

    Attributes:
        gap: LUMO minus HOMO, in |beta|; NaN without frontier orbitals.
        homo: Energy of the highest occupied orbital in |beta|, from alpha of carbon (negative:
            bound); NaN as above.
        lumo: Of the lowest empty one.
        n_pi: Number of pi orbitals.
        n_electrons: Electrons in them.
        broken: Whether the estimate cannot be trusted (see `reason`).
        reason: "", "no pi system", or why it is broken.
    """

    gap: float
    homo: float
    lumo: float
    n_pi: int
    n_electrons: int
    broken: bool
    reason: str


def huckel(smiles: str, model: HuckelModel | None = None) -> HuckelResult:
    """Hueckel frontier orbitals of a molecule, in about 0.4 ms.

    Solves `H c = x c` with `H_ii = h_i`, `H_ij = k_ij` and energies `E = alpha - x |beta|`.

    Args:
        smiles: The molecule.
        model: Which physics is on; everything by default.

    Returns:
        The result; a molecule without pi electrons has `reason == "no pi system"`.

    Raises:
        FeatureError: Not a SMILES that RDKit can read.

    References:
        Hueckel, 1931, doi:10.1007/BF01339530; parameters: see `huckel_parameters`.

    >>> round(huckel("c1ccccc1", HuckelModel.topological()).gap, 3)
    2.0
    """
    return _solve(molecules([smiles]), model or HuckelModel())[0]


def _solve(mols: Sequence[Chem.Mol], model: HuckelModel) -> list[HuckelResult]:
    """Results in order; systems of one size are diagonalised together, which is what is fast."""
    systems = [pi_system(mol) for mol in mols]
    results: list[HuckelResult | None] = [_without_orbitals(system) for system in systems]
    by_size: dict[int, list[int]] = {}
    for row, system in enumerate(systems):
        if results[row] is None:
            by_size.setdefault(len(system.types), []).append(row)
    for rows in by_size.values():
        frontier = _frontier([systems[row] for row in rows], model)
        for row, (homo, lumo) in zip(rows, frontier, strict=True):
            pairs = systems[row].lone_pairs
            if model.lone_pairs and pairs:
                homo = min(homo, _highest_lone_pair(mols[row], pairs))
            results[row] = _result(systems[row], homo, lumo)
    return [result for result in results if result is not None]


def _without_orbitals(system: PiSystem) -> HuckelResult | None:
    n, electrons = len(system.types), system.n_electrons
    nan = math.nan
    if system.doubt == "unpaired electrons":
        return HuckelResult(nan, nan, nan, n, electrons, True, system.doubt)
    if electrons % 2:
        return HuckelResult(nan, nan, nan, n, electrons, True, "odd number of pi electrons")
    if electrons in (0, 2 * n):
        return HuckelResult(nan, nan, nan, n, electrons, False, NO_PI_SYSTEM)
    return None


def _result(system: PiSystem, homo: float, lumo: float) -> HuckelResult:
    gap = homo - lumo
    reason = system.doubt
    if gap < _BROKEN_BELOW:
        reason = f"gap {gap:.2f} |beta| is too small for a closed shell"
    broken = bool(reason)
    return HuckelResult(gap, -homo, -lumo, len(system.types), system.n_electrons, broken, reason)


def _frontier(systems: Sequence[PiSystem], model: HuckelModel) -> list[tuple[float, float]]:
    """Roots x of HOMO and LUMO of b systems of the same size n."""
    size, n = len(systems), len(systems[0].types)
    matrix = np.zeros((size, n, n))
    matrix[:, np.arange(n), np.arange(n)] = [[COULOMB[t] for t in s.types] for s in systems]
    bonds = [(m, *bond) for m, system in enumerate(systems) for bond in system.bonds]
    m, i, j = (np.array([bond[c] for bond in bonds], dtype=np.int64) for c in range(3))
    k, order, n_sp, follows, cos = (
        np.array([bond[c] for bond in bonds], dtype=np.float64) for c in range(3, 8)
    )
    if model.twist:
        k = k * cos
    occupied = np.array([s.n_electrons // 2 for s in systems])
    rows = np.arange(size)
    if not model.alternation:
        matrix[m, i, j] = matrix[m, j, i] = k
        roots = np.linalg.eigvalsh(matrix)
    else:
        k = k * np.exp(_PER_SP * n_sp)
        filled = (np.arange(n) >= n - occupied[:, None])[m]
        for _ in range(_ITERATIONS):
            matrix[m, i, j] = matrix[m, j, i] = k * np.exp(_PER_ORDER * follows * (order - 2 / 3))
            roots, orbitals = np.linalg.eigh(matrix)
            order = 2.0 * (orbitals[m, i] * orbitals[m, j] * filled).sum(axis=1)
    homo, lumo = roots[rows, n - occupied], roots[rows, n - occupied - 1]
    return list(zip(homo.tolist(), lumo.tolist(), strict=True))


def _highest_lone_pair(mol: Chem.Mol, pairs: Sequence[tuple[int, str, bool]]) -> float:
    """Lowest root (weakest binding) of the lone pairs, split by their interaction."""
    levels = np.diag([LONE_PAIR[kind] for _, kind, _ in pairs])
    planar = [(row, atom) for row, (atom, _, is_planar) in enumerate(pairs) if is_planar]
    if len(planar) > 1:
        distance = Chem.GetDistanceMatrix(mol)
        for a, (row, atom) in enumerate(planar):
            for column, other in planar[:a]:
                same = mol.GetAtomWithIdx(atom).GetSymbol() == mol.GetAtomWithIdx(other).GetSymbol()
                split = COUPLING.get(int(distance[atom, other]), 0.0) * (1.0 if same else 0.5)
                levels[row, column] = levels[column, row] = split
    return float(np.linalg.eigvalsh(levels)[0])


def _model_id(name: str, model: HuckelModel) -> str:
    switches = ",".join(f"{f.name}={getattr(model, f.name)}" for f in fields(model))
    return versioned(f"{name}(2,{switches})", "rdkit")


@dataclass(frozen=True)
class HuckelGap:
    """Logarithm of the Hueckel gap, and a class that says where it knows nothing.

    Two columns: the log of the gap in |beta| and its class, 0 where it is trusted. Class 1 has no
    pi system (the column holds log 3), class 2 a broken estimate (log 1.2). It ranks
    semi-empirical and DFT orbital gaps of neutral closed-shell molecules: Spearman 0.91 with the
    GFN1-xTB gaps of 1,500 unsaturated molecules, 0.81 below 4 eV, 0.70 below 3 eV. Do not use it
    for metals, radicals, or properties that the frontier orbitals do not decide.

    >>> HuckelGap().names
    ('log_gap_huckel', 'gap_huckel_class')
    """

    model: HuckelModel = HuckelModel()

    def __post_init__(self) -> None:
        settle(self)

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return _model_id("huckel_gap", self.model)

    @property
    def names(self) -> tuple[str, ...]:
        """The two column names."""
        return ("log_gap_huckel", "gap_huckel_class")

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Log gap and class of `n` SMILES: `n x 2`."""
        materials = names(materials, "materials")
        values = np.empty((len(materials), 2))
        for row, result in enumerate(_solve(molecules(materials), self.model)):
            known = math.isfinite(result.gap) and not result.broken
            gap = result.gap if known else _BROKEN_GAP if result.broken else _NO_PI_GAP
            kind = 2 if result.broken else 1 if result.reason == NO_PI_SYSTEM else 0
            values[row] = math.log(gap), kind
        return check_finite(values, materials, self.names, featurizer=self.id)


@dataclass(frozen=True)
class HuckelOrbitals:
    """Hueckel HOMO and LUMO energies, size of the pi system, and two flags.

    Energies in |beta| from alpha of carbon. Without a pi system they are the constants -1.5 and
    1.5, where the estimate is broken -0.6 and 0.6; the flags say so.

    >>> HuckelOrbitals()(["CCO"]).tolist()
    [[-1.5, 1.5, 0.0, 0.0, 0.0]]
    """

    model: HuckelModel = HuckelModel()

    def __post_init__(self) -> None:
        settle(self)

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return _model_id("huckel_orbitals", self.model)

    @property
    def names(self) -> tuple[str, ...]:
        """The five column names."""
        return ("homo", "lumo", "n_pi", "has_pi", "broken")

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Orbitals of `n` SMILES: `n x 5`."""
        materials = names(materials, "materials")
        values = np.empty((len(materials), 5))
        for row, result in enumerate(_solve(molecules(materials), self.model)):
            has_pi = result.reason != NO_PI_SYSTEM
            homo, lumo = result.homo, result.lumo
            if result.broken or not has_pi:
                lumo = (_BROKEN_GAP if has_pi else _NO_PI_GAP) / 2
                homo = -lumo
            values[row] = homo, lumo, result.n_pi, has_pi, result.broken
        return check_finite(values, materials, self.names, featurizer=self.id)


COMPUTED: Mapping[str, Callable[[], Featurizer]] = MappingProxyType({"gap_huckel": HuckelGap})


def computed(name: str) -> Featurizer:
    """The featurizer of a property that is computed from the structure alone.

    Args:
        name: A key of `COMPUTED`.

    Returns:
        The featurizer.

    Raises:
        FeatureError: There is no such property.

    >>> computed("gap_huckel").names[0]
    'log_gap_huckel'
    """
    name = checked(name, str, "name")
    if name not in COMPUTED:
        raise FeatureError(
            f"There is no computed property {name!r}. Those that can be computed from the "
            f"structure are: {', '.join(COMPUTED)}."
        )
    return COMPUTED[name]()
