"""A language of short chains whose every string can be written down with its probability."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from rdkit import Chem
from torch import Tensor

from bayesmat.design._tables import Cursor
from bayesmat.design.language import SmilesNGram
from bayesmat.design.moves import Checker

MAX_TOKENS = 6


def toy_language(seed: int = 0, discount: float = 0.5) -> SmilesNGram:
    """An n-gram over C, N, O and branches, at most six tokens long."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("CCNO", k=rng.randint(1, 6))) for _ in range(80)]
    words += ["CC(N)O", "C(C)N", "OC(C)C"] * 4
    return SmilesNGram.fit(words, order=2, discount=discount, min_count=2, max_tokens=MAX_TOKENS)


def canonical(text: str) -> str | None:
    """One key for several strings; strings with two N in a row are no material."""
    if "NN" in text or "()" in text:
        return None
    flat = text.replace("(", "").replace(")", "")
    return min(flat, flat[::-1])


def approved(key: str) -> bool:
    """The slow veto: no two O in a row."""
    return "OO" not in key


def score(keys: Sequence[str]) -> Tensor:
    """A log score that the prior does not like: many N, five atoms."""
    return torch.tensor([k.count("N") - 0.7 * abs(len(k) - 5) for k in keys], dtype=torch.float64)


def flat(keys: Sequence[str]) -> Tensor:
    """No information."""
    return torch.zeros(len(keys), dtype=torch.float64)


def checker() -> Checker:
    """A fresh memo of the toy's two checks."""
    return Checker(canonical, approved)


@dataclass(frozen=True)
class Answer:
    """A verdict."""

    ok: bool


class SmallAndPlain:
    """A filter: no bromine in the text, at most six atoms, and slowly: no ring."""

    def __init__(self) -> None:
        self.slow: list[str] = []

    def precheck(self, smiles: str) -> Answer:
        return Answer("Br" not in smiles)

    def quick(self, mol: Chem.Mol) -> Answer:
        return Answer(mol.GetNumHeavyAtoms() <= 6)

    def alerts(self, mol: Chem.Mol) -> Answer:
        self.slow.append(Chem.MolToSmiles(mol))
        return Answer(mol.GetRingInfo().NumRings() == 0)


@dataclass(frozen=True)
class Exact:
    """The prior restricted to accepted strings, normalised.

    Attributes:
        ids: Token ids of every string.
        keys: Canonical key of each.
        prior: Probability of each.
    """

    ids: tuple[tuple[int, ...], ...]
    keys: tuple[str, ...]
    prior: Tensor

    def posterior(self, power: float) -> dict[str, float]:
        """Probability of each key under ``prior * exp(power * score)``."""
        weights = self.prior * torch.exp(power * score(self.keys))
        out: dict[str, float] = {}
        for key, weight in zip(self.keys, (weights / weights.sum()).tolist(), strict=True):
            out[key] = out.get(key, 0.0) + weight
        return out

    def log_evidence(self, power: float) -> float:
        """Log of the prior mean of ``exp(power * score)``."""
        return float(torch.log((self.prior * torch.exp(power * score(self.keys))).sum()))

    def mean_length(self) -> float:
        """Prior mean of the number of tokens."""
        return float((self.prior * torch.tensor([float(len(i)) for i in self.ids])).sum())

    def sd_length(self) -> float:
        """Prior standard deviation of the number of tokens."""
        lengths = torch.tensor([float(len(i)) for i in self.ids], dtype=torch.float64)
        return float(((self.prior * lengths**2).sum() - self.mean_length() ** 2).sqrt())


def enumerate_strings(language: SmilesNGram) -> tuple[dict[tuple[int, ...], float], float]:
    """Probability of every string of at most `max_tokens`, and of all longer ones together."""
    found: dict[tuple[int, ...], float] = {}
    longer = 0.0
    stack: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    while stack:
        prefix, p = stack.pop()
        if len(prefix) > language.max_tokens:
            longer += p
            continue
        cursor = Cursor(language.tables.kinds)
        for token in prefix:
            cursor.push(token)
        for token in language.tables.allowed(cursor):
            q = p * language.tables.probability(cursor, token)
            if q == 0.0:
                continue
            if token == 0:
                found[prefix] = q
            else:
                stack.append(((*prefix, token), q))
    return found, longer


def exact(language: SmilesNGram) -> Exact:
    """Enumerate the accepted strings."""
    found, _ = enumerate_strings(language)
    rows = [(ids, canonical(language.decode(ids)), p) for ids, p in found.items()]
    kept = [(ids, key, p) for ids, key, p in rows if key is not None and approved(key)]
    prior = torch.tensor([p for _, _, p in kept], dtype=torch.float64)
    return Exact(
        tuple(ids for ids, _, _ in kept), tuple(key for _, key, _ in kept), prior / prior.sum()
    )


def g_statistic(counts: Sequence[float], expected: Sequence[float]) -> float:
    """Likelihood-ratio statistic ``2 sum O log(O / E)``."""
    return 2.0 * sum(o * math.log(o / e) for o, e in zip(counts, expected, strict=True) if o > 0)
