"""Composition formulas, read completely or not at all: amounts, brackets, hydrates, adducts."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from pymatgen.core.composition import Composition
from pymatgen.core.periodic_table import Element

from ._smiles import Unreadable

_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_DOTS = str.maketrans(dict.fromkeys("·•∙⋅‧⸱・*●", "·"))
_ALLOWED = re.compile(r"[A-Za-z0-9.·/()\[\]{}]")
_SYMBOLS = frozenset(element.symbol for element in Element)
_AMOUNT = r"(?:\d+(?:\.\d+)?|\.\d+)"
_TOKEN = re.compile(rf"[A-Z][a-z]?{_AMOUNT}?|[)\]}}]{_AMOUNT}?|[(\[{{]")
_COEFFICIENT = re.compile(r"\d+(?:\.\d+|/\d+)?(?=[A-Z(\[{])")
_ISOTOPE = re.compile(r"[DT](?![a-z])")
_PARTNERS = "H2O2|H2O|OH2|HOH|NH3|HCl|HBr|HF|HI|N2H4|CH3OH"
# A full stop before a whole or fractional number of a molecule that crystals are known to hold.
# After a lone 0 it is a decimal point: no amount of 0 is written.
_SOLVATE = re.compile(
    rf"(?<![^0-9.]0)\.(\d+(?:\.\d+|/\d+)?(?:\((?:{_PARTNERS})\)|(?:{_PARTNERS})))(?=$|[.·])"
)
_UNKNOWN = re.compile(r"[.·][nxyz](?=[A-Z(\[{])")
_BEFORE_CAPITAL = re.compile(r"\.(?=[A-Z(\[{])")
_DOUBTFUL = re.compile(r"(?<=[a-z A-Z)\]}])\.\d+(?=[A-Z(\[{])")
_STOP = re.compile(r"(?<![^0-9.][01])(?<=\d)\.(?=[1-9]\d?[A-Z(\[{])")
# What crystals hold beside the compounds of two elements that `_is_whole` knows.
_MOLECULES = frozenset(
    {"C60", "C70", "S8", "I2", "Br2", "SO2", "SO3", "SOCl2", "SO2Cl2", "SeO2", "N2O4"}
)
_ANIONS = frozenset({"N", "O", "F", "S", "Cl", "Se", "Br", "I"})
_NONMETALS = _ANIONS | {"H", "C", "Te"}
_GROUP = re.compile(rf"OH|[(\[{{](?:OH[)\]}}]|[^()\[\]{{}}]*[)\]}}]{_AMOUNT})")
# "VI" before an amount is a group of vanadium and iodine: pymatgen writes Cs(VI)2.
_OXIDATION = re.compile(r"[(\[{](?:I{1,3}|IV|V|VI{2,3}|VI(?=[)\]}](?!\d)))[)\]}]")
_PADDED = re.compile(r"(?:[A-Z][a-z]?|[)\]}])0\d")
_ZERO_FOR_O = re.compile(
    r"(?:^|[·(\[{])(?:\d+(?:[./]\d+)?)?"
    r"(?P<slip>(?:H|Li|Na|K|Rb|Cs|Cu|Ag|Tl|N|Cl)20|[A-Z][a-z]?[1-9]0[1-9])(?=$|[.·)\]}])"
)
_HYDRATE_WITH_ZERO = re.compile(r"(?<![^0-9.]0)\.\d+(?:[./]\d+)?[(\[{]?H20(?=$|[.·)\]}])")
_PAIRS = {")": "(", "]": "[", "}": "{"}


def amounts(formula: str) -> dict[str, float]:
    """Amount of each element of a formula, in the order in which they are written.

    A dot of any kind that joins a hydrate or an adduct is understood (CuSO4·5H2O, CuSO4.5H2O);
    between digits a full stop is a decimal point (YBa2Cu3O6.95).

    Raises:
        Unreadable: If any character has no meaning in a formula, or the formula two.
    """
    text = _without_blanks(formula.translate(_SUBSCRIPTS).translate(_DOTS))
    if _UNKNOWN.search(text):
        raise Unreadable("the amount of water or another adduct is left open (n, x)")
    for character in text:
        if not _ALLOWED.fullmatch(character):
            raise Unreadable(_stray(character))
    if _ISOTOPE.search(text):
        raise Unreadable("isotopes (D, T) are not told apart in compositions")
    _check_slips(text)
    total: dict[str, Fraction] = {}
    for part in _parts(text):
        found = _COEFFICIENT.match(part)
        factor = Fraction(found[0]) if found else Fraction(1)
        if not factor:
            raise Unreadable(f"{part!r} is there 0 times")
        for symbol, amount in _elements(part[found.end() :] if found else part).items():
            total[symbol] = total.get(symbol, Fraction(0)) + factor * amount
    if not any(total.values()):
        raise Unreadable("every amount in it is 0")
    return {symbol: float(amount) for symbol, amount in total.items() if amount}


def _without_blanks(text: str) -> str:
    """Blanks between parts are dropped; one that could glue numbers together is refused."""
    text = re.sub(r"\s+\.\s*|\s*\.\s+", "·", text)
    if re.search(r"(?<=[\d.])\s+(?=[\d.])|(?<=[A-Za-z])\s+(?=[a-z])", text):
        raise Unreadable("a blank stands inside a number or a symbol")
    return re.sub(r"\s+", "", text)


def _stray(character: str) -> str:
    name = unicodedata.name(character, "a control character").lower()
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    hint = ""
    if character in "+-−⁺⁻":
        hint = "; charges and ranges have no place in a composition"
    return f"{shown!r} ({name}) has no meaning in a formula{hint}"


def _parts(text: str) -> list[str]:
    """The formula units that dots join."""
    joined = _SOLVATE.sub(r"·\1", text)
    joined = _BEFORE_CAPITAL.sub("·", joined)
    if _DOUBTFUL.search(joined):
        raise Unreadable(
            "a full stop in it can be a decimal point or join an adduct; write the decimal with "
            "its leading digit (0.5), the adduct with a centred dot (NaCl·2CaCl2)"
        )
    if any(_is_doubtful(joined, stop.start()) for stop in _STOP.finditer(joined)):
        raise Unreadable(
            "a full stop in it can be a decimal point or join an adduct; write the adduct with a "
            "centred dot (Al2O3·2SiO2), the decimal in brackets with its element (Al2(O3.2)SiO2)"
        )
    parts = joined.split("·")
    if not all(parts):
        raise Unreadable("a dot joins nothing")
    return parts


def _is_doubtful(text: str, at: int) -> bool:
    """Whether the full stop there, a decimal point at first sight, could join two formulae.

    Decimals elsewhere speak for another one, unless both sides are compounds of one anion.
    """
    left, right = _sides(text, at)
    if not (_is_whole(left) and _is_whole(right)):
        return False
    one, other = _symbols(left), _symbols(right)
    return "." not in left + right or bool(one & other and one - _NONMETALS and other - _NONMETALS)


def _sides(text: str, at: int) -> tuple[str, str]:
    """What stands on both sides of a full stop, up to a dot or the brackets around it."""
    before = _reach(text[:at][::-1], ")]}", "([{")
    return text[at - before : at], text[at + 1 :][: _reach(text[at + 1 :], "([{", ")]}")]


def _reach(text: str, openers: str, closers: str) -> int:
    depth = 0
    for n, character in enumerate(text):
        depth += (character in openers) - (character in closers)
        if character == "·" or depth < 0:
            return n
    return len(text)


def _is_whole(side: str) -> bool:
    """Whether it can stand alone in an adduct: no element, alloy, or group of a larger formula."""
    found = _COEFFICIENT.match(side)
    bare = side[found.end() :] if found else side
    symbols = _symbols(bare)
    is_compound = len(symbols) > 1 and bool(symbols & _NONMETALS) and not symbols <= _ANIONS
    return bare in _MOLECULES or (is_compound and not _GROUP.fullmatch(bare))


def _symbols(text: str) -> set[str]:
    return set(re.findall(r"[A-Z][a-z]?", text))


def _check_slips(text: str) -> None:
    """Refuse what is read as elements although something else is meant: (II), a 0 for an O."""
    if found := _OXIDATION.search(text):
        raise Unreadable(
            f"{found[0]!r} is an oxidation state, which has no place in a composition; leave it "
            "out (iodine or vanadium is written without brackets)"
        )
    slip = found["slip"] if (found := _ZERO_FOR_O.search(text)) else ""
    if found := _PADDED.search(text):
        slip = found[0]
    if any(_is_whole(_sides(text, stop.start())[0]) for stop in _HYDRATE_WITH_ZERO.finditer(text)):
        slip = "H20"
    if slip:
        raise Unreadable(
            f"{slip!r} seems to hold the digit 0 in place of the letter O (H2O, not H20); if it "
            "does not, write an amount without a leading 0, and an element alone by its symbol"
        )


def _elements(part: str) -> dict[str, Fraction]:
    """Amounts of one formula unit, by pymatgen, once every character is accounted for."""
    at = 0
    opened: list[str] = []
    while at < len(part):
        token = _TOKEN.match(part, at)
        if token is None:
            raise Unreadable(f"{part[at]!r} cannot stand where it does in {part!r}")
        _check(token[0], opened)
        at = token.end()
    if opened:
        raise Unreadable(f"the bracket {opened[-1]!r} is not closed")
    if re.search(r"[(\[{][)\]}]", part):
        raise Unreadable("a pair of brackets is empty")
    try:
        found = Composition(part)
    except (ValueError, KeyError, AttributeError) as error:
        raise Unreadable(f"pymatgen cannot read it ({error})") from error
    return {str(element): Fraction(repr(float(n))) for element, n in found.items()}


def _check(token: str, opened: list[str]) -> None:
    """Symbols are elements, brackets match."""
    head = token[0]
    if head in "([{":
        opened.append(head)
        return
    if head in _PAIRS:
        if not opened or opened.pop() != _PAIRS[head]:
            raise Unreadable(f"the bracket {head!r} was not opened")
        return
    symbol = token.rstrip("0123456789.")
    if symbol not in _SYMBOLS:
        raise Unreadable(f"{symbol!r} is not an element")
