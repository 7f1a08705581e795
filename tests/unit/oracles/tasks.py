"""Tasks that misbehave on purpose; in a module, so that worker processes can import them."""

import ctypes
import os
from pathlib import Path


def hang() -> None:
    """Sleep for ever inside C with the interpreter locked, as a hanging Fortran routine does."""
    ctypes.PyDLL(None).pause()


def die() -> None:
    os._exit(3)


def boom() -> None:
    raise KeyError("from the task")


def unsendable() -> object:
    return lambda: None


class Unloadable:
    """Can be sent, but not loaded."""

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return (int, ("x",))

    def __call__(self) -> None:
        pass


def hang_and_say_so(path: str) -> None:
    Path(path).write_text(f"{os.getpid()}\n")
    hang()
