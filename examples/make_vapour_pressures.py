"""Make `vapour_pressures.csv` and `solvents.csv`: liquids over temperature, and a catalogue.

Vapour pressures are those of the correlations in Perry's Handbook (8th edition, table 2-8), which
the package `chemicals` holds, so that the answer is known at every temperature. Names and
structures of the catalogue are real; its prices and suppliers are invented. Run it as
`python examples/make_vapour_pressures.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from chemicals import search_chemical
from chemicals.vapor_pressure import Psat_data_Perrys2_8

from bayesmat.data.materials import canonical_smiles

HERE = Path(__file__).resolve().parent
TEMPERATURES = (280.0, 300.0, 330.0, 360.0)  # K
LIQUIDS = (
    "ethanol", "isopropanol", "1-butanol", "1-hexanol", "2-butanone", "2-pentanone",
    "ethyl propionate", "butyl acetate", "hexane", "octane", "decane", "toluene",
)  # fmt: skip
CATALOGUE = {
    "methanol": 9, "1-propanol": 14, "1-pentanol": 22, "3-methyl-1-butanol": 25, "1-heptanol": 38,
    "1-octanol": 24, "acetone": 8, "3-pentanone": 31, "2-hexanone": 64, "2-heptanone": 41,
    "4-methyl-2-pentanone": 16, "2-octanone": 47, "ethyl acetate": 10, "propyl acetate": 19,
    "ethyl butyrate": 27, "methyl propionate": 33, "methyl butyrate": 36, "pentane": 17,
    "heptane": 21, "nonane": 58, "undecane": 72, "diisopropyl ether": 23, "ethylbenzene": 15,
    "o-xylene": 18,
}  # fmt: skip
SUPPLIERS = ("Nordchem", "Lab & Co", "Alta")


@lru_cache(maxsize=1)
def known() -> dict[str, tuple[str, Sequence[float]]]:
    """Canonical SMILES to name and coefficients, of everything that has a correlation."""
    found = {}
    for cas, row in Psat_data_Perrys2_8.iterrows():
        try:
            chemical = search_chemical(str(cas))
        except ValueError:
            continue
        coefficients = tuple(float(row[f"C{k}"]) for k in range(1, 6))
        found[canonical_smiles(chemical.smiles)] = (chemical.common_name, coefficients)
    return found


def vapour_pressure(smiles: str, temperature: np.ndarray | float) -> np.ndarray:
    """The correlation of a liquid, Pa, at temperatures in K."""
    T = np.asarray(temperature, dtype=np.float64)
    _, (c1, c2, c3, c4, c5) = known()[canonical_smiles(smiles)]
    return np.exp(c1 + c2 / T + c3 * np.log(T) + c4 * T**c5)


def measured(names: Sequence[str] = LIQUIDS) -> pd.DataFrame:
    """The liquids of these names at all temperatures, to four digits."""
    smiles = {name: key for key, (name, _) in known().items()}
    return pd.DataFrame(
        {
            "name": name,
            "smiles": smiles[name],
            "temperature [K]": T,
            "vapour_pressure [Pa]": float(f"{vapour_pressure(smiles[name], T):.4g}"),
        }
        for name in names
        for T in TEMPERATURES
    )


def catalogue() -> pd.DataFrame:
    """What can be bought."""
    smiles = {name: key for key, (name, _) in known().items()}
    return pd.DataFrame(
        {
            "name": name,
            "smiles": smiles[name],
            "price [EUR/L]": price,
            "supplier": SUPPLIERS[k % len(SUPPLIERS)],
        }
        for k, (name, price) in enumerate(CATALOGUE.items())
    )


if __name__ == "__main__":
    measured().to_csv(HERE / "vapour_pressures.csv", index=False)
    catalogue().to_csv(HERE / "solvents.csv", index=False)
