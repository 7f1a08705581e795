"""What a featurizer is, and how the blocks of X are laid out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from bayesmat._arguments import checked, names
from bayesmat._counted import counted
from bayesmat._probe import PROBES, numbers_digest
from bayesmat._repr import table
from bayesmat.data.rows import Rows
from bayesmat.errors import BayesmatError, FeatureError

from ._memory import BLOCK, RowMemory

if TYPE_CHECKING:
    from bayesmat.data.table import Condition

__all__ = [
    "CONDITIONS",
    "Featurizer",
    "Layout",
    "check_finite",
    "function_of",
    "numbered",
    "unversioned",
    "versioned",
]

CONDITIONS = "conditions"
_SHOWN = 20
_VERSION = re.compile(r"(;([\w.-]+)=([\w.!+-]+))")
_MEMORY = RowMemory(64 * 2**20)
_FUNCTIONS: dict[str, str] = {}


@runtime_checkable
class Featurizer(Protocol):
    """A map from materials to rows of numbers, one row at a time.

    A featurizer is deterministic and treats rows independently: the row of a material does not
    depend on which others are asked for. `id` holds every parameter and the versions of the
    libraries that compute it, because it is the key of the cache.
    """

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        ...

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Describe `materials` (n canonical keys) as an `n x d` finite float64 tensor."""
        ...


@lru_cache(maxsize=256)
def versioned(name: str, *distributions: str) -> str:
    """`name` followed by the installed versions of the distributions that compute it.

    >>> versioned("maccs", "rdkit").startswith("maccs;rdkit=")
    True
    """
    return ";".join([name, *(f"{d}={version(d)}" for d in distributions)])


def unversioned(id: str) -> str:
    """An id without the versions that `versioned` wrote into it.

    >>> unversioned(f"selected(a)@{versioned('maccs', 'rdkit')}")
    'selected(a)@maccs'
    """
    for found, name, number in _VERSION.findall(id):
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue  # a setting of that form
        if number == installed:
            id = id.replace(found, "")
    return id


def function_of(featurizer: Featurizer) -> str:
    """What a featurizer computes: its settings, and its numbers for a fixed set of materials.

    A release of a library that leaves these numbers alone leaves this text alone, while `id`, the
    key of the cache, changes. An id without versions stands for itself, and so does one of a
    featurizer that can read none of the materials.
    """
    id = featurizer.id
    settings = unversioned(id)
    if settings == id:
        return id
    if id not in _FUNCTIONS:
        numbers: list[object] = []
        for materials in PROBES:
            try:
                numbers.append(featurizer(list(materials)))
            except (BayesmatError, ValueError, LookupError, TypeError):
                continue  # it is made for another kind of material
        _FUNCTIONS[id] = f"{settings};numbers={numbers_digest(numbers)}" if numbers else id
    return _FUNCTIONS[id]


@lru_cache(maxsize=64)
def numbered(prefix: str, size: int) -> tuple[str, ...]:
    """Column names of a folded fingerprint.

    >>> numbered("ecfp", 3)
    ('ecfp_0', 'ecfp_1', 'ecfp_2')
    """
    return tuple(f"{prefix}_{i}" for i in range(size))


