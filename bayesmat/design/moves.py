"""Truncate-and-regrow: the Markov move of molecular design over strings of a language."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from bayesmat._arguments import checked
from bayesmat._repr import Shown

__all__ = ["Checker", "Language", "MoveRecord", "Strings", "TruncateRegrow", "take_strings"]

Valid = Callable[[str], str | None]
Final = Callable[[str], bool]


class Language(Protocol):
    """What moves need of a string prior; `SmilesNGram` is one."""

    def regrow(self, prefix: Sequence[int], rng: random.Random) -> tuple[int, ...] | None:
        """Continue a prefix to the end by the prior itself; None when it grows too long."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The string of token ids."""
        ...

    def encode(self, smiles: str) -> tuple[int, ...] | None:
        """The token ids of a string, or None."""
        ...


@dataclass(frozen=True)
class Strings:
    """A population of strings, each valid and approved.

    Attributes:
        ids: Token ids per particle.
        keys: Canonical material per particle.
    """

    ids: tuple[tuple[int, ...], ...]
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)


def take_strings(strings: Strings, index: Tensor) -> Strings:
    """Particles by position."""
    rows = index.tolist()
    return Strings(tuple(strings.ids[i] for i in rows), tuple(strings.keys[i] for i in rows))


@dataclass(repr=False)
class Checker(Shown):
    """Memoised judgement of strings: cheap validity first, slow alerts only when asked.

    Attributes:
        valid: String to canonical material, or None when it is no acceptable material. Cheap.
        final: Whether a canonical material is acceptable after all. May be slow.
        verdicts: What `final` has said so far.
    """

    valid: Valid
    final: Final
    verdicts: dict[str, bool] = field(default_factory=dict)
    _keys: dict[str, str | None] = field(default_factory=dict)

    def key(self, text: str) -> str | None:
        """Canonical material of a string that passes the cheap checks."""
        text = checked(text, str, "text")
        if text not in self._keys:
            self._keys[text] = self.valid(text)
        return self._keys[text]

    def approves(self, key: str) -> bool:
        """Verdict of the slow check."""
        key = checked(key, str, "key")
        if key not in self.verdicts:
            self.verdicts[key] = bool(self.final(key))
        return self.verdicts[key]

    def _facts(self) -> dict[str, object]:
        return {"valid": self.valid, "final": self.final, "verdicts": len(self.verdicts)}


@dataclass(frozen=True)
class MoveRecord:
    """Counts of one sweep over N particles.

    Attributes:
        beta: Inverse temperature.
        proposed: N.
        same: Proposals equal to the string they started from.
        valid: Other proposals that passed the cheap checks.
        rejected_by_alerts: Proposals that won the Metropolis-Hastings test and failed `final`.
        moved: Strings that changed.
        unique: Distinct materials afterwards.
    """

    beta: float
    proposed: int
    same: int
    valid: int
    rejected_by_alerts: int
    moved: int
    unique: int


class TruncateRegrow(Shown):
    r"""Cut a string at a uniformly drawn place and regrow the tail by the language.

    With $L$ tokens there are $L + 1$ cuts (nothing to everything kept). The tail is drawn from
    the prior, so the prior cancels from the Metropolis-Hastings ratio except for the cut law:

    $$a = \min\left(1, \left(\frac{\mathcal{L}(x')}{\mathcal{L}(x)}\right)^{\beta}
        \frac{L + 1}{L' + 1}\right).$$

    The kernel leaves ``prior(x) 1[valid, approved] L(x)**beta`` invariant. Acceptance is delayed:
    syntax and the cheap filter first, then all new materials in one call of `score`, then the test,
    then the slow alerts of those that passed - which changes no probability, as a veto commutes
    with the test (Christen & Fox 2005, doi:10.1198/106186005X76983).

    With `reach`, at most that many tokens are cut (a local move; the ratio becomes
    ``(min(L, reach) + 1) / (min(L', reach) + 1)``, and 0 when the way back is out of reach).

    Args:
        language: The prior of strings.
        checker: Cheap validity and slow alerts.
        score: Canonical materials to log scores, shape `n`, deterministic; -inf is allowed.
        reach: Longest tail that is cut; None for any.
    """

    def __init__(
        self,
        language: Language,
        checker: Checker,
        score: Callable[[Sequence[str]], Tensor],
        *,
        reach: int | None = None,
    ) -> None:
        self.language = language
        self.checker = checker
        self.score = score
        self.reach = reach
        self.records: list[MoveRecord] = []

    def _facts(self) -> dict[str, object]:
        return {"language": self.language, "reach": self.reach, "sweeps": len(self.records)}

    def __call__(
        self, particles: Strings, log_likelihood: Tensor, beta: float, generator: torch.Generator
    ) -> tuple[Strings, Tensor, float]:
        """Propose for every particle, score the new materials in one batch, accept or stay."""
        n = len(particles)
        rng = random.Random(int(torch.randint(2**62, (1,), generator=generator)))
        uniforms = torch.rand(n, generator=generator, dtype=torch.float64).tolist()
        proposals = [self._propose(ids, rng) for ids in particles.ids]
        rows = [i for i, (new, _, key) in enumerate(proposals) if key and new != particles.ids[i]]
        new_keys = [str(proposals[i][2]) for i in rows]
        scores = self.score(new_keys).to(log_likelihood) if rows else log_likelihood[:0]
        ids, keys, values = list(particles.ids), list(particles.keys), log_likelihood.clone()
        vetoed = moved = 0
        for i, key, value in zip(rows, new_keys, scores.tolist(), strict=True):
            ratio = proposals[i][1] + _tempered(value, beta) - _tempered(float(values[i]), beta)
            if math.log(max(uniforms[i], 1e-300)) >= ratio:
                continue
            if not self.checker.approves(key):
                vetoed += 1
                continue
            ids[i], keys[i], values[i] = proposals[i][0], key, value
            moved += 1
        same = sum(new == old for (new, _, _), old in zip(proposals, particles.ids, strict=True))
        self.records.append(MoveRecord(beta, n, same, len(rows), vetoed, moved, len(set(keys))))
        return Strings(tuple(ids), tuple(keys)), values, moved / n

    def _propose(
        self, ids: tuple[int, ...], rng: random.Random
    ) -> tuple[tuple[int, ...], float, str | None]:
        """Proposed ids, log ratio of the cut laws, canonical key (None: reject)."""
        removed = rng.randrange(self._cuts(len(ids)))
        kept = len(ids) - removed
        new = self.language.regrow(ids[:kept], rng)
        if new is None or len(new) - kept >= self._cuts(len(new)):
            return (), -math.inf, None
        ratio = self.log_cut_ratio(len(ids), len(new))
        return new, ratio, self.checker.key(self.language.decode(new))

    def _cuts(self, length: int) -> int:
        return 1 + (length if self.reach is None else min(length, self.reach))

    def log_cut_ratio(self, old: int, new: int) -> float:
        """Log probability of the cut on the way back less that on the way there, by lengths."""
        return math.log(self._cuts(old) / self._cuts(new))


def _tempered(value: float, beta: float) -> float:
    return 0.0 if beta == 0.0 else beta * value
