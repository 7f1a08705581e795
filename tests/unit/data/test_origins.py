"""Values of `chemicals` are in the units that are said, at 25 C, from the best source."""

import numpy as np
import pytest

from bayesmat.data.datasets import chemicals_table
from bayesmat.data.origins import ORGANIC
from bayesmat.data.table import PropertyTable

BENZENE = {
    "Tb": 353.2, "Tm": 278.7, "Hvap": 33.8, "Hvap_Tb": 30.7, "Hfus": 9.87, "Hsub": 44.4,
    "T_triple": 278.7, "Psat": 12700.0, "Tc": 562.0, "Pc": 4.9, "Vc": 257.0, "omega": 0.21,
    "refractive_index": 1.5011, "density": 876.5, "Vm_liquid": 89.1, "Hf_gas": 82.9,
    "S0_gas": 269.0, "Hf_liquid": 49.1, "S0_liquid": 173.4, "Cp_gas": 82.4, "Cp_liquid": 136.0,
    "T_flash": 262.0, "T_autoignition": 771.0, "LFL": 0.012, "UFL": 0.086, "dD": 18.4, "dH": 2.0,
    "logP": 2.13, "permittivity": 2.2825, "surface_tension": 28.2, "viscosity": 0.604,
    "k_liquid": 0.141, "viscosity_gas": 7.5, "radius_of_gyration": 3.004, "Tb_Joback": 358.6,
    "Cp_gas_Joback": 82.2,
}  # fmt: skip
METHANOL = {"dipole_moment": 1.70, "dP": 12.3, "k_liquid": 0.200, "viscosity": 0.544}
NAPHTHALENE = {"Hf_solid": 77.9, "S0_solid": 167.4, "Cp_solid": 165.7}


@pytest.fixture(scope="module")
def table() -> PropertyTable:
    return chemicals_table(tuple(ORGANIC), progress=False)


@pytest.mark.parametrize(
    ("smiles", "known"),
    [("c1ccccc1", BENZENE), ("CO", METHANOL), ("c1ccc2ccccc2c1", NAPHTHALENE)],
    ids=["benzene", "methanol", "naphthalene"],
)
def test_handbook_values(table: PropertyTable, smiles: str, known: dict[str, float]) -> None:
    row = table.values[table.materials.index(smiles)]
    found = dict(zip(table.property_names, row.tolist(), strict=True))
    assert {name: found[name] for name in known} == pytest.approx(known, rel=0.06)


def test_there_are_45_properties_each_with_enough_values(table: PropertyTable) -> None:
    measured = [o for o in ORGANIC.values() if o.kind != "estimated"]
    assert len(measured) >= 45
    counts = dict(zip(table.property_names, (~np.isnan(table.values)).sum(axis=0), strict=True))
    assert min(counts.values()) >= 60, counts


def test_no_value_is_outside_of_its_limits_and_what_was_is_told(table: PropertyTable) -> None:
    for origin, column in zip(ORGANIC.values(), table.values.T, strict=True):
        assert origin.low <= np.nanmin(column)
        assert np.nanmax(column) <= origin.high
        if origin.prop.scale == "log":
            assert np.nanmin(column) > 0
    assert {cell.column for cell in table.dropped} <= set(ORGANIC)
    assert all("a misprint" in cell.reason for cell in table.dropped)