def check_finite(
    values: np.ndarray, materials: Sequence[str], names: Sequence[str], *, featurizer: str
) -> Tensor:
    """`values` as a float64 tensor, or an error that names every material that has a hole.

    Args:
        values: `n x d` numbers.
        materials: The n materials.
        names: The d column names.
        featurizer: Its id, for the message.

    Returns:
        `n x d`.

    Raises:
        FeatureError: A value is NaN or infinite; the message lists material, column and value.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(materials), len(names)):
        raise FeatureError(
            f"{featurizer} returned an array of shape {array.shape} for {len(materials)} materials "
            f"and {len(names)} columns. This is an error of the featurizer: it must return n x d."
        )
    if array.size and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        lines = [f"  {materials[i]!r}, column {names[j]!r}: {array[i, j]}" for i, j in bad[:_SHOWN]]
        if len(bad) > _SHOWN:
            lines.append(f"  ... and {len(bad) - _SHOWN} more")
        raise FeatureError(
            f"{featurizer} gave {counted(len(bad), 'value that', 'values that', verb='are')} "
            "not finite numbers, which no model can "
            "use. Drop these materials, or use a featurizer that is defined for them:\n"
            + "\n".join(lines)
        )
    return torch.from_numpy(np.ascontiguousarray(array))


class Layout:
    """The columns of X: each featurizer once, in the order first seen, then the conditions.

    This is the only place that makes X. A model's node reads its columns through `blocks`; a
    hundred networks on one fingerprint share one block. Continuous conditions take one column
    each; a categorical condition of c categories takes c indicator columns.

    Args:
        featurizers: In order; the same id twice is one block.
        conditions: What accompanies a material (temperature, solvent ...).
    """

    def __init__(
        self, featurizers: Sequence[Featurizer], conditions: Sequence[Condition] = ()
    ) -> None:
        featurizers = checked(featurizers, tuple[Featurizer, ...], "featurizers")
        unique: dict[str, Featurizer] = {}
        for featurizer in featurizers:
            unique.setdefault(featurizer.id, featurizer)
        if CONDITIONS in unique:
            raise FeatureError(f"{CONDITIONS!r} is reserved and cannot be the id of a featurizer.")
        self.featurizers = tuple(unique.values())
        self.conditions = tuple(conditions)
        blocks: dict[str, slice] = {}
        start = 0
        for featurizer in self.featurizers:
            blocks[featurizer.id] = slice(start, start + len(featurizer.names))
            start = blocks[featurizer.id].stop
        if self.conditions:
            blocks[CONDITIONS] = slice(start, start + sum(map(_condition_width, self.conditions)))
            start = blocks[CONDITIONS].stop
        self.blocks: Mapping[str, slice] = MappingProxyType(blocks)
        self._start_of_conditions = blocks[CONDITIONS].start if self.conditions else start
        self.width = start

    @property
    def names(self) -> tuple[str, ...]:
        """The D column names of X."""
        columns = [name for featurizer in self.featurizers for name in featurizer.names]
        for condition in self.conditions:
            if condition.categories:
                columns += [f"{condition.name}={category}" for category in condition.categories]
            else:
                columns.append(condition.name)
        return tuple(columns)

    def condition(self, name: str) -> slice:
        """The columns of one condition: one, or an indicator for each of its categories."""
        start = self._start_of_conditions
        for condition in self.conditions:
            stop = start + _condition_width(condition)
            if condition.name == name:
                return slice(start, stop)
            start = stop
        raise FeatureError(
            f"there is no condition {name!r}; there are {[c.name for c in self.conditions]}."
        )

    def __call__(self, rows: Sequence[str]) -> Tensor:
        """X of the given rows.

        Args:
            rows: n canonical keys; `Rows` where there are conditions.

        Returns:
            `n x D` float64.

        Raises:
            FeatureError: A feature is not finite, the rows have other conditions than the layout,
                or recipes are to be described by features of materials.
        """
        keys, conditions = self._read(rows)
        return self._rows(keys, conditions, keys)

    def stream(self, rows: Sequence[str]) -> Iterator[Tensor]:
        """X of the given rows, 512 at a time: for more of them than memory should hold at once.

        Yields:
            Consecutive blocks of rows, at least one (which may be empty).

        Raises:
            FeatureError: As above; it names what is wrong in all rows.
        """
        keys, columns = self._read(rows)
        for start in range(0, max(len(keys), 1), BLOCK):
            some = slice(start, start + BLOCK)
            yield self._rows(keys[some], columns[some], keys)

    def _rows(self, keys: tuple[str, ...], conditions: Tensor, every: tuple[str, ...]) -> Tensor:
        X = torch.empty(len(keys), self.width, dtype=torch.float64)
        for featurizer in self.featurizers:
            compute = partial(_computed, featurizer)
            try:
                _MEMORY.fill(X[:, self.blocks[featurizer.id]], featurizer.id, keys, compute)
            except FeatureError:
                compute(list(dict.fromkeys(every)))  # names what is wrong in all rows
                raise
        if self.conditions:
            X[:, self.blocks[CONDITIONS]] = conditions
        return X

    def _read(self, rows: Sequence[str]) -> tuple[tuple[str, ...], Tensor]:
        """Texts of the rows, and the columns of their conditions, `n x` their width."""
        given = rows if isinstance(rows, Rows) else Rows(names(rows, "rows"))
        if given.columns != self.conditions:
            raise FeatureError(
                f"the rows have the conditions {_labels(given.columns)}, X has columns for "
                f"{_labels(self.conditions)}. Make the rows with Rows.of(table, materials, "
                "conditions), from the table that the model was fitted to."
            )
        if given.materials is None and self.featurizers:
            raise FeatureError(
                f"recipes have no material that {[f.id for f in self.featurizers]} could describe: "
                "give the model terms on conditions alone."
            )
        columns = [
            np.eye(len(c.categories))[v.astype(np.int64)] if c.categories else v[:, None]
            for c, v in zip(given.columns, given.conditions.T, strict=True)
        ]
        return given.texts, torch.from_numpy(np.column_stack([np.empty((len(given), 0)), *columns]))

    def __reduce__(
        self,
    ) -> tuple[type[Layout], tuple[tuple[Featurizer, ...], tuple[Condition, ...]]]:
        """Copies and pickles are laid out anew: a read-only view of blocks is neither."""
        return type(self), (self.featurizers, self.conditions)

    def __repr__(self) -> str:
        blocks = ", ".join(f"{k}: {s.stop - s.start}" for k, s in self.blocks.items())
        return f"Layout({blocks}; width {self.width})"

    def _repr_html_(self) -> str:
        rows = [(k, s.stop - s.start, f"{s.start} to {s.stop - 1}") for k, s in self.blocks.items()]
        units = ", ".join(f"{c.name} [{c.unit or 'category'}]" for c in self.conditions)
        width = counted(self.width, "column")
        caption = f"Layout of X: {width}" + (f"; conditions {units}" if units else "")
        return table(rows, ["block", "columns", "place"], caption=caption)


def _computed(featurizer: Featurizer, materials: list[str]) -> Tensor:
    values = np.asarray(featurizer(materials))
    return check_finite(values, materials, featurizer.names, featurizer=featurizer.id)


def _condition_width(condition: Condition) -> int:
    return len(condition.categories) if condition.categories else 1


def _labels(conditions: Sequence[Condition]) -> list[str]:
    return [f"{c.name} [{c.text}]" for c in conditions]
