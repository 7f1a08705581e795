"""What the manual calls by the name of the package is there."""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path

import pytest

import bayesmat
from tests.docs.blocks import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_NAME = re.compile(r"(?<![\w.])bm\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")


def absent(text: str) -> list[str]:
    """The names after `bm.` that lead nowhere."""
    found = []
    for name in dict.fromkeys(_NAME.findall(text)):
        try:
            reduce(getattr, name.split("."), bayesmat)
        except AttributeError:
            found.append(name)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_name_of_the_package_is_there(page: Path) -> None:
    assert not absent(page.read_text("utf-8"))


def test_a_name_that_is_not_there_is_found() -> None:
    text = "`bm.fit`, bm.features.MACCS(), bm.MACCS() and bm.check.nothing. submit bm"
    assert absent(text) == ["MACCS", "check.nothing"]
