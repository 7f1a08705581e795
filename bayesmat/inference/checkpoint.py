"""Where a long run left off: tensors as safetensors, the rest as JSON, never a pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from bayesmat._files import write_atomically, writing
from bayesmat.errors import InferenceError

__all__ = ["Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """A file that a run writes as it goes and continues from when it is started again.

    The file belongs to one run: settings, seed and data are hashed into `key`, and a file with
    another key is refused, never overwritten.

    Attributes:
        path: The file; its folder is made.
        key: Hash of everything that the run depends on.
    """

    path: Path
    key: str

    @staticmethod
    def of(path: str | Path, *parts: object) -> Checkpoint:
        """A checkpoint of a run that depends on `parts`: text, numbers, tensors, tuples of them.

        Raises:
            InferenceError: The path is that of a folder.
        """
        path = Path(path)
        if path.is_dir():
            raise InferenceError(
                f"checkpoint is {str(path)!r}, a folder: name a file in it, like "
                f"{str(path / 'fit.safetensors')!r}."
            )
        return Checkpoint(path, hashlib.sha256(_bytes(parts)).hexdigest()[:16])

    def part(self, name: str) -> Checkpoint:
        """The checkpoint of a part of the run, such as one chain, in a file beside it."""
        stem = self.path.with_suffix("")
        return Checkpoint(stem.with_name(f"{stem.name}-{name}{self.path.suffix}"), self.key)

    def save(self, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
        """Write atomically: a run killed while writing leaves the older state.

        Raises:
            InferenceError: The file cannot be written.
        """
        about = {"key": self.key, "record": json.dumps(dict(record))}
        content = save({name: value.contiguous() for name, value in tensors.items()}, about)
        with writing(self.path, InferenceError):
            write_atomically(self.path, content)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved last, or None if there is no file.

        Raises:
            InferenceError: The file is damaged, or belongs to another run.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                about = file.metadata() or {}
            tensors = load(self.path.read_bytes())
            record = json.loads(about.get("record", "null"))
        except OSError as error:
            raise InferenceError(
                f"{self.path} cannot be read ({error.strerror or error}): name another file."
            ) from error
        except (SafetensorError, ValueError) as error:
            raise InferenceError(
                f"{self.path} is not a readable checkpoint ({error}): delete it to start anew."
            ) from error
        if about.get("key") != self.key or record is None:
            raise InferenceError(
                f"{self.path} belongs to another run (other data, prior, settings or seed), so it "
                "cannot be continued. Name another file, or delete this one to start anew."
            )
        return tensors, record


def _bytes(part: object) -> bytes:
    """What identifies a part; every entry of a tensor counts, unlike in its repr."""
    if isinstance(part, Tensor):
        data = part.detach().cpu().contiguous()
        return f"{data.dtype}{tuple(data.shape)}".encode() + data.numpy().tobytes()
    if isinstance(part, tuple | list):
        return b"".join(hashlib.sha256(_bytes(p)).digest() for p in part)
    return repr(part).encode()
