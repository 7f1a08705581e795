"""The laws of showing: tables in notebooks, words in a console, and never an address."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch

import bayesmat
from bayesmat import plots
from bayesmat.check.calibration import coverage
from bayesmat.check.convergence import convergence
from bayesmat.check.domain import Domain
from bayesmat.check.ppc import posterior_predictive
from bayesmat.check.predictive import loo
from bayesmat.data.properties import Condition, Property
from bayesmat.data.table import PropertyTable, Scale
from bayesmat.design.draws import PriorDraws
from bayesmat.design.moves import Checker
from bayesmat.design.sampler import SMCResult
from bayesmat.design.scores import MemoScore
from bayesmat.explore.account import account_of
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import AtLeast, Within
from bayesmat.explore.history import History
from bayesmat.explore.pool import Pool
from bayesmat.explore.select import Selection
from bayesmat.features.base import Layout
from bayesmat.features.cache import Cached, FeatureCache
from bayesmat.inference.grid import SMCIntegrator
from bayesmat.inference.report import InferenceReport
from bayesmat.models.base import Fitted, fit
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.report import FitReport
from bayesmat.oracles import Evaluation, WorkerPool
from bayesmat.oracles.table import TableOracle
from bayesmat.sources.zoo import SourceEnsemble
from tests.unit.explore.fake import POOL, FakePrior, FakeRule
from tests.unit.models.helpers import Coordinates, axes, chain_graph, space
from tests.unit.models.programs import linear
from tests.unit.plots.looks import words_of

VOID = {"br", "hr", "img"}
FOLDERS: list[Path] = []


@pytest.fixture(scope="module", autouse=True)
def _folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    FOLDERS.append(tmp_path_factory.mktemp("shown"))


@cache
def coordinates_table() -> PropertyTable:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(8, 2))
    properties = (Property("p0", "eV"), Property("p1", "K", "log"))
    values = np.stack([x.sum(1), np.exp(x[:, 0])], -1)
    values[0, 1] = np.nan
    return PropertyTable(tuple(f"{a:.3f} {b:.3f}" for a, b in x), "id", properties, values)


def hostile_table() -> PropertyTable:
    return PropertyTable(
        ("<b>m1</b>", "m2&"), "id", (Property("gap", "eV"),), np.array([[1.0], [np.nan]]),
        conditions=(Condition("temperature", "K"),), condition_values=np.array([[300.0], [310.0]]),
    )  # fmt: skip


@cache
def fitted_graph() -> Fitted:
    small = SMCIntegrator(n=24, n_particles=8, sweeps=1, final_sweeps=1)
    return fit(PropertyGraph(chain_graph(2).nodes, small), coordinates_table(), seed=0)


@cache
def fitted_program() -> Fitted:
    return fit(linear(2, 2, n_draws=16), coordinates_table(), seed=0)


@cache
def campaign() -> Campaign:
    table = PropertyTable(
        ("m0", "m100"), "id", (Property("gap", "eV", "log"),), np.array([[10.0], [3.7]])
    )
    made = Campaign.create(
        f"sqlite:///{FOLDERS[0] / 'gap.db'}", table, FakePrior(),
        goals=[Within("gap", 2.0, 2.5)], candidates=POOL, rule=FakeRule(),
    )  # fmt: skip
    proposal = made.suggest(3)
    made.tell(proposal.materials[0], {"gap": 2.2})
    made.fail(proposal.materials[1], "<script>alert(1)</script>")
    return made


def ensemble() -> SourceEnsemble:
    task = {
        "name": "Tb", "unit": "K", "n_test": 20, "rmse": 12.3, "mae": 9.0, "rmse_mean": 80.0,
        "mae_mean": 60.0,
    }  # fmt: skip
    return SourceEnsemble((), (), {"name": "<zoo>", "n_train": 200, "tasks": [task]})


def smc_result() -> SMCResult:
    return SMCResult(
        ("CCO", "CC<", "CCO"), ("CCO", "CC<", "OCC"), torch.full((3,), 1 / 3), torch.zeros(3),
        -1.0, 0.1, ({"beta": 1.0},), {"CCO": 0.0}, frozenset({"CCO"}),
    )  # fmt: skip


def length(materials: list[str]) -> torch.Tensor:
    return torch.tensor([float(len(m)) for m in materials])


# What shows a table; the second entry is text that must be in it (units above all).
TABLES: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
    "PropertyTable": (hostile_table, ("gap [eV]", "temperature [K]", "&lt;b&gt;m1", "m2&amp;")),
    "Observations": (lambda: coordinates_table().observations(), ("p1", "7 cells", "standardised")),
    "Layout": (
        lambda: Layout([Coordinates(2)], [Condition("T", "K")]),
        ("coordinates(2)", "T [K]"),
    ),
    "FeatureMap": (lambda: space(2), ("coordinates(2)",)),
    "SourceEnsemble": (ensemble, ("Tb", "<td>K</td>", "&lt;zoo&gt;", "12.3")),
    "PropertyGraph": (lambda: chain_graph(3), ("p2", "p0, p1", "Matern-5/2 on", "sd of the")),
    "Node": (lambda: chain_graph(2).nodes[1], ("p1", "p0")),
    "Program": (lambda: linear(2, 2), ("regression", "p0, p1", "NUTS")),
    "GraphModel": (lambda: fitted_graph().model, ("model space", "p0: noise", "median")),
    "ProgramModel": (lambda: fitted_program().model, ("model space", "w[1,0]", "s[1]")),
    "Fitted": (fitted_graph, ("p0 [eV]", "p1 [K]", "<td>7</td>", "<ul>")),
    "FitReport": (lambda: fitted_program().report, ("Fitted 15 measured values",)),
    "Prediction": (
        lambda: fitted_graph().predict(["0.1 0.2"]),
        ("p0 median [eV]", "p1 90% upper [K]"),
    ),
    "LeaveOneOut": (lambda: fitted_graph().report.loo, ("90% intervals", "nats")),
    "PriorDraws": (
        lambda: chain_graph(2).sample(
            torch.rand(4, 2, dtype=torch.float64), 5, layout=axes(), seed=0
        ),
        ("5 x 4 x 2 array",),
    ),
    "Marginals": (lambda: fitted_graph().marginals(["0.1 0.2"]), ("8 x 1 x 2 array",)),
    "InferenceReport": (
        lambda: convergence({"a<b": np.random.default_rng(0).normal(size=(4, 100))}),
        ("a&lt;b", "r_hat", "ess_bulk"),
    ),
    "LOO": (lambda: loo(fitted_graph()), ("p0 [eV]", "coverage 90%", "Left out one cell")),
    "Summary": (lambda: loo(fitted_graph()).summary(), ("p1 [natural log]", "crps", "8 values")),
    "Coverage": (lambda: coverage([1.0], [0.0], [2.0], level=0.9), ("level", "n groups")),
    "Domain": (lambda: Domain.of(torch.eye(3)), ("training materials", "95%: 1.00")),
    "PredictiveCheck": (
        lambda: posterior_predictive(fitted_graph(), n=40, seed=0),
        ("observed", "<li>"),
    ),
    "SMCResult": (smc_result, ("CC&lt;", "66.7%", "log evidence -1.00 +- 0.10")),
    "PriorDraws of strings": (lambda: PriorDraws(("CCO",), ("CCO",), 4, 2), ("raw draws",)),
    "Checker": (lambda: Checker(str.strip, bool), ("verdicts",)),
    "MemoScore": (lambda: MemoScore(length), ("test_shown.length",)),
    "Campaign": (campaign, ("gap: Within 2 to 2.5 eV", "1 failed", "sqlite")),
    "Status": (lambda: campaign().status(), ("rounds", "best: gap")),
    "Proposal": (lambda: campaign().proposals()[0], ("gap median [eV]", "P(goals)", "fake rule")),
    "History": (
        lambda: History(hostile_table(), (AtLeast("gap", 2.0),), (), {}),
        ("gap: AtLeast 2 eV", "gap [eV]: 1"),
    ),
    "Account": (lambda: account_of(campaign()), ("gap between 2 and 2.5 eV", "failures")),
    "Selection": (lambda: Selection((3, 1), (0.5, 0.25)), ("3, 1", "0.5, 0.25")),
    "Candidates": (lambda: Candidates(("<C>", "CC")), ("&lt;C&gt;", "number")),
    "Pool": (lambda: Pool(tuple("abcdefgh")), ("number", "<td>8</td>")),
    "Evaluation": (lambda: Evaluation.failed("C<", "SCF", "a < b"), ("C&lt;", "SCF: a &lt; b")),
    "TableOracle": (lambda: TableOracle(hostile_table()), ("gap [eV]: 1",)),
}


class Balanced(HTMLParser):
    """Complains about tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", TABLES)
