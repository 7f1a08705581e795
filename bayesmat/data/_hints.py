"""What a reader notices about columns that it takes as they are, and what could be said instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ._cells import numbers, shown
from ._raw import Raw
from .properties import Property

__all__ = ["NO_NUMBERS", "telling_apart", "wide"]

NO_NUMBERS = "no numbers"
_DECADE = 10.0
_FEW = 3  # rows for each category, at least, of a column that may be a condition
_INTERVAL_SCALES = ("degC", "degF")


def telling_apart(raw: Raw, material: str | None, ignored: Mapping[str, str]) -> dict[str, str]:
    """New reasons for columns of words that differ between rows of one material.

    Args:
        raw: The file.
        material: Heading of the materials.
        ignored: Heading -> why its column is not read.
    """
    if material is None or len(at := raw.find(material)) != 1:
        return {}
    keys, told = [shown(cell) for cell in raw.columns[at[0]]], {}
    for label, reason in ignored.items():
        if reason != NO_NUMBERS:
            continue
        words = [shown(cell) for cell in raw.columns[raw.header.index(label)]]
        n_pairs, n_names = len(set(zip(keys, words, strict=True))), len(set(words))
        if n_pairs > len(set(keys)) and n_names <= max(len(keys) // _FEW, 2):
            told[label] = (
                f"{reason}, yet it tells rows of one material apart: conditions={{{label!r}: "
                "'{}'} reads it"
            )
    return told


def wide(
    raw: Raw, properties: Mapping[str, Property], conditions: Mapping[str, object]
) -> list[str]:
    """What the log scale would do for properties that are positive and span more than a decade.

    Args:
        raw: The file.
        properties: Heading -> property.
        conditions: Heading -> condition, or its unit; a call that names properties names them, too.
    """
    said = []
    beside = "".join(
        f", conditions={{{label!r}: {one if isinstance(one, str) else getattr(one, 'text', '')!r}}}"
        for label, one in conditions.items()
    )
    for label, prop in properties.items():
        if prop.scale != "linear" or prop.categories or prop.unit in _INTERVAL_SCALES:
            continue
        values = numbers(raw.columns[raw.header.index(label)])[0]
        seen = values[np.isfinite(values)]
        if seen.size and seen.min() > 0 and seen.max() > _DECADE * seen.min():
            said.append(
                f"{label!r} is positive and goes from {seen.min():.3g} to {seen.max():.3g}: "
                f"properties={{{label!r}: {replace(prop, scale='log').text!r}}}{beside} "
                "keeps its predictions positive"
            )
    return said
