"""One notion of likeness for every prior: fingerprints of any kind, descriptors, programs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bayesmat.data.materials import canonical_all
from bayesmat.data.rows import Rows
from bayesmat.data.table import Property, PropertyTable
from bayesmat.explore.board import Board
from bayesmat.explore.region import Region
from bayesmat.features.composition import ElementStatistics
from bayesmat.features.molecule import ECFP, MACCS, AtomPairs, CheapDescriptors
from bayesmat.features.polymer import RepeatUnitDescriptors, RepeatUnitECFP
from bayesmat.models.base import Fitted, fit
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import ARD, Linear, Matern52, MinMax, Term
from bayesmat.models.similarity import Similarity
from bayesmat.models.transfer import Transfer
from bayesmat.sources.embedding import FeatureMap

from .helpers import fitted_waves
from .programs import linear

POLYMERS = ["*CC*", "*CC(*)C", "*CC(*)c1ccccc1", "*CC(*)C(=O)OC", "*CCO*", "*NCC(=O)*"]
FORMULAE = ["Fe2O3", "NaCl", "MgO", "SiO2", "TiO2", "GaAs"]
MOLECULES = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "CCCCCC", "C1CCCCC1"]


def fitted_to(prior: object, kind: str, materials: list[str]) -> Fitted:
    values = np.linspace(1.0, 3.0, len(materials))[:, None]
    keys = canonical_all(materials, kind)  # type: ignore[arg-type]
    table = PropertyTable(keys, kind, (Property("y", "K"),), values)
    return fit(prior, table, seed=0, explain=False)  # type: ignore[arg-type]


def one_term(kernel: object, features: object) -> PropertyGraph:
    return PropertyGraph((Node("y", (Term(kernel, FeatureMap((features,)), "g"),)),))  # type: ignore[arg-type]


CASES = {
    "ECFP": (Transfer("y"), "smiles", MOLECULES),
    "FCFP": (Transfer("y", fingerprints=ECFP(functional=True)), "smiles", MOLECULES),
    "atom pairs": (Transfer("y", fingerprints=AtomPairs()), "smiles", MOLECULES),
    "MACCS": (Transfer("y", fingerprints=MACCS()), "smiles", MOLECULES),
    "polymers": (Transfer("y", fingerprints=RepeatUnitECFP()), "repeat_unit", POLYMERS),
    "descriptors": (one_term(Matern52(standardise=True), CheapDescriptors()), "smiles", MOLECULES),
    "linear": (one_term(Linear(standardise=True), CheapDescriptors()), "smiles", MOLECULES),
    "ARD": (one_term(ARD(), CheapDescriptors()), "smiles", MOLECULES),
    "unit descriptors": (
        one_term(Matern52(standardise=True), RepeatUnitDescriptors()),
        "repeat_unit",
        POLYMERS,
    ),
    "formulae": (
        one_term(Matern52(standardise=True), ElementStatistics()),
        "composition",
        FORMULAE,
    ),
}


@pytest.fixture(scope="module", params=CASES)
def case(request) -> tuple[str, Fitted]:
    return request.param, fitted_to(*CASES[request.param])


def test_a_known_material_is_at_distance_zero_and_others_between(case: tuple[str, Fitted]) -> None:
    name, fitted = case
    materials = list(fitted.table.materials)
    found = fitted.predict(materials).domain_distance
    np.testing.assert_allclose(found, 0.0, atol=1e-12)
    half = fitted_to(CASES[name][0], CASES[name][1], materials[:4])
    far = half.predict(materials[4:]).domain_distance
    assert ((far > 0) & (far <= 1)).all()


def test_likeness_is_symmetric_and_one_for_equals(case: tuple[str, Fitted]) -> None:
    _, fitted = case
    measure = fitted.similarity
    assert measure is not None
    phi = measure.columns(fitted.layout(fitted.table.materials))
    alike = measure.between(phi, phi)
    torch.testing.assert_close(alike, alike.T)
    assert torch.equal(torch.diagonal(alike), torch.ones(len(phi)).double())
    assert bool(((alike >= 0) & (alike <= 1)).all())
    assert measure.is_count == isinstance(measure.kernel, MinMax)


def test_count_fingerprints_come_first_among_terms() -> None:
    fitted = fitted_to(Transfer("y", descriptors=CheapDescriptors()), "smiles", MOLECULES)
    assert fitted.similarity is not None
    assert fitted.similarity.is_count
    assert fitted.similarity.features.label == "ecfp"


def test_rows_at_half_the_median_distance_are_half_alike() -> None:
    """Matern 5/2 at r = sqrt(5) is 0.524, at twice that 0.139."""
    fitted = fitted_waves(30)
    measure = fitted.similarity
    assert measure is not None
    phi = measure.columns(fitted.layout(fitted.table.materials))
    median = float(torch.pdist(phi).median())
    near = phi[:1] + torch.tensor([[0.5 * median, 0.0]]).double()
    far = phi[:1] + torch.tensor([[median, 0.0]]).double()
    assert float(measure.between(phi[:1], near)) == pytest.approx(0.524, abs=0.001)
    assert float(measure.between(phi[:1], far)) == pytest.approx(0.139, abs=0.001)


def test_programs_have_a_distance_as_well() -> None:
    fitted, program = fitted_waves(12), linear(2)
    X = fitted.layout(fitted.table.materials)
    measure = Similarity.of(program, program.features, fitted.layout, X)
    assert measure is not None
    assert float(measure.distance(X, X).abs().max()) == 0.0


def test_look_alike_polymers_do_not_fill_a_batch() -> None:
    """Six copies of one kind and one other: with a limit of 0.5 the second member is the other."""
    fitted = fitted_to(Transfer("y", fingerprints=RepeatUnitECFP()), "repeat_unit", POLYMERS)
    pool = [f"*CC(*)c1ccc({tail})cc1" for tail in ("CC", "CCC", "CCCC", "CCCCC")] + ["*OC(=O)*"]
    region = Region(torch.tensor([0.0]).double(), torch.tensor([1.0]).double())
    marginals = fitted.marginals(pool)
    board = Board(marginals, region, fitted.similarity, fitted.layout, Rows(tuple(pool)))
    value = torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0]).double()
    rows, _ = board.greedy([value] * 2, 0.5)
    assert rows == [0, 4]
