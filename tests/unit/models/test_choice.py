"""Conditions, recipes and kinds of material in graphs."""

import numpy as np
import pytest
import torch

import bayesmat as bm
from bayesmat.data.properties import Condition, Property
from bayesmat.data.table import PropertyTable
from bayesmat.errors import ModelError, SurprisingValue
from bayesmat.features import CheapDescriptors, ElementStatistics, Label, Layout, Magpie
from bayesmat.models.base import fit
from bayesmat.models.digests import described
from bayesmat.models.kernels import ARD, Exchangeable, Linear, Matern52, MinMax, Term
from bayesmat.models.model import suited
from bayesmat.models.node import Node
from bayesmat.models.product import product
from bayesmat.models.saved import load_fit
from bayesmat.sources.embedding import CompositeMap, FeatureMap

from .helpers import space

T, SOLVENT = Condition("T", "K"), Condition("solvent", categories=("water", "dmf"))
MATERIALS = ("CCO", "CCCO", "CCCCO", "CCCCCO", "CCN", "CCCN", "CCCCN", "CCCCCN")
RNG = np.random.default_rng(0)


def table(scale: str = "linear") -> PropertyTable:
    """Values that fall with 1/T, with a slope that grows with the molecule, and 3 % of noise."""
    rows = [(m, t, s) for m in MATERIALS for t in (300.0, 330.0, 360.0) for s in (0, 1)]
    log_y = [10 - 1000 * (1 + len(m)) / t + 0.3 * s + 0.03 * RNG.normal() for m, t, s in rows]
    y = np.exp(log_y) if scale == "log" else np.array(log_y)
    return PropertyTable(
        tuple(m for m, _, _ in rows), "smiles", (Property("y", "", scale),), y[:, None],
        conditions=(T, SOLVENT), condition_values=[[t, s] for _, t, s in rows],
    )  # fmt: skip


TABLE = table("log")


def recipes(n: int = 25) -> PropertyTable:
    x = RNG.uniform(size=(n, 2))
    return PropertyTable(
        None, "recipe", (Property("y"),), (np.sin(6 * x[:, 0]) + 0 * x[:, 1])[:, None],
        conditions=(Condition("x1", ""), Condition("x2", "")), condition_values=x,
    )  # fmt: skip


def test_digests_of_priors_that_need_no_completion_are_those_of_earlier_versions():
    """Stores and saved fits are opened by them; what a choice adds is left out of the hash."""
    small = FeatureMap((Label(),))
    by_hand = bm.PropertyGraph((Node("a", (Term(Linear(), small, "x"),)),))
    text = described(by_hand)[1][1][0]
    assert [name for name, *_ in text[1:]] == [
        "property", "terms", "edges", "computed", "mean_sd", "noise", "noise_sd",
    ]  # fmt: skip
    assert text[2][1][0][1:] == [
        ["kernel", ["Linear", ["standardise", False]]], ["features", small.digest],
        ["group", "x"], ["weight", 0.3], ["weight_sd", 1.5],
    ]  # fmt: skip
    assert suited(by_hand, _plain()).digest() == by_hand.digest()
    assert suited(bm.Transfer("a"), _plain()).digest() == bm.Transfer("a").digest()


def _plain() -> PropertyTable:
    return PropertyTable(("CC", "C"), "smiles", (Property("a"),), [[1.0], [2.0]])


def test_a_product_of_kernels_is_their_product_at_every_lengthscale():
    layout = Layout([bm.ECFP(size=64)], TABLE.conditions)
    X = layout(TABLE.rows)
    prints, inverse = FeatureMap((bm.ECFP(size=64),)), bm.ConditionMap("T", transform="1/T")
    solvent = bm.ConditionMap("solvent")
    both = CompositeMap((inverse, bm.ConditionMap("T")), "two")
    parts = [
        (MinMax(), prints), (Matern52(standardise=True), inverse), (Exchangeable(), solvent),
        (ARD(), both),
    ]  # fmt: skip
    term = product(*parts, group="g")
    phi = term.features.columns(layout, X)
    prepared = term.kernel.prepare(phi)
    statistic = term.kernel.statistic(prepared, phi, phi)
    names = list(term.lengthscales)
    ell = torch.rand(3, len(names), dtype=torch.float64) + 0.5
    expected = torch.ones(3, len(X), len(X), dtype=torch.float64)
    for kernel, features in parts:
        one = features.columns(layout, X)
        mine = [names.index(n) for n in kernel.lengthscales(features)]
        found = kernel.statistic(kernel.prepare(one), one, one)
        expected = expected * kernel.value(found, ell[:, mine] if mine else None)
    torch.testing.assert_close(term.kernel.value(statistic, ell), expected)
    torch.testing.assert_close(
        term.kernel.diagonal(prepared, phi), torch.ones(len(X), dtype=torch.float64)
    )
    torch.testing.assert_close(expected.diagonal(dim1=1, dim2=2), torch.ones(3, len(X)).double())
    assert torch.linalg.eigvalsh(expected).min() > -1e-10


