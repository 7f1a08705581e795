"""Which molecules may be proposed at all: a filter in two stages, with reasons.

The cheap stage (elements, size, rings, own alerts, synthetic accessibility) suits a sampler's
every proposal; the catalogues of the full stage need checking only on what it would accept.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import lru_cache

import rdkit
from rdkit import rdBase
from rdkit.Chem import Descriptors, FilterCatalog, Mol, MolFromSmarts, MolFromSmiles
from rdkit.Contrib.SA_Score import sascorer

from bayesmat._arguments import checked, settle
from bayesmat._probe import MOLECULES
from bayesmat.errors import DesignError

from .alerts import ALERTS, Alert
from .catalogues import HARMLESS
from .rings import arene_tautomers, ring_shape

__all__ = ["MoleculeFilter", "Verdict", "synthetic_accessibility"]

# Neighbouring letters are bonded atoms, so these refuse a string before it is parsed. N=N and N=S
# are absent: an arene written with alternating bonds may hold them.
_HOPELESS = re.compile(r"OO|SS|N=O|O=N|=C=|NCl|ClN|OCl|ClO|NF|FN|OF|FO")


@dataclass(frozen=True)
class Verdict:
    """Whether a molecule may be proposed, and if not, why.

    Attributes:
        ok: True when nothing speaks against it.
        reasons: What speaks against it; empty when ok.
    """

    ok: bool
    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.ok


_FINE = Verdict(True)


def synthetic_accessibility(mol: Mol) -> float:
    """Score how hard a molecule looks to make, from 1 (easy) to 10.

    Ertl & Schuffenhauer 2009, doi:10.1186/1758-2946-1-8, as RDKit's Contrib folder ships it.

    >>> synthetic_accessibility(MolFromSmiles("c1ccccc1")) < 1.5
    True
    """
    return float(sascorer.calculateScore(mol))


@dataclass(frozen=True)
class MoleculeFilter:
    """Refuse molecules that are charged, unstable, strained, mis-drawn or hard to make.

    Use it as the constraint of a molecular design, and on the molecules a language model is
    trained on. It is not a drug filter: toxicity, solubility and assay artefacts are no reasons.
    Stereochemistry is ignored. Records are immutable; vary one with `dataclasses.replace`.

    Attributes:
        elements: Allowed symbols besides hydrogen.
        min_heavy, max_heavy: Limits on the number of heavy atoms.
        max_mass: Largest molar mass, g/mol.
        ring_sizes: Allowed ring sizes; a seven-ring needs three sp3 atoms besides. There are no
            bridged rings.
        max_rings, max_spiro: Most rings and spiro atoms.
        max_arenes: Most benzene rings fused to one another (3: anthracene, not chrysene).
        max_accessibility: Largest synthetic-accessibility score.
        own: Refused substructures with reasons.
        catalogues: Names of RDKit catalogues; their harmless entries are dropped.

    >>> MoleculeFilter.default()("O=C1c2ccccc2-c2ccccc12")
    Verdict(ok=True, reasons=())
    >>> MoleculeFilter.default()("C1=CC=CC1=C").reasons
    ('fulvene, azafulvene or dienone five-ring',)
    """

    elements: tuple[str, ...] = ("C", "N", "O", "S", "F", "Cl")
    min_heavy: int = 5
    max_heavy: int = 22
    max_mass: float = 300.0
    ring_sizes: tuple[int, ...] = (3, 5, 6, 7)
    max_rings: int = 4
    max_spiro: int = 1
    max_arenes: int = 3
    max_accessibility: float = 3.8
    own: tuple[Alert, ...] = ALERTS
    catalogues: tuple[str, ...] = ("NIH", "BRENK")

    def __post_init__(self) -> None:
        settle(self)

    @classmethod
    def default(cls) -> MoleculeFilter:
        """Return the filter that the bundled molecule list and the demo use."""
        return cls()

    @property
    def digest(self) -> str:
        """Hash of every limit and alert, and of the verdicts on a fixed set of molecules."""
        dropped = {name: sorted(HARMLESS.get(name, ())) for name in self.catalogues}
        verdicts = _verdicts(self, rdkit.__version__)
        record = {"filter": asdict(self), "dropped": dropped, "verdicts": verdicts}
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]

    def __call__(self, smiles: str) -> Verdict:
        """Judge a SMILES by both stages; stop at the first reason."""
        smiles = checked(smiles, str, "smiles")
        verdict = self.precheck(smiles)
        if not verdict:
            return verdict
        mol = _parse(smiles)
        if mol is None:
            return Verdict(False, ("not a valid SMILES of one component",))
        return self.quick(mol) and self.alerts(mol)

    def explain(self, smiles: str) -> Verdict:
        """Judge a SMILES by both stages and give every reason, not the first."""
        smiles = checked(smiles, str, "smiles")
        mol = _parse(smiles)
        if mol is None:
            return Verdict(False, ("not a valid SMILES of one component",))
        reasons = [r for r in (self._composition(mol), self._rings(mol)) if r]
        if self._too_hard(mol):
            reasons.append(self._hard)
        for catalogue in (_own_catalogue(self.own), _full_catalogue(self.own, self.catalogues)):
            reasons.extend(entry.GetDescription() for entry in catalogue.GetMatches(mol))
        return Verdict(not reasons, tuple(dict.fromkeys(reasons)))

    def precheck(self, smiles: str) -> Verdict:
        """Refuse from the text alone (2 microseconds), before a parser sees it.

        Catches several components, charges, isotopes, stereo-free radicals in brackets, elements
        outside the set, and pairs of neighbouring atoms that no molecule here may hold. Stereo
        marks pass and are ignored. A string that passes need not be valid.
        """
        smiles = checked(smiles, str, "smiles")
        if not _alphabet(self.elements).fullmatch(smiles):
            return Verdict(False, ("text holds other than neutral atoms of the allowed elements",))
        match = _HOPELESS.search(smiles)
        if match:
            return Verdict(False, (f"text holds {match.group()}",))
        return _FINE

    def quick(self, mol: Mol) -> Verdict:
        """Judge elements, size, rings, cheap alerts and accessibility (0.3 ms); first reason."""
        reason = self._composition(mol) or self._rings(mol)
        if reason is None:
            entry = _own_catalogue(self.own).GetFirstMatch(mol)
            if entry is not None:
                reason = entry.GetDescription()
            elif self._too_hard(mol):
                reason = self._hard
        return Verdict(False, (reason,)) if reason else _FINE

    def alerts(self, mol: Mol) -> Verdict:
        """Judge by the costly own alerts and the catalogues (0.8 ms); first reason only."""
        entry = _full_catalogue(self.own, self.catalogues).GetFirstMatch(mol)
        return _FINE if entry is None else Verdict(False, (entry.GetDescription(),))

    @property
    def _hard(self) -> str:
        return f"synthetic accessibility above {self.max_accessibility:g}"

    def _too_hard(self, mol: Mol) -> bool:
        return synthetic_accessibility(mol) > self.max_accessibility

    def _composition(self, mol: Mol) -> str | None:
        n_heavy = mol.GetNumHeavyAtoms()
        if not self.min_heavy <= n_heavy <= self.max_heavy:
            return f"{n_heavy} heavy atoms, not {self.min_heavy} to {self.max_heavy}"
        n_carbon = n_hetero = 0
        for atom in mol.GetAtoms():
            symbol = atom.GetSymbol()
            if symbol not in self.elements and symbol != "H":
                return f"element {symbol}"
            if atom.GetFormalCharge():
                return "charged atom"
            if atom.GetNumRadicalElectrons():
                return "radical"
            if atom.GetIsotope():
                return "isotope label"
            n_carbon += symbol == "C"
            n_hetero += symbol in ("N", "O", "S")
        if 2 * n_hetero > 3 * n_carbon:
            return "more than 3 heteroatoms for 2 carbons"
        if Descriptors.MolWt(mol) > self.max_mass:  # type: ignore[attr-defined]
            return f"molar mass above {self.max_mass:g} g/mol"
        return None

    def _rings(self, mol: Mol) -> str | None:
        shape = ring_shape(
            mol,
            sizes=self.ring_sizes,
            max_rings=self.max_rings,
            max_spiro=self.max_spiro,
            max_arenes=self.max_arenes,
        )
        return shape or arene_tautomers(mol)


def _parse(smiles: str) -> Mol | None:
    with rdBase.BlockLogs():
        mol = MolFromSmiles(smiles)
    return mol if mol is not None and mol.GetNumAtoms() and "." not in smiles else None


@lru_cache(maxsize=16)
def _verdicts(rules: MoleculeFilter, _release: str) -> tuple[tuple[str, ...], ...]:
    """Every reason against each molecule of a fixed set, under a release of RDKit."""
    return tuple(rules.explain(smiles).reasons for smiles in MOLECULES)


@lru_cache(maxsize=16)
def _alphabet(elements: tuple[str, ...]) -> re.Pattern[str]:
    symbols = sorted(elements, key=len, reverse=True)
    aromatic = [s.lower() for s in symbols if s in ("B", "C", "N", "O", "P", "S")]
    atoms = "|".join(symbols + aromatic)
    bracketed = rf"\[(?:(?:{atoms})@{{0,2}}H?|nH)\]" if elements else ""
    return re.compile(rf"(?:{atoms}|{bracketed}|[0-9()=#/\\-]|%[0-9]{{2}})+")


@lru_cache(maxsize=16)
def _own_catalogue(alerts: tuple[Alert, ...]) -> FilterCatalog.FilterCatalog:
    catalogue = FilterCatalog.FilterCatalog()
    for alert in alerts:
        if not _costly(alert):
            catalogue.AddEntry(_entry(alert))
    return catalogue


@lru_cache(maxsize=16)
def _full_catalogue(
    alerts: tuple[Alert, ...], names: tuple[str, ...]
) -> FilterCatalog.FilterCatalog:
    known = FilterCatalog.FilterCatalogParams.FilterCatalogs.names
    if unknown := [name for name in names if name not in known]:
        raise DesignError(
            f"unknown alert catalogues {unknown}: molecules cannot be checked against them. "
            f"RDKit knows {', '.join(sorted(known))}."
        )
    merged = FilterCatalog.FilterCatalog()
    for alert in alerts:
        if _costly(alert):
            merged.AddEntry(_entry(alert))
    for name in names:
        catalogue = FilterCatalog.FilterCatalog(known[name])
        for index in range(catalogue.GetNumEntries()):
            entry = catalogue.GetEntryWithIdx(index)
            if entry.GetDescription() not in HARMLESS.get(name, {}):
                merged.AddEntry(entry)
    return merged


def _costly(alert: Alert) -> bool:
    """Patterns of several parts or many recursive ones: 10-20 microseconds each, others 2."""
    return "." in alert.smarts or alert.smarts.count("$(") >= 3


def _entry(alert: Alert) -> FilterCatalog.FilterCatalogEntry:
    pattern = MolFromSmarts(alert.smarts)
    if pattern is None:
        raise DesignError(
            f"alert {alert.name!r} has a SMARTS that RDKit cannot read: {alert.smarts!r}. "
            "Without it the filter would let those molecules pass; correct the pattern."
        )
    matcher = FilterCatalog.SmartsMatcher(alert.name, pattern, 1)
    return FilterCatalog.FilterCatalogEntry(alert.name, matcher)
