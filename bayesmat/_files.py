"""Writing files that somebody named: whole where half would do harm, and in words where not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayesmat.errors import BayesmatError, DataError

__all__ = ["write_atomically", "writing"]


@contextmanager
def writing(
    path: Path, error: type[BayesmatError] = DataError, *, note: str = ""
) -> Iterator[None]:
    """Say in words why a file could not be written, whatever writes it.

    Args:
        path: What the message calls it.
        error: What is raised in place of an `OSError`.
        note: What else the message says of the failure.

    Raises:
        BayesmatError: Of the kind that was asked for.
    """
    try:
        yield
    except OSError as failed:
        file = next((str(p) for p in path.parents if os.path.isfile(p)), None)
        why = f"{file} is a file, not a folder" if file else failed.strerror or failed
        raise error(
            f"{path} cannot be written ({why}){note}. Name a file in a folder that can be written."
        ) from failed


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that no reader, and no interrupted run, ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
