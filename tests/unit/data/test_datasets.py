"""The `chemicals` table agrees with the package's own loaders and with the textbook."""

import chemicals
import numpy as np
import pandas as pd
import pytest

from bayesmat.data import datasets
from bayesmat.data.datasets import chemicals_disagreements, chemicals_table
from bayesmat.data.materials import canonical_smiles
from bayesmat.errors import DataError

# Factors from the package's SI units to ours.
TO_SI = {"Pc": 1e6, "Vc": 1e-6, "Hf_gas": 1e3}
LOADERS = {
    "Tb": lambda cas: chemicals.Tb(cas, method="YAWS"),
    "Tm": lambda cas: chemicals.Tm(cas, method="OPEN_NTBKM"),
    "Tc": lambda cas: chemicals.Tc(cas, method="YAWS"),
    "Pc": lambda cas: chemicals.Pc(cas, method="YAWS"),
    "Vc": lambda cas: chemicals.Vc(cas, method="YAWS"),
    "omega": lambda cas: chemicals.omega(cas, method="YAWS"),
    "refractive_index": lambda cas: chemicals.RI(cas)[0],
    "Hf_gas": lambda cas: chemicals.Hfg(cas, method="YAWS"),
    "S0_gas": lambda cas: chemicals.S0g(cas, method="YAWS"),
}
SOME = {"64-17-5": "CCO", "71-43-2": "c1ccccc1", "67-64-1": "CC(C)=O", "110-54-3": "CCCCCC"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("BAYESMAT_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def table(cache):
    return chemicals_table(progress=False)


@pytest.mark.parametrize(("cas", "smiles"), SOME.items())
def test_values_and_units_are_those_of_the_packages_own_loaders(table, cas, smiles):
    row = table.materials.index(canonical_smiles(smiles))
    for j, prop in enumerate(table.properties):
        ours = table.values[row, j] * TO_SI.get(prop.name, 1.0)
        assert ours == pytest.approx(LOADERS[prop.name](cas), rel=1e-9), prop


def test_ethanol_is_as_the_textbook_says(table):
    row = table.values[table.materials.index("CCO")]
    names = table.property_names
    known = {"Tb": 351.4, "Tm": 159.0, "Tc": 514.0, "Pc": 6.14, "Vc": 167.0, "omega": 0.645}
    known |= {"refractive_index": 1.361, "Hf_gas": -235.0, "S0_gas": 281.0}
    assert dict(zip(names, row, strict=True)) == pytest.approx(known, rel=0.01)
    units = ("K", "K", "K", "MPa", "cm^3/mol", "", "", "kJ/mol", "J/mol/K")
    assert [p.unit for p in table.properties] == list(units)


def test_rows_are_distinct_canonical_molecules_and_holes_stay_holes(table):
    assert 15_000 < table.n_rows < 25_000
    assert len(set(table.materials)) == table.n_rows
    sample = table.materials[::500]
    assert tuple(canonical_smiles(m) for m in sample) == sample
    assert not any("." in m for m in table.materials)
    measured = dict(zip(table.property_names, (~np.isnan(table.values)).sum(0), strict=True))
    assert measured["Tb"] > 10_000
    assert measured["Tm"] > 10_000
    assert 3_000 < measured["refractive_index"] < 5_000
    assert (~np.isnan(table.values)).any(1).all()


def test_misprints_are_recorded_rather_than_kept_or_hidden(table):
    assert np.nanmax(table.values[:, table.property_names.index("Tb")]) < 1300
    assert any("3053.15" in cell.value for cell in table.dropped)


def test_isomers_drawn_alike_become_their_median_and_the_spread_is_kept(table):
    spread = chemicals_disagreements()
    assert (spread["lowest"] < spread["highest"]).all()
    for smiles, prop, n, low, high in spread.itertuples(index=False):
        cell = table.values[table.materials.index(smiles), table.property_names.index(prop)]
        assert low <= cell <= high
        assert n >= 2


def test_merge_takes_the_median_and_reports_only_disagreements():
    cells = pd.DataFrame(
        [("C", "Tb", 1.0), ("C", "Tb", 2.0), ("C", "Tb", 6.0), ("N", "Tb", 3.0), ("N", "Tb", 3.0)],
        columns=["smiles", "property", "value"],
    )
    wide, spread = datasets._merge(cells, ("Tb", "Tm"))
    assert wide.set_index("smiles")["Tb"].to_dict() == {"C": 2.0, "N": 3.0}
    assert wide["Tm"].isna().all()
    assert spread.to_dict("records") == [
        {"smiles": "C", "property": "Tb", "n": 3, "lowest": 1.0, "highest": 6.0}
    ]


@pytest.mark.parametrize(
    "smiles",
    ["[Na+].[Cl-]", "O", "O=C=O", "S=C=S", "[13CH4]", "C[NH3+]", "CCO.O", "[CH3]", "C[Hg]C", "bad"],
)
def test_what_is_not_a_neutral_organic_molecule_is_left_out(smiles):
    assert datasets.organic_key(smiles) is None


@pytest.mark.parametrize("smiles", ["C", "C[N+](=O)[O-]", "ClC(Cl)(Cl)Cl", "OB(O)c1ccccc1"])
def test_organic_molecules_are_kept(smiles):
    assert datasets.organic_key(smiles) == canonical_smiles(smiles)


def test_a_damaged_cache_is_an_error_that_says_what_to_delete(cache, table):
    (path,) = (cache / "datasets").glob("chemicals-*[0-9].csv")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"351.44", b"951.44", 1))
    try:
        with pytest.raises(DataError, match=r"SHA-256.*(?s:.)*Delete .*\.json"):
            chemicals_table(progress=False)
    finally:
        path.write_bytes(whole)
    assert chemicals_table(progress=False).n_rows == table.n_rows


def test_an_unknown_property_is_refused():
    with pytest.raises(DataError, match=r"\['colour'\] are unknown: choose from \['Tb', 'Tm'"):
        chemicals_table(["Tb", "colour"])
    with pytest.raises(DataError, match="no property is named"):
        chemicals_table([])
