"""Every finding fires on what was broken on purpose, and stays silent on a good table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesmat import check
from bayesmat.check.doctor import SYMPTOMS, Examination, examine
from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.features import ECFP
from bayesmat.inference.grid import Grid, SMCIntegrator
from bayesmat.inference.report import InferenceReport, InferenceRun
from bayesmat.models.base import fit, layout_of
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import Matern52, MinMax, Term
from bayesmat.models.program import Program
from bayesmat.sources.embedding import FeatureMap
from tests.unit.check.helpers import pair, plane, smooth
from tests.unit.models.helpers import space
from tests.unit.models.programs import linear

# Boiling points at 101 kPa in K.
BOILING = {
    "CCC": 231.0, "CCCC": 272.7, "CCCCC": 309.2, "CCCCCC": 341.9, "CCCCCCC": 371.6,
    "CCCCCCCC": 398.8, "CCCCCCCCC": 424.0, "CCCCCCCCCC": 447.3, "C1CCCC1": 322.4,
    "C1CCCCC1": 353.9, "CO": 337.8, "CCO": 351.4, "CCCO": 370.3, "CC(C)O": 355.4,
    "CCCCO": 390.9, "CCCCCO": 411.1, "CCCCCCO": 430.2, "CC(C)=O": 329.2, "CCC(C)=O": 352.7,
    "CCCC(C)=O": 375.4, "CCC(=O)CC": 375.1, "CCCCC(C)=O": 400.8, "c1ccccc1": 353.2,
    "Cc1ccccc1": 383.8, "CCc1ccccc1": 409.3, "Cc1ccccc1C": 417.6, "C=Cc1ccccc1": 418.3,
    "Oc1ccccc1": 455.0, "Nc1ccccc1": 457.3, "Clc1ccccc1": 404.9, "CC(=O)O": 391.1,
    "CCC(=O)O": 414.3, "CCCC(=O)O": 436.4, "CCOC(C)=O": 350.2, "CCCOC(C)=O": 374.7,
    "CCCCOC(C)=O": 399.2, "CCOCC": 307.8, "CCCOCCC": 363.2, "C1CCOC1": 339.1,
    "c1ccncc1": 388.4, "CCCCN": 350.2, "CCCCCN": 377.6, "CC#N": 354.8, "CCC#N": 370.3,
    "ClC(Cl)Cl": 334.3, "CCCCCl": 351.6, "CCCCCCl": 381.5, "CCCCBr": 374.8,
}  # fmt: skip


def boiling(**changed: float) -> PropertyTable:
    values = np.array(list((BOILING | changed).values()))[:, None]
    return PropertyTable(tuple(BOILING), "smiles", (Property("Tb", "K"),), values)


def similar(name: str = "Tb") -> PropertyGraph:
    fingerprints = FeatureMap((ECFP(size=512),))
    term = Term(MinMax(), fingerprints, "fingerprints", weight=1.5, weight_sd=0.5)
    return PropertyGraph((Node(name, (term,), noise_sd=0.5),), Grid(n=1024))


def examined(table: PropertyTable, prior: PropertyGraph | Program) -> Examination:
    return examine(fit(prior, table, seed=0, explain=False))


def verdicts(found: Examination, topic: str) -> set[str]:
    return {finding.verdict for finding in found.about(topic)}


@pytest.fixture(scope="module")
def good() -> Examination:
    return examined(boiling(), similar())


def test_a_good_table_is_told_fine_on_one_page(good: Examination) -> None:
    assert {finding.verdict for finding in good.findings} <= {"fine", "unknown"}
    assert verdicts(good, "noise") == {"unknown"}  # no replicates, no stated sds
    topics = {finding.topic for finding in good.findings}
    assert topics == set(SYMPTOMS)
    assert len(str(good).splitlines()) < 60
    assert "8 fine" in good.heading
    assert "Tb (48 values of 48 materials)" in good.heading
    assert good._repr_html_().count("<tr>") == len(good.findings)


@pytest.mark.parametrize(
    ("wrong", "name", "better"),
    [
        (390.9e3, "10^3 times too large", "390.9 K"),
        (0.3909, "10^3 times too small", "390.9 K"),
        (117.75, "entered in degC", "390.9 K"),
        (2.5921, "entered as its logarithm (base 10)", "390.9 K"),
    ],
)
def test_a_unit_slip_in_one_row_is_found_and_undone(wrong: float, name: str, better: str) -> None:
    found = examined(boiling(CCCCO=wrong), similar())
    (slip,) = found.about("unit slip")
    assert slip.verdict == "bad"
    assert slip.rows == (list(BOILING).index("CCCCO"),)
    assert slip.materials == ("CCCCO",)
    assert name in slip.what
    assert better in slip.what
    assert found.findings[0] is slip


@pytest.mark.parametrize(
    ("factor", "name"),
    [(1 / 4.184, "kcal/mol"), (-1.0, "wrong sign"), (1 / 96.48533, "eV"), (1e3, "10^3 times")],
)
def test_energies_in_another_unit(factor: float, name: str) -> None:
    table = replace(plane(40, noise=0.05), properties=(Property("h", "kJ/mol"), Property("b")))
    values = table.values[:, :1] * 30 - 400  # formation enthalpies around -400 kJ/mol
    values[11] *= factor
    table = replace(table.select(["h"]), values=values)
    term = (Term(Matern52(), space(), "smooth", weight=1.0, weight_sd=0.5),)
    found = examined(table, PropertyGraph((Node("h", term, noise_sd=0.5),), Grid(n=256)))
    (slip,) = found.about("unit slip")
    assert (slip.verdict, slip.rows) == ("bad", (11,))
    assert name in slip.what


def test_an_outlier_that_no_slip_explains_is_an_outlier() -> None:
    found = examined(boiling(Cc1ccccc1=640.0), similar())
    (outlier,) = found.about("outlier")
    assert outlier.verdict == "look"
    assert outlier.materials == ("Cc1ccccc1",)
    assert "640 K" in outlier.what
    assert verdicts(found, "unit slip") == {"fine"}
    assert "Cc1ccccc1: Tb" in found.about("influence")[0].what


def test_two_slips_do_not_hide_each_other() -> None:
    found = examined(boiling(CCCCO=390.9e3, CCO=351.4e3), similar())
    materials = {m for finding in found.about("unit slip") for m in finding.materials}
    assert materials == {"CCCCO", "CCO"}


PAIRS = [f"C[C@{h}H]({x})C(=O)O" for x in ("N", "O", "S", "F", "Cl") for h in ("", "@")] + [
    f"C[C@{h}H]({x})c1ccccc1" for x in ("N", "O", "S", "F", "Cl", "Br") for h in ("", "@")
]


def test_leaked_twins_are_counted_and_priced() -> None:
    """Values that nothing but a twin can tell: left out together, they cannot be predicted."""
    rng = np.random.default_rng(0)
    others = [m for m in BOILING if m not in PAIRS][:10]
    y = np.concatenate([np.repeat(rng.normal(size=len(PAIRS) // 2), 2), rng.normal(size=10)])
    y += 0.05 * rng.normal(size=len(y))
    table = PropertyTable((*PAIRS, *others), "smiles", (Property("Tb", "K"),), y[:, None])
    (leak,) = examined(table, similar()).about("leakage")
    assert leak.verdict == "bad"
    assert f"{len(PAIRS)} of {len(y)} rows" in leak.what
    assert f"{len(PAIRS) // 2} by constitution" in leak.what
    assert set(leak.materials) == set(PAIRS)


def test_replicates_under_other_conditions_are_relatives() -> None:
    twice = [m for m in BOILING for _ in range(2)]
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(size=48), 2)[:, None] + 0.01 * rng.normal(size=(96, 1))
    table = PropertyTable(tuple(twice), "smiles", (Property("Tb", "K"),), values)
    (leak,) = examined(table, similar()).about("leakage")
    assert leak.verdict == "bad"
    assert "48 by several rows" in leak.what


def test_features_that_cannot_tell_materials_apart_are_told() -> None:
    table = plane(20, noise=0.05).select(["a"])
    renamed = replace(table, materials=tuple(m + " 0" for m in table.materials))
    joined = replace(
        table,
        materials=(*table.materials, *renamed.materials),
        values=np.vstack([table.values, table.values + 0.1]),
        stds=np.vstack([table.stds, table.stds]),
        condition_values=np.zeros((40, 0)),
    )

    class Ignoring(type(space().inputs[0])):  # type: ignore[misc]
        def __call__(self, materials):  # type: ignore[no-untyped-def]
            return super().__call__([" ".join(m.split()[:2]) for m in materials])

    term = Term(Matern52(), FeatureMap((Ignoring(2),)), "smooth", weight=1.0)
    (leak,) = examined(joined, PropertyGraph((Node("a", (term,)),), Grid(n=256))).about("leakage")
    assert "20 by equal features" in leak.what


def test_stated_sds_that_are_ten_times_too_small() -> None:
    table = plane(40, noise=0.3).select(["a"])
    stated = replace(table, stds=np.full((40, 1), 0.03))
    honest = replace(table, stds=np.full((40, 1), 0.3))
    (wrong,) = examined(stated, smooth()).about("noise")
    assert wrong.verdict == "bad"
    assert "stated sds of about 0.03 K" in wrong.what
    assert verdicts(examined(honest, smooth()), "noise") == {"fine"}


def test_replicates_against_stated_and_inferred_noise() -> None:
    table = plane(15, noise=0.2, repeats=3).select(["a"])
    stated = replace(table, stds=np.full((45, 1), 0.02))
    told = " ".join(f.what for f in examined(stated, smooth()).about("noise"))
    assert "replicates scatter" in told
    assert "more than their stated sds" in told
    # Values that no feature sees, repeated almost exactly: the noise is not measurement error.
    rng = np.random.default_rng(3)
    hidden = np.repeat(rng.normal(size=15), 3) + 0.02 * rng.normal(size=45)
    (noise,) = examined(replace(table, values=hidden[:, None]), smooth()).about("noise")
    assert noise.verdict == "look"
    assert "times the scatter of replicates" in noise.what
    assert verdicts(examined(table, smooth()), "noise") == {"fine"}


def test_rows_that_differ_in_conditions_are_not_replicates() -> None:
    table = plane(10, noise=0.2, repeats=2).select(["a"])
    heated = replace(
        table, conditions=(Condition("T", "K"),), condition_values=np.arange(20.0)[:, None]
    )
    fitted = fit(smooth(), table, seed=0, explain=False)
    model = replace(fitted, table=heated)
    found = SYMPTOMS["noise"](check.doctor.Evidence(model, 0))
    assert [f.verdict for f in found] == ["unknown"]


def test_a_prior_that_the_data_contradict() -> None:
    table = plane(40, noise=0.4).select(["a"])
    sure = smooth(noise=0.005, noise_sd=0.1)
    (first, *_) = examined(table, sure).about("prior")
    assert first.verdict in ("bad", "look")
    assert "into the tail of their prior: a: " in first.what
    assert " K, the prior had 90 %" in first.what
    term = (Term(Matern52(), space(), "smooth", weight=0.02, weight_sd=0.2),)
    flat = PropertyGraph((Node("a", term, mean_sd=0.01, noise=0.02, noise_sd=0.1),), Grid(n=400))
    told = " ".join(f.what for f in examined(table, flat).about("prior"))
    assert "data drawn from the prior do not look like these: the sd of a" in told
    prior, drawn = well_specified(0)
    assert verdicts(examined(drawn, prior), "prior") == {"fine"}


def test_intervals_that_are_too_narrow() -> None:
    table = plane(60, noise=0.4).select(["a"])
    fitted = fit(smooth(), table, seed=0, explain=False)
    X = fitted.layout(table.materials)
    # The noise is given, a quarter of the true one; weight and mean are right.
    narrow = {"a: w Matern-5/2(coordinates)": 1.0, "a: noise": 0.1 / fitted.scales[0].sd}
    model = smooth().condition_at(table.observations(), X, narrow, layout=layout_of(smooth()))
    (found,) = examine(replace(fitted, model=model)).about("calibration")
    assert found.verdict in ("bad", "look")
    assert "intervals are too narrow" in found.why
    assert "recalibrate" in found.do


class Stuck:
    """A sampler whose chains stay where they started."""

    def __call__(self, model, *, seed, checkpoint=None, key=None):  # type: ignore[no-untyped-def]
        generator = torch.Generator().manual_seed(seed)
        shift = torch.tensor([0.0, 3.0]).double()[:, None, None, None]
        w = shift + 0.1 * torch.randn(2, 60, 2, 1, generator=generator, dtype=torch.float64)
        s = 0.5 + 0.01 * torch.rand(2, 60, 1, generator=generator, dtype=torch.float64)
        draws = {"w": w, "s": s}
        table = check.convergence(draws).table
        return InferenceRun(draws, InferenceReport("stuck", 0.1, table, n_chains=2, n_draws=60))


def test_chains_that_disagree() -> None:
    table = replace(plane(20).select(["a"]), properties=(Property("p0", "K"),))
    found = examined(table, linear(1, sampler=Stuck(), n_draws=60))
    (mixed,) = found.about("convergence")
    assert mixed.verdict == "bad"
    assert "R-hat exceeds" in mixed.what
    assert {finding.topic for finding in found.findings} >= set(SYMPTOMS)


def test_a_grid_of_which_few_points_count() -> None:
    """Nearly exact data: the posterior is a speck of the prior that the grid covers."""
    term = (Term(Matern52(), space(), "smooth", weight=0.05, weight_sd=2.0),)
    prior = PropertyGraph((Node("a", term, noise_sd=2.0),), Grid(n=64))
    (rough,) = examined(plane(40, noise=0.02).select(["a"]), prior).about("convergence")
    assert rough.verdict == "bad"


def test_data_that_teach_little() -> None:
    table = plane(12)
    values = table.values.copy()
    values[:, 0] = 7.0
    values[4:, 1] = np.nan
    found = examined(replace(table, values=values), pair())
    told = {f.what: f.verdict for f in found.about("data")}
    assert told["a: all 12 values are 7."] == "bad"
    assert told["b: 4 values."] == "look"
    assert "unknown" in verdicts(found, "calibration")


def test_a_decade_on_a_linear_scale_and_copied_rows() -> None:
    table = plane(30).select(["a"])
    values = np.exp(2 * table.values)
    values[29] = values[0]
    copied = replace(table, materials=(*table.materials[:29], table.materials[0]), values=values)
    told = " ".join(f.what + f.do for f in examined(copied, smooth()).about("data"))
    assert "Property('a', 'K', 'log')" in told
    assert "1 rows repeat another one in every value: row 29" in told


def test_errors_that_grow_with_distance() -> None:
    keys = tuple(BOILING)
    rng = np.random.default_rng(0)
    counts = ECFP(size=512)(list(keys))
    similarity = check.minmax_similarity(counts, counts).fill_diagonal_(-1)
    distance = 1 - similarity.amax(1).numpy()
    y = rng.normal(size=48) * np.where(distance > np.median(distance), 3.0, 0.1)
    table = PropertyTable(keys, "smiles", (Property("Tb", "K"),), y[:, None])
    term = Term(MinMax(), FeatureMap((ECFP(size=512),)), "fingerprints", weight=0.05, weight_sd=0.1)
    found = examined(table, PropertyGraph((Node("Tb", (term,)),), Grid(n=256)))
    assert "errors grow with the distance" in found.about("domain")[0].what


def test_materials_without_fingerprints_are_compared_by_their_features() -> None:
    found = examined(plane(12), pair())
    assert verdicts(found, "domain") == {"fine"}
    assert {f.what[:1] for f in found.about("calibration")} == {"a", "b"}


def well_specified(seed: int, n: int = 40) -> tuple[PropertyGraph, PropertyTable]:
    """A prior, and a table that was drawn from it."""
    term = (Term(Matern52(), space(), "smooth", weight=1.0, weight_sd=0.5),)
    prior = PropertyGraph((Node("a", term, noise=0.2, noise_sd=0.5),), SMCIntegrator())
    rng = np.random.default_rng(seed)
    keys = tuple(f"{u:.3f} {v:.3f}" for u, v in rng.uniform(-2, 2, (n, 2)))
    empty = PropertyTable(keys, "id", (Property("a", "K"),), np.zeros((n, 1)))
    layout = layout_of(prior, empty)
    draws = prior.sample(layout(keys), 1, layout=layout, seed=seed)
    y = draws.f[0, :, 0].numpy() + float(draws.noise_sd) * rng.normal(size=n)
    return prior, replace(empty, values=y[:, None])


def test_false_alarms_on_well_specified_tables() -> None:
    """20 tables from the prior: no "bad", at most 6 of 20 with anything to look at.

    15 % of such tables have one (9 of 60 in a longer run: prior 5, influence 3, calibration 1), so
    that more than 6 of 20 has probability 2 % (the seeds are fixed).
    """
    alarms = []
    for seed in range(20):
        prior, table = well_specified(seed)
        found = examined(table, prior)
        alarms.append({f.topic: f.verdict for f in found.findings if f.verdict in ("bad", "look")})
    assert not any("bad" in alarm.values() for alarm in alarms)
    assert sum(bool(alarm) for alarm in alarms) <= 6


def test_several_properties_and_a_log_scale() -> None:
    table = plane(30, noise=0.1)
    values = table.values.copy()
    values[4, 1] *= 1000.0
    found = examined(replace(table, values=values), pair())
    (slip,) = found.about("unit slip")
    assert slip.rows == (4,)
    assert "b = " in slip.what
    assert "10^3 times too large" in slip.what
