"""What a reader takes for granted where its call does not say; all of it is put into words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import cast, get_args

import numpy as np

from bayesmat.errors import DataError

from ._cells import is_absent, numbers, shown
from ._hints import NO_NUMBERS, telling_apart, wide
from ._raw import Heading, Raw, comma_hint
from ._request import Column, ConditionColumns, PropertyColumns, Request
from .materials import Kind, kinds_read
from .properties import Condition, Property
from .units import misread

# What people call a column of materials, in small letters without blanks; the kind that it says.
_COLUMNS: Mapping[Kind, str] = MappingProxyType(
    {
        "smiles": "smiles smile smi canonicalsmiles isomericsmiles rdkitsmiles cansmiles",
        "repeat_unit": "repeatunit repeatingunit repeatunitsmiles psmiles polymersmiles",
        "composition": "formula composition chemicalformula reducedformula prettyformula "
        "formulapretty chemicalcomposition",
    }
)
_SAYS_KIND: Mapping[str, Kind] = MappingProxyType(
    {name: kind for kind, names in _COLUMNS.items() for name in names.split()}
)
_ANY_KIND = frozenset(
    "material materials mol molecule molecules compound polymer structure substance".split()
)
_NAMES = frozenset(
    "name names id ids identifier label materialid compoundid sampleid sample samplename "
    "materialname compoundname".split()
)
_STRUCTURES: tuple[Kind, ...] = ("smiles", "repeat_unit", "composition")
_OUTSIDE = frozenset({"temperature", "temp", "pressure"})
_OUTSIDE_LETTERS = frozenset({"t", "p"})
_ASIDE = re.compile(r"\s*[\[({][^][(){}]*[\])}]")
_SD = r"(?:sd|std|stdev|stddev)"
_DOUBT = r"(?:err|error|unc|uncertainty|stderr|se|sem|ci|ci95)"
_FRAME = r"(?:{0}[\s_.\-(]+(?P<after>.+?)\)?|(?P<before>.+?)[\s_.\-]+{0})$"
_SD_NAME = re.compile(_FRAME.format(_SD), re.IGNORECASE)
_DOUBTFUL_NAME = re.compile(_FRAME.format(_DOUBT), re.IGNORECASE)


def complete(raw: Raw, request: Request) -> tuple[Request, tuple[str, ...]]:
    """The request with all that it leaves open, and sentences that say what was assumed.

    Raises:
        DataError: What is left open cannot be told, or can be read in two ways.
    """
    if request.kind == "recipe" and request.material is not None:
        raise DataError(
            f"recipes have no material, and material is {request.material!r}: leave one of them "
            "out."
        )
    if request.material is None and _describes_itself(raw, request):
        return _self_described(raw, request), ()
    said: list[str] = []
    asked = request
    is_named = asked.material is not None and asked.properties is not None
    request = _with_kind(raw, _with_material(raw, request, said), is_named=is_named)
    is_said = asked.material is not None and (asked.kind is not None or request.kind == "smiles")
    if request.material is not None and not is_said:
        said.append(f"{request.material!r} holds the materials, read as {request.kind!r}")
    if request.properties is None or (request.kind == "recipe" and request.conditions is None):
        request = _with_columns(raw, request, said)
    elif request.conditions is None:
        named = {request.material, request.group, *(request.properties or ())}
        unread = [label for label in conditions_said(raw) if label not in named]
        if unread:
            said.append(
                f"{unread} look like conditions and are not read, since the call names its "
                f"columns: conditions={{{unread[0]!r}: ...}} reads them"
            )
    return request, tuple(said)


def conditions_said(raw: Raw) -> dict[str, Condition]:
    """Conditions that headings name: marked by '@', or a temperature or pressure with its unit."""
    found = _Found()
    for label, column in zip(raw.header, raw.columns, strict=True):
        if label:
            _place(label, column, found)
    bare = {k: p for k, p in found.properties.items() if p.name.lower() in _OUTSIDE}
    return {**found.conditions, **{k: Condition(p.name, p.unit) for k, p in bare.items()}}


def _headings(raw: Raw) -> dict[str, Heading]:
    return {label: Heading.of(label) for label in raw.header}


def _describes_itself(raw: Raw, request: Request) -> bool:
    """Whether the headings are those of `to_csv`; recipes have conditions and no material."""
    found = _headings(raw)
    keys = [h for h in found.values() if h.role == "material"]
    if keys:
        return len(keys) == 1 and keys[0].text in get_args(Kind)
    is_marked = any(h.role == "condition" and h.text is not None for h in found.values())
    return is_marked and not request.conditions and not any(_candidates(raw, request.kind))


def _self_described(raw: Raw, request: Request) -> Request:
    """The request that the headings written by `to_csv` make."""
    headings = _headings(raw)
    key = next((label for label, h in headings.items() if h.role == "material"), None)
    kind = "recipe" if key is None else headings[key].text
    sds = {heading.name: label for label, heading in headings.items() if heading.role == "sd"}
    named = {
        label: heading
        for label, heading in headings.items()
        if heading.text is not None and heading.role in ("property", "condition")
    }
    properties: PropertyColumns = {
        label: Column(cast(str, heading.text), std=sds.get(heading.name))
        for label, heading in named.items()
        if heading.role == "property"
    }
    conditions: ConditionColumns = {
        label: cast(str, heading.text)
        for label, heading in named.items()
        if heading.role == "condition"
    }
    return Request(
        key,
        cast(Kind, kind),
        request.properties or properties,
        request.conditions or conditions,
        request.group or ("group" if "group" in raw.header else None),
    )


def _plain(label: str) -> str:
    """A heading as it is compared: without remarks, blanks and capitals."""
    name = _ASIDE.sub("", label) or label
    return re.sub(r"[\W_]+", "", name.removeprefix("@")).lower()


def _candidates(raw: Raw, kind: Kind | None) -> tuple[list[str], list[str], list[str]]:
    """Columns that may hold the materials: they say their kind, are any structure, are names."""
    plain = {label: _plain(label) for label in raw.header if Heading.of(label).role == "property"}
    told = [label for label, name in plain.items() if kind in (None, _SAYS_KIND.get(name))]
    any_kind = [label for label, name in plain.items() if name in _ANY_KIND]
    if kind in _STRUCTURES and not any_kind:  # the call overrules a heading: polymers in "smiles"
        any_kind = [label for label, name in plain.items() if name in _SAYS_KIND]
    return (
        [label for label in told if plain[label] in _SAYS_KIND],
        any_kind,
        [label for label, name in plain.items() if name in _NAMES],
    )


def _with_material(raw: Raw, request: Request, said: list[str]) -> Request:
    if request.material is not None or request.kind == "recipe":
        return request
    telling, any_kind, names = _candidates(raw, request.kind)
    found = telling or any_kind or names
    if len(found) > 1:
        raise DataError(
            f"{raw.source} has {len(found)} columns that may hold the materials, {found}: name "
            f"one, material={found[0]!r}."
        )
    if request.conditions and (not found or (found == names and request.kind is None)):
        if found:
            raise DataError(
                f"the column {found[0]!r} of {raw.source} may name materials or number recipes: "
                f"say material={found[0]!r}, or kind='recipe' if the conditions are all there is."
            )
        said.append("rows are recipes: no column holds materials")
        return replace(request, kind="recipe")
    if not found:
        raise DataError(
            f"{raw.source} does not say which column holds the materials: name it, "
            f"material='...', out of {list(raw.header)}; where there is none because rows are "
            "recipes, name their conditions, conditions={'time': 'h'}." + comma_hint(raw.header)
        )
    return replace(request, material=found[0])


def _with_kind(raw: Raw, request: Request, *, is_named: bool) -> Request:
    """A kind told by the call, the name of the column, or what alone its cells can be."""
    label = request.material
    if request.kind is not None or label is None:
        return request
    name = _plain(label)
    told: Kind | None = _SAYS_KIND.get(name, "id" if name in _NAMES else None)
    at = raw.find(label)
    if is_named and name not in _SAYS_KIND:
        told = "smiles"
    elif told is None and name in _ANY_KIND and len(at) == 1:
        told = _kind_of_cells(raw, label, at[0])
    return replace(request, kind=told or "smiles")


def _kind_of_cells(raw: Raw, label: str, at: int) -> Kind:
    texts = [shown(cell) for cell in raw.columns[at] if not is_absent(cell)]
    found = kinds_read(texts, _STRUCTURES)
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"the cells of {label!r} can be read in {len(found)} ways: say which is meant, "
            f"kind={' or kind='.join(map(repr, found))}."
        )
    raise DataError(
        f"the cells of {label!r} are neither all SMILES, nor all repeat units, nor all formulae: "
        f"say which they are meant to be, kind='smiles', and what cannot be read is listed; if "
        "they are names, kind='id'."
    )


@dataclass
class _Found:
    """Columns by what they become, and why others do not."""

    properties: dict[str, Property] = field(default_factory=dict)
    conditions: dict[str, Condition] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    bare: list[str] = field(default_factory=list)


def _with_columns(raw: Raw, request: Request, said: list[str]) -> Request:
    """Properties are the numbers whose heading says a unit; the rest is named, not guessed."""
    at_of = {label: raw.header.index(label) for label in raw.header}
    taken = {request.material, request.group}
    taken |= {raw.header[j] for label in request.conditions or {} for j in raw.find(label)}
    found = _Found()
    for label, at in at_of.items():
        if label not in taken and label:
            _place(label, raw.columns[at], found)
    sds = _sds(raw, found)
    properties: PropertyColumns = request.properties or {
        label: Column(p.text, std=sds.get(label)) for label, p in found.properties.items()
    }
    conditions: ConditionColumns = dict(request.conditions or found.conditions)
    if request.conditions is None and request.properties is None and request.material is not None:
        moved = {
            label: found.properties[label].unit or "1"
            for label in _outside(raw, request.material, found.properties)
        }
        properties = {k: v for k, v in properties.items() if k not in moved}
        conditions = {**conditions, **moved}
    if not properties:
        label = found.bare[0] if found.bare else "Tb"
        bare = f"; {found.bare} hold numbers without one" if found.bare else ""
        raise DataError(
            f"no property was asked for, and no heading of {raw.source} names one with its unit, "
            f"as 'Tb [K]' does{bare}. Name columns and units, properties={{{label!r}: "
            f"{'1' if found.bare else 'K'!r}}}; '1' stands for no unit." + comma_hint(raw.header)
        )
    if request.kind == "recipe" and not conditions:
        label = next((k for k in at_of if k and k not in properties), next(iter(at_of)))
        raise DataError(
            f"recipes consist of conditions, and no heading of {raw.source} says which column is "
            f"one, out of {list(at_of)}: name them with their units, conditions={{{label!r}: "
            "'1'}; '{}' stands for categories."
        )
    found.ignored |= telling_apart(raw, request.material, found.ignored)
    _say(said, request, properties, conditions, found)
    if request.properties is None:
        kept = {k: p for k, p in found.properties.items() if k in properties}
        said += wide(raw, kept, conditions)
    return replace(request, properties=properties, conditions=conditions or None)


def _say(
    said: list[str],
    request: Request,
    properties: PropertyColumns,
    conditions: ConditionColumns,
    found: _Found,
) -> None:
    if request.properties is None:
        for label, column in properties.items():
            one, name = cast(Column, column), found.properties[label].name
            with_sd = f", with its standard deviations in {one.std!r}" if one.std else ""
            said.append(f"{label!r} is the property {name!r} in {one.quantity!r}{with_sd}")
    if request.conditions is None:
        said += [
            f"{label!r} is a condition of the measurements, no property"
            for label in conditions
            if not label.startswith("@")
        ]
    ignored = {k: v for k, v in found.ignored.items() if k not in properties}
    if ignored:
        said.append("ignored: " + ", ".join(f"{k!r} ({v})" for k, v in ignored.items()))


def _place(label: str, column: np.ndarray, found: _Found) -> None:
    heading = Heading.of(label)
    if heading.role == "sd" or _SD_NAME.match(heading.name):
        found.ignored[label] = "standard deviations of no property that is read"
        return
    values, bad = numbers(column)
    n_numbers = int(np.count_nonzero(~np.isnan(values)))
    try:
        if heading.role == "condition":
            if heading.text is None:
                raise DataError("a condition without a unit or '{}'")
            found.conditions[label] = Condition.parse(heading.name, heading.text)
        elif heading.text is not None and heading.text.startswith("{"):
            found.properties[label] = Property.parse(heading.name, heading.text)
        elif column.size and (not n_numbers or n_numbers < len(bad)):
            found.ignored[label] = NO_NUMBERS
        elif _DOUBTFUL_NAME.match(heading.name):
            found.ignored[label] = "if these are standard deviations, name them in Column(std=...)"
        elif heading.text is None:
            found.bare.append(label)
            found.ignored[label] = "numbers without a unit"
        else:
            found.properties[label] = Property.parse(heading.name, _unit_text(heading))
    except DataError as error:
        found.ignored[label] = str(error).rstrip(".")


def _unit_text(heading: Heading) -> str:
    """The unit of a heading; C is a degree where the name is that of a temperature."""
    text = heading.text or ""
    if meant := misread(text):
        raise DataError(
            f"the unit {text!r} is another one than {meant!r}: if that is meant, say so"
        )
    is_warm = re.match(r"T(?![a-z]{2})|.*(?:temp|point)", heading.name, re.IGNORECASE)
    return f"deg{text}" if text in ("C", "F") and is_warm else text


def _sds(raw: Raw, found: _Found) -> dict[str, str]:
    """Property column -> its one column of standard deviations."""
    named = {_plain(quantity.name): label for label, quantity in found.properties.items()}
    several: dict[str, list[str]] = defaultdict(list)
    for label in raw.header:
        heading = Heading.of(label)
        match = None if heading.role == "sd" else _SD_NAME.match(heading.name)
        of = heading.name if heading.role == "sd" else match and (match["after"] or match["before"])
        if of and _plain(of) in named and label not in found.properties:
            several[named[_plain(of)]].append(label)
    for labels in several.values():
        for label in labels:
            found.ignored[label] = "one of several columns of standard deviations"
    sds = {label: labels[0] for label, labels in several.items() if len(labels) == 1}
    for label in sds.values():
        del found.ignored[label]
    return sds


def _outside(raw: Raw, material: str, properties: Mapping[str, Property]) -> list[str]:
    """Temperatures and pressures under which other things were measured.

    The bare letters T and p are such only where they differ between rows of one material.
    """
    outside = []
    for label, quantity in properties.items():
        name = quantity.name.lower().strip()
        is_letter = name in _OUTSIDE_LETTERS and _varies(raw, material, label)
        if name in _OUTSIDE or is_letter:
            outside.append(label)
    return outside if len(outside) < len(properties) else []


def _varies(raw: Raw, material: str, label: str) -> bool:
    keys, values = raw.find(material), raw.header.index(label)
    seen: dict[str, set[str]] = defaultdict(set)
    for key, value in zip(raw.columns[keys[0]], raw.columns[values], strict=True):
        seen[shown(key).strip()].add(shown(value).strip())
    return any(len(found) > 1 for found in seen.values())
