"""Every error that bayesmat raises on purpose, in one small tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "ArgumentError",
    "BadCell",
    "BayesmatError",
    "CampaignError",
    "DataError",
    "DesignError",
    "FeatureError",
    "InferenceError",
    "MaterialError",
    "MissingExtraError",
    "ModelError",
    "OracleError",
    "SurprisingValue",
]


class BayesmatError(Exception):
    """Root of the tree: catch this to catch everything bayesmat raises on purpose."""


class ArgumentError(BayesmatError, TypeError, ValueError):
    """An argument is of the wrong kind; the message says which, and what was meant."""


@dataclass(frozen=True)
class BadCell:
    """One offending cell of an input table.

    Attributes:
        row: Row number as a spreadsheet shows it (the header is row 1), or 0 for the whole file.
        column: Name of the column, empty for the whole row.
        value: What stood there, as text.
        reason: Why it cannot be used.
    """

    row: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        where = f"row {self.row}" if self.row else "file"
        column = f", column {self.column!r}" if self.column else ""
        return f"{where}{column}: {self.value!r} - {self.reason}"


SHOWN = 20


def listed(items: Sequence[object]) -> str:
    """One item a line, the first twenty of them, and how many more there are.

    >>> print(listed(["a", "b"]))
      a
      b
    """
    lines = [f"  {item}" for item in items[:SHOWN]]
    if len(items) > SHOWN:
        lines.append(f"  ... and {len(items) - SHOWN:,} more")
    return "\n".join(lines)


class DataError(BayesmatError, ValueError):
    """Input data cannot be used; `cells` holds every offending cell, the message the first 20."""

    def __init__(self, message: str, cells: Sequence[BadCell] = ()) -> None:
        self.cells = tuple(cells)
        super().__init__(f"{message}\n{listed(self.cells)}" if self.cells else message)

    def __reduce__(self) -> tuple[type[DataError], tuple[str, tuple[BadCell, ...]]]:
        """Copies and pickles keep the cells, and do not list them twice."""
        message = str(self.args[0]).split("\n  ", 1)[0] if self.cells else str(self.args[0])
        return type(self), (message, self.cells)


class MaterialError(DataError):
    """A string is not the kind of material that it was said to be."""


class FeatureError(BayesmatError, ValueError):
    """A featurizer could not describe a material by finite numbers."""


class InferenceError(BayesmatError, RuntimeError):
    """A sampler failed or was asked for the impossible."""


class ModelError(BayesmatError, ValueError):
    """A prior or a model was put together, or asked, inconsistently."""


class DesignError(BayesmatError, RuntimeError):
    """Molecules could not be designed under the given language, filter and score."""


class OracleError(BayesmatError, RuntimeError):
    """An oracle cannot run at all (a failed single material is data, not an error)."""


class CampaignError(BayesmatError, RuntimeError):
    """A campaign's history does not allow what was asked of it."""


class MissingExtraError(BayesmatError, ImportError):
    """An optional dependency is absent; the message names the extra that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed, and this feature needs it. "
            f'Install the extra: pip install "bayesmat[{extra}]"'
        )


class SurprisingValue(UserWarning):
    """A measured value or a condition lies where nothing led to expect it; it is taken as is."""