def test_the_exchangeable_kernel_is_one_half_between_categories_at_unit_lengthscale():
    codes = torch.tensor([[0.0], [1.0], [2.0], [0.0]], dtype=torch.float64)
    kernel = Exchangeable()
    d = kernel.statistic(kernel.prepare(codes), codes, codes)
    assert kernel.value(d, None)[0].tolist() == [1.0, 0.5, 0.5, 1.0]
    ell = torch.tensor([[2.0]], dtype=torch.float64)
    assert kernel.value(d, ell)[0, 0, 1].item() == pytest.approx(2**-0.5)


def test_transfer_reads_the_conditions_of_the_table_and_says_so(tmp_path):
    train = np.array([i % 6 not in (2, 3) for i in range(TABLE.n_rows)])  # 330 K is not seen
    fitted = fit(bm.Transfer("y"), TABLE.subset(train), seed=0, explain=False)
    assert "Reads the conditions of the table: 1/T, solvent." in str(fitted)
    test = TABLE.subset(~train)
    said = fitted.predict(test.rows)
    inside = (said.lower <= test.values) & (test.values <= said.upper)
    assert inside.mean() > 0.8
    assert np.abs(np.log(said.median / test.values)).max() < 0.15
    by_name = fitted.predict(["OCC"], conditions={"T": 330, "solvent": "dmf"})
    i = test.rows.keys.index("CCO, T=330 K, solvent=dmf")
    np.testing.assert_allclose(by_name.median[0], said.median[i])
    assert list(by_name.to_frame().columns[:3]) == ["material", "T [K]", "solvent"]
    fitted.save(tmp_path / "fit.safetensors")
    again = load_fit(tmp_path / "fit.safetensors", bm.Transfer("y"))
    np.testing.assert_allclose(again.predict(test.rows).median, said.median)
    assert again.report.conditions == ("1/T", "solvent")
    more = fitted.update(TABLE, seed=1)
    assert more.table.n_rows == TABLE.n_rows


def test_a_known_material_at_a_far_temperature_is_far():
    fitted = fit(bm.Transfer("y"), TABLE, seed=0, explain=False)
    with pytest.warns(SurprisingValue, match="T 900 K lies far outside of the measured 300 to 360"):
        said = fitted.predict(
            ["CCO", "CCO", "c1ccccc1"], conditions={"T": [300, 900, 300], "solvent": "water"}
        )
    near, far, other = said.domain_distance
    assert near == pytest.approx(0, abs=1e-9)
    assert far > 0.5
    assert other > 0.5


def test_recipes_are_fitted_over_all_conditions_at_once():
    train = recipes()
    fitted = fit(bm.Transfer("y"), train, seed=0, explain=False)
    x = RNG.uniform(size=(100, 2))
    said = fitted.predict(conditions={"x1": x[:, 0], "x2": x[:, 1]})
    truth = np.sin(6 * x[:, 0])[:, None]
    assert np.sqrt(np.mean((said.median - truth) ** 2)) < 0.1
    assert said.materials[0].startswith("x1=")
    assert list(said.to_frame().columns[:2]) == ["x1", "x2"]


@pytest.mark.parametrize(
    ("kind", "materials", "group"),
    [
        ("composition", ("SiO2", "Al2O3", "MgO", "NaCl", "Fe2O3"), "composition"),
        ("repeat_unit", ("*CC*", "*CC(C)*", "*CC(*)C#N", "*CCO*", "*CC(=O)O*"), "fingerprints"),
        ("id", ("a", "b", "c", "a", "b"), "samples"),
    ],
)
def test_features_suit_the_kind_of_material(kind, materials, group):
    plain = PropertyTable(materials, kind, (Property("gap", "eV"),), [[1.0], [2], [3], [4], [5]])
    fitted = fit(bm.Transfer("gap"), plain, seed=0, explain=False)
    assert fitted.prior.groups == (group,)
    assert np.isfinite(fitted.predict(materials[:2]).median).all()
    if kind == "composition":
        for named in (ElementStatistics(), Magpie()):
            prior = bm.Transfer("gap", descriptors=named)
            assert fit(prior, plain, seed=0, explain=False).prior.groups == (group, "descriptors")


