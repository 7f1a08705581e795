"""Which atoms of a molecule share pi electrons, and how: the typing step of the Hueckel method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from rdkit import Chem

from .huckel_parameters import ELECTRONS, LONE_PAIR, TWIST_ANGLES, resonance

__all__ = ["PiBond", "PiSystem", "pi_system"]

_DOUBLE, _TRIPLE, _SINGLE = Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.SINGLE
# Atoms of double bonds: their bonds shorten and lengthen about p = 2/3. The tabulated integral of
# a lone pair is already that of a single bond.
_ALTERNATING = frozenset({"C", "N1", "O1", "S1"})
_LONE_PAIRS = {"N": "N2", "O": "O2", "S": "S2", "P": "P2", "F": "F", "Cl": "Cl", "Br": "Br"}


class PiBond(NamedTuple):
    """Resonance integral of orbitals i and j: k_ij, bond order at the start, sp ends, rest."""

    i: int
    j: int
    k: float
    order: float
    n_sp: int
    follows_order: bool
    cos_twist: float


@dataclass(frozen=True)
class PiSystem:
    """Orbitals of the pi system (types and electrons), its bonds, and the lone pairs outside it.

    Attributes:
        types: Type of each orbital, a key of `COULOMB`.
        n_electrons: Electrons in the pi orbitals.
        bonds: Resonance integrals.
        lone_pairs: (atom, kind, is in the plane of the pi system) of each other lone pair.
        doubt: Why the Hueckel method cannot be trusted for this structure, or "".
    """

    types: tuple[str, ...]
    n_electrons: int
    bonds: tuple[PiBond, ...]
    lone_pairs: tuple[tuple[int, str, bool], ...]
    doubt: str


class _Graph:
    """The Kekule structure in plain lists: asking RDKit atom by atom is what costs time."""

    def __init__(self, mol: Chem.Mol) -> None:
        Chem.Kekulize(mol)
        self.mol = mol
        self.rings = mol.GetRingInfo()
        atoms = list(mol.GetAtoms())
        self.symbol = [a.GetSymbol() for a in atoms]
        self.charge = [a.GetFormalCharge() for a in atoms]
        self.is_radical = any(a.GetNumRadicalElectrons() for a in atoms)
        self.n_h = [a.GetTotalNumHs() for a in atoms]
        self.neighbours: list[list[int]] = [[] for _ in atoms]
        self.multiple: list[list[int]] = [[] for _ in atoms]
        self.bonds: list[tuple[int, int, Chem.BondType, bool]] = []
        for b in mol.GetBonds():
            i, j, kind = b.GetBeginAtomIdx(), b.GetEndAtomIdx(), b.GetBondType()
            self.neighbours[i].append(j)
            self.neighbours[j].append(i)
            if kind in (_DOUBLE, _TRIPLE):
                self.multiple[i].append(len(self.bonds))
                self.multiple[j].append(len(self.bonds))
            self.bonds.append((i, j, kind, b.GetIsAromatic()))
        # S=O and P=O of sulfoxides, sulfones, phosphates ... are dative, not pi bonds.
        self.hypervalent = [
            (s == "S" and a.GetTotalValence() > 2) or (s == "P" and a.GetTotalValence() > 3)
            for s, a in zip(self.symbol, atoms, strict=True)
        ]
        self.is_sp = [
            len(m) == 2 or any(self.bonds[b][2] == _TRIPLE for b in m) for m in self.multiple
        ]

    def other(self, bond: int, atom: int) -> int:
        i, j = self.bonds[bond][:2]
        return j if i == atom else i

    def is_sulfur_dioxide_like(self, atom: int) -> bool:
        return (
            self.hypervalent[atom]
            and len(self.multiple[atom]) == 2
            and len(self.neighbours[atom]) == 2
        )

    def is_dative(self, bond: int) -> bool:
        return any(
            self.hypervalent[a] and not self.is_sulfur_dioxide_like(a) for a in self.bonds[bond][:2]
        )


class _Orbitals:
    """Pi orbitals while they are being found."""

    def __init__(self, size: int) -> None:
        self.types: list[str] = []
        self.electrons = 0
        self.main: list[int] = [-1] * size
        self.of_bond: dict[tuple[int, int], int] = {}

    def add(self, kind: str, electrons: int) -> int:
        self.types.append(kind)
        self.electrons += electrons
        return len(self.types) - 1

    def at(self, atom: int, bond: int) -> int:
        return self.of_bond.get((atom, bond), self.main[atom])


def pi_system(mol: Chem.Mol) -> PiSystem:
    """Type the pi orbitals of a molecule (which is kekulised in place).

    Atoms of double and triple bonds give one orbital; the middle of a cumulene gives two that are
    perpendicular. A lone pair counts when its atom is bound to such an atom. The second pi bond of
    a triple bond is left out: it is perpendicular to the conjugated one and lies deeper.
    """
    graph = _Graph(mol)
    orbitals = _Orbitals(len(graph.symbol))
    _multiple_bonds(graph, orbitals)
    unsaturated = [orbital >= 0 for orbital in orbitals.main]
    _attached(graph, orbitals, unsaturated)
    return PiSystem(
        types=tuple(orbitals.types),
        n_electrons=orbitals.electrons,
        bonds=tuple(_bonds(graph, orbitals, unsaturated)),
        lone_pairs=tuple(_lone_pairs(graph, orbitals)),
        doubt=_doubt(graph),
    )


def _doubt(graph: _Graph) -> str:
    if graph.is_radical:
        return "unpaired electrons"
    for atom, bonds in enumerate(graph.multiple):
        around = [graph.symbol[graph.other(b, atom)] for b in bonds]
        if graph.symbol[atom] == "C" and around == ["C", "C"]:
            return "cumulated double bonds"
        if graph.is_sulfur_dioxide_like(atom) and around != ["O", "O"]:
            return "double bonds of hypervalent sulfur"
        is_neutral_nitrogen = graph.symbol[atom] == "N" and graph.charge[atom] == 0
        if is_neutral_nitrogen and "O" in around:
            return "nitroso group"
        if bonds and any(graph.rings.IsAtomInRingOfSize(atom, size) for size in (3, 4)):
            inside = [b for b in bonds if graph.rings.IsBondInRingOfSize(b, 3)]
            inside += [b for b in bonds if graph.rings.IsBondInRingOfSize(b, 4)]
            if inside:
                return "double bond in a ring of three or four"
    return ""


def _multiple_bonds(graph: _Graph, orbitals: _Orbitals) -> None:
    for atom, bonds in enumerate(graph.multiple):
        real = [b for b in bonds if not graph.is_dative(b)]
        symbol = graph.symbol[atom]
        if not real or symbol not in ("C", "N", "O", "S", "P", "Si", "B"):
            continue
        if graph.hypervalent[atom]:
            orbitals.main[atom] = orbitals.add("S2", 2)
            continue
        if symbol == "N":
            kind = "N+" if graph.charge[atom] > 0 else "N1"
        elif symbol in ("C", "Si", "B"):
            kind = "C"
        else:
            kind = symbol + "1"
        orbitals.main[atom] = orbitals.add(kind, 1)
        if len(real) == 2:
            orbitals.of_bond[atom, real[0]] = orbitals.main[atom]
            orbitals.of_bond[atom, real[1]] = orbitals.add(kind, 1)


def _attached(graph: _Graph, orbitals: _Orbitals, unsaturated: list[bool]) -> None:
    for atom, symbol in enumerate(graph.symbol):
        bound = any(unsaturated[j] for j in graph.neighbours[atom])
        if unsaturated[atom] or graph.multiple[atom] or graph.hypervalent[atom] or not bound:
            continue
        charge = graph.charge[atom]
        if symbol == "B" and charge == 0:
            orbitals.main[atom] = orbitals.add("B", 0)
        elif symbol == "C" and charge:
            orbitals.main[atom] = orbitals.add("C", 1 - charge)
        elif symbol == "O" and charge < 0:
            orbitals.main[atom] = orbitals.add("O1", 2)
        elif symbol == "I":
            orbitals.main[atom] = orbitals.add("I", ELECTRONS["I"])
        elif symbol in _LONE_PAIRS and charge <= 0:
            kind = _LONE_PAIRS[symbol]
            orbitals.main[atom] = orbitals.add(kind, ELECTRONS[kind])


def _bonds(graph: _Graph, orbitals: _Orbitals, unsaturated: list[bool]) -> list[PiBond]:
    found = []
    for b, (i, j, kind, is_aromatic) in enumerate(graph.bonds):
        p, q = orbitals.at(i, b), orbitals.at(j, b)
        if p < 0 or q < 0 or (kind != _SINGLE and graph.is_dative(b)):
            continue
        types = orbitals.types[p], orbitals.types[q]
        turnable = kind == _SINGLE and not is_aromatic and unsaturated[i] and unsaturated[j]
        found.append(
            PiBond(
                i=p,
                j=q,
                k=resonance(*types),
                order=2 / 3 if is_aromatic else 0.3 if kind == _SINGLE else 0.9,
                n_sp=graph.is_sp[i] + graph.is_sp[j],
                follows_order=types[0] in _ALTERNATING and types[1] in _ALTERNATING,
                cos_twist=_cos_twist(graph, i, j, b) if turnable else 1.0,
            )
        )
    return found


def _cos_twist(graph: _Graph, i: int, j: int, bond: int) -> float:
    if graph.rings.NumBondRings(bond) or graph.is_sp[i] or graph.is_sp[j]:
        return 1.0
    a = [_bulk(graph, x) for x in graph.neighbours[i] if x != j] + [0, 0]
    b = [_bulk(graph, x) for x in graph.neighbours[j] if x != i] + [0, 0]
    clash = min(a[0] * b[0] + a[1] * b[1], a[0] * b[1] + a[1] * b[0])
    five = graph.rings.IsAtomInRingOfSize(i, 5) or graph.rings.IsAtomInRingOfSize(j, 5)
    return math.cos(math.radians(TWIST_ANGLES[5 if five else 6][min(clash, 5)]))


def _bulk(graph: _Graph, atom: int) -> int:
    if graph.n_h[atom] and graph.symbol[atom] in ("C", "N"):
        return 1
    if len(graph.neighbours[atom]) == 1:
        return 0 if graph.symbol[atom] in ("O", "N", "F") else 1
    return 2 if len(graph.neighbours[atom]) > 2 else 0


def _lone_pairs(graph: _Graph, orbitals: _Orbitals) -> list[tuple[int, str, bool]]:
    found = []
    for atom, symbol in enumerate(graph.symbol):
        if symbol == "C" or graph.charge[atom] or graph.hypervalent[atom]:
            continue
        if orbitals.main[atom] >= 0:
            kind = _in_plane(graph, atom) if len(graph.multiple[atom]) == 1 else None
        else:
            kind = None if graph.multiple[atom] else _saturated(graph, atom)
        if kind is not None:
            found.append((atom, kind, orbitals.main[atom] >= 0))
    return found


def _in_plane(graph: _Graph, atom: int) -> str | None:
    bond = graph.multiple[atom][0]
    partner = graph.other(bond, atom)
    if graph.bonds[bond][2] != _DOUBLE:
        return None
    if graph.symbol[atom] == "N":
        return "imine"
    if graph.symbol[atom] == "S":
        return "thione"
    if graph.symbol[atom] != "O" or graph.symbol[partner] != "C":
        return None
    others = [graph.symbol[x] for x in graph.neighbours[partner] if x != atom]
    if any(s in ("O", "F", "Cl") for s in others):
        return "ester"
    if "N" in others:
        return "amide"
    return "ketone" if len(others) == 2 else "aldehyde"


_SATURATED = {
    "N": ("amine3", "amine2", "amine1", "ammonia"),
    "S": ("sulfide", "thiol", "hydrogen_sulfide"),
    "O": ("ether", "alcohol", "water"),
    "Br": ("bromide",),
    "I": ("iodide",),
}


def _saturated(graph: _Graph, atom: int) -> str | None:
    kinds = _SATURATED.get(graph.symbol[atom])
    if kinds is None:
        return None
    kind = kinds[min(graph.n_h[atom], len(kinds) - 1)]
    return kind if kind in LONE_PAIR else None
