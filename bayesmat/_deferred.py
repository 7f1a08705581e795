"""A module that is imported when something of it is first asked for."""

from __future__ import annotations

import importlib

__all__ = ["Deferred"]


class Deferred:
    """Stands for a module until a name of it is asked for.

    It is not in `sys.modules`, as the lazy modules of importlib are: whoever walks over those, as
    torch does while it is imported, would import this one in the middle of another import.

    >>> Deferred("math").sqrt(4.0)
    2.0
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"Deferred({self._name!r})"

    def __getattr__(self, name: str) -> object:
        return getattr(importlib.import_module(self._name), name)