def test_several_properties_are_nodes_of_one_graph():
    both = PropertyTable(
        MATERIALS, "smiles", (Property("Tf", "K"), Property("Tb", "K")),
        [[float(len(m)), np.nan if i == 3 else 2.0 * len(m)] for i, m in enumerate(MATERIALS)],
    )  # fmt: skip
    fitted = fit(bm.Transfer(["Tf", "Tb"]), both, seed=0, explain=False)
    assert fitted.prior.properties == ("Tf", "Tb")
    assert fitted.predict(["CCCO"]).median.shape == (1, 2)


def test_a_measured_property_helps_where_another_is_missing():
    """Two properties that follow one another and no feature, the second measured in one half."""
    rng = np.random.default_rng(3)
    keys = tuple(f"{'C' * n}{tail}" for n in range(2, 14) for tail in ("O", "N", "F", "Cl"))
    first = rng.normal(size=len(keys))
    second = 2.0 * first + 0.1 * rng.normal(size=len(keys))
    seen = rng.permutation(len(keys)) < len(keys) // 2
    both = PropertyTable(
        keys, "smiles", (Property("a"), Property("b")),
        np.column_stack([first, np.where(seen, second, np.nan)]),
    )  # fmt: skip
    said = fit(bm.Transfer(["a", "b"]), both, seed=0, explain=False).predict(keys, ["b"])
    error = (said.median[:, 0] - second)[~seen]
    assert np.sqrt(np.mean(error**2)) < 0.4 * second[~seen].std()


def test_conditions_that_no_node_reads_are_refused():
    graph = bm.PropertyGraph((Node("y", (Term(MinMax(), FeatureMap((bm.ECFP(),)), "f"),)),))
    with pytest.raises(ModelError, match=r"no node reads the conditions \['T', 'solvent'\]"):
        fit(graph, TABLE, seed=0)
    with pytest.raises(ModelError, match=r"no node reads the conditions \['solvent'\]"):
        fit(bm.Transfer("y", conditions=[bm.ConditionMap("T")]), TABLE, seed=0)


def test_conditions_are_known_to_the_table_and_read_once():
    T_map = bm.ConditionMap("T")
    with pytest.raises(ModelError, match=r"'y' reads the conditions \['pH'\], the table has \['T'"):
        fit(bm.Transfer("y", conditions=[T_map, bm.ConditionMap("pH")]), TABLE, seed=0)
    solvent = bm.ConditionMap("solvent")
    twice = bm.Transfer("y", conditions=[T_map, solvent, T_map])
    once = bm.Transfer("y", conditions=[T_map, solvent])
    assert twice.suited(TABLE).digest() == once.suited(TABLE).digest()
    with pytest.raises(ModelError, match=r"features \['T'\] stand several times in 'c'"):
        Term(ARD(), CompositeMap((T_map, T_map), "c"), "c")


def test_what_describes_materials_is_refused_for_recipes():
    prior = bm.Transfer("y", fingerprints=bm.ECFP(), descriptors=CheapDescriptors())
    with pytest.raises(ModelError, match=r"given \['fingerprints', 'descriptors'\], which descr"):
        fit(prior, recipes(4), seed=0)


def test_one_row_does_not_make_other_conditions_certain():
    said = fit(bm.Transfer("y"), recipes(1), seed=0, explain=False).predict(
        conditions={"x1": [RNG.uniform(), 1e6], "x2": 0.5}
    )
    assert said.latent_sd[1, 0] > 0.5
    assert said.domain_distance[1] == pytest.approx(1.0)


