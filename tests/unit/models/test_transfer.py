"""Transfer on real molecules: the parent, the classes of ignorance, the report, the units."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from bayesmat.data.io import from_frame
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import DataError, MaterialError, ModelError
from bayesmat.features.molecule import ECFP, CheapDescriptors
from bayesmat.features.polymer import RepeatUnitDescriptors, RepeatUnitECFP
from bayesmat.inference.grid import Grid
from bayesmat.models.base import Fitted, fit, layout_of
from bayesmat.models.computed import Computed
from bayesmat.models.conditioning import Problem
from bayesmat.models.explain import ablations, leave_one_out
from bayesmat.models.gaussian import condition
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.hyper import HyperPriors, LogNormal, Normal
from bayesmat.models.kernels import Linear, MinMax, Term
from bayesmat.models.transfer import Transfer
from bayesmat.sources.embedding import FeatureMap

# GFN1-xTB orbital gaps in eV: XTB("GFN1-xTB") of this project.
GAPS = {
    "c1ccccc1": 4.77, "c1ccc2ccccc2c1": 2.91, "C=CC=C": 3.66, "C=C": 5.44, "c1ccncc1": 3.68,
    "O=Cc1ccccc1": 3.24, "CCO": 8.85, "CCCC": 9.13, "CC(C)O": 8.72, "COC": 8.35, "CCCl": 6.86,
    "Cc1ccccc1": 4.56, "Nc1ccccc1": 3.86, "c1ccsc1": 4.06, "CCN": 7.50, "C1CCCCC1": 9.10,
}  # fmt: skip


def table() -> PropertyTable:
    values = np.array(list(GAPS.values()))[:, None]
    return PropertyTable(tuple(GAPS), "smiles", (Property("gap", "eV", "log"),), values)


def prior(**options: object) -> PropertyGraph:
    parents = [Computed("gap_huckel", **options)]  # type: ignore[arg-type]
    return Transfer("gap", parents=parents, integrator=Grid(n=256, n_particles=16))


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(prior(), table(), seed=0)


def test_predictions_are_physical_ordered_and_cover_the_training_set(fitted: Fitted) -> None:
    prediction = fitted.predict(list(GAPS))
    assert (prediction.lower < prediction.median).all()
    assert (prediction.median < prediction.upper).all()
    assert (prediction.lower > 0).all()
    truth = np.array(list(GAPS.values()))[:, None]
    inside = (prediction.lower <= truth) & (truth <= prediction.upper)
    assert inside.mean() >= 0.8
    assert prediction.domain_distance == pytest.approx(np.zeros(len(GAPS)), abs=1e-12)
    assert (prediction.observation_sd >= prediction.latent_sd).all()


def test_the_parent_ranks_what_was_never_seen(fitted: Fitted) -> None:
    acenes = ["c1ccc2cc3ccccc3cc2c1", "c1ccc2cc3cc4ccccc4cc3cc2c1"]
    small = fitted.predict(acenes).median[:, 0]
    assert small[1] < small[0] < GAPS["c1ccc2ccccc2c1"]


def test_far_from_the_data_the_interval_is_wider(fitted: Fitted) -> None:
    near, far = fitted.predict(["CCc1ccccc1", "O=C1C(N)=C(N)C(=O)c2ccccc21"]).latent_sd[:, 0]
    assert far > 2 * near


def test_the_amplitude_follows_the_estimate_and_spares_classes_of_ignorance() -> None:
    graph = prior(kappa=(1.5, 0.3))
    data = table()
    X = layout_of(graph)(data.materials)
    hyper = {name: 0.3 for name in graph.hyper_priors().names}
    model, flat = (
        graph.condition_at(
            data.observations(), X, {**hyper, "gap: kappa": kappa}, layout=layout_of(graph)
        )
        for kappa in (1.5, 0.0)
    )
    phi, joint = model.problem.phi, model.problem.joint
    known = phi.computed[0]
    assert known is not None
    c, kind = known
    node = joint.nodes[0]
    expected = torch.where(kind == 0, torch.exp(-2 * 1.5 * node.parent_sd * c), 1.0)
    own = joint.node_variance(0, phi, model.hyper) - joint.node_variance(0, phi, flat.hyper)
    weight = float(flat.hyper[node.weight_name(0)]) ** 2
    assert torch.allclose(own[0], weight * (expected - 1), atol=1e-9)
    assert (kind == 1).sum() == 7  # alcohols, ethers, alkanes ... have no pi system


def test_report_says_what_each_part_explains(fitted: Fitted) -> None:
    shares = fitted.report.shares["gap"]
    assert set(shares) == {"parent", "fingerprints", "noise"}
    total = torch.stack(list(shares.values())).sum(0)
    assert torch.allclose(total, torch.ones_like(total))
    assert [a.group for a in fitted.report.ablations] == ["parent"]
    assert fitted.report.ablations[0].elpd_gain > 0
    text = str(fitted)
    assert "the probability that the parent helps" in text
    assert "Leave-one-out" in text


def test_fingerprints_alone_can_be_explained() -> None:
    report = fit(Transfer("gap", integrator=Grid(n=128)), table(), seed=0).report
    assert report.ablations == ()
    assert "fingerprints" in str(report)


def test_same_seed_same_posterior() -> None:
    one, two = (fit(prior(), table(), seed=3, explain=False) for _ in range(2))
    assert np.array_equal(one.predict(["CCO"]).median, two.predict(["CCO"]).median)


def test_bad_questions_get_answers(fitted: Fitted) -> None:
    with pytest.raises(MaterialError, match="c1ccccc"):
        fitted.predict(["c1ccccc"])
    with pytest.raises(ModelError, match=r"unknown properties \['Tb'\]"):
        fitted.predict(["CCO"], ["Tb"])
    with pytest.raises(ModelError, match="level is 90"):
        fitted.predict(["CCO"], level=90)
    with pytest.raises(ModelError, match=r"the table lacks \['Tb'\]"):
        fit(Transfer("Tb"), table(), seed=0)
    empty = PropertyTable(("CCO",), "smiles", (Property("gap", "eV"),), np.array([[np.nan]]))
    with pytest.raises(ModelError, match="no measured cell"):
        fit(Transfer("gap"), empty, seed=0)


def test_hyper_priors_are_transforms_of_standard_normals() -> None:
    priors = HyperPriors({"w": LogNormal(0.3, 1.5), "rho": Normal(1.0, 0.5)})
    values = priors.values(torch.tensor([[0.0, 1.0]]).double())
    assert [float(v) for v in values.values()] == pytest.approx([0.3, 1.5])
    assert torch.allclose(
        priors.standard({"w": 0.3, "rho": 1.5}), torch.tensor([[0.0, 1.0]]).double()
    )


def test_conditioning_gives_the_gaussian_log_density() -> None:
    K = torch.tensor([[[2.0, 0.5], [0.5, 1.0]]]).double()
    y = torch.tensor([[0.3, -0.7]]).double()
    normal = torch.distributions.MultivariateNormal(torch.zeros(2).double(), K[0])
    assert float(condition(K, y).log_marginal) == pytest.approx(float(normal.log_prob(y[0])))
    broken = condition(torch.tensor([[[1.0, 2.0], [2.0, 1.0]]]).double(), y)
    assert math.isinf(float(broken.log_marginal))


def test_ablation_is_the_difference_of_two_fits(fitted: Fitted) -> None:
    data, graph = table(), prior()
    X = layout_of(graph)(data.materials)
    model = graph.condition(data.observations(), X, layout=layout_of(graph), seed=0)
    assert isinstance(model, GraphModel)
    assert isinstance(model.problem, Problem)
    loo, layout = leave_one_out(model, None), layout_of(graph)
    gains = ablations(graph, data.observations(), X, loo, layout=layout, space=None, seed=0)
    without = Transfer("gap", integrator=Grid(n=256, n_particles=16))
    layout = layout_of(without)
    less = without.condition(data.observations(), layout(data.materials), layout=layout, seed=0)
    loo_less = leave_one_out(less, None)
    assert gains[0].elpd_gain == pytest.approx(loo.elpd - loo_less.elpd, abs=1e-9)


def test_ablation_reads_the_columns_that_are_left() -> None:
    """Leaving out the first block of X must not shift the others."""
    fingerprints = Term(MinMax(), FeatureMap((ECFP(),)), "fingerprints")
    descriptors = Term(Linear(), FeatureMap((CheapDescriptors(),)), "descriptors")
    grid = Grid(n=256, n_particles=16)
    both = PropertyGraph((Node("gap", (fingerprints, descriptors)),), grid)
    one = PropertyGraph((Node("gap", (descriptors,)),), grid)
    data = table()
    X = layout_of(both)(data.materials)
    model = both.condition(data.observations(), X, layout=layout_of(both), seed=0)
    loo, layout = leave_one_out(model, None), layout_of(both)
    found = ablations(both, data.observations(), X, loo, layout=layout, space=None, seed=0)
    gains = {a.group: a.elpd_gain for a in found}
    layout = layout_of(one)
    less = one.condition(data.observations(), layout(data.materials), layout=layout, seed=0)
    loo_less = leave_one_out(less, None)
    assert gains["fingerprints"] == pytest.approx(loo.elpd - loo_less.elpd, abs=1e-9)


def test_polymers_are_described_beside_their_fingerprints() -> None:
    units = ("*CC*", "*CC(C)*", "*CC(c1ccccc1)*", "*CC(=O)O*", "*CCO*", "*CC(Cl)*")
    frame = pd.DataFrame({"psmiles": units, "density": [0.85, 0.86, 1.05, 1.3, 1.1, 1.4]})
    table = from_frame(
        frame, material="psmiles", properties={"density": "g/cm^3"}, kind="repeat_unit"
    )
    prior = Transfer("density", fingerprints=RepeatUnitECFP(), descriptors=RepeatUnitDescriptors())
    found = fit(prior, table, seed=0)
    assert set(found.report.shares["density"]) == {"fingerprints", "descriptors", "noise"}
    assert np.isfinite(found.predict(["*CC(F)*"]).median).all()


def test_classes_are_not_fitted_as_numbers() -> None:
    states = Property("state", categories=("solid", "liquid"))
    data = PropertyTable(tuple(GAPS), "smiles", (states,), np.arange(16.0)[:, None] % 2)
    with pytest.raises(
        DataError, match=r"no likelihood for classes yet.*'state' \(solid, liquid\)"
    ):
        fit(Transfer("state"), data, seed=0)


def test_classes_beside_a_number_are_left_alone() -> None:
    data = table()
    states = Property("state", categories=("solid", "liquid"))
    both = PropertyTable(
        data.materials, "smiles", (*data.properties, states),
        np.column_stack([data.values, np.arange(16.0) % 2]),
    )  # fmt: skip
    found = fit(prior(), both, seed=0, explain=False)
    assert found.table.property_names == ("gap",)
