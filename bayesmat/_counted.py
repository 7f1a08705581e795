"""Numbers of things in words."""

from __future__ import annotations

__all__ = ["counted"]


def counted(n: int, things: str, verb: str = "") -> str:
    """A number of things, with "are" or "have" behind it if wanted, in singular or plural.

    >>> counted(2, "rows"), counted(1, "rows"), counted(1, "bodies", "have")
    ('2 rows', '1 row', '1 body has')
    >>> counted(1, "cells", "are"), counted(0, "cells", "lie")
    ('1 cell is', '0 cells lie')
    """
    if n != 1:
        return f"{n} {things} {verb}".rstrip()
    first, *rest = things.split(" ")
    one = first[:-3] + "y" if first.endswith("ies") else first.removesuffix("s")
    said = _SINGULAR.get(verb, f"{verb}s" if verb else "")
    return " ".join(filter(None, (str(n), one, *rest, said)))


_SINGULAR = {"are": "is", "have": "has", "were": "was", "do": "does"}
