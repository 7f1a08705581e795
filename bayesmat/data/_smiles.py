"""Reading and writing SMILES through RDKit, quietly, with a reason where it fails."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from rdkit import Chem

_MAX_PASSES = 8
_DATIVE = re.compile(r"->|<-")
_STRAY = re.compile(r"[^A-Za-z0-9@+\-\[\]()/\\=#$:.%*~]")


class Unreadable(ValueError):
    """Why a string is not a material; the caller adds which string and what to do."""


def read(smiles: str) -> Chem.Mol:
    """Sanitised molecule without atom-map numbers; `Unreadable` says why there is none."""
    if len(smiles.split()) != 1:
        raise Unreadable("there are blanks inside it")
    reason = stray(smiles)
    if reason:
        raise Unreadable(reason)
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise Unreadable(_why(smiles))
    if mol.GetNumAtoms() == 0:
        raise Unreadable("it has no atoms")
    if ":" in smiles:
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(0)
    return mol


def stray(smiles: str) -> str:
    """Why a character has no meaning in SMILES (RDKit ignores some of them), or ""."""
    found = _STRAY.search(_DATIVE.sub("", smiles))
    if not found:
        return ""
    character = found[0]
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    name = unicodedata.name(character, "a control character").lower()
    if character == ">":
        return "it is a reaction ('>'), not a molecule"
    return f"{shown!r} ({name}) has no meaning in SMILES"


def _why(smiles: str) -> str:
    mol = Chem.MolFromSmiles(smiles, sanitize=False)
    if mol is None:
        return "it is not valid SMILES syntax (unclosed ring or bracket, unknown atom, stray text)"
    problems = [problem.Message().strip() for problem in Chem.DetectChemistryProblems(mol)]
    return "; ".join(problems) or "RDKit cannot make sense of it"


def settle(step: Callable[[str], str], text: str) -> str:
    """Apply a canonicalisation until it no longer changes the text.

    RDKit's canonical SMILES is not always readable, nor its own canonical SMILES (rare, with much
    stereochemistry). On a cycle the smallest member is taken, so that the result is a fixed point
    of this function whatever `step` does.
    """
    seen = [step(text)]
    for _ in range(_MAX_PASSES):
        try:
            following = step(seen[-1])
        except Unreadable as reason:
            raise Unreadable(
                f"its canonical form {seen[-1]!r} cannot be read back ({reason})"
            ) from reason
        if following in seen:
            return min(seen[seen.index(following) :])
        seen.append(following)
    raise Unreadable("its canonical form does not settle")


def canonical(smiles: str) -> str:
    """Canonical SMILES of a molecule without attachment points."""
    if "*" in smiles:
        raise Unreadable(
            "it has attachment points '*', so it is part of a molecule (polymers: "
            "kind='repeat_unit')"
        )
    return str(Chem.MolToSmiles(read(smiles)))
