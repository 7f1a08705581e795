"""Features on disk: what was computed once for a material is read the next time."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bayesmat._arguments import names, settle
from bayesmat._files import writing
from bayesmat._repr import Shown
from bayesmat.data.cache import cache_dir
from bayesmat.errors import DataError

from .base import Featurizer, check_finite

__all__ = ["Cached", "FeatureCache"]

_CHUNK = 500  # below SQLite's limit on the variables of one statement
_WAIT_S = 60.0
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS features ("
    "featurizer TEXT NOT NULL, material TEXT NOT NULL, row BLOB NOT NULL, "
    "PRIMARY KEY (featurizer, material)) WITHOUT ROWID"
)


class FeatureCache(Shown):
    """Rows of features in one SQLite file, keyed by (featurizer id, material).

    Several processes may read and write at once: rows are only ever added, and two processes that
    compute the same row write the same bytes. Losing the file costs time, nothing else.

    Args:
        path: The file; by default `features.sqlite` in `cache_dir()`.

    Raises:
        DataError: The file cannot be written, or is no such file.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = Path(path) if path is not None else cache_dir() / "features.sqlite"
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._connect() as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise DataError(
                f"{self.path} cannot hold features ({error}): name a file of its own, in a folder "
                "that can be written."
            ) from error

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # One connection a call: it survives forks and crosses process boundaries by path alone.
        with closing(sqlite3.connect(self.path, timeout=_WAIT_S)) as connection, connection:
            yield connection

    def get(self, featurizer: str, materials: Sequence[str]) -> dict[str, np.ndarray]:
        """Stored rows of `materials` (those that are there), each a float64 vector."""
        found: dict[str, np.ndarray] = {}
        unique = list(dict.fromkeys(materials))
        with self._connect() as connection:
            for start in range(0, len(unique), _CHUNK):
                chunk = unique[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                rows = connection.execute(
                    f"SELECT material, row FROM features WHERE featurizer = ? "
                    f"AND material IN ({marks})",
                    (featurizer, *chunk),
                )
                for material, blob in rows:
                    found[material] = np.frombuffer(zlib.decompress(blob), dtype="<f8")
        return found

    def put(self, featurizer: str, rows: Mapping[str, np.ndarray]) -> None:
        """Add rows; those already there stay."""
        packed = [
            (featurizer, material, zlib.compress(np.asarray(row, dtype="<f8").tobytes(), 1))
            for material, row in rows.items()
        ]
        with self._connect() as connection:
            connection.executemany("INSERT OR IGNORE INTO features VALUES (?, ?, ?)", packed)

    def __len__(self) -> int:
        with self._connect() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM features").fetchone()[0])

    def clear(self, featurizer: str | None = None) -> None:
        """Forget every row, or those of one featurizer id."""
        with self._connect() as connection:
            if featurizer is None:
                connection.execute("DELETE FROM features")
            else:
                connection.execute("DELETE FROM features WHERE featurizer = ?", (featurizer,))

    def _facts(self) -> dict[str, object]:
        return {"path": self.path.name}


@dataclass(frozen=True)
class Cached:
    """A featurizer that asks a `FeatureCache` first: same id, names and numbers.

    Worth it from about 1 ms a molecule (`Descriptors2D`, compositions); fingerprints are computed
    faster than they are read.

    Args:
        featurizer: What computes the missing rows.
        cache: Where rows are kept.
    """

    featurizer: Featurizer
    cache: FeatureCache

    def __post_init__(self) -> None:
        settle(self)

    @property
    def id(self) -> str:
        """The id of the featurizer inside."""
        return self.featurizer.id

    @property
    def names(self) -> tuple[str, ...]:
        """The column names of the featurizer inside."""
        return self.featurizer.names

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Features of `n` materials: `n x d`; only those not yet stored are computed."""
        materials = names(materials, "materials")
        d = len(self.names)
        rows = self.cache.get(self.id, materials)
        rows = {material: row for material, row in rows.items() if len(row) == d}
        missing = [m for m in dict.fromkeys(materials) if m not in rows]
        if missing:
            computed = dict(zip(missing, self.featurizer(missing).numpy(), strict=True))
            self.cache.put(self.id, computed)
            rows |= computed
        if not len(materials):
            return torch.zeros(0, d, dtype=torch.float64)
        values = np.stack([rows[material] for material in materials])
        return check_finite(values, materials, self.names, featurizer=self.id)
