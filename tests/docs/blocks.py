"""The code blocks of the manual."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def python_blocks(page: str) -> list[str]:
    """Every Python block of a page, given by its path below the root, in order."""
    return _BLOCK.findall((ROOT / page).read_text("utf-8"))
