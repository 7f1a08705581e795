import math

import pytest
from rdkit import Chem

from bayesmat.features.pi_system import pi_system


def system_of(smiles):
    return pi_system(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize(
    ("smiles", "n_pi", "n_electrons"),
    [
        ("c1ccncc1", 6, 6),
        ("c1ccoc1", 5, 6),
        ("c1ccsc1", 5, 6),
        ("Cn1cccc1", 5, 6),
        ("Nc1ccccc1", 7, 8),
        ("COc1ccccc1", 7, 8),
        ("Clc1ccccc1", 7, 8),
        ("CC(N)=O", 3, 4),
        ("CC(=O)OC", 3, 4),
        ("C=CC#N", 4, 4),
        ("C=C=C", 4, 4),  # two perpendicular ethylenes
        ("CS(C)(=O)=O", 0, 0),  # dative: no pi
        ("CS(=O)(=O)c1ccccc1", 6, 6),
        ("CS(C)=O", 0, 0),
        ("C[N+](=O)[O-]", 3, 4),
        ("O=c1cc[nH]cc1", 7, 8),
        ("OCCN", 0, 0),
        ("Cc1ccccc1", 6, 6),
        ("OB(O)c1ccccc1", 7, 6),
        ("[O-]c1ccccc1", 7, 8),
        ("O=S=O", 3, 4),
    ],
)
def test_atoms_give_the_electrons_that_chemists_count(smiles, n_pi, n_electrons):
    system = pi_system(Chem.MolFromSmiles(smiles))
    assert (len(system.types), system.n_electrons) == (n_pi, n_electrons)


@pytest.mark.parametrize(
    ("smiles", "types"),
    [
        ("c1ccncc1", "C C C C C N1"),
        ("c1cc[nH]c1", "C C C C N2"),
        ("COC(C)=O", "C O1 O2"),
        ("Oc1ccccc1", "C C C C C C O2"),
        ("CN=C=S", "C C N1 S1"),
        ("C[N+](=O)[O-]", "N+ O1 O1"),
        ("CS(=O)(=O)C=C", "C C"),
        ("CC#N", "C N1"),
    ],
)
def test_types(smiles, types):
    assert sorted(system_of(smiles).types) == types.split()


def test_the_same_whatever_the_order_of_the_atoms():
    a, b = system_of("Cc1ccncc1C(=O)N"), system_of("NC(=O)c1cnccc1C")
    assert sorted(a.types) == sorted(b.types)
    assert sorted((x.k, x.order, x.cos_twist) for x in a.bonds) == sorted(
        (x.k, x.order, x.cos_twist) for x in b.bonds
    )


@pytest.mark.parametrize(
    ("smiles", "kinds"),
    [
        ("CC(C)=O", ["ketone"]),
        ("CC=O", ["aldehyde"]),
        ("CC(=O)OC", ["ester"]),
        ("CC(N)=O", ["amide"]),
        ("c1ccncc1", ["imine"]),
        ("c1cnccn1", ["imine", "imine"]),
        ("CCN(CC)CC", ["amine3"]),
        ("CNC", ["amine2"]),
        ("CN", ["amine1"]),
        ("CSC", ["sulfide"]),
        ("CCO", ["alcohol"]),
        ("CC(C)=S", ["thione"]),
        ("CN(C)c1ccccc1", []),  # in the pi system
        ("CC#N", []),  # too deep
        ("CS(C)(=O)=O", []),
        ("C[N+](C)(C)C", []),
    ],
)
def test_lone_pairs_outside_the_pi_system(smiles, kinds):
    assert [kind for _, kind, _ in system_of(smiles).lone_pairs] == kinds


def test_triple_bonds_have_sp_ends_and_aromatic_bonds_two_thirds():
    assert [bond.n_sp for bond in system_of("CC#CC").bonds] == [2]
    assert {bond.order for bond in system_of("c1ccccc1").bonds} == {2 / 3}


@pytest.mark.parametrize(
    ("smiles", "degrees"),
    [
        ("c1ccc(-c2ccccc2)cc1", 40),
        ("Cc1ccccc1-c1ccccc1", 57),
        ("c1ccc(-c2ccccn2)nc1", 0),
        ("CC(=O)c1ccccc1", 15),
        ("C1=CC=CC1", 0),  # in a ring
        ("C=CC=C", 0),
    ],
)
def test_torsions_of_known_molecules(smiles, degrees):
    smallest = min(bond.cos_twist for bond in system_of(smiles).bonds)
    assert math.degrees(math.acos(min(smallest, 1.0))) == pytest.approx(degrees, abs=1e-5)