def test_a_notebook_shows_a_table(name: str) -> None:
    make, expected = TABLES[name]
    html = make()._repr_html_()
    assert "<table" in html or "<ul" in html
    assert "0x" not in html
    assert "<script" not in html
    assert "<b>" not in html
    assert len(html) < 20_000
    missing = [words for words in expected if words not in html]
    assert not missing, f"{missing} not in {html}"
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []


@pytest.mark.parametrize("name", TABLES)
def test_a_console_shows_words(name: str) -> None:
    shown = TABLES[name][0]()
    for text in (repr(shown), str(shown)):
        assert "0x" not in text
        assert "tensor(" not in text
        assert type(shown).__name__ in text or len(text) > 20
    assert len(repr(shown)) < 800


def test_parts_that_hold_handles_show_no_address(tmp_path) -> None:
    cached = Cached(Coordinates(2), FeatureCache(tmp_path / "features.sqlite"))
    assert repr(cached) == (
        "Cached(featurizer=Coordinates(d=2), cache=FeatureCache(path=features.sqlite))"
    )
    with WorkerPool(1, time_limit_s=5) as pool:
        assert repr(pool) == "WorkerPool(workers=1, time_limit_s=5, state=0 running)"


def test_a_campaign_hides_the_password_of_its_database() -> None:
    store = campaign()._store
    store.url = "postgresql://me:secret@host/db"
    try:
        assert "secret" not in repr(store) + campaign()._repr_html_()
        assert "me:***@host" in repr(store)
    finally:
        store.url = campaign().url


