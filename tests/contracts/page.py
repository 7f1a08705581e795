"""What docs/extending.md makes, run as printed: its parts are held to the laws of ours."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.docs.blocks import python_blocks

PAGE = "docs/extending.md"


@cache
def page() -> dict[str, Any]:
    """The names that its blocks leave behind."""
    names: dict[str, Any] = {"__name__": "extending"}
    for block in python_blocks(PAGE):
        exec(compile(block, PAGE, "exec", dont_inherit=True), names)
    return names
