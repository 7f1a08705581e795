"""Where the tables of the `chemicals` package keep each property of organic molecules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from .properties import Property

__all__ = ["ORGANIC", "Column", "Origin"]

ROOM_K = 298.15
_NEAR_ROOM_K = (293.1, 298.2)

Read = Callable[[pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class Column:
    """One source of a property: a file of the package, and how to read our unit from it.

    Attributes:
        file: Path below the folder of the package.
        read: From the file, indexed by CAS number, to values; NaN where it says nothing.
    """

    file: str
    read: Read


@dataclass(frozen=True)
class Origin:
    """A property, and its sources: the first one that has a value counts.

    Attributes:
        prop: Name, unit and scale.
        columns: The sources, the best first.
        kind: "measured"; "mixed" with estimates of the collection's authors; or "estimated".
        low: Values below cannot be: misprints or other units.
        high: Values above cannot be.
    """

    prop: Property
    columns: tuple[Column, ...]
    kind: str = "measured"
    low: float = -np.inf
    high: float = np.inf

    @property
    def limits(self) -> str:
        """What is wrong with a value outside of the limits."""
        unit = f" {self.prop.unit}".rstrip()
        if np.isinf(self.low):
            return f"above {self.high:g}{unit}"
        return f"not within {self.low:g} to {self.high:g}{unit}"


def _column(file: str, name: str, per_unit: float = 1.0) -> Column:
    return Column(file, lambda frame: pd.to_numeric(frame[name], errors="coerce") * per_unit)


def _near_room(file: str, name: str, temperature: str) -> Column:
    """Values that were measured at 20 to 25 C."""
    return Column(file, lambda f: f[name].where(f[temperature].between(*_NEAR_ROOM_K)))


def _correlation(file: str, at: Callable[[pd.DataFrame, float], pd.Series]) -> Column:
    """A correlation over temperature at 25 C, where its limits hold it."""

    def read(frame: pd.DataFrame) -> pd.Series:
        holds = (frame["Tmin"] <= ROOM_K) & (frame["Tmax"] >= ROOM_K)
        with np.errstate(all="ignore"):
            return at(frame, ROOM_K).where(holds)

    return Column(file, read)


def _dippr_100(f: pd.DataFrame, t: float) -> pd.Series:
    """DIPPR equation 100, a polynomial."""
    return sum((f[f"C{k + 1}"] * t**k for k in range(5)), start=pd.Series(0.0, f.index))


def _dippr_101(f: pd.DataFrame, t: float) -> pd.Series:
    """DIPPR equation 101, of viscosities and vapour pressures."""
    return np.exp(f["C1"] + f["C2"] / t + f["C3"] * np.log(t) + f["C4"] * t ** f["C5"])


def _dippr_102(f: pd.DataFrame, t: float) -> pd.Series:
    """DIPPR equation 102, of gases."""
    return f["C1"] * t ** f["C2"] / (1 + f["C3"] / t + f["C4"] / t**2)


def _antoine(f: pd.DataFrame, t: float) -> pd.Series:
    """Antoine's equation, ln p/Pa."""
    return np.exp(f["A"] - f["B"] / (t + f["C"]))


_WEBBOOK = "Misc/webbook_constants.tsv"
_WIKIDATA = "Misc/wikidata_properties.tsv"
_YAWS = "Critical Properties/Yaws Collection.tsv"
_HANDBOOK = "Misc/Physical Constants of Organic Compounds.csv"
_CRC = "Heat Capacity/CRC Standard Thermodynamic Properties of Chemical Substances.tsv"
_YAWS_GAS = "Reactions/Yaws Hf S0 (g).tsv"
_IEC, _NFPA = "Safety/IS IEC 60079-20-1 2010.tsv", "Safety/NFPA 497 2008.tsv"
_HANSEN = "Misc/ruben_manuel_hansen_solubility_parameters.tsv"
_ALSHEHRI = "Misc/alshehri_hansen_solubility_parameters.tsv"
_JOBACK = "Misc/joback_predictions.tsv"
_PERRY_CP = "Heat Capacity/Perry_Table_2-153_DIPPR_100.tsv"
_LIQUID_K = (
    "Thermal Conductivity/Table 2-315 Thermal Conductivity of Inorganic and Organic Liquids.tsv"
)
_GAS_K = (
    "Thermal Conductivity/Table 2-314 Vapor Thermal Conductivity of Inorganic and Organic "
    "Substances.tsv"
)
_LIQUID_VISCOSITY = "Viscosity/Table 2-313 Viscosity of Inorganic and Organic Liquids.tsv"
_GAS_VISCOSITY = "Viscosity/Table 2-312 Vapor Viscosity of Inorganic and Organic Substances.tsv"
_DENSITY = "Density/Perry Parameters 105.tsv"
_PERMITTIVITY = "Electrolytes/Permittivity (Dielectric Constant) of Liquids.tsv"
_LANDOLT = "Vapor Pressure/Landolt_antoine"


