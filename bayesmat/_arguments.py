"""What a public door accepts: every integer, real number and iterable type is read one way."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import TypeVar

import numpy as np

from bayesmat.errors import ArgumentError

__all__ = ["instance", "integer", "items", "names", "real", "seed_of"]

T = TypeVar("T")


def integer(value: object, name: str, *, least: int | None = None) -> int:
    """A whole number of any integer type (`int`, `np.int64`, a 0-d array), as `int`.

    Raises:
        ArgumentError: It is a bool, a float, text, or smaller than `least`.

    >>> integer(np.int64(3), "batch", least=1)
    3
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise ArgumentError(f"{name} is {value!r}, {_kind(value)}: give a whole number, like 8.")
    found = int(value)
    if least is not None and found < least:
        raise ArgumentError(f"{name} is {found}: give a whole number of at least {least}.")
    return found


def seed_of(value: object) -> int:
    """The `seed` of a public door, any integer type.

    >>> seed_of(np.int32(7))
    7
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise ArgumentError(
            f"seed is {value!r}, {_kind(value)}: give a whole number, like seed=0; the same number "
            "gives the same result."
        )
    return int(value)


def real(value: object, name: str) -> float:
    """A real number of any type (`float`, `int`, `np.float32`, a 0-d array), as `float`.

    NaN and infinity pass: what they mean is for the caller to say.

    Raises:
        ArgumentError: It is a bool, text, None or an array.

    >>> real(np.float32(0.5), "level")
    0.5
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise ArgumentError(f"{name} is {value!r}, {_kind(value)}: give a number, like 0.9.")
    return float(value)


def items(values: object, name: str) -> list[object]:
    """What an iterable holds, read once; one string alone is one item. Kinds are not checked.

    Raises:
        ArgumentError: It is no iterable.

    >>> items("CCO", "materials"), items(range(2), "rows")
    (['CCO'], [0, 1])
    """
    if isinstance(values, str):
        return [str(values)]
    if isinstance(values, bytes) or not isinstance(values, Iterable):
        raise ArgumentError(f"{name} is {_kind(values)}: give strings, like ['CCO', 'c1ccccc1'].")
    return list(values)


def names(values: object, name: str) -> tuple[str, ...]:
    """Strings of any iterable, read once; one string alone is one name, not its letters.

    Args:
        values: One string, or an iterable of strings: list, tuple, generator, array, Series.
        name: Name of the argument, for the error.

    Raises:
        ArgumentError: It is no iterable, or an element is no string (all of them are listed).

    >>> names("CCO", "materials"), names((m for m in ["CCO", "C"]), "materials")
    (('CCO',), ('CCO', 'C'))
    """
    found = items(values, name)
    wrong = [f"{i}: {v!r}" for i, v in enumerate(found) if not isinstance(v, str)]
    if wrong:
        more = f" and {len(wrong) - 20} more" if len(wrong) > 20 else ""
        raise ArgumentError(
            f"{name} must be strings; these are not (position: value): {', '.join(wrong[:20])}"
            f"{more}."
        )
    return tuple(str(v) for v in found)


def instance(value: object, kinds: type[T] | tuple[type[T], ...], name: str, hint: str) -> T:
    """`value` if it is of the kind that the door wants.

    Raises:
        ArgumentError: It is not; the message carries `hint`, which says what was meant.

    >>> instance(1.0, float, "x", "give a float")
    1.0
    """
    if not isinstance(value, kinds):
        raise ArgumentError(f"{name} is {_kind(value)}: {hint}")
    return value


def _kind(value: object) -> str:
    """The kind of a value in words, such as "a str" or "a pandas DataFrame"."""
    if value is None:
        return "None"
    kind = value if isinstance(value, type) else type(value)
    library = kind.__module__.split(".")[0]
    word = kind.__name__ if library in {"builtins", "__main__"} else f"{library} {kind.__name__}"
    if isinstance(value, type):
        return f"the class {word}"
    return f"{'an' if word[0].lower() in 'aeiou' else 'a'} {word}"