def test_a_hand_written_term_on_a_condition_equals_the_gaussian_process():
    """One linear term on 1/T at given hyper-parameters, against the closed form."""
    inverse = bm.ConditionMap("x1")
    term = Term(Matern52(ell_sd=0.0, standardise=True), inverse, "c")
    graph = bm.PropertyGraph((Node("y", (term,), mean_sd=0.0),))
    full = recipes(12)
    data = PropertyTable(
        None, "recipe", full.properties, full.values,
        conditions=full.conditions[:1], condition_values=full.condition_values[:, :1],
    )  # fmt: skip
    layout = Layout([], data.conditions)
    X, cells = layout(data.rows), data.observations()
    hyper = {f"y: w {term.label}": 0.8, "y: noise": 0.1}
    model = graph.condition_at(cells, X, hyper, layout=layout)
    new = torch.tensor([[0.3], [0.9]], dtype=torch.float64)
    found = model.marginals(new)
    kernel, prepared = term.kernel, term.kernel.prepare(X)

    def k(a, b):
        return 0.64 * kernel.value(kernel.statistic(prepared, a, b), None)

    gram = k(X, X) + 0.01 * torch.eye(len(X), dtype=torch.float64)
    mean = k(new, X) @ torch.linalg.solve(gram, cells.y)
    variance = 0.64 - (k(new, X) @ torch.linalg.solve(gram, k(X, new))).diagonal()
    torch.testing.assert_close(found.mean[0, :, 0], mean, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(found.variance[0, :, 0], variance, rtol=1e-6, atol=1e-10)


def forrester(x: np.ndarray) -> np.ndarray:
    return (6 * x - 2) ** 2 * np.sin(12 * x - 4)


def test_nodes_without_terms_make_cokriging_of_recipes():
    """Forrester et al. 2007: the low fidelity is 0.5 f + 10 (x - 0.5) - 5; four points are high."""
    grid, few = np.linspace(0, 1, 11), [0, 4, 6, 10]
    low = 0.5 * forrester(grid) + 10 * (grid - 0.5) - 5
    high = np.full(11, np.nan)
    high[few] = forrester(grid[few])
    table = PropertyTable(
        None, "recipe", (Property("low"), Property("high")), np.column_stack([low, high]),
        conditions=(Condition("x", ""),), condition_values=grid[:, None],
    )  # fmt: skip
    both = bm.PropertyGraph((Node("low"), Node("high", edges=(bm.Edge("low"),))))
    x = np.linspace(0, 1, 51)
    errors = []
    for prior, train in ((both, table), (bm.Transfer("high"), table.select(["high"]))):
        said = fit(prior, train, seed=0, explain=False).predict(None, ["high"], conditions={"x": x})
        errors.append(float(np.sqrt(np.mean((said.median[:, 0] - forrester(x)) ** 2))))
    assert errors[0] < 0.5 * errors[1]
    assert bm.PropertyGraph((Node("low"),)).digest() == bm.Transfer("low").digest()


def test_digests_are_those_that_stores_hold():
    """As written by the version before conditions were read."""
    terms = tuple(Term(k, space(), "x") for k in (Linear(), Matern52(ell_sd=0.5), ARD()))
    by_hand = bm.PropertyGraph((Node("a", terms), Node("b", terms[:1], (bm.Edge("a"),))))
    assert by_hand.digest() == "a3c88a0eb12f0a63"


Q = {"T": [300, 900, 300, 300], "solvent": ["water", "water", "dmf", "water"]}
PRINTS, KELVIN, IN = FeatureMap((bm.ECFP(),)), bm.ConditionMap("T"), bm.ConditionMap("solvent")
DESCRIPTORS = FeatureMap((CheapDescriptors(),))


@pytest.mark.parametrize(
    "terms",
    [
        (product((MinMax(), PRINTS), (Matern52(), KELVIN), (Exchangeable(), IN), group="g"),),
        (
            Term(ARD(ell_sd=0), CompositeMap((DESCRIPTORS, KELVIN), "all"), "g"),
            Term(Exchangeable(), IN, "s"),
        ),
    ],
    ids=["product", "side by side"],
)  # fmt: skip
def test_an_unknown_material_is_far_where_terms_read_it_with_conditions_only(terms):
    fitted = fit(bm.PropertyGraph((Node("y", terms),)), TABLE, seed=0, explain=False)
    with pytest.warns(SurprisingValue, match="T 900 K lies far outside of the measured 300 to 360"):
        asked = fitted.predict(["CCO", "CCO", "CCO", "c1ccc2ccccc2c1"], conditions=Q)
    known, hot, also_known, unknown = asked.domain_distance
    assert known == pytest.approx(0, abs=1e-9)
    assert also_known == pytest.approx(0, abs=1e-9)
    assert hot > 0.5
    assert unknown > 0.5


@pytest.mark.parametrize("kind", ["smiles", "recipe"])
def test_a_condition_that_never_varied_makes_predictions_at_others_unsure(kind):
    """No row says what temperature does: far from the one measured the prior speaks."""
    rng = np.random.default_rng(1)
    if kind == "smiles":
        keys, columns, given = MATERIALS, (T,), np.full((8, 1), 300.0)
        y = np.array([float(len(m)) for m in MATERIALS])
    else:
        columns, given = (
            (T, Condition("x", "")),
            np.column_stack([np.full(8, 300.0), rng.uniform(size=8)]),
        )
        keys, y = None, given[:, 1] ** 2
    table = PropertyTable(
        keys, kind, (Property("y"),), y[:, None], conditions=columns, condition_values=given
    )
    fitted = fit(bm.Transfer("y"), table, seed=0, explain=False)
    at = {"T": [300, 310, 900]} | ({} if kind == "smiles" else {"x": 0.5})
    said = fitted.predict(["CCO"] * 3 if kind == "smiles" else None, conditions=at)
    width = (said.upper - said.lower)[:, 0]
    assert width[0] <= width[1] < width[2]
    assert width[2] > 1.2 * width[0]
    assert said.domain_distance[2] > 0.9
    assert said.domain_distance[1] < 0.5
