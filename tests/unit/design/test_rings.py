"""Ring shapes and tautomers of arenes, on molecules whose answer is known."""

import pytest
from rdkit.Chem import MolFromSmiles

from bayesmat.design.rings import arene_tautomers, fused_arene_count, ring_shape

LIMITS = {"sizes": (3, 5, 6, 7), "max_rings": 4, "max_spiro": 1, "max_arenes": 3}


@pytest.mark.parametrize(
    ("smiles", "count"),
    [
        ("CCCCC", 0),
        ("c1ccncc1", 0),
        ("c1ccccc1", 1),
        ("c1ccc(-c2ccccc2)cc1", 1),
        ("c1ccc2ccccc2c1", 2),
        ("c1ccc2nc3ccccc3cc2c1", 1),
        ("O=C1c2ccccc2-c2cccc3cccc1c23", 2),
        ("c1ccc2c(c1)ccc1c2ccc2ccccc21", 4),
        ("c1cc2ccc3cccc4ccc(c1)c2c34", 4),
    ],
)
def test_fused_benzene_rings_are_counted(smiles, count):
    assert fused_arene_count(MolFromSmiles(smiles)) == count


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("C1CCCC1", None),
        ("C1CCCCCC1", None),
        ("C1CCC1", "4-membered ring"),
        ("C1CCCCCCC1", "8-membered ring"),
        ("C1=CC=CC=CC1", "unsaturated 7-membered ring"),
        ("C1CC2CCC1C2", "bridged rings"),
        ("C1CCC2(CC1)CCC1(CC2)CCCCC1", "more than 1 spiro atoms"),
        ("C1CC1C1CC1C1CC1C1CC1C1CC1", "more than 4 rings"),
        ("c1ccc2cc3cc4ccccc4cc3cc2c1", "more than 3 fused benzene rings"),
    ],
)
def test_ring_shapes(smiles, reason):
    assert ring_shape(MolFromSmiles(smiles), **LIMITS) == reason


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("O=C1C=CCC=C1", "tautomer of a six-membered arene"),
        ("C=C1C=CC=CC1", "tautomer of a six-membered arene"),
        ("O=C1C=CCc2ccccc21", "tautomer of a six-membered arene"),
        ("O=C1C=CC(C)(C)C=C1", None),
        ("O=C1c2ccccc2Cc2ccccc21", None),
        ("C1=Nc2ccccc2C1", "tautomer of an azole"),
        ("C1C=CC=N1", "tautomer of an azole"),
        ("CC1(C)C=Nc2ccccc21", None),
        ("C1=Cc2ccccc2C1", None),
        ("O=C1CC(C)=NN1c1ccccc1", None),
    ],
)
def test_tautomers_of_arenes(smiles, reason):
    assert arene_tautomers(MolFromSmiles(smiles)) == reason
