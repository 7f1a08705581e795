"""Drawings are inline SVG, or nothing where there is no molecule."""

from __future__ import annotations

from bayesmat.data.drawing import molecule_svg, structures


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
    assert molecule_svg("not a molecule") is None


def test_only_kinds_with_a_structure_are_drawn_and_only_as_many_as_tables_show() -> None:
    drawn = structures(["CCO"] * 30, "smiles")
    assert len(drawn) == 20
    assert all(svg.startswith("<svg") and 'width="110px"' in svg.replace("'", '"') for svg in drawn)
    assert structures(["*CC*"], "repeat_unit")
    assert structures(["CCO"], "id") == structures(None, "recipe") == ()
