"""Tables of measurements: reading, units, canonical keys, splits."""

from __future__ import annotations

from .observations import Observations, Scale
from .properties import Condition, Property
from .table import PropertyTable

__all__ = ["Condition", "Observations", "Property", "PropertyTable", "Scale"]
