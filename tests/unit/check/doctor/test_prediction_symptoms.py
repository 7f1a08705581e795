"""Wrong noise, wrong intervals and errors that grow with distance are found."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from bayesmat import check
from bayesmat.check.doctor import SYMPTOMS, Evidence, examine
from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.features import ECFP
from bayesmat.inference.grid import Grid
from bayesmat.inference.report import InferenceReport
from bayesmat.models.base import fit, layout_of
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import MinMax, Term
from bayesmat.sources.embedding import FeatureMap
from tests.unit.check.doctor.cases import (
    BOILING,
    examined,
    verdicts,
)
from tests.unit.check.helpers import pair, plane, smooth


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
    found = SYMPTOMS["noise"](Evidence(model, 0))
    assert [f.verdict for f in found] == ["unknown"]


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


def test_stated_sds_that_cannot_be_judged_are_not_called_fine() -> None:
    """A method without an evidence (NaN) cannot say that the data reject the stated sds."""
    table = plane(40, noise=0.3).select(["a"])
    stated = replace(table, stds=np.full((40, 1), 0.03))
    evidence = Evidence(fit(smooth(), stated, seed=0, explain=False), 0)
    inference = InferenceReport("NUTS", 1.0)
    blind = SimpleNamespace(report=SimpleNamespace(inference=inference))
    evidence.__dict__["refit"] = lambda table: blind
    (found,) = SYMPTOMS["noise"](evidence)
    assert found.verdict == "unknown"
    assert "stated sds are not judged" in found.what
