"""Unit slips and outliers are found, told apart and undone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bayesmat.check.doctor.slips import MOST_SUSPECTS, _suspects
from bayesmat.data.table import Property
from bayesmat.inference.grid import Grid
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import Matern52, Term
from tests.unit.check.doctor.cases import (
    BOILING,
    boiling,
    examined,
    similar,
    verdicts,
)
from tests.unit.check.helpers import pair, plane
from tests.unit.models.helpers import space


def test_a_gross_value_is_suspected_among_many_contradicted_ones() -> None:
    """Scores end at 7.9, where stated errors that are too small put many cells at once."""
    y = torch.linspace(-1.0, 1.0, 91, dtype=torch.float64)
    y[40] = -12.0  # 16 robust sds
    scores = torch.zeros(91, dtype=torch.float64)
    scores[50:70] = 7.9
    scores[40] = -5.0
    evidence: Any = SimpleNamespace(
        scores=scores,
        observed=SimpleNamespace(y=y, n_cells=91),
        table=SimpleNamespace(properties=(None,)),
        of_property=lambda j: torch.arange(91),
    )
    found = _suspects(evidence)
    assert found[0] == 40
    assert len(found) == MOST_SUSPECTS


@pytest.mark.parametrize(
    ("wrong", "name", "better"),
    [
        (390.9e3, "1000 times too large", "390.9 K"),
        (0.3909, "1000 times too small", "390.9 K"),
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
    [(1 / 4.184, "kcal/mol"), (-1.0, "wrong sign"), (1 / 96.48533, "eV"), (1e3, "1000 times")],
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


def test_several_properties_and_a_log_scale() -> None:
    table = plane(30, noise=0.1)
    values = table.values.copy()
    values[4, 1] *= 1000.0
    found = examined(replace(table, values=values), pair())
    (slip,) = found.about("unit slip")
    assert slip.rows == (4,)
    assert "b = " in slip.what
    assert "1000 times too large" in slip.what
