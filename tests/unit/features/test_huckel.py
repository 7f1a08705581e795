import math

import numpy as np
import pytest

from bayesmat.errors import FeatureError
from bayesmat.features import HuckelGap, HuckelModel, HuckelOrbitals, computed
from bayesmat.features.huckel import huckel

TEXTBOOK = HuckelModel.topological()


@pytest.mark.parametrize(
    ("smiles", "gap"),
    [
        ("C=C", 2.0),
        ("C=CC=C", math.sqrt(5) - 1),
        ("C=CC=CC=C", 4 * math.sin(math.pi / 14)),  # polyene: 4 sin(pi / 2(n + 1))
        ("c1ccccc1", 2.0),
        ("c1ccc2ccccc2c1", math.sqrt(5) - 1),
        ("c1ccc2cc3ccccc3cc2c1", 2 * (math.sqrt(2) - 1)),  # anthracene, 0.828
        ("c1ccc(-c2ccccc2)cc1", 1.4094),
        ("C=C1C=CC=C1", 0.618 + 0.254),  # fulvene
        ("C=C(C=C)C=C", 2 * 0.5176),  # [3]dendralene
    ],
)
def test_textbook_gaps_of_hydrocarbons(smiles, gap):
    result = huckel(smiles, TEXTBOOK)
    assert result.gap == pytest.approx(gap, abs=2e-3)
    assert result.gap == pytest.approx(result.lumo - result.homo)
    assert not result.broken


def test_heteroatoms_as_solved_by_hand():
    # C=O: roots of (h_O - x)(0 - x) = k^2.
    h, k = 0.97, 1.06
    formaldehyde = huckel("C=O", TEXTBOOK)
    assert formaldehyde.gap == pytest.approx(math.sqrt(h * h + 4 * k * k), abs=1e-12)
    assert formaldehyde.homo == pytest.approx(-(h + math.sqrt(h * h + 4 * k * k)) / 2, abs=1e-12)
    # Pyrrole: four carbons give one electron each, N2 gives two.
    H = np.diag([1.37, 0, 0, 0, 0]) + np.zeros((5, 5))
    for i, j, kij in [(0, 1, 0.89), (1, 2, 1), (2, 3, 1), (3, 4, 1), (4, 0, 0.89)]:
        H[i, j] = H[j, i] = kij
    x = np.sort(np.linalg.eigvalsh(H))[::-1]
    pyrrole = huckel("c1cc[nH]c1", TEXTBOOK)
    assert (pyrrole.n_pi, pyrrole.n_electrons) == (5, 6)
    assert pyrrole.gap == pytest.approx(x[2] - x[3], abs=1e-12)


def test_cyclobutadiene_is_broken_in_the_textbook_method():
    result = huckel("C1=CC=C1", TEXTBOOK)
    assert result.gap == pytest.approx(0.0, abs=1e-12)
    assert result.broken
    assert "too small" in result.reason


def test_radicals_are_broken():
    result = huckel("[CH2]C=C")
    assert result.broken
    assert result.reason == "unpaired electrons"
    assert math.isnan(result.gap)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("C=C=C", "cumulated"),
        ("CN(C)N=O", "nitroso"),
        ("CN=S=O", "hypervalent sulfur"),
        ("C1=CC=C1", "ring of three or four"),
        ("C1=CC1", "ring of three or four"),
    ],
)
def test_structures_beyond_the_method_are_said_to_be(smiles, reason):
    result = huckel(smiles)
    assert result.broken
    assert reason in result.reason


@pytest.mark.parametrize("smiles", ["C=C1CC1", "C[N+](=O)[O-]", "CN=C=O", "O=C1CCC1", "CC=C"])
def test_ordinary_structures_are_trusted(smiles):
    assert not huckel(smiles).broken


def test_alternation_keeps_benzene_and_opens_the_gap_of_polyenes():
    assert huckel("c1ccccc1").gap == pytest.approx(2.0, abs=1e-9)
    gaps = [huckel("C=C" * n).gap for n in (2, 4, 8, 16)]
    plain = [huckel("C=C" * n, TEXTBOOK).gap for n in (2, 4, 8, 16)]
    assert gaps == sorted(gaps, reverse=True)
    assert plain[-1] < 0.2 < 0.5 < gaps[-1]  # uniform chains are metals, real polyenes are not


def test_crowded_biaryls_are_twisted():
    planar, crowded = huckel("c1ccc(-c2ccccc2)cc1").gap, huckel("Cc1cccc(C)c1-c1c(C)cccc1C").gap
    assert planar < crowded <= 2.0
    # two pyridines turn their nitrogens inwards and stay planar
    without_twist = HuckelModel(twist=False)
    bipyridine = "c1ccc(-c2ccccn2)nc1"
    assert huckel(bipyridine).gap == pytest.approx(huckel(bipyridine, without_twist).gap)


def test_lone_pairs_may_be_the_homo():
    ketone, alkene = huckel("CC(C)=O"), huckel("CC(C)=C")
    assert ketone.homo == pytest.approx(-1.15)  # n(O), acetone 9.7 eV
    assert ketone.gap < alkene.gap
    # A distant amine donates to the benzophenone that it cannot conjugate with.
    assert huckel("CN(C)CCc1ccccc1").gap < huckel("CCCc1ccccc1").gap


@pytest.mark.parametrize(
    "smaller_to_larger",
    [
        ["c1ccc2cc3ccccc3cc2c1", "c1ccc2ccccc2c1", "c1ccccc1", "C=C"],
        ["O=C1C=CC(=O)C=C1", "O=C(c1ccccc1)c1ccccc1", "CC(C)=O"],
        ["C=CC=CC=C", "C=CC=C", "C=C", "C#C"],
        ["Nc1ccc(cc1)C=O", "O=Cc1ccccc1", "c1ccccc1"],
    ],
)
def test_known_orders(smaller_to_larger):
    gaps = [huckel(smiles).gap for smiles in smaller_to_larger]
    assert gaps == sorted(gaps)


def test_the_parent_says_where_it_does_not_know():
    gap = HuckelGap(TEXTBOOK)
    values = gap(["c1ccccc1", "CCO", "C1=CC=C1", "[CH2]C=C"]).tolist()
    assert values[0] == pytest.approx([math.log(2), 0])
    assert values[1] == pytest.approx([math.log(3), 1])
    assert values[2] == pytest.approx([math.log(1.2), 2])
    assert values[3] == pytest.approx([math.log(1.2), 2])


def test_orbitals_bracket_the_gap():
    orbitals = HuckelOrbitals()(["c1ccc2ccccc2c1", "CCO"])
    gap = huckel("c1ccc2ccccc2c1").gap
    assert orbitals[0].tolist() == pytest.approx([-gap / 2, gap / 2, 10, 1, 0])
    assert orbitals[1].tolist() == [-1.5, 1.5, 0, 0, 0]


def test_computed_properties_are_found_by_name():
    assert computed("gap_huckel") == HuckelGap()
    with pytest.raises(FeatureError, match=r"no computed property 'gap'.*gap_huckel"):
        computed("gap")
