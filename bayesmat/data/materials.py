"""Canonical keys: one string per material, however it was written."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import gcd, lcm
from types import MappingProxyType
from typing import Literal

from pymatgen.core.composition import Composition
from rdkit import rdBase

from bayesmat._arguments import items
from bayesmat._counted import counted
from bayesmat.errors import BadCell, MaterialError

from . import _formulas, _repeat_units, _smiles
from ._smiles import Unreadable, stray

__all__ = [
    "Kind",
    "another_kind",
    "canonical",
    "canonical_all",
    "canonical_composition",
    "canonical_repeat_unit",
    "canonical_smiles",
    "kinds_read",
    "stray",
    "try_canonical",
]

Kind = Literal["smiles", "repeat_unit", "composition", "id", "recipe"]

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "smiles": "a molecule in SMILES notation",
        "repeat_unit": "a polymer repeat unit",
        "composition": "a composition formula",
        "id": "an id",
        "recipe": "a recipe",
    }
)
_MANY: Mapping[Kind, str] = MappingProxyType(
    {
        "smiles": "molecules in SMILES notation",
        "repeat_unit": "repeat units of polymers, with their two '*'",
        "composition": "composition formulae",
    }
)
_MOST_TRIED = 200
_NEARLY_ALL = 0.9
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_MAX_DENOMINATOR = 10_000
_TOLERANCE = 2e-6
_MOST_SEEN = 2**18


def _composition(formula: str) -> str:
    found = {symbol: _fraction(n) for symbol, n in _formulas.amounts(formula).items()}
    scale = lcm(*(amount.denominator for amount in found.values()))
    counts = {symbol: int(amount * scale) for symbol, amount in found.items()}
    divisor = gcd(*counts.values())
    whole = {symbol: n // divisor for symbol, n in counts.items()}
    with warnings.catch_warnings():
        # Noble gases have no electronegativity; pymatgen only uses it to order the symbols.
        warnings.filterwarnings("ignore", message="No Pauling electronegativity")
        return str(Composition(whole).reduced_formula)


def _fraction(amount: float) -> Fraction:
    """The simple fraction meant by 0.3333333, else the decimal as it was written."""
    exact = Fraction(repr(float(amount)))
    simple = exact.limit_denominator(_MAX_DENOMINATOR)
    return simple if abs(simple - exact) <= _TOLERANCE * exact else exact


def _molecule(smiles: str) -> str:
    return _smiles.settle(_smiles.canonical, smiles)


def _repeat_unit(smiles: str) -> str:
    return _smiles.settle(_repeat_units.canonical, smiles)


def _name(name: str) -> str:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unreadable(
            f"{name[error.start]!r} is no character, and no file can hold it"
        ) from None
    return name


_KEYS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "smiles": _molecule,
        "repeat_unit": _repeat_unit,
        "composition": _composition,
        "id": _name,
        "recipe": _name,
    }
)


def try_canonical(materials: Iterable[object], kind: Kind = "smiles") -> list[str | Unreadable]:
    """Canonical key of each material, or the reason why it has none.

    Every distinct string is worked on once.

    Raises:
        MaterialError: If the kind is unknown.
    """
    if not isinstance(kind, str) or kind not in _KEYS:
        raise MaterialError(f"kind {kind!r} is unknown; choose one of {list(_KEYS)}.")
    given = items(materials, "materials")
    seen = _seen(kind)
    with rdBase.BlockLogs():
        return [_key(material, kind, seen) for material in given]


@cache
def _seen(kind: str) -> dict[str, str | Unreadable]:
    """What strings of a kind were found to be; a key is its own, so tables need not ask again."""
    return {}


def _key(material: object, kind: str, seen: dict[str, str | Unreadable]) -> str | Unreadable:
    if not isinstance(material, str):
        return Unreadable("it is not text")
    if material in seen:
        return seen[material]
    if len(seen) >= _MOST_SEEN:
        seen.clear()
    text = material.strip()
    try:
        if not text:
            raise Unreadable("it is empty")
        key = _KEYS[kind](text)
        seen[key] = key
    except Unreadable as reason:
        # Without the traceback, which would keep the frames of whoever asked.
        seen[material] = reason.with_traceback(None)
    else:
        seen[str(material)] = key
    return seen[material]


def canonical(material: str, kind: Kind = "smiles") -> str:
    """Canonical key of a material: equal strings for equal materials, and its own canonical key.

    Args:
        material: As written by a person or a file.
        kind: "smiles", "repeat_unit", "composition", or "id" and "recipe" (only stripped of
            blanks).

    Raises:
        MaterialError: If the string is not such a material; the message says why.

    >>> canonical("OCC"), canonical("Fe4O6", "composition"), canonical("*CC*", "repeat_unit")
    ('CCO', 'Fe2O3', '*C*')
    """
    found = try_canonical([material], kind)[0]
    if isinstance(found, str):
        return found
    raise MaterialError(
        f"{material!r} is not {_WORDS[kind]}: {found}. Without a valid key it can neither be "
        "described by features nor compared with other rows; correct it or leave it out."
        + another_kind([material], [found], kind)
    )


def canonical_all(materials: Iterable[str], kind: Kind = "smiles") -> tuple[str, ...]:
    """Canonical keys of many materials, of any iterable; one string is one material.

    Raises:
        MaterialError: If any is unreadable; all are listed, the first as row 1.
    """
    given = items(materials, "materials")
    found = try_canonical(given, kind)
    cells = [
        BadCell(i, "material", str(material), str(key))
        for i, (material, key) in enumerate(zip(given, found, strict=True), start=1)
        if not isinstance(key, str)
    ]
    if cells:
        hint = another_kind(given, found, kind)
        raise MaterialError(
            f"{counted(len(cells), 'material', verb='are')} not {_WORDS[kind]}.{hint}", cells
        )
    return tuple(str(key) for key in found)


def kinds_read(
    materials: Iterable[object], kinds: Iterable[Kind], *, least: float = 1.0
) -> tuple[Kind, ...]:
    """Kinds in which materials can be read and are usually written, by the first 200 of them.

    Args:
        materials: Texts; blank ones say nothing.
        kinds: What they may be.
        least: Share of them that must be readable.

    >>> kinds_read(["Fe2O3", "NaCl"], ["smiles", "composition"])
    ('composition',)
    """
    texts = list(dict.fromkeys(str(m).strip() for m in materials if str(m).strip()))[:_MOST_TRIED]
    found = []
    for kind in kinds:
        keys = try_canonical(texts, kind)
        n = sum(isinstance(k, str) and _is_usual(t, kind) for t, k in zip(texts, keys, strict=True))
        if texts and n >= least * len(texts):
            found.append(kind)
    return tuple(found)


def _is_usual(text: str, kind: Kind) -> bool:
    """CCO has a meaning as a formula, C2O, but nobody writes it."""
    symbols = _SYMBOL.findall(text) if kind == "composition" else []
    return all(one != other for one, other in pairwise(symbols))


def another_kind(given: Sequence[object], found: Sequence[object], kind: Kind) -> str:
    """A sentence that names the kind which materials seem to be of, if it is not `kind`.

    Args:
        given: What was given.
        found: Their keys, or why they have none.
        kind: What they were read as.
    """
    texts = [(str(text), isinstance(key, str)) for text, key in zip(given, found, strict=True)]
    texts = [(text, is_read) for text, is_read in texts if text.strip()]
    bad = [text for text, is_read in texts if not is_read]
    others = [other for other in _MANY if other != kind]
    if kind not in _MANY or not bad:
        return ""
    likely = kinds_read(bad, others, least=_NEARLY_ALL)
    if 2 * len(bad) < len(texts):
        likely = kinds_read([text for text, _ in texts], likely)
    if not likely:
        return ""
    words = " or ".join(f"{_MANY[other]} (kind={other!r})" for other in likely)
    return f" They read as {words}: is that what they are?"


def canonical_smiles(smiles: str) -> str:
    """Canonical isomeric SMILES by RDKit, checked to be readable and stable.

    Atom-map numbers are removed. Salts, charges, isotopes and stereochemistry are kept; tautomers
    and protonation states are different materials.

    Raises:
        MaterialError: If RDKit cannot read it, or if it has attachment points.

    References:
        Weininger, SMILES, 1988, doi:10.1021/ci00057a005.

    >>> canonical_smiles("C1=CC=CC=C1O")
    'Oc1ccccc1'
    """
    return canonical(smiles, "smiles")


def canonical_repeat_unit(smiles: str) -> str:
    """Smallest repeat unit of a linear polymer, the same wherever and how long it was cut.

    Needs two `*` with bonds of equal order, in one piece. Head-to-tail order, tacticity written as
    stereochemistry, and counter-ions are kept. Ladder, branched and co-polymers with more than two
    `*` are refused.

    Raises:
        MaterialError: If it is unreadable or has not exactly two attachment points.

    >>> canonical_repeat_unit("*CC(*)C") == canonical_repeat_unit("*C(C)CC(C)C*")
    True
    """
    return canonical(smiles, "repeat_unit")


def canonical_composition(formula: str) -> str:
    """Reduced formula in pymatgen's order of elements.

    Amounts may be fractions; 0.333333 is read as 1/3. Hydrates and adducts are written with a dot
    of any kind or with brackets; where a full stop could be a decimal point too (`Al2O3.2SiO2`),
    with a centred one. Every character must have a meaning: charges, oxidation states, phases,
    isotopes and unknown amounts (`nH2O`) are refused.

    Raises:
        MaterialError: If it is not a formula of elements, or can be read in two ways.

    >>> canonical_composition("Al0.5Ga0.5As"), canonical_composition("O3Fe2")
    ('AlGaAs2', 'Fe2O3')
    >>> canonical_composition("CuSO4.5H2O") == canonical_composition("CuSO4(H2O)5")
    True
    """
    return canonical(formula, "composition")
