"""Target tables: units and values as their sources print them, one row per material."""

import chemicals
import numpy as np
import pandas as pd
import pytest

from bayesmat.data import targets
from bayesmat.data.materials import canonical_all, canonical_repeat_unit, canonical_smiles
from bayesmat.data.properties import Property
from bayesmat.errors import DataError


def have(name):
    try:
        targets.load(name)
    except DataError:
        return False
    return True


polymers = pytest.mark.skipif(not have("PI1070"), reason="PI1070.csv: set BAYESMAT_DATA")
switches = pytest.mark.skipif(not have("Photoswitch"), reason="Photoswitch.csv: set BAYESMAT_DATA")


def value(table, key, prop):
    return table.values[table.materials.index(key), table.property_names.index(prop)]


@pytest.fixture(scope="module")
def flash():
    return targets.flash_points()


@pytest.fixture(scope="module")
def polymer():
    return targets.polymer_properties()


def test_flash_points_are_the_packages_own_in_kelvin(flash):
    for cas, smiles in {"108-88-3": "Cc1ccccc1", "110-54-3": "CCCCCC"}.items():
        ours = value(flash, canonical_smiles(smiles), "flash_point")
        assert ours == pytest.approx(chemicals.T_flash(cas, method="Serat DIPPR (2017)"), abs=1e-9)
    # Toluene in the NFPA's table: 4 C.
    assert value(flash, "Cc1ccccc1", "flash_point") == pytest.approx(277.15, abs=4)
    assert flash.properties == (Property("flash_point", "K", "log"),)


def test_flash_points_have_one_canonical_row_per_molecule(flash):
    assert 470 <= flash.n_rows <= 488
    assert len(set(flash.materials)) == flash.n_rows
    assert canonical_all(flash.materials) == flash.materials
    assert 150 < flash.values.min() < flash.values.max() < 600


def test_calculated_flash_points_are_reported_and_left_out(flash):
    assert "CO" not in flash.materials  # methanol: 242.18 K in the file, 285 K measured
    left_out = [cell for cell in flash.dropped if "calculated" in cell.reason]
    assert len(left_out) == 380
    assert any("67-56-1" in cell.value for cell in left_out)
    assert np.allclose(flash.values, np.round(flash.values, 2), atol=1e-5)


def test_refractive_indices_are_the_measured_cells_of_the_chemicals_table():
    table = targets.refractive_indices()
    assert 3_000 < table.n_rows < 4_000
    assert not np.isnan(table.values).any()
    assert value(table, "c1ccccc1", "refractive_index") == pytest.approx(1.501, abs=1e-3)
    assert all(cell.column == "refractive_index" for cell in table.dropped)


@polymers
def test_polymers_carry_units_classes_and_the_error_of_their_means(polymer):
    table = polymer
    assert table.n_rows == 1077
    assert [p.unit for p in table.properties] == ["g/cm^3", "J/kg/K"]
    frame = targets.load("PI1070").set_index("smiles")
    key = canonical_repeat_unit("*CC(*)c1ccccc1")
    row, i = frame.loc["*C(C*)c1ccccc1"], table.materials.index(key)
    assert table.values[i].tolist() == [row["density"], row["Cp"]]
    assert table.stds[i, 0] == pytest.approx(row["density_std"] / row["density_count"] ** 0.5)
    # Polystyrene weighs 1.05 g/cm^3; the force field finds it within 8 %.
    assert table.values[i, 0] == pytest.approx(1.05, rel=0.08)
    assert table.groups[i] == f"class {row['polymer_class']}"


@polymers
def test_a_single_simulation_has_an_unknown_error_and_not_none(polymer):
    single = int((targets.load("PI1070")["density_count"] == 1).sum())
    assert single > 0
    assert np.isnan(polymer.stds[:, 0]).sum() >= single
    assert np.nanmin(polymer.stds) > 0


def test_unknown_polymer_properties_are_named():
    with pytest.raises(DataError, match=r"PI1070 has no properties \['taste'\]"):
        targets.polymer_properties(["taste"])


@switches
def test_photoswitches_have_the_published_wavelengths_and_report_what_was_merged():
    table = targets.photoswitches()
    assert table.n_rows == 396
    assert [p.unit for p in table.properties] == ["nm"] * 4
    assert dict(zip(table.property_names, (~np.isnan(table.values)).sum(0), strict=True)) == {
        "E pi-pi*": 383, "E n-pi*": 141, "Z pi-pi*": 93, "Z n-pi*": 123,
    }  # fmt: skip
    merged = canonical_smiles("CNc1ccc(/N=N/c2ccccc2)cc1")
    assert value(table, merged, "E pi-pi*") == 390  # of 380 and 400
    assert any(merged in cell.value and "380 to 400 nm" in cell.value for cell in table.dropped)


def test_duplicates_become_a_median_and_unreadable_materials_are_reported():
    values = pd.DataFrame({"a": [1.0, 2.0, 9.0, 5.0, np.nan]})
    table = targets.one_row_each(
        ["OCC", "CCO", "C(O)C", "no such thing", "C"], "smiles", (Property("a", "K"),), values
    )
    assert table.materials == ("CCO",)
    assert table.values.tolist() == [[2.0]]
    assert [(cell.row, cell.column) for cell in table.dropped] == [(5, "material"), (2, "a")]
    assert "3 rows are this material" in table.dropped[1].reason
