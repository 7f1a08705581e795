"""Files in the cache: written whole, read only when they are what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayesmat._files import write_atomically, writing
from bayesmat.errors import DataError

__all__ = ["read_card", "write_card"]


def write_card(card: Path, files: Mapping[Path, bytes], content: Mapping[str, Any]) -> None:
    """Write files and, last, a JSON card that holds `content` and their SHA-256.

    Args:
        card: Path of the card; its presence means that all files are complete.
        files: Paths, in the folder of the card, and what to write there.
        content: JSON-able.
    """
    hashes = {path.name: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    text = json.dumps({**content, "sha256": hashes}, indent=1, allow_nan=False)
    with writing(card):
        for path, data in files.items():
            write_atomically(path, data)
        write_atomically(card, text.encode())


def read_card(card: Path) -> dict[str, Any]:
    """Read a card and verify every file that it vouches for.

    Raises:
        DataError: The card or a file is missing, unreadable or not what was written.
    """
    remedy = f"Delete {card} and what it describes will be made again."
    try:
        content: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
        hashes = {name: str(digest) for name, digest in content["sha256"].items()}
        found = {n: hashlib.sha256((card.parent / n).read_bytes()).hexdigest() for n in hashes}
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{card} or a file it names cannot be read: {error!r}. {remedy}") from error
    damaged = [name for name in hashes if hashes[name] != found[name]]
    if damaged:
        raise DataError(
            f"{', '.join(damaged)} in {card.parent} is not what was written there (its SHA-256 "
            f"differs), so nothing computed from it could be trusted. {remedy}"
        )
    return content
