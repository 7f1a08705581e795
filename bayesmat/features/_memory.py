"""Rows of features that were computed before, in as few bytes as hold them exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from bayesmat._repr import Shown

__all__ = ["BLOCK", "RowMemory"]

BLOCK = 512  # rows computed at a time, so that what a featurizer builds on the way stays small
_OVERHEAD = 300  # bytes of the Python objects that hold one row
_Row = tuple[bytes | None, bytes, np.dtype]  # bytes: arrays of their own fragment the heap


class RowMemory(Shown):
    """The rows of every featurizer of this process; a search asks for the same ones many times.

    Counts are kept as small integers, fingerprints as the places that are not zero: some hundred
    bytes a molecule where 2048 float64 take 16 kB. What no longer fits is computed again.

    Args:
        budget: Bytes, about.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.n_bytes = 0
        self._rows: dict[tuple[str, str], _Row] = {}

    def _facts(self) -> dict[str, object]:
        return {"rows": len(self._rows), "bytes": self.n_bytes, "budget": self.budget}

    def fill(
        self, out: Tensor, name: str, materials: Sequence[str], of: Callable[[list[str]], Tensor]
    ) -> None:
        """Write the rows of `materials` to `out`, `n x d`; `of` computes those not remembered.

        Args:
            out: Float64; every element is written.
            name: Identifies `of`.
            materials: n materials.
            of: Rows of some materials, each independent of the others.
        """
        into = out.numpy()
        for start in range(0, len(materials), BLOCK):
            some = materials[start : start + BLOCK]
            new = [m for m in dict.fromkeys(some) if (name, m) not in self._rows]
            known = {m: self._rows[name, m] for m in some if (name, m) in self._rows}
            if new:
                known |= zip(new, map(_packed, of(new).numpy()), strict=True)
                for material in new:
                    self._keep(name, material, known[material])
            for i, material in enumerate(some, start):
                _unpack(known[material], into[i])

    def _keep(self, name: str, material: str, row: _Row) -> None:
        size = _size(row)
        if self.n_bytes + size > self.budget:
            self._rows.clear()
            self.n_bytes = 0
        self._rows[name, material] = row
        self.n_bytes += size


def _packed(row: np.ndarray) -> _Row:
    """Places and values of what is not zero, or all values; whole numbers in few bytes."""
    places = np.flatnonzero(row)
    is_sparse = 2 * len(places) < len(row)
    values = row[places] if is_sparse else row
    kind = next((k for k in (np.uint8, np.int32) if _holds(k, values)), np.float64)
    index = places.astype(_index(row)).tobytes()
    return index if is_sparse else None, values.astype(kind).tobytes(), np.dtype(kind)


def _index(row: np.ndarray) -> type[np.integer]:
    return np.uint16 if len(row) <= 2**16 else np.int64


def _holds(kind: type[np.integer], values: np.ndarray) -> bool:
    """Whether integers of a kind hold the values to the last bit; -0.0 they do not."""
    bounds = np.iinfo(kind)
    if not len(values):
        return True
    if values.min() < bounds.min or values.max() > bounds.max:
        return False
    whole = values.astype(kind)
    return bool(np.array_equal(whole, values)) and not np.signbit(values[whole == 0]).any()


def _unpack(row: _Row, into: np.ndarray) -> None:
    places, values, kind = row
    if places is None:
        into[:] = np.frombuffer(values, kind)
    else:
        into[:] = 0.0
        into[np.frombuffer(places, _index(into))] = np.frombuffer(values, kind)


def _size(row: _Row) -> int:
    return _OVERHEAD + len(row[1]) + len(row[0] or b"")
