"""Tables of measurements: reading, units, canonical keys, splits."""

from __future__ import annotations

from .io import Column, from_frame, read_csv, to_csv
from .materials import canonical, canonical_composition, canonical_repeat_unit, canonical_smiles
from .observations import Observations, Scale
from .properties import Condition, Property
from .rows import Rows
from .splits import grouped_kfold, grouped_split, groups_of
from .table import PropertyTable

__all__ = [
    "Column",
    "Condition",
    "Observations",
    "Property",
    "PropertyTable",
    "Rows",
    "Scale",
    "canonical",
    "canonical_composition",
    "canonical_repeat_unit",
    "canonical_smiles",
    "from_frame",
    "grouped_kfold",
    "grouped_split",
    "groups_of",
    "read_csv",
    "to_csv",
]