def _cp_100(f: pd.DataFrame, t: float) -> pd.Series:
    return sum((f[n] * t**k for k, n in enumerate("ABCDE")), start=pd.Series(0.0, f.index)) / 1e3


def _joback_cp(f: pd.DataFrame) -> pd.Series:
    return sum((f[f"Cpg{k}"] * ROOM_K**k for k in range(4)), start=pd.Series(0.0, f.index))


def _tension(f: pd.DataFrame, t: float) -> pd.Series:
    """mN/m, from a line in degrees Celsius."""
    return f["a"] - f["b"] * (t - 273.15)


def _vdi_tension(f: pd.DataFrame) -> pd.Series:
    """mN/m, of the liquid between its melting and its critical point."""
    reduced = ROOM_K / f["Tc"]
    power = sum((f[n] * reduced**k for k, n in enumerate("BCDE")), start=pd.Series(0.0, f.index))
    liquid = (f["Tm"] <= ROOM_K) & (f["Tc"] > ROOM_K)
    return (1e3 * f["A"] * (1 - reduced).clip(lower=0.0) ** power).where(liquid)


def _rounded(f: pd.DataFrame) -> pd.Series:
    """What was measured: of the DIPPR flash points those of many digits were calculated."""
    values = f["T_flash"]
    return values.where((values.round(2) - values).abs() < 1e-6)


