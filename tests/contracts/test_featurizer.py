"""The laws of every featurizer. A new one joins by being added to CASES."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from bayesmat.errors import FeatureError
from bayesmat.features import (
    ECFP,
    MACCS,
    AtomPairs,
    Cached,
    CheapDescriptors,
    Descriptors2D,
    FeatureCache,
    Featurizer,
    HuckelGap,
    HuckelModel,
    HuckelOrbitals,
    RepeatUnitDescriptors,
    RepeatUnitECFP,
    Selected,
)
from bayesmat.features.composition import ElementStatistics, Magpie

MOLECULES = ("CCO", "c1ccccc1", "C=CC=C", "CC(=O)Nc1ccc(O)cc1", "O=C1C=CC(=O)C=C1", "CCN(CC)CC")
POLYMERS = ("*CC*", "*CC(*)c1ccccc1", "*CCO*", "*OCCOC(=O)c1ccc(cc1)C(*)=O")
FORMULAS = ("SiO2", "Fe2O3", "GaAs", "NaCl", "CaTiO3")


@dataclass(frozen=True)
class Case:
    make: Callable[[], Featurizer]
    materials: Sequence[str]
    other: Callable[[], Featurizer] | None = None  # other parameters: must have another id


CASES = {
    "ecfp": Case(ECFP, MOLECULES, lambda: ECFP(radius=3)),
    "ecfp_short": Case(lambda: ECFP(size=512), MOLECULES, lambda: ECFP(size=513)),
    "ecfp_bits": Case(lambda: ECFP(count=False), MOLECULES, ECFP),
    "fcfp": Case(lambda: ECFP(functional=True), MOLECULES, ECFP),
    "maccs": Case(MACCS, MOLECULES),
    "atom_pairs": Case(AtomPairs, MOLECULES, lambda: AtomPairs(size=1024)),
    "cheap": Case(CheapDescriptors, MOLECULES),
    "selected": Case(
        lambda: Selected(CheapDescriptors(), ("log_p", "molar_mass")),
        MOLECULES,
        lambda: Selected(CheapDescriptors(), ("molar_mass", "log_p")),
    ),
    "rdkit_2d": Case(Descriptors2D, MOLECULES),
    "huckel_gap": Case(HuckelGap, MOLECULES, lambda: HuckelGap(HuckelModel.topological())),
    "huckel_orbitals": Case(
        HuckelOrbitals, MOLECULES, lambda: HuckelOrbitals(HuckelModel(twist=False))
    ),
    "unit_ecfp": Case(RepeatUnitECFP, POLYMERS, lambda: RepeatUnitECFP(radius=1)),
    "unit_fcfp": Case(lambda: RepeatUnitECFP(functional=True), POLYMERS, RepeatUnitECFP),
    "unit_descriptors": Case(RepeatUnitDescriptors, POLYMERS),
    "magpie": Case(Magpie, FORMULAS),
    "element_statistics": Case(ElementStatistics, FORMULAS),
}


@pytest.fixture(params=[*CASES, "cached"])
def case(request, tmp_path):
    if request.param == "cached":
        cache = FeatureCache(tmp_path / "features.sqlite")
        return Case(lambda: Cached(CheapDescriptors(), cache), MOLECULES)
    return CASES[request.param]


def test_is_a_featurizer_with_one_name_for_each_column(case):
    featurizer = case.make()
    assert isinstance(featurizer, Featurizer)
    assert len(set(featurizer.names)) == len(featurizer.names)
    assert featurizer(case.materials).shape == (len(case.materials), len(featurizer.names))


def test_returns_finite_float64(case):
    X = case.make()(case.materials)
    assert X.dtype == torch.float64
    assert torch.isfinite(X).all()


def test_does_not_confuse_different_materials(case):
    X = case.make()(case.materials)
    assert len(torch.unique(X, dim=0)) >= len(case.materials) - 1


def test_is_deterministic_and_pure(case):
    materials = list(case.materials)
    first = case.make()(materials)
    first_copy = first.clone()
    second = case.make()(tuple(materials))
    assert torch.equal(first, second)
    second += 1.0  # what is returned belongs to the caller
    assert torch.equal(case.make()(materials), first_copy)
    assert materials == list(case.materials)


def test_rows_do_not_depend_on_each_other(case):
    featurizer, n = case.make(), len(case.materials)
    together = featurizer(case.materials)
    alone = torch.cat([featurizer([material]) for material in case.materials])
    assert torch.equal(together, alone)
    order = np.random.default_rng(0).permutation(n)
    shuffled = featurizer([case.materials[i] for i in order])
    assert torch.equal(shuffled, together[torch.as_tensor(order)])
    assert torch.equal(featurizer([case.materials[0]] * 3), together[[0, 0, 0]])


def test_nothing_gives_no_rows(case):
    featurizer = case.make()
    assert featurizer([]).shape == (0, len(featurizer.names))
    assert featurizer([]).dtype == torch.float64


def test_id_is_stable_and_changes_with_the_parameters(case):
    assert case.make().id == case.make().id
    assert re.search(r"=\d", case.make().id), "an id holds the version of a library"
    if case.other is not None:
        assert case.make().id != case.other().id


def test_names_every_material_that_it_cannot_read(case):
    with pytest.raises(FeatureError) as caught:
        case.make()([case.materials[0], "not a material", "??"])
    assert "'not a material'" in str(caught.value)
    assert "'??'" in str(caught.value)
    assert repr(case.materials[0]) not in str(caught.value)
