"""Counts of n-gram contexts: a trie over context symbols, built by vectorised grouping."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

END = "!"
OPEN, SHUT = "(", ")"
SIZES = 9
_SHIFT = 20
_Link = tuple[int, Any]


@dataclass(frozen=True)
class Kinds:
    """What each token does to the state of a string.

    Attributes:
        codes: Per token id: 0 atom or other, 1 `(`, 2 `)`, 3 ring opening, 4 + k closing of ring k,
            -1 dot.
        start: Context symbol of the beginning of a string.
    """

    codes: tuple[int, ...]
    start: int

    @staticmethod
    def of(vocabulary: Sequence[str]) -> Kinds:
        """Read the kinds off the token strings."""
        return Kinds(tuple(_kind(t) for t in vocabulary), 2 * len(vocabulary))

    def allowed(self, grammar: int) -> tuple[int, ...]:
        """Token ids that may follow in a grammar state (see `Cursor.state`)."""
        if grammar == 0:
            return tuple(i for i, code in enumerate(self.codes) if i and code == 0)
        branch, rings = (grammar - 1) % 2, (grammar - 1) // 2
        return tuple(
            i
            for i, code in enumerate(self.codes)
            if (i != 0 or grammar == 1) and (code != 2 or branch) and (code < 4 or code - 4 < rings)
        )


def _kind(token: str) -> int:
    if token in (OPEN, SHUT):
        return 1 if token == OPEN else 2
    if token == ".":
        return -1
    if token[-1] == "&":
        return 3
    if token[-1].isdigit() and "@" in token and "[" not in token:
        return 4 + int(token.partition("@")[2])
    return 0


class Cursor:
    """Where a growing string stands: path of context symbols, open branches, open rings.

    The path is a linked list, so that leaving a branch costs nothing.
    """

    __slots__ = ("_branches", "_codes", "_shift", "atoms", "link", "rings")

    def __init__(self, kinds: Kinds) -> None:
        self._codes = kinds.codes
        self._shift = len(kinds.codes)
        self.link: _Link = (kinds.start, None)
        self._branches: list[tuple[_Link, int]] = []
        self.rings: list[int] = []
        self.atoms = 0

    def state(self) -> int:
        """Grammar state and size of the newest open ring, as ``grammar * SIZES + size``.

        The grammar state is 0 at the beginning, else 1 + (a branch is open) + 2 * (open rings).
        """
        rings = self.rings
        if not rings:
            return 0 if self.link[1] is None else (1 + bool(self._branches)) * SIZES
        size = min(max(self.atoms - rings[-1] + 1, 0), SIZES - 1)
        return (1 + bool(self._branches) + 2 * len(rings)) * SIZES + size

    def push(self, token: int) -> None:
        """Append one token."""
        code = self._codes[token]
        if code == 0:
            self.atoms += 1
        elif code == 1:
            self._branches.append((self.link, self.atoms))
        elif code == 2:
            inside = self.link
            outside, self.atoms = self._branches.pop()
            first = token
            while inside[1] is not outside:
                first, inside = inside[0], inside[1]
            self.link = (self._shift + first % self._shift, outside)
            return
        elif code == 3:
            self.rings.append(self.atoms)
        elif code >= 4:
            del self.rings[3 - code]
        self.link = (token, self.link)


@dataclass(frozen=True, eq=False)
class ContextTables:
    """Nodes of the context trie with their counts, in flat lists.

    Attributes:
        kinds: What each token does.
        discount: Part of every count that is given to shorter contexts.
        parents: Node i + 1 hangs below node `parents[i]` (node 0 is the root) ...
        symbols: ... by context symbol `symbols[i]`.
        starts: Node i owns the entries `starts[i]:starts[i + 1]` of `tokens` and `counts`.
        tokens: Token ids, ascending within a node.
        counts: How often they followed.
    """

    kinds: Kinds
    discount: float
    parents: list[int]
    symbols: list[int]
    starts: list[int]
    tokens: list[int]
    counts: list[int]
    _children: list[dict[int, int] | None] = field(init=False, repr=False)
    _cumulated: list[float] = field(init=False, repr=False)
    _records: list[tuple[float, float, int, int, int]] = field(init=False, repr=False)
    _allowed: dict[int, tuple[int, ...]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        children: list[dict[int, int] | None] = [None] * (len(self.parents) + 1)
        for node, (parent, symbol) in enumerate(zip(self.parents, self.symbols, strict=True), 1):
            below = children[parent]
            if below is None:
                below = children[parent] = {}
            below[symbol] = node
        object.__setattr__(self, "_children", children)
        counts = np.asarray(self.counts, dtype=float)
        lengths = np.diff(self.starts)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        running = np.cumsum(counts - self.discount)
        cumulated = running - np.concatenate([[0.0], running])[np.asarray(self.starts[:-1])][owner]
        object.__setattr__(self, "_cumulated", cumulated.tolist())
        totals = np.bincount(owner, counts, len(lengths))
        tops = np.where(
            lengths > 0, np.append(cumulated, 0.0)[np.asarray(self.starts[1:]) - 1], 0.0
        )
        columns = (totals, tops, self.starts[:-1], self.starts[1:], [0, *self.parents])
        lists = [np.asarray(column).tolist() for column in columns]
        object.__setattr__(self, "_records", list(zip(*lists, strict=True)))

    def longest(self, cursor: Cursor) -> int:
        """Node of the longest counted context of a cursor; 0 when there is none."""
        children, state = self._children, cursor.state()
        node, below = 0, children[0]
        symbol, link = state // SIZES, (state % SIZES, cursor.link)
        while below is not None:
            deeper = below.get(symbol)
            if deeper is None:
                break
            node = deeper
            if link is None:
                break
            symbol, link = link
            below = children[node]
        return node

    def draw(self, cursor: Cursor, uniform: Callable[[], float]) -> int:
        """Draw the next token."""
        node, records = self.longest(cursor), self._records
        while node:
            total, top, low, high, node = records[node]
            point = uniform() * total
            if point < top:
                return self.tokens[bisect_right(self._cumulated, point, low, high)]
        allowed = self.allowed(cursor)
        return allowed[int(uniform() * len(allowed))]

    def probability(self, cursor: Cursor, token: int) -> float:
        """Probability of a token next, 0 where the grammar forbids it."""
        allowed = self.allowed(cursor)
        if token not in allowed:
            return 0.0
        p = 1.0 / len(allowed)
        node, contexts = self.longest(cursor), []
        while node:
            contexts.append(node)
            node = self.parents[node - 1]
        for node in reversed(contexts):
            low, high = self.starts[node], self.starts[node + 1]
            at = bisect_left(self.tokens, token, low, high)
            seen = at < high and self.tokens[at] == token
            kept = self.counts[at] - self.discount if seen else 0.0
            p = (kept + self.discount * (high - low) * p) / self._records[node][0]
        return p

    def allowed(self, cursor: Cursor) -> tuple[int, ...]:
        """Token ids that the grammar allows next."""
        state = cursor.state() // SIZES
        if state not in self._allowed:
            self._allowed[state] = self.kinds.allowed(state)
        return self._allowed[state]

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        names = ("discount", "parents", "symbols", "starts", "tokens", "counts")
        return {name: getattr(self, name) for name in names}

    @staticmethod
    def from_json(record: Mapping[str, Any], vocabulary: Sequence[str]) -> ContextTables:
        """Inverse of `to_json`."""
        names = ("parents", "symbols", "starts", "tokens", "counts")
        lists = {name: [int(i) for i in record[name]] for name in names}
        return ContextTables(Kinds.of(vocabulary), float(record["discount"]), **lists)


def build_tables(
    sentences: Sequence[Sequence[int]],
    vocabulary: Sequence[str],
    order: int,
    *,
    discount: float,
    min_count: int,
) -> ContextTables:
    """Count every context of at most `order` path symbols in encoded sentences."""
    kinds = Kinds.of(vocabulary)
    states, links, targets, chain = _positions(sentences, kinds)
    chain_symbols = np.array([symbol for symbol, _ in chain], dtype=np.int64)
    chain_before = np.array([before for _, before in chain], dtype=np.int64)
    nodes = np.zeros(len(states), dtype=np.int64)
    parents, symbols, starts, tokens, counts = [], [], [np.zeros(2, np.int64)], [], []
    size = 1
    for level in range(order + 2):
        symbol = states // SIZES if level == 0 else states % SIZES
        if level > 1:
            symbol, links = chain_symbols[links], chain_before[links]
        keys, inverse, seen = np.unique(
            (nodes << _SHIFT) + symbol, return_inverse=True, return_counts=True
        )
        kept = seen >= min_count if level else np.ones(len(keys), bool)
        if not kept.any():
            break
        ids = np.where(kept, np.cumsum(kept) - 1, -1)[inverse]
        here = ids >= 0
        states, links, targets, nodes = states[here], links[here], targets[here], ids[here]
        pairs, pair_counts = np.unique(nodes * len(vocabulary) + targets, return_counts=True)
        parents.append(keys[kept] >> _SHIFT)
        symbols.append(keys[kept] & ((1 << _SHIFT) - 1))
        tokens.append(pairs % len(vocabulary))
        counts.append(pair_counts)
        lengths = np.bincount(pairs // len(vocabulary), minlength=int(kept.sum()))
        starts.append(starts[-1][-1] + np.cumsum(lengths))
        nodes = nodes + size
        size += int(kept.sum())
        inside = links >= 0
        if level > 0:
            states, links, targets, nodes = (
                states[inside],
                links[inside],
                targets[inside],
                nodes[inside],
            )
    lists = (np.concatenate(a).tolist() for a in (parents, symbols, starts, tokens, counts))
    return ContextTables(kinds, discount, *lists)


def _positions(
    sentences: Sequence[Sequence[int]], kinds: Kinds
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[tuple[int, int]]]:
    """State, context link and next token at every position; links as (symbol, link before)."""
    states: list[int] = []
    links: list[int] = []
    targets: list[int] = []
    chain: list[tuple[int, int]] = []
    for sentence in sentences:
        cursor = Cursor(kinds)
        number = {id(cursor.link): len(chain)}
        chain.append((kinds.start, -1))
        alive = [cursor.link]
        for token in (*sentence, 0):
            states.append(cursor.state())
            links.append(number[id(cursor.link)])
            targets.append(token)
            if token == 0:
                break
            cursor.push(token)
            alive.append(cursor.link)
            number[id(cursor.link)] = len(chain)
            chain.append((cursor.link[0], number[id(cursor.link[1])]))
    return np.array(states), np.array(links), np.array(targets), chain
