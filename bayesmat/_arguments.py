"""What a public door accepts: every integer, real number and iterable type is read one way.

`checked` holds a value against the annotation of its argument, `settle` every field of a frozen
record against its own; both say what was meant.
"""

from __future__ import annotations

import inspect
import numbers
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
from typing_extensions import get_protocol_members, is_protocol

from bayesmat._meant import meant
from bayesmat.errors import ArgumentError

__all__ = [
    "array", "called", "checked", "instance", "integer", "items", "names", "real", "seed_of",
    "settle",
]  # fmt: skip

T = TypeVar("T")


def integer(value: object, name: str, *, least: int | None = None) -> int:
    """A whole number of any integer type (`int`, `np.int64`, a 0-d array), as `int`.

    Raises:
        ArgumentError: It is a bool, a float, text, or smaller than `least`.

    >>> integer(np.int64(3), "batch", least=1)
    3
    """
    value = _scalar(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ArgumentError(f"{name} is {value!r}, {_kind(value)}: give a whole number, like 8.")
    found = int(value)
    if least is not None and found < least:
        raise ArgumentError(f"{name} is {found}: give a whole number of at least {least}.")
    return found


def seed_of(value: object, name: str = "seed") -> int:
    """The `seed` of a public door, any integer type: at least 0 and below 2**63.

    Raises:
        ArgumentError: It is no whole number, or outside what every generator takes.

    >>> seed_of(np.int32(7))
    7
    """
    value = _scalar(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ArgumentError(
            f"{name} is {value!r}, {_kind(value)}: give a whole number, like seed=0; the same "
            "number gives the same result."
        )
    found = int(value)
    if not 0 <= found < 2**63:
        raise ArgumentError(
            f"{name} is {found}: give a whole number of at least 0 and below 2**63, like seed=0."
        )
    return found


def real(value: object, name: str) -> float:
    """A real number of any type (`float`, `int`, `np.float32`, a 0-d array), as `float`.

    NaN and infinity pass: what they mean is for the caller to say.

    Raises:
        ArgumentError: It is a bool, text, None or an array, or too large for a float.

    >>> real(np.float32(0.5), "level")
    0.5
    """
    value = _scalar(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        raise ArgumentError(f"{name} is {value!r}, {_kind(value)}: give a number, like 0.9.")
    try:
        return float(value)
    except OverflowError:
        raise ArgumentError(
            f"{name} is {_kind(value)} beyond the largest float, 1.8e308: give a smaller number, "
            "or math.inf where there is no bound."
        ) from None


def array(values: object, name: str) -> np.ndarray:
    """Numbers of any shape, type and nesting, as an array in double precision; NaN passes.

    A masked number is NaN: what stands below a mask was never meant to be used.

    Raises:
        ArgumentError: They are text, a mapping or None, too large for double precision, or rows are
            of different lengths.

    >>> array([1, 2.5], "y")
    array([1. , 2.5])
    """
    try:
        if isinstance(values, Mapping | type) or values is None:
            raise TypeError
        masked = np.ma.MaskedArray
        if isinstance(values, list | tuple) and any(isinstance(row, masked) for row in values):
            return np.stack([array(row, name) for row in values])
        found = values if isinstance(values, masked) else np.asarray(_detached(values))
        if found.dtype.kind not in "fiub" and not _holds_numbers(found):
            raise TypeError
        return np.ma.filled(found.astype(np.float64), np.nan)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ArgumentError(
            f"{name} is {_shown(values)}: give numbers, like [1.0, 2.5], in rows of one length."
        ) from None


def _detached(values: object) -> object:
    """A tensor without its gradients; anything else as it is."""
    detach = getattr(values, "detach", None)
    return values if detach is None else detach()


def _holds_numbers(found: np.ndarray) -> bool:
    """Whether an array of objects, such as a column of a data frame, holds numbers only."""
    return found.dtype.kind == "O" and all(isinstance(v, numbers.Real) for v in found.flat)


def items(values: object, name: str) -> list[object]:
    """What an iterable holds, read once; one string alone is one item. Kinds are not checked.

    Raises:
        ArgumentError: It is no iterable, or it is a mapping or a table.

    >>> items("CCO", "materials"), items(range(2), "rows")
    (['CCO'], [0, 1])
    """
    if isinstance(values, str):
        return [str(values)]
    flat = getattr(values, "ndim", 1) == 1 and not isinstance(values, bytes | Mapping)
    if isinstance(values, type) or not flat or not isinstance(values, Iterable):
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
        raise ArgumentError(f"{name} is {_shown(value)}: {hint}")
    return value


def checked(value: T, kind: object, name: str) -> T:
    """`value` as the kind that an annotation asks for; a generic kind is read to its depth.

    Numbers of any type become `int` or `float`, iterables become tuples (one item alone is a tuple
    of one), protocols are known by their members. What an annotation cannot say passes.

    Args:
        value: What was given.
        kind: A type, or an annotation of one: `int`, `float | None`, `tuple[Term, ...]`.
        name: What the message calls it.

    Raises:
        ArgumentError: It is of another kind; the message says what was meant.

    >>> checked(np.float32(0.5), float | None, "level"), checked("gap", tuple[str, ...], "log")
    (0.5, ('gap',))
    """
    return cast(T, _read(value, kind, name))


def settle(record: object) -> None:
    """Read every field of a frozen dataclass by its annotation; call it in `__post_init__`.

    Which words a `Literal` allows is for the record to say.

    Raises:
        ArgumentError: A field is of another kind.
    """
    owner: Any = type(record)
    for name, kind in _annotations(owner).items():
        given = getattr(record, name)
        found = _read(given, kind, f"{owner.__name__}({name})")
        if found is not given:
            object.__setattr__(record, name, found)


def called(function: Callable[..., T], args: tuple[Any, ...], keywords: Mapping[str, Any]) -> T:
    """A function's answer to arguments that are read by its annotations.

    Which words a `Literal` allows is for the function to say.

    Raises:
        ArgumentError: An argument is of another kind, missing, or not known.
    """
    try:
        given = inspect.signature(function).bind(*args, **keywords)
    except TypeError as error:
        raise ArgumentError(f"{function.__name__}(): {error}.") from None
    kinds = _kinds(function)
    for name, value in given.arguments.items():
        if get_origin(kinds.get(name)) is not Literal:
            given.arguments[name] = _read(value, kinds.get(name), name)
    return function(*given.args, **given.kwargs)


_kinds = cache(get_type_hints)


@cache
def _annotations(record: type) -> dict[str, Any]:
    hints = get_type_hints(record)
    found = {field.name: hints[field.name] for field in fields(cast(Any, record))}
    return {name: kind for name, kind in found.items() if get_origin(kind) is not Literal}


def _read(value: object, kind: object, name: str) -> object:
    origin, arms = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _read_union(value, arms, name)
    simple = _SIMPLE.get(kind)
    if simple is not None:
        return simple(value, name)
    if origin is Literal:
        if not any(value is arm or (isinstance(value, str) and value == arm) for arm in arms):
            known = ", ".join(map(repr, arms))
            raise ArgumentError(f"{name} is {_shown(value)}: give one of {known}.")
        return value
    if origin in (tuple, Sequence, Iterable, Collection):
        return _read_tuple(value, arms if origin is tuple else (*arms, ...), name)
    if origin is Callable:
        return _function(value, name)
    if kind is np.ndarray:
        found = array(value, name)
        return found if isinstance(value, np.ma.MaskedArray) else value
    if origin is not None and isinstance(origin, type):
        kind = origin
    if isinstance(value, Mapping) and origin is Mapping:
        for key, entry in value.items():
            _read(key, arms[0], f"a name in {name}")
            _read(entry, arms[1], f"{name}[{key!r}]")
        return value
    if not isinstance(kind, type) or kind in (object, Any):
        return value
    if not _is_of(value, kind):
        raise ArgumentError(f"{name} is {_shown(value)}: {meant(kind)}")
    return value


def _read_union(value: object, arms: tuple[object, ...], name: str) -> object:
    if value is None and NoneType in arms:
        return None
    found = [arm for arm in arms if arm is not NoneType]
    for arm in found[:-1]:
        try:
            return _read(value, arm, name)
        except ArgumentError:
            continue
    if len(found) == 1:
        return _read(value, found[0], name)
    try:
        return _read(value, found[-1], name)
    except ArgumentError:
        hints = dict.fromkeys(map(meant, found))
        raise ArgumentError(f"{name} is {_shown(value)}: {' Or '.join(hints)}") from None


def _read_tuple(value: object, arms: tuple[object, ...], name: str) -> object:
    if arms[-1:] != (Ellipsis,):
        found = value if isinstance(value, Iterable) and not isinstance(value, str | type) else ()
        parts = tuple(found)
        if len(parts) != len(arms):
            raise ArgumentError(f"{name} is {_shown(value)}: give {len(arms)} values, in brackets.")
        read = tuple(_read(v, arm, name) for v, arm in zip(parts, arms, strict=True))
        same = isinstance(value, tuple) and all(map(operator.is_, read, parts))
        return value if same else read
    if arms[0] is str:
        return names(value, name)
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        return (_read(value, arms[0], name),)
    return tuple(_read(v, arms[0], f"{name}[{i}]") for i, v in enumerate(value))


def _is_of(value: object, kind: type) -> bool:
    """Whether a value is an instance; a protocol is known by its members, without asking them."""
    if kind in (Sequence, Iterable) and isinstance(value, str | bytes):
        return False
    if kind is type or not is_protocol(kind):
        return isinstance(value, kind)
    if isinstance(value, type):
        return False
    members = get_protocol_members(kind)
    has_all = all(inspect.getattr_static(value, m, _NOTHING) is not _NOTHING for m in members)
    return has_all and ("__call__" not in members or _takes(value, cast(Any, kind).__call__))


def _takes(value: object, wanted: Callable[..., object]) -> bool:
    """Whether a callable takes what a protocol passes: its positions, and keywords it requires."""
    kinds = inspect.Parameter
    asked = list(inspect.signature(wanted).parameters.values())[1:]
    places = [p for p in asked if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    keywords = [p for p in asked if p.kind is kinds.KEYWORD_ONLY and p.default is kinds.empty]
    try:
        given = inspect.signature(cast(Any, value))
        given.bind(*places, **{p.name: None for p in keywords})
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)  # a builtin without a signature
    return True


_NOTHING = object()


def _text(value: object, name: str) -> str:
    return str(instance(value, str, name, meant(str)))


def _flag(value: object, name: str) -> bool:
    value = _scalar(value)
    return instance(value, bool, name, meant(bool))


def _function(value: object, name: str) -> object:
    if not callable(value) or isinstance(value, type):
        raise ArgumentError(f"{name} is {_shown(value)}: give a function.")
    return value


_SIMPLE: Mapping[Any, Callable[[object, str], object]] = MappingProxyType(
    {int: integer, float: real, bool: _flag, str: _text}
)


def _scalar(value: object) -> object:
    """The Python number in a numpy scalar or an array or tensor without dimensions."""
    is_scalar = getattr(value, "ndim", None) == 0 and not isinstance(value, type)
    if is_scalar and np.ma.is_masked(value):
        return np.nan
    return cast(Any, value).item() if is_scalar else value


def _shown(value: object) -> str:
    """The kind of a value, with the value itself where that is short."""
    short = isinstance(value, str | bool | int | float) and len(repr(value)) <= 60
    return f"{value!r}, {_kind(value)}" if short else _kind(value)


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
