"""CONTRIBUTING says the numbers and the directions that `tests/rules.py` enforces."""

from __future__ import annotations

import re

from tests import rules
from tests.docs.blocks import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PACKAGE = ROOT / "bayesmat"


def drawing(sign: str) -> dict[str, list[str]]:
    """Left and right of every line of the drawing with that sign."""
    found = re.findall(rf"^    (\S+) +{sign} (.*)$", TEXT, re.MULTILINE)
    return {left: [] if right == "nothing" else right.split(", ") for left, right in found}


def stands(name: str) -> bool:
    """Whether a part of the package has been built."""
    path = PACKAGE.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_its_numbers_are_those_of_the_rules() -> None:
    words = " ".join(TEXT.split())
    said = re.findall(
        r"at most (\d+) parameters.*functions up to (\d+) lines.*files up to (\d+)", words
    )
    numbers = rules.MAX_PARAMETERS, rules.MAX_FUNCTION_LINES, rules.MAX_FILE_LINES
    assert said == [tuple(str(n) for n in numbers)]


def test_its_drawing_is_that_of_the_rules() -> None:
    layers = {n: set(may) for n, may in rules.LAYERS.items() if n not in rules.GROUND and stands(n)}
    assert {name: set(may) for name, may in drawing("<-").items()} == layers
    assert drawing("=") == {"ground": list(rules.GROUND), "top": list(rules.TOP)}


def test_every_part_of_the_package_is_in_the_drawing() -> None:
    drawn = {*drawing("<-"), *drawing("=")["ground"], *drawing("=")["top"]}
    parts = {p.stem for p in PACKAGE.glob("*.py") if p.stem != "conftest"}
    parts |= {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    assert parts == {name for name in drawn if "." not in name}