_ORIGINS = (
    # Phase changes.
    Origin(Property("Tb", "K", "log"), (
        _column("Phase Change/Yaws Boiling Points.tsv", "Tb"), _column(_HANDBOOK, "Tb"),
    ), high=1300.0),
    Origin(Property("Tm", "K", "log"), (
        _column("Phase Change/OpenNotebook Melting Points.tsv", "Tm"), _column(_HANDBOOK, "Tm"),
    ), high=1300.0),
    Origin(Property("Hvap", "kJ/mol", "log"), (
        _column("Phase Change/Ghazerati Appendix Vaporization Enthalpy.tsv", "Hvap298", 1e-3),
        _column("Phase Change/CRC Handbook Heat of Vaporization.tsv", "Hvap298", 1e-3),
    ), low=5.0, high=400.0),
    Origin(Property("Hvap_Tb", "kJ/mol", "log"), (
        _column("Phase Change/CRC Handbook Heat of Vaporization.tsv", "HvapTb", 1e-3),
    ), low=5.0, high=400.0),
    Origin(Property("Hsub", "kJ/mol", "log"), (
        _column("Phase Change/Ghazerati Appendix Sublimation Enthalpy.tsv", "Hsub", 1e-3),
        _column(_WEBBOOK, "Hsub", 1e-3),
    ), low=5.0, high=500.0),
    Origin(Property("Hfus", "kJ/mol", "log"), (
        _column("Phase Change/CRC Handbook Heat of Fusion.tsv", "Hfus", 1e-3),
    ), low=0.1, high=300.0),
    Origin(Property("T_triple", "K", "log"), (_column(_WEBBOOK, "Tt"),), low=30.0, high=1300.0),
    Origin(Property("Psat", "Pa", "log"), (
        _correlation(f"{_LANDOLT}_V20.tsv", _antoine),
    ), low=1e-8, high=1e8),
    Origin(Property("Psub", "Pa", "log"), (
        _correlation(f"{_LANDOLT}_sublimation_V20.tsv", _antoine),
    ), low=1e-12, high=1e6),
    # The critical point.
    Origin(Property("Tc", "K", "log"), (_column(_YAWS, "Tc"),), "mixed"),
    Origin(Property("Pc", "MPa", "log"), (_column(_YAWS, "Pc", 1e-6),), "mixed"),
    Origin(Property("Vc", "cm^3/mol", "log"), (_column(_YAWS, "Vc", 1e6),), "mixed"),
    Origin(Property("omega", "1"), (_column(_YAWS, "omega"),), "mixed"),
    # Volume and optics.
    Origin(Property("refractive_index", "1"), (
        _near_room("Misc/CRC Handbook Organic RI.csv", "RI", "RIT"),
    )),
    Origin(Property("density", "kg/m^3", "log"), (_column(_HANDBOOK, "rho"),), low=300, high=4500),
    Origin(Property("Vm_liquid", "cm^3/mol", "log"), (
        _column("Misc/common_chemistry_data.tsv", "Vml", 1e6),
    ), low=20.0, high=2000.0),
    Origin(Property("Vm_solid", "cm^3/mol", "log"), (
        _column("Misc/common_chemistry_data.tsv", "Vms", 1e6),
    ), low=10.0, high=2000.0),
    # Energies of formation, entropies, heat capacities (25 C).
    Origin(Property("Hf_gas", "kJ/mol"), (_column(_YAWS_GAS, "Hfg", 1e-3),), "mixed"),
    Origin(Property("S0_gas", "J/mol/K"), (_column(_YAWS_GAS, "S0g"),), "mixed"),
    Origin(Property("Hf_liquid", "kJ/mol"), (
        _column(_CRC, "Hfl", 1e-3), _column(_WEBBOOK, "Hfl", 1e-3),
    )),
    Origin(Property("Hf_solid", "kJ/mol"), (
        _column(_CRC, "Hfs", 1e-3), _column(_WEBBOOK, "Hfs", 1e-3),
    )),
    Origin(Property("S0_liquid", "J/mol/K", "log"), (
        _column(_CRC, "S0l"), _column(_WEBBOOK, "S0l"),
    ), low=20.0),
    Origin(Property("S0_solid", "J/mol/K", "log"), (
        _column(_CRC, "S0s"), _column(_WEBBOOK, "S0s"),
    ), low=20.0),
    Origin(Property("Cp_gas", "J/mol/K", "log"), (
        _column(_CRC, "Cpg"), _column("Heat Capacity/PolingDatabank.tsv", "Cpg"),
    ), low=20.0),
    Origin(Property("Cp_liquid", "J/mol/K", "log"), (
        _column(_CRC, "Cpl"), _column("Heat Capacity/PolingDatabank.tsv", "Cpl"),
        _correlation(_PERRY_CP, _cp_100),
    ), low=20.0),
    Origin(Property("Cp_solid", "J/mol/K", "log"), (_column(_CRC, "Cps"),), low=20.0),
    # Fire.
    Origin(Property("T_flash", "K", "log"), (
        _column(_IEC, "T_flash"), _column(_NFPA, "T_flash"),
        Column("Safety/DIPPR T_flash Serat.csv", _rounded), _column(_WIKIDATA, "T_flash"),
    ), low=120.0, high=800.0),
    Origin(Property("T_autoignition", "K", "log"), (
        _column(_IEC, "T_autoignition"), _column(_NFPA, "T_autoignition"),
        _column(_WIKIDATA, "T_autoignition"),
    ), low=300.0, high=1200.0),
    Origin(Property("LFL", "", "log"), (
        _column(_IEC, "LFL"), _column(_NFPA, "LFL"), _column(_WIKIDATA, "LFL"),
    ), low=1e-4, high=0.5),
    Origin(Property("UFL", "", "log"), (
        _column(_IEC, "UFL"), _column(_NFPA, "UFL"), _column(_WIKIDATA, "UFL"),
    ), low=1e-3, high=1.0),
    Origin(Property("RON", ""), (
        _column("Misc/Florian_Liming_RON_experimental.tsv", "RON"),
        _column("Misc/Travis_Kessler_Combustdb_RON.tsv", "RON"),
    )),
    Origin(Property("MON", ""), (
        _column("Misc/Florian_Liming_MON_experimental.tsv", "MON"),
        _column("Misc/Travis_Kessler_Combustdb_MON.tsv", "MON"),
    )),
    Origin(Property("cetane_number", ""), (
        _column("Misc/Florian_Liming_CETANE_experimental.tsv", "CETANE"),
        _column("Misc/Travis_Kessler_Combustdb_CETANE.tsv", "CETANE"),
    )),
    # Solutions and dielectrics.
    *(
        Origin(Property(f"d{letter}", "MPa^0.5"), (
            _column(_HANSEN, f"HANSEN_DELTA_{letter}", 1e-3),
            _column(_ALSHEHRI, f"HANSEN_DELTA_{letter}", 1e-3),
        ), low=0.0, high=60.0)
        for letter in "DPH"
    ),
    Origin(Property("logP", ""), (
        _column("Environment/CRC logP table.tsv", "logP"), _column(_WIKIDATA, "logP"),
    )),
    Origin(Property("permittivity", "", "log"), (
        _near_room(_PERMITTIVITY, "Permittivity", "T"),
    ), low=1.0),
    Origin(Property("dipole_moment", "D"), (
        _column("Misc/cccbdb.nist.gov Dipoles.csv", "dipole_moment"),
        _column("Misc/Muller Supporting Info Dipoles.csv", "dipole_moment"),
        _column("Misc/Poling Dipole.csv", "dipole_moment"),
    ), low=0.0, high=20.0),
    # Surfaces and transport (25 C).
    Origin(Property("surface_tension", "mN/m", "log"), (
        _correlation("Interface/Jasper-Lange.tsv", _tension),
        Column("Interface/VDI PPDS surface tensions.tsv", _vdi_tension),
    ), low=5.0, high=100.0),
    Origin(Property("viscosity", "mPa*s", "log"), (
        _correlation(_LIQUID_VISCOSITY, lambda f, t: 1e3 * _dippr_101(f, t)),
    ), low=0.05, high=1e5),
    Origin(Property("k_liquid", "W/m/K", "log"), (
        _correlation(_LIQUID_K, _dippr_100),
    ), low=0.03, high=1.0),
    Origin(Property("viscosity_gas", "uPa*s", "log"), (
        _correlation(_GAS_VISCOSITY, lambda f, t: 1e6 * _dippr_102(f, t)),
    ), low=1.0, high=50.0),
    Origin(Property("k_gas", "mW/m/K", "log"), (
        _correlation(_GAS_K, lambda f, t: 1e3 * _dippr_102(f, t)),
    ), low=1.0, high=200.0),
    Origin(Property("radius_of_gyration", "angstrom", "log"), (
        _column("Misc/chemsep_radius_of_gyrations.tsv", "RG", 1e10),
    ), low=0.3, high=20.0),
    Origin(Property("LJ_diameter", "angstrom", "log"), (
        _column("Viscosity/MagalhaesLJ.tsv", "molecular_diameter"),
    )),
    Origin(Property("LJ_energy", "K", "log"), (
        _column("Viscosity/MagalhaesLJ.tsv", "Stockmayer"),
    )),
    # Group contributions: a formula, for a wide range of molecules.
    *(
        Origin(Property(f"{name}_Joback", unit, "log"), (_column(_JOBACK, name, factor),),
               "estimated", low=low, high=high)
        for name, unit, factor, low, high in (
            ("Tb", "K", 1.0, 100.0, 3000.0),
            ("Tm", "K", 1.0, 50.0, 3000.0),
            ("Tc", "K", 1.0, 200.0, 3000.0),
            ("Pc", "MPa", 1e-6, 0.1, 20.0),
            ("Vc", "cm^3/mol", 1e6, 50.0, 5000.0),
            ("Hvap", "kJ/mol", 1e-3, 10.0, 400.0),
            ("Hfus", "kJ/mol", 1e-3, 0.5, 300.0),
        )
    ),
    Origin(Property("Hf_gas_Joback", "kJ/mol"), (
        _column(_JOBACK, "Hfg", 1e-3),
    ), "estimated", low=-6000.0, high=3000.0),
    Origin(Property("Cp_gas_Joback", "J/mol/K", "log"), (
        Column(_JOBACK, _joback_cp),
    ), "estimated", low=20.0, high=3000.0),
)  # fmt: skip

ORGANIC: Mapping[str, Origin] = MappingProxyType({o.prop.name: o for o in _ORIGINS})
