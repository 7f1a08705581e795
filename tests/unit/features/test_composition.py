import pytest
import torch

from bayesmat.errors import FeatureError
from bayesmat.features.composition import ElementStatistics, Magpie


def row(featurizer, formula):
    return dict(zip(featurizer.names, featurizer([formula])[0].tolist(), strict=True))


def test_statistics_of_sodium_chloride_by_hand():
    values = row(ElementStatistics(), "NaCl")
    assert values["ave Number"] == 14.0  # (11 + 17) / 2
    assert values["var Number"] == 9.0
    assert (values["min Number"], values["max Number"]) == (11.0, 17.0)
    assert values["ave AtomicWeight"] == pytest.approx((22.98977 + 35.453) / 2, abs=1e-4)
    assert values["max Electronegativity"] == pytest.approx(3.16)


def test_an_element_has_no_variance():
    values = row(ElementStatistics(), "Si")
    assert all(v == 0.0 for name, v in values.items() if name.startswith("var"))
    assert values["ave MeltingT"] == values["min MeltingT"] == values["max MeltingT"]


@pytest.mark.parametrize("featurizer", [Magpie(), ElementStatistics()])
def test_intensive(featurizer):
    once, twice = featurizer(["SiO2", "Si2O4"])
    torch.testing.assert_close(once, twice, rtol=1e-12, atol=1e-12)


def test_magpie_and_the_short_statistics_agree():
    magpie, short = row(Magpie(), "CaTiO3"), row(ElementStatistics(), "CaTiO3")
    for name in ("Number", "Electronegativity", "MeltingT"):
        assert magpie[f"mean {name}"] == pytest.approx(short[f"ave {name}"])
        assert magpie[f"maximum {name}"] == short[f"max {name}"]


@pytest.mark.parametrize("featurizer", [Magpie(), ElementStatistics()])
def test_elements_without_data_are_an_error_that_names_them(featurizer):
    with pytest.raises(FeatureError, match="'LrCl3', column"):
        featurizer(["NaCl", "LrCl3"])


def test_bad_formulas_are_listed():
    with pytest.raises(FeatureError) as caught:
        ElementStatistics()(["NaCl", "Xx2O", ""])
    assert "2 of 3" in str(caught.value)
    assert "'Xx2O'" in str(caught.value)
    assert "''" in str(caught.value)


@pytest.mark.parametrize("dotted", ["CuSO4.5H2O", "CuSO4·5H2O"])
def test_a_featurizer_reads_hydrates_as_tables_do(dotted):
    found, expected = ElementStatistics()([dotted, "CuSO4(H2O)5"])
    assert torch.equal(found, expected)


def test_what_a_formula_does_not_say_is_an_error():
    with pytest.raises(FeatureError, match="superscript three"):
        ElementStatistics()(["Fe2O3", "Fe³⁺"])
