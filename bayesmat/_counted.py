"""Numbers of things in words."""

from __future__ import annotations

__all__ = ["counted"]

_OF_ONE = {"are": "is", "have": "has", "were": "was"}


def counted(n: int, thing: str, many: str = "", *, verb: str = "") -> str:
    """A number and a noun that agree, and a verb behind them that agrees too.

    Args:
        n: How many.
        thing: The noun for one.
        many: For several; by default with an s.
        verb: For several.

    >>> counted(1, "round"), counted(2, "hit"), counted(0, "entry", "entries")
    ('1 round', '2 hits', '0 entries')
    >>> counted(1, "cell", verb="are"), counted(2, "value", verb="lie")
    ('1 cell is', '2 values lie')
    """
    if n == 1:
        return f"1 {thing} {_OF_ONE.get(verb, f'{verb}s') if verb else ''}".rstrip()
    return f"{n} {many or f'{thing}s'} {verb}".rstrip()
