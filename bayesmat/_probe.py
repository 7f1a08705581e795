"""Do the installed libraries compute what they computed before? A fixed set of materials says so.

A version number changes with every release, the numbers with few. What a campaign is reopened
against therefore holds the numbers themselves, of a small set of materials, to five digits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

__all__ = ["MOLECULES", "PROBES", "numbers_digest"]

MOLECULES = (
    "C", "CCO", "CC(=O)[O-]", "C[N+](C)(C)C", "C[N+](=O)[O-]", "N#Cc1ccccc1", "c1ccc2ccccc2c1",
    "c1ccsc1", "c1ccncc1", "O=C1C=CC(=O)C=C1", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "C[C@H](N)C(=O)O",
    "C/C=C/C", "FC(F)(F)c1ccc(Cl)cc1Br", "CS(=O)(=O)N", "COP(=O)(OC)OC", "C[Si](C)(C)O",
    "C1CC2CCC1C2", "OB(O)c1ccccc1", "CCCCCCCCI",
)  # fmt: skip
_UNITS = ("*CC*", "*CC(*)c1ccccc1", "*OCC*", "*C(=O)c1ccc(cc1)C(=O)OCCO*", "*CC(*)(C)C(=O)OC")
_FORMULAE = ("NaCl", "Fe2O3", "SiO2", "GaAs", "BaTiO3", "Cu0.3Ni0.7", "LaFe4P12", "UO2")

PROBES = (MOLECULES, _UNITS, _FORMULAE)

_NEAR_ZERO = 1e-6
_OFF_TIES = 1 + 3.14159e-7  # a short decimal is not left to rounding errors to go up or down


def numbers_digest(arrays: Iterable[object], *, digits: int = 5) -> str:
    """Hash of numbers to some digits, so that the last ones may differ between processors.

    >>> numbers_digest([[1.0, 2.0]]) == numbers_digest([[1.0 + 1e-13, 2.0]])
    True
    >>> numbers_digest([[1.0, 2.0]]) == numbers_digest([[1.001, 2.0]])
    False
    """
    digest = hashlib.sha256()
    for array in arrays:
        values = np.asarray(array, dtype=np.float64)
        kept = np.where(np.abs(values) < _NEAR_ZERO, 0.0, values * _OFF_TIES)
        digest.update(f"{values.shape}:".encode())
        digest.update(",".join(f"{v:.{digits - 1}e}" for v in kept.ravel()).encode())
    return digest.hexdigest()[:16]
