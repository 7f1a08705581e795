"""Structure drawings of molecules and repeat units."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem.Draw import rdMolDraw2D

__all__ = ["molecule_png", "molecule_svg", "structures"]

_DRAWN = ("smiles", "repeat_unit")
_FIRST = 20  # as many as a table in a notebook shows


def molecule_svg(smiles: str, *, size: tuple[int, int] = (220, 132)) -> str | None:
    """A structure drawing as inline SVG, or None where the string is no molecule.

    All drawings share one bond length, so that sizes can be compared by eye, unless a molecule
    would not fit.

    Args:
        smiles: A molecule, or a repeat unit with two `*`.
        size: Width and height in pixels.

    >>> molecule_svg("CCO").startswith("<svg")
    True
    """
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        return None
    drawer = rdMolDraw2D.MolDraw2DSVG(*size)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.fixedBondLength = 24
    options.bondLineWidth = 1.4
    options.padding = 0.06
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    svg = drawer.GetDrawingText()
    label = f'<svg role="img" aria-label="{escape(smiles)}"'
    return str(svg[svg.index("<svg") :]).replace("<svg", label, 1)


def structures(materials: Sequence[str] | None, kind: str | None) -> tuple[str, ...]:
    """Small drawings of the first 20 materials, one each; none if the kind has no structure.

    >>> len(structures(["CCO", "CC"], "smiles")), structures(["TiO2"], "composition")
    (2, ())
    """
    if materials is None or kind not in _DRAWN:
        return ()
    return tuple(molecule_svg(m, size=(110, 72)) or "" for m in materials[:_FIRST])


def molecule_png(smiles: str, *, size: tuple[int, int] = (220, 132)) -> bytes | None:
    """A structure drawing as PNG, or None where the string is no molecule.

    Args:
        smiles: A molecule, or a repeat unit with two `*`.
        size: Width and height in pixels.

    >>> molecule_png("CCO")[1:4]
    b'PNG'
    """
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        return None
    drawer = rdMolDraw2D.MolDraw2DCairo(*size)
    options: Any = drawer.drawOptions()
    options.fixedBondLength = 24
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    return bytes(drawer.GetDrawingText())
