"""A SMILES language model: an interpolated n-gram over the path to the growing atom.

A SMILES string is read as tokens in which a bond belongs to the atom after it and ring digits are
replaced by what they mean: `&` opens a ring, `@0` closes the most recently opened one, `@1` the one
before. Any prefix can then be continued by any n-gram, and digits are handed out again when the
tokens are written as SMILES.

Reference: Ikebata et al., "Bayesian molecular design with a chemical language model" (2017),
doi:10.1007/s10822-016-0008-z, after whom contexts follow the main chain past closed branches.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bayesmat._arguments import checked, names, seed_of
from bayesmat._files import writing
from bayesmat._repr import Shown
from bayesmat.errors import DesignError, MaterialError

from ._tables import END, OPEN, SHUT, ContextTables, Cursor, build_tables

__all__ = ["SmilesNGram", "detokenize", "tokenize"]

_FORMAT = "bayesmat.smiles-ngram/1"
_PATTERN = re.compile(
    r"(?P<atom>[-=#:$~/\\]?(?:\[[^\[\]]+\]|Br|Cl|[BCNOPSFIbcnops*]))"
    r"|(?P<ring>[-=#:$~/\\]?(?:%\d\d|\d))"
    r"|(?P<branch>[().])"
)


def tokenize(smiles: str) -> tuple[str, ...]:
    r"""Split SMILES into tokens with ring digits replaced by `&` (open) and `@k` (close).

    `k` counts the rings that were opened later and are still open, so `@0` closes the newest.

    Args:
        smiles: Any SMILES string; it need not be canonical or chemically valid.

    Raises:
        MaterialError: The string is not made of SMILES symbols, or rings or branches stay open.

    >>> tokenize("c1ccccc1C(=O)Cl")
    ('c', '&', 'c', 'c', 'c', 'c', 'c', '@0', 'C', '(', '=O', ')', 'Cl')
    """
    smiles = checked(smiles, str, "smiles")
    tokens: list[str] = []
    digits: list[str] = []
    position = depth = 0
    while position < len(smiles):
        match = _PATTERN.match(smiles, position)
        if match is None:
            raise MaterialError(
                f"SMILES {smiles!r} has no meaning from character {position + 1} "
                f"({smiles[position : position + 5]!r}); write it as plain SMILES"
            )
        symbol, position = match.group(), match.end()
        if match.lastgroup == "ring":
            symbol = _ring_token(symbol, digits)
        elif symbol == OPEN:
            depth += 1
        elif symbol == SHUT:
            depth -= 1
        if depth < 0:
            break
        tokens.append(symbol)
    if depth != 0 or digits or not tokens:
        raise MaterialError(
            f"SMILES {smiles!r} is empty or leaves a branch or a ring open "
            f"(rings {digits}); write complete SMILES"
        )
    return tuple(tokens)


def _ring_token(symbol: str, digits: list[str]) -> str:
    """Replace a ring digit (with its bond) and update the stack of open digits."""
    bond, digit = (
        ("", symbol) if symbol[0].isdigit() or symbol[0] == "%" else (symbol[0], symbol[1:])
    )
    digit = digit.lstrip("%")
    if digit in digits:
        back = len(digits) - 1 - digits.index(digit)
        digits.remove(digit)
        return f"{bond}@{back}"
    digits.append(digit)
    return f"{bond}&"


def detokenize(tokens: Sequence[str]) -> str:
    """Write tokens as SMILES, giving every ring the smallest free digit.

    The inverse of `tokenize` up to the choice of ring digits.

    >>> detokenize(tokenize("C7CC7"))
    'C1CC1'
    """
    tokens = names(tokens, "tokens")
    parts: list[str] = []
    rings: list[int] = []
    for token in tokens:
        last = token[-1]
        if last == "&":
            bond, number = token[:-1], next(i for i in range(1, 100) if i not in rings)
            rings.append(number)
        elif last.isdigit():
            bond, _, back = token.partition("@")
            number = rings.pop(-1 - int(back))
        else:
            parts.append(token)
            continue
        parts.append(f"{bond}{number}" if number < 10 else f"{bond}%{number:02d}")
    return "".join(parts)


@dataclass(frozen=True, eq=False, repr=False)
class SmilesNGram(Shown):
    r"""Probability of a SMILES string, token by token, from counts of contexts.

    The context of a token is whether a branch is open, how many rings are open and how large the
    newest has grown, then up to `order` tokens back along the path to the current atom, with every
    closed branch shrunk to one symbol. From long to short contexts $h$ with counts $c$,

    $$p(t \mid h) = \frac{c(h, t) - d}{c(h)} [c(h,t) > 0]
        + \frac{d\,T(h)}{c(h)}\; p(t \mid h'),$$

    where $T(h)$ is the number of distinct tokens seen after $h$ and $h'$ drops its oldest symbol;
    the last resort is uniform over the tokens that the grammar allows (no `)` without `(`, no
    closing of a ring that is not open, no end while anything is open). Every string of known tokens
    has positive probability and the probabilities of all strings sum to one. `discount=0` is the
    plain "longest seen context" rule.

    Use it as the prior of molecular design; train it on molecules that pass your filters, since it
    imitates what it has read. It knows no valence: about nine draws in ten are valid SMILES.

    Attributes:
        vocabulary: Token strings; the index is the token's id. Entry 0 is the end of the string.
        tables: The counts, see `bayesmat.design._tables`.
        max_tokens: Longer strings are never returned.

    >>> language = SmilesNGram.fit(["CCO", "CCN", "CC(=O)O", "C1CCCCC1"] * 3)
    >>> len(language.sample(5, seed=0))
    5
    >>> language.log_prob("CCO") > language.log_prob("OCC")
    True
    """

    vocabulary: tuple[str, ...]
    tables: ContextTables
    max_tokens: int = 100

    @staticmethod
    def fit(
        smiles: Iterable[str],
        order: int = 10,
        *,
        discount: float = 0.5,
        min_count: int = 10,
        max_tokens: int = 100,
    ) -> SmilesNGram:
        """Count the contexts of a list of SMILES (about 20,000 strings in two seconds).

        Args:
            smiles: Training strings; repeat one to give it weight.
            order: Longest context in tokens.
            discount: Share of one count that every seen continuation gives to shorter contexts,
                in [0, 1). 0 is the rule of the longest seen context.
            min_count: Contexts seen less often are not kept. Small values imitate the list (more
                valid, fewer novel draws); 10 gave the most new molecules that pass the filter.
            max_tokens: Longer strings are never drawn.

        Raises:
            MaterialError: Some strings are not SMILES (all are listed).
            DesignError: No string was given or a setting is out of range.
        """
        order, discount = checked(order, int, "order"), checked(discount, float, "discount")
        min_count = checked(min_count, int, "min_count")
        max_tokens, smiles = checked(max_tokens, int, "max_tokens"), names(smiles, "smiles")
        if order < 1 or not 0 <= discount < 1 or min_count < 1 or max_tokens < 2:
            raise DesignError(
                f"order={order}, discount={discount}, min_count={min_count}, "
                f"max_tokens={max_tokens} describe no language; take order >= 1, "
                "0 <= discount < 1, min_count >= 1 and max_tokens >= 2"
            )
        sentences = _tokenize_all(smiles)
        vocabulary = (END, *sorted({t for s in sentences for t in s}))
        ids = {token: i for i, token in enumerate(vocabulary)}
        encoded = [[ids[t] for t in s] for s in sentences]
        tables = build_tables(encoded, vocabulary, order, discount=discount, min_count=min_count)
        return SmilesNGram(vocabulary, tables, max_tokens)

    def encode(self, smiles: str) -> tuple[int, ...] | None:
        """Token ids of a string, without the end; None when a token was never seen in training."""
        smiles = checked(smiles, str, "smiles")
        ids = {token: i for i, token in enumerate(self.vocabulary)}
        encoded = tuple(ids.get(t, -1) for t in tokenize(smiles))
        return None if -1 in encoded else encoded

    def decode(self, ids: Sequence[int]) -> str:
        """SMILES of token ids (the end token may be there or not)."""
        return detokenize([self.vocabulary[i] for i in ids if i])

    def log_prob(self, smiles: str) -> float:
        """Natural log of the probability of this very string (not of all spellings of it).

        `-inf` when a token was never seen, or under `discount=0` a continuation.
        """
        ids = self.encode(smiles)
        return -math.inf if ids is None else self.log_prob_ids(ids)

    def log_prob_ids(self, ids: Sequence[int]) -> float:
        """Log-probability of token ids followed by the end of the string."""
        return sum(self.token_log_probs(ids))

    def token_log_probs(self, ids: Sequence[int]) -> list[float]:
        """Log-probability of each token given those before it, the end included."""
        tables, cursor, out = self.tables, Cursor(self.tables.kinds), []
        for token in (*ids, 0):
            p = tables.probability(cursor, token)
            out.append(math.log(p) if p > 0 else -math.inf)
            cursor.push(token)
        return out

    def sample(self, n: int, *, seed: int) -> list[str]:
        """Independent draws as SMILES; they need not be chemically valid."""
        n, seed = checked(n, int, "n"), seed_of(seed)
        rng = random.Random(seed)
        draws: list[str] = []
        while len(draws) < n:
            ids = self.regrow((), rng)
            if ids is not None:
                draws.append(self.decode(ids))
        return draws

    def regrow(self, prefix: Sequence[int], rng: random.Random) -> tuple[int, ...] | None:
        """Continue a prefix of token ids to the end by the language itself.

        Args:
            prefix: Token ids without the end.
            rng: Source of randomness.

        Returns:
            All token ids without the end, or None if `max_tokens` would be exceeded.
        """
        cursor = Cursor(self.tables.kinds)
        for token in prefix:
            cursor.push(token)
        ids, draw, uniform = list(prefix), self.tables.draw, rng.random
        while len(ids) <= self.max_tokens:
            token = draw(cursor, uniform)
            if token == 0:
                return tuple(ids)
            ids.append(token)
            cursor.push(token)
        return None

    @cached_property
    def digest(self) -> str:
        """Hash of the counts and settings: equal digests draw equal strings."""
        return hashlib.sha256(self._to_bytes()).hexdigest()[:16]

    def _to_bytes(self) -> bytes:
        record = {
            "format": _FORMAT,
            "vocabulary": list(self.vocabulary),
            "max_tokens": self.max_tokens,
            "tables": self.tables.to_json(),
        }
        return json.dumps(record, separators=(",", ":")).encode()

    def save(self, path: str | Path) -> None:
        """Write JSON (gzipped when the name ends in .gz).

        Raises:
            DesignError: The file cannot be written.
        """
        path = checked(path, str | Path, "path")
        text = self._to_bytes()
        path = Path(path)
        with writing(path, DesignError):
            path.write_bytes(gzip.compress(text, 6, mtime=0) if path.suffix == ".gz" else text)

    @staticmethod
    def load(path: str | Path) -> SmilesNGram:
        """Read what `save` wrote.

        Raises:
            DesignError: The file is not a language of this format.
        """
        path = checked(path, str | Path, "path")
        path = Path(path)
        try:
            data = path.read_bytes()
            record = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
            if record["format"] != _FORMAT:
                raise ValueError(f"format {record['format']!r}")
            vocabulary = tuple(record["vocabulary"])
            tables = ContextTables.from_json(record["tables"], vocabulary)
            return SmilesNGram(vocabulary, tables, int(record["max_tokens"]))
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise DesignError(
                f"{path} is not a saved SMILES language of format {_FORMAT!r} ({error}); "
                "fit it again and save it"
            ) from error

    def _facts(self) -> dict[str, object]:
        return {"tokens": len(self.vocabulary), "max tokens": self.max_tokens}


def _tokenize_all(smiles: Iterable[str]) -> list[tuple[str, ...]]:
    sentences: list[tuple[str, ...]] = []
    bad: list[str] = []
    for text in smiles:
        try:
            sentences.append(tokenize(text))
        except MaterialError as error:
            bad.append(str(error))
    if bad:
        raise MaterialError(f"{len(bad)} training strings cannot be read:\n" + "\n".join(bad[:50]))
    if not sentences:
        raise DesignError("a language needs at least one training string; none was given")
    return sentences
