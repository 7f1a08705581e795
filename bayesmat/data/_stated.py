"""Units that a heading seems to hold outside of brackets: "Tb °C", "density_kg_m3", "x %"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .units import are_alike, is_part, is_remark, is_temperature, meant_by

_ASIDE = re.compile(r"[\[({<（［]([^][(){}<>（）［］]*)[\])}>）］]")
_SIGN = re.compile(r"\s*([°º˚]\s?[CF]\b|[℃℉%‰])")
_BETWEEN = re.compile(r"[_\s/,;:|=]+|(?<=\w)\.(?=[^\W\d])|(?<=[^\W\d])-(?=[^\W\d])")
_BLANK_POWER = re.compile(r"(?<=m)\s+(?=[-−–]?[23]\b)")
_MOST_WORDS = 4


@dataclass(frozen=True)
class Stated:
    """What stands in a heading, and the unit that it seems to mean."""

    words: str
    unit: str


def stated(label: str, unit: str, *, of_sds: bool = False) -> Stated | None:
    """What a heading seems to say of the unit of its numbers, where that is not `unit`."""
    units = [*_asides(label, unit), *_runs(label, unit)]
    for found in units:
        relative = of_sds and is_part(found.unit) and not _is_pure(unit)
        if relative or _is_another(found.unit, unit, of_sds):
            # "kJ" is a part of "kJ/mol", and a conversion from either says what it is.
            longer = (w for w in units if len(w.words) > len(found.words))
            return next((w for w in longer if found.words in w.words), found)
    return None


def _is_pure(unit: str) -> bool:
    return not unit or is_part(unit)


def _is_another(found: str, unit: str, of_sds: bool) -> bool:
    """Angles and constants are no fractions, although they have no dimension either."""
    if _is_pure(unit) and not is_part(found):
        return False
    return are_alike(found, unit or "1", of_sds=of_sds)


def _asides(label: str, unit: str) -> list[Stated]:
    asides = [aside.strip() for aside in _ASIDE.findall(label)]
    return [
        Stated(aside, meant)
        for aside in asides
        if (len(aside) > 1 or is_part(aside) or is_temperature(unit))
        if (meant := meant_by(aside, unit))
    ]


def _runs(label: str, unit: str) -> list[Stated]:
    """Units in consecutive words after the first, which is the name; the longest come first."""
    bare = _BLANK_POWER.sub("", _ASIDE.sub(" ", label))
    bare = _SIGN.sub(lambda sign: f" {sign[1].replace(' ', '')}", bare)
    words = [word for word in _BETWEEN.split(bare) if word]
    found = []
    for length in range(min(len(words) - 1, _MOST_WORDS), 0, -1):
        for start in range(1, len(words) - length + 1):
            run = words[start : start + length]
            is_last = start + length == len(words)
            if not _may_be_unit(run, words[start - 1], is_last, unit):
                continue
            meant = [meant_by(text, unit) for text in _readings(run)]
            found += [Stated(" ".join(run), one) for one in meant if one]
    return found


def _may_be_unit(run: list[str], before: str, is_last: bool, unit: str) -> bool:
    """No remark, no condition such as "25 °C", no letter that can be an index (T_c, E_V)."""
    if any(is_remark(word) for word in run) or (not is_last and before[-1].isdigit()):
        return False
    return len("".join(run)) > 1 or is_part(run[0]) or (is_last and is_temperature(unit))


def _readings(run: list[str]) -> list[str]:
    """As a quotient where no power says what stands below the line, and as a product."""
    product = " ".join(run)
    if len(run) == 1 or "per" in run or re.search(r"[-−–⁻]", product):
        return [product]
    below = run[1] if len(run) == 2 else f"({'*'.join(run[1:])})"
    return [f"{run[0]}/{below}", product]
