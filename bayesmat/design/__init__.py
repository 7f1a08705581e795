"""Inverse design of molecules: a SMILES language, a filter, and SMC over strings."""

from __future__ import annotations

from .chemistry import MoleculeFilter, Verdict, synthetic_accessibility
from .corpus import filtered_molecules
from .draws import PriorDraws, draw_prior, molecule_checker
from .language import SmilesNGram, detokenize, tokenize
from .moves import Checker, Language, MoveRecord, Strings, TruncateRegrow
from .sampler import SamplerSettings, SMCResult, sample_molecules, sample_strings
from .scores import LogScore, MemoScore

__all__ = [
    "Checker",
    "Language",
    "LogScore",
    "MemoScore",
    "MoleculeFilter",
    "MoveRecord",
    "PriorDraws",
    "SMCResult",
    "SamplerSettings",
    "SmilesNGram",
    "Strings",
    "TruncateRegrow",
    "Verdict",
    "detokenize",
    "draw_prior",
    "filtered_molecules",
    "molecule_checker",
    "sample_molecules",
    "sample_strings",
    "synthetic_accessibility",
    "tokenize",
]
