"""Drawings are inline SVG, or nothing where there is no molecule."""

from __future__ import annotations

from rdkit import rdBase

from bayesmat.design.drawing import molecule_svg


def test_drawing_is_bare_svg_with_a_name() -> None:
    svg = molecule_svg("O=C1c2ccccc2-c2ccccc21")
    assert svg is not None
    assert svg.startswith('<svg role="img" aria-label="O=C1c2ccccc2-c2ccccc21"')
    assert svg.rstrip().endswith("</svg>")
    assert "http://" not in svg.replace("http://www.w3.org", "").replace("http://www.rdkit.org", "")


def test_repeat_units_are_drawn_and_markup_is_escaped() -> None:
    svg = molecule_svg("*CC*")
    assert svg is not None
    labelled = molecule_svg("[13CH3]C#N")
    assert labelled is not None
    assert 'aria-label="[13CH3]C#N"' in labelled


def test_no_molecule_no_drawing() -> None:
    with rdBase.BlockLogs():
        assert molecule_svg("not a molecule") is None
