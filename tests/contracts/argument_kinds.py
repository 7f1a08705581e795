"""What the doors are tried with: wrong values of every kind, and words that say what was meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import numpy as np
import pandas as pd

from bayesmat.data.table import Property, PropertyTable
from bayesmat.models.base import Fitted, fit
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.transfer import Transfer

MATERIALS = ("CCO", "CCN", "CCC", "CCCC", "C", "CC", "CO", "CN", "CF", "CCF")
TABLE = PropertyTable(
    MATERIALS, "smiles", (Property("y", "K"),), np.linspace(1.0, 3.0, len(MATERIALS))[:, None]
)
FRAME = pd.DataFrame({"smiles": MATERIALS, "y": np.linspace(1.0, 3.0, len(MATERIALS))})
PRIOR = Transfer("y")
FITTED = fit(PRIOR, TABLE, seed=0, explain=False)

Door = tuple[Callable[[Any], object], str]
# Kind -> wrong values, and what the message says. A "?" behind a kind lets None pass.
KINDS: dict[str, tuple[tuple[object, ...], str]] = {
    "whole": (("8", 1.5, True, None, [8], {}, int), "whole number"),
    "seed": (("8", 1.5, True, None, [8], {}, int, -1, 2**63), "whole number"),
    "real": (("0.9", None, True, [0.5], {}, float), "number"),
    "flag": (("yes", 1, None, []), "True or False"),
    "text": ((5, None, ["y"], {"y": 1}, True), "text|name|string"),
    "texts": ((5, None, [5], {"y": "K"}, FRAME), "string|text|name"),
    "table": ((FRAME, None, "table.csv", PRIOR, FITTED, [TABLE], PropertyTable), "read_csv"),
    "fit": ((PRIOR, TABLE, None, "y", Fitted), r"bm\.fit"),
    "prior": ((FITTED, None, "y", FRAME, [PRIOR], PropertyGraph), r"bm\.Transfer"),
    "mapping": ((5, "y", ["y"], [("y", 1.0)], dict), "mapping|like \\{"),
    "numbers": (("abc", None, {"y": 1}, [None], object(), [[1.0], [1.0, 2.0]]), "number"),
    "path": ((5, None, ["a.csv"], TABLE), "name of a file"),
}


def wrong_values(kind: str) -> Iterator[tuple[object, str]]:
    """Wrong values of a kind with the words that the message must hold."""
    values, words = KINDS[kind.rstrip("?")]
    yield from ((v, words) for v in values if not (kind.endswith("?") and v is None))


def cases(
    doors: Mapping[str, Door],
    others: Mapping[str, tuple[Callable[[Any], object], tuple[object, ...], str]],
) -> list[tuple[str, Callable[[Any], object], object, str]]:
    """Door, call, wrong value and words: by kind, and doors with wrong values of their own."""
    return [
        *(
            (door, call, v, w)
            for door, (call, kind) in doors.items()
            for v, w in wrong_values(kind)
        ),
        *((door, call, v, words) for door, (call, vs, words) in others.items() for v in vs),
    ]


def field_doors(make: Callable[..., object], **needed: object) -> dict[str, Door]:
    """The doors of a frozen record: every field that its annotation says is a plain value."""
    kinds = {int: "whole", float: "real", bool: "flag", str: "text"}
    hints = get_type_hints(make)
    doors: dict[str, Door] = {}
    for field in fields(make):  # type: ignore[arg-type]
        hint = hints[field.name]
        plain = next((k for k in (hint, *get_args(hint)) if k in kinds), None)
        if plain is None or get_args(hint)[1:] not in ((), (type(None),)):
            continue
        optional = "?" if type(None) in get_args(hint) else ""

        def door(value: object, name: str = field.name) -> object:
            return make(**(needed | {name: value}))

        kind = "seed" if field.name == "seed" else kinds[plain]
        doors[f"{getattr(make, '__name__', make)}({field.name})"] = (door, kind + optional)
    return doors