def public_classes() -> list[type]:
    found = {}
    for module in pkgutil.walk_packages(bayesmat.__path__, "bayesmat."):
        if module.name.split(".")[-1] in {"conftest", "__main__"}:
            continue
        loaded = importlib.import_module(module.name)
        for name in getattr(loaded, "__all__", ()):
            value = getattr(loaded, name)
            if inspect.isclass(value) and value.__module__.startswith("bayesmat"):
                found[f"{value.__module__}.{name}"] = value
    return list(found.values())


def test_no_public_class_shows_its_address() -> None:
    silent = [
        f"{cls.__module__}.{cls.__name__}"
        for cls in public_classes()
        if cls.__repr__ is object.__repr__
        and not getattr(cls, "_is_protocol", False)
        # Classes that are only names: a namespace of codes, a handler that nobody holds.
        and cls.__name__ not in {"Failure", "DoublePrecision", "DrawsPosterior", "LogMarginal"}
    ]
    assert not silent, f"give these a __repr__ (see bayesmat._repr.Shown): {silent}"


def test_long_tables_are_cut_and_counted() -> None:
    table = PropertyTable(
        tuple(f"m{i}" for i in range(500)), "id", (Property("gap", "eV"),), np.ones((500, 1))
    )
    html = table._repr_html_()
    assert html.count("<tr>") == 22
    assert "480 more" in html


def test_one_is_singular_wherever_it_is_shown() -> None:
    table = PropertyTable(("m1",), "id", (Property("gap", "eV"),), np.ones((1, 1)))
    assert "(1 row of id;" in repr(table)
    assert "1 row of id;" in table._repr_html_()
    assert "gap=1 cell," in repr(table.observations([Scale(False, 0.0, 1.0)]))
    report = InferenceReport("fake", 0.5)
    assert report.lines[0].startswith("fake: 1 draw in")
    fitted = FitReport(1, report, {}, {}, None)
    assert fitted.lines[0].startswith("Fitted 1 measured value by fake")


def test_coverage_of_a_fit_is_drawn_from_its_summary() -> None:
    frame = loo(fitted_graph()).summary().coverage()
    assert set(frame["level"]) == {0.5, 0.8, 0.9, 0.95}
    words = words_of(plots.coverage(frame))
    assert "p0 (n = 8)" in words
    assert "p1 (n = 7)" in words
