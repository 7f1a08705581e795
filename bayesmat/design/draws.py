"""Draws of a language that pass a filter, by rejection."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

from rdkit import Chem
from rdkit.rdBase import BlockLogs

from bayesmat._arguments import checked, seed_of
from bayesmat._repr import Shown
from bayesmat.errors import DesignError

from .moves import Checker, Language

__all__ = ["MoleculeCheck", "PriorDraws", "Verdict", "draw_prior", "molecule_checker"]


class Verdict(Protocol):
    """Answer of one stage of a filter."""

    @property
    def ok(self) -> bool:
        """Whether the molecule passed."""
        ...


class MoleculeCheck(Protocol):
    """A molecular filter in three stages; `bayesmat.design.chemistry.MoleculeFilter` is one."""

    def precheck(self, smiles: str, /) -> Verdict:
        """What the text alone tells, in microseconds."""
        ...

    def quick(self, mol: Chem.Mol, /) -> Verdict:
        """Cheap stage: elements, size, rings."""
        ...

    def alerts(self, mol: Chem.Mol, /) -> Verdict:
        """Slow stage: structural alerts."""
        ...


def molecule_checker(molecule_filter: MoleculeCheck) -> Checker:
    """Strings to canonical SMILES through RDKit and a filter, memoised.

    A canonical SMILES that cannot be read again, or changes when read again, is refused (about one
    in 100,000), so that every key is a string that any later step can parse.
    """
    molecule_filter = checked(molecule_filter, MoleculeCheck, "molecule_filter")

    def valid(text: str) -> str | None:
        if not molecule_filter.precheck(text).ok:
            return None
        with BlockLogs():
            mol = Chem.MolFromSmiles(text)
            if mol is None or not molecule_filter.quick(mol).ok:
                return None
            key = Chem.MolToSmiles(mol)
            again = Chem.MolFromSmiles(key)
            return key if again is not None and Chem.MolToSmiles(again) == key else None

    def final(key: str) -> bool:
        with BlockLogs():
            return bool(molecule_filter.alerts(Chem.MolFromSmiles(key)).ok)

    return Checker(valid, final)


@dataclass(frozen=True, repr=False)
class PriorDraws(Shown):
    """Independent draws of a language restricted to what a checker accepts.

    Attributes:
        strings: As drawn (a string, not its canonical form, is what the prior weighs).
        materials: Canonical material of each.
        n_drawn: Raw draws that it took.
        n_parsed: Raw draws that passed the cheap checks.
    """

    strings: tuple[str, ...]
    materials: tuple[str, ...]
    n_drawn: int
    n_parsed: int

    def _facts(self) -> dict[str, object]:
        return {
            "draws": len(self.materials),
            "distinct": len(set(self.materials)),
            "raw draws": self.n_drawn,
            "passed cheap checks": self.n_parsed,
            "first": self.materials[:4],
        }


def draw_prior(
    language: Language, checker: Checker, n: int, *, seed: int, max_tries: int = 200
) -> PriorDraws:
    """Draw from the language by rejection until n strings pass every check.

    Args:
        language: The prior of strings.
        checker: Cheap validity and slow alerts, for example `molecule_checker(filter)`.
        n: Draws wanted.
        seed: Seeds the draws.
        max_tries: Give up after this many raw draws per draw wanted.

    Raises:
        DesignError: The checks pass too few draws.
    """
    language = checked(language, Language, "language")
    checker, n, seed = checked(checker, Checker, "checker"), checked(n, int, "n"), seed_of(seed)
    max_tries = checked(max_tries, int, "max_tries")
    rng = random.Random(seed)
    strings: list[str] = []
    materials: list[str] = []
    tried = parsed = 0
    while len(strings) < n:
        if tried >= max_tries * n:
            raise DesignError(
                f"only {len(strings)} of {tried} draws from the language passed the filter "
                f"({parsed} passed its cheap part); {n} are needed. Train the language on "
                "molecules that pass the filter, or relax the filter"
            )
        tried += 1
        ids = language.regrow((), rng)
        text = "" if ids is None else language.decode(ids)
        key = checker.key(text) if text else None
        if key is None:
            continue
        parsed += 1
        if checker.approves(key):
            strings.append(text)
            materials.append(key)
    return PriorDraws(tuple(strings), tuple(materials), tried, parsed)
