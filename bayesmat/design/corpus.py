"""The bundled molecules that a language model of sane chemistry is trained on."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib import resources

__all__ = ["filtered_molecules"]


@lru_cache(maxsize=1)
def filtered_molecules() -> tuple[str, ...]:
    """Return the molecules of the `chemicals` package that pass the default filter.

    One-component organics of 5 to 22 heavy atoms from the package's identifier tables (PubChem
    structures of catalogued substances; MIT licence), as sorted canonical SMILES **without
    stereochemistry**: fingerprints, pi-electron models and alerts do not see it, one string per
    constitution keeps the language model's alphabet and its counts dense, and a design names a
    constitution, whose isomers the chemist chooses. Do not use it as a list of all that is known.

    `examples/make_molecule_list.py` made the list; run it again after a change of the filter.

    >>> "O=C1c2ccccc2-c2ccccc21" in filtered_molecules()
    True
    """
    path = resources.files("bayesmat.data") / "tables" / "molecules_filtered.smi.gz"
    with path.open("rb") as stream, gzip.open(stream, "rt", encoding="ascii") as text:
        return tuple(text.read().split())
