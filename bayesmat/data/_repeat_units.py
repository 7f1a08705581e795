"""One key per polymer, whichever of its repeat units was written down.

The chain is cut at every single bond that all of it hangs on (a bridge between the attachment
points). The segments in between, written with their head [1*] and tail [2*], form a cyclic sequence
that is the same for every repeat unit of the polymer. Its smallest period is the smallest repeat
unit, and the least of its rotations, read in either direction, is the key.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from rdkit import Chem

from ._smiles import Unreadable, read

_HEAD, _TAIL = 1, 2
_SINGLE = Chem.BondType.SINGLE
_STAR = Chem.MolFromSmarts("[#0]")
_ENDS = {label: Chem.MolFromSmarts(f"[{label}#0]") for label in (_HEAD, _TAIL)}


def canonical(smiles: str) -> str:
    """Key of the polymer: a repeat unit with two `*`."""
    mol = read(smiles)
    fragments = list(Chem.GetMolFrags(mol, asMols=True))
    chains = [m for m in fragments if _stars(m)]
    stars = [star for m in chains for star in _stars(m)]
    if len(stars) != 2:
        raise Unreadable(f"a repeat unit has two attachment points '*', this has {len(stars)}")
    if len(chains) != 1:
        raise Unreadable("its two attachment points are in separate pieces")
    others = sorted(Chem.MolToSmiles(m) for m in fragments if not _stars(m))
    segments = _segments(_single_ended(_labelled(chains[0])))
    keys = _least(segments, may_shorten=not others)
    return ".".join([_join(keys), *others])


def _stars(mol: Chem.Mol) -> list[int]:
    return [match[0] for match in mol.GetSubstructMatches(_STAR)]


def _labelled(mol: Chem.Mol) -> Chem.Mol:
    """The chain with its two ends told apart by isotope labels."""
    mol = Chem.Mol(mol)
    orders = set()
    for star, label in zip(_stars(mol), (_HEAD, _TAIL), strict=True):
        atom = mol.GetAtomWithIdx(star)
        if atom.GetDegree() != 1:
            raise Unreadable(f"an attachment point has {atom.GetDegree()} bonds; it needs one")
        if atom.GetNeighbors()[0].GetAtomicNum() == 0:
            raise Unreadable("there is nothing between the attachment points")
        orders.add(atom.GetBonds()[0].GetBondType())
        atom.SetIsotope(label)
        atom.SetFormalCharge(0)
    if len(orders) != 1:
        raise Unreadable("its two attachment points have bonds of different order")
    return mol


def _end(mol: Chem.Mol, label: int) -> int:
    return int(mol.GetSubstructMatch(_ENDS[label])[0])


def _bridges(mol: Chem.Mol) -> tuple[list[int], list[int]]:
    """Atoms from head to tail, and the single bonds on that way that are not in a ring."""
    path = list(Chem.GetShortestPath(mol, _end(mol, _HEAD), _end(mol, _TAIL)))
    inner = path[1:-1]
    bonds = [mol.GetBondBetweenAtoms(a, b) for a, b in pairwise(inner)]
    return path, [b.GetIdx() for b in bonds if b.GetBondType() == _SINGLE and not b.IsInRing()]


def _cut(mol: Chem.Mol, path: list[int], bonds: list[int]) -> list[Chem.Mol]:
    """Pieces in the order of the path, each with a head and a tail."""
    n = mol.GetNumAtoms()
    place = {atom: position for position, atom in enumerate(path)}
    cut = Chem.FragmentOnBonds(mol, bonds)
    for dummy in range(n, cut.GetNumAtoms()):
        atom = cut.GetAtomWithIdx(dummy)
        here = atom.GetNeighbors()[0].GetIdx()
        bond = mol.GetBondWithIdx(bonds[(dummy - n) // 2])
        there = bond.GetOtherAtomIdx(here)
        atom.SetIsotope(_TAIL if place[there] > place[here] else _HEAD)
    atoms: list[tuple[int, ...]] = []
    pieces = Chem.GetMolFrags(cut, asMols=True, sanitizeFrags=False, fragsMolAtomMapping=atoms)
    first = [min(place[a] for a in members if a in place) for members in atoms]
    return [piece for _, piece in sorted(zip(first, pieces, strict=True), key=lambda pair: pair[0])]


def _single_ended(mol: Chem.Mol) -> Chem.Mol:
    """The same chain, cut at a single bond if it was cut at a double or triple one."""
    if mol.GetAtomWithIdx(_end(mol, _HEAD)).GetBonds()[0].GetBondType() == _SINGLE:
        return mol
    path, bonds = _bridges(mol)
    if not bonds:
        return mol
    first, last = _cut(mol, path, bonds[:1])
    return _zip([last, first])


def _segments(mol: Chem.Mol) -> list[Chem.Mol]:
    path, bonds = _bridges(mol)
    is_single = mol.GetAtomWithIdx(path[0]).GetBonds()[0].GetBondType() == _SINGLE
    return _cut(mol, path, bonds) if bonds and is_single else [mol]


def _reversed(mol: Chem.Mol) -> Chem.Mol:
    mol = Chem.Mol(mol)
    head, tail = _end(mol, _HEAD), _end(mol, _TAIL)
    mol.GetAtomWithIdx(head).SetIsotope(_TAIL)
    mol.GetAtomWithIdx(tail).SetIsotope(_HEAD)
    return mol


def _least(segments: list[Chem.Mol], *, may_shorten: bool) -> tuple[str, ...]:
    """Least rotation, in either direction, of the smallest period of the chain."""
    forward = [Chem.MolToSmiles(m) for m in segments]
    backward = [Chem.MolToSmiles(_reversed(m)) for m in reversed(segments)]
    n = len(forward)
    period = n
    if may_shorten:
        period = next(
            p for p in range(1, n + 1) if n % p == 0 and forward == forward[:p] * (n // p)
        )
    return min(
        tuple((way[start:] + way[:start])[:period])
        for way in (forward, backward)
        for start in range(period)
    )


@lru_cache(maxsize=4096)
def _segment(smiles: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise Unreadable(f"its segment {smiles!r} cannot be read back by RDKit")
    return mol


def _zip(segments: list[Chem.Mol]) -> Chem.Mol:
    """Chain the segments, tail to head; the first head and the last tail stay open."""
    joined = Chem.Mol()
    for i, segment in enumerate(segments):
        mol = Chem.Mol(segment)
        for label, number in ((_HEAD, i), (_TAIL, i + 1)):
            if 0 < number < len(segments):
                atom = mol.GetAtomWithIdx(_end(mol, label))
                atom.SetAtomMapNum(number)
                atom.SetIsotope(0)
        joined = Chem.CombineMols(joined, mol)
    if len(segments) == 1:
        return joined
    whole = Chem.molzip(joined)
    Chem.SanitizeMol(whole)
    return whole


def _join(keys: tuple[str, ...]) -> str:
    """The repeat unit, twice if a stereocentre would vanish between two equal neighbours."""
    once = _open(keys)
    if "@" in "".join(keys) and _centres(once) < sum(_centres(key) for key in keys):
        return _open(keys * 2)
    return once


def _open(keys: tuple[str, ...]) -> str:
    mol = _zip([_segment(key) for key in keys])
    for star in _stars(mol):
        mol.GetAtomWithIdx(star).SetIsotope(0)
    return str(Chem.MolToSmiles(mol))


def _centres(smiles: str) -> int:
    tags = [atom.GetChiralTag() for atom in _segment(smiles).GetAtoms()]
    return sum(tag != Chem.ChiralType.CHI_UNSPECIFIED for tag in tags)
