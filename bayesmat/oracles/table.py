"""An oracle that looks its answers up: for replaying a search on data that already exist."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesmat._arguments import names, settle
from bayesmat._repr import Shown
from bayesmat.data.materials import Kind, try_canonical
from bayesmat.data.rows import Rows
from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.errors import OracleError

from .base import Evaluation, Failure

__all__ = ["TableOracle"]


@dataclass(frozen=True, eq=False, repr=False)
class TableOracle(Shown):
    """Answers from a table that is already measured, to replay and to benchmark searches.

    A material that the table lacks, or has no measured cell for, is a failure
    (`"not in the table"`), never a guess. Of replicates the mean is returned, of a categorical
    property the class, if all agree.

    Attributes:
        table: Where the answers are.
    """

    table: PropertyTable

    def __post_init__(self) -> None:
        settle(self)

    @property
    def properties(self) -> tuple[Property, ...]:
        """The table's properties."""
        return self.table.properties

    @property
    def kind(self) -> Kind:
        """The kind of material that it answers about: the table's."""
        return self.table.kind

    @property
    def digest(self) -> str:
        """Hash of the rows, the properties and the values."""
        content = hashlib.sha256(
            repr((self.table.rows.keys, self.table.properties)).encode()
            + np.ascontiguousarray(self.table.values).tobytes()
        )
        return f"table/{content.hexdigest()[:16]}"

    @property
    def time_limit_s(self) -> float | None:
        """No limit."""
        return None

    def __call__(self, materials: Sequence[str]) -> tuple[Evaluation, ...]:
        """Look rows up by their key, materials in any spelling.

        Raises:
            OracleError: The table has other conditions than what is asked.
        """
        asked = materials if isinstance(materials, Rows) else Rows(names(materials, "materials"))
        if asked.columns != self.table.conditions:
            raise OracleError(
                f"the table knows values under the conditions {_names(self.table.conditions)}, and "
                f"is asked under {_names(asked.columns)}: give a table with the same conditions."
            )
        rows: dict[str, list[int]] = {}
        for i, key in enumerate(self.table.rows.keys):
            rows.setdefault(key, []).append(i)
        keys = self._keys(asked)
        return tuple(
            self._look_up(m, rows.get(str(key), [])) for m, key in zip(asked, keys, strict=True)
        )

    def _keys(self, asked: Rows) -> Sequence[object]:
        """Keys with canonical materials; of what is no material, whatever is no key."""
        if asked.materials is None:
            return asked.keys
        found = try_canonical(asked.materials, self.table.kind)
        if not asked.columns:
            return found
        known = [i for i, material in enumerate(found) if isinstance(material, str)]
        materials = tuple(str(found[i]) for i in known)
        keys = Rows(materials, asked.conditions[known], asked.columns).keys
        key_of = dict(zip(known, keys, strict=True))
        return [key_of.get(i) for i in range(len(asked))]

    def _look_up(self, material: str, rows: list[int]) -> Evaluation:
        values: dict[str, float | str] = {}
        sds, left_out = {}, {}
        for j, prop in enumerate(self.table.properties):
            cells = [i for i in rows if np.isfinite(self.table.values[i, j])]
            found = self.table.values[cells, j]
            if not cells:
                continue
            if prop.categories is not None:
                classes = [prop.categories[int(code)] for code in np.unique(found)]
                if len(classes) > 1:
                    left_out[prop.name] = f"replicates are of the classes {classes}"
                else:
                    values[prop.name] = classes[0]
                continue
            values[prop.name] = float(found.mean())
            known = self.table.stds[cells, j]
            if np.isfinite(known).all():
                sds[prop.name] = float(np.sqrt((known**2).sum())) / len(cells)
        if values:
            return Evaluation(material, values, sds, left_out=left_out)
        words = "; ".join(f"{name!r}: {reason}" for name, reason in left_out.items())
        return Evaluation.failed(material, Failure.UNUSABLE if words else Failure.ABSENT, words)


def _names(conditions: Sequence[Condition]) -> list[str]:
    return [f"{c.name} [{c.text}]" for c in conditions]
