"""Laws of the doors of `bayesmat.check` and `bayesmat.plots`: see `test_argument_doors`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from bayesmat import check, plots
from bayesmat.checkup import doctor
from bayesmat.errors import BayesmatError
from tests.contracts.argument_kinds import (
    FITTED,
    FRAME,
    MATERIALS,
    PRIOR,
    TABLE,
    Door,
    cases,
)

Y, SD = [1.0, 2.0, 3.0], [1.0, 1.0, 1.0]
UP = [2.0, 3.0, 4.0]
PROP = TABLE.properties[0]
HELD = check.HeldOut.of(PROP, 2 * Y, 2 * Y, 2 * SD, materials=MATERIALS[:6])
DRAWS = {"a": np.random.default_rng(0).normal(size=(2, 50))}
FLAT = {name: draws[0] for name, draws in DRAWS.items()}
CELLS = pd.DataFrame({"property": "y", "measured": Y, "median": Y, "lower": Y, "upper": UP})


def parity(**given: Any) -> object:
    known: dict[str, Any] = {"measured": Y, "median": Y, "lower": Y, "upper": UP, "prop": PROP}
    return plots.parity(**(known | given))


DOORS: dict[str, Door] = {
    **{
        f"{name}(fitted)": (call, "fit")
        for name, call in (
            ("doctor", lambda v: doctor(v)), ("examine", lambda v: check.examine(v)),
            ("loo", lambda v: check.loo(v)), ("relevance", lambda v: check.relevance(v)),
            ("Domain", lambda v: check.Domain.of_fitted(v)),
            ("ppc", lambda v: check.posterior_predictive(v, seed=0)),
        )
    },
    **{
        f"{name}({argument})": (lambda v, c=call, a=argument: c(**{a: v}), kind)
        for name, call in (
            ("doctor", lambda **v: doctor(FITTED, **v)),
            ("relevance", lambda **v: check.relevance(FITTED, **v)),
            ("kfold", lambda **v: check.kfold(**({"prior": PRIOR, "table": TABLE, "seed": 0} | v))),
            ("split", lambda **v: check.split_conformal(
                **({"prior": PRIOR, "table": TABLE, "materials": "C", "seed": 0} | v))),
            ("jackknife", lambda **v: check.jackknife_plus(
                **({"prior": PRIOR, "table": TABLE, "materials": "C", "seed": 0} | v))),
            ("prior check", lambda **v: check.prior_predictive(
                **({"prior": PRIOR, "table": TABLE, "seed": 0} | v))),
        )
        for argument, kind in (
            ("prior", "prior"), ("table", "table"), ("seed", "seed"), ("level", "real"),
            ("n_folds", "whole?" if name == "jackknife" else "whole"), ("repeats", "whole"),
            ("normalised", "flag"), ("calibration_fraction", "real"), ("n", "whole"),
        )
        if argument in {
            "doctor": ("seed",), "relevance": ("seed",),
            "kfold": ("prior", "table", "seed", "n_folds", "repeats"),
            "split": ("prior", "table", "seed", "level", "normalised", "calibration_fraction"),
            "jackknife": ("prior", "table", "seed", "level", "normalised", "n_folds"),
            "prior check": ("prior", "table", "seed", "n"),
        }[name]
    },
    "held_out(prior)": (lambda v: check.held_out(v, TABLE, [], seed=0), "prior"),
    "held_out(table)": (lambda v: check.held_out(PRIOR, v, [], seed=0), "table"),
    "held_out(seed)": (lambda v: check.held_out(PRIOR, TABLE, [], seed=v), "seed"),
    "ppc(n)": (lambda v: check.posterior_predictive(FITTED, n=v, seed=0), "whole"),
    "ppc(statistics)": (
        lambda v: check.posterior_predictive(FITTED, statistics=v, seed=0), "mapping",
    ),
    "crps(y)": (lambda v: check.crps_gaussian(v, Y, SD), "numbers"),
    "crps(sd)": (lambda v: check.crps_gaussian(Y, Y, v), "numbers"),
    "nll(mean)": (lambda v: check.nll_gaussian(Y, v, SD), "numbers"),
    "pit(means)": (lambda v: check.pit(Y, v, SD), "numbers"),
    "energy(draws)": (lambda v: check.energy_score([[0.0]], v), "numbers"),
    "interval(level)": (lambda v: check.interval_score(Y, Y, UP, level=v), "real"),
    "coverage(level)": (
        lambda v: check.coverage(Y, Y, UP, level=v, materials=MATERIALS[:3]), "real",
    ),
    "coverage(seed)": (lambda v: check.coverage(Y, Y, UP, level=0.9, seed=v), "seed"),
    "coverage_curve": (lambda v: check.coverage_curve(v, [0.5]), "numbers"),
    "area(n)": (lambda v: check.miscalibration_area([0.5], n_levels=v), "whole"),
    "dkw(n)": (lambda v: check.dkw_band(v), "whole"),
    "dkw(level)": (lambda v: check.dkw_band(9, level=v), "real"),
    "ence(n_bins)": (lambda v: check.ence(Y, Y, SD, n_bins=v), "whole?"),
    "ence(seed)": (lambda v: check.ence(Y, Y, SD, seed=v), "seed"),
    "band(n)": (lambda v: check.simultaneous_band(v, [0.5]), "whole"),
    "band(points)": (lambda v: check.simultaneous_band(9, v), "numbers"),
    "quantile(level)": (lambda v: check.conformal_quantile(Y, level=v), "real"),
    "recalibrate(seed)": (lambda v: check.recalibrate(HELD, seed=v), "seed"),
    "summarise(seed)": (lambda v: check.summarise(HELD, seed=v), "seed"),
    "summary(seed)": (lambda v: HELD.summary(seed=v), "seed"),
    "to_frame(level)": (lambda v: HELD.to_frame(level=v), "real"),
    "cells.interval": (lambda v: HELD.interval(v), "real"),
    "HeldOut.of(y)": (lambda v: check.HeldOut.of(PROP, v, Y, SD, materials="C"), "numbers"),
    "HeldOut.of(materials)": (lambda v: check.HeldOut.of(PROP, Y, Y, SD, materials=v), "texts"),
    "to_arviz(seed)": (lambda v: check.to_arviz({"a": torch.zeros(8)}, seed=v), "seed"),
    "to_arviz(chains)": (lambda v: check.to_arviz({"a": torch.zeros(8)}, chains=v), "flag"),
    "to_arviz(draws of a)": (lambda v: check.to_arviz({"a": v}), "numbers"),
    "psis_loo": (lambda v: check.psis_loo(v), "numbers"),
    "Domain.of": (lambda v: check.Domain.of(v), "numbers"),
    "parity(measured)": (lambda v: parity(measured=v), "numbers"),
    "parity(level)": (lambda v: parity(level=v), "real"),
    "parity(split)": (lambda v: parity(split=v), "texts?"),
    "pit_histogram(pit)": (lambda v: plots.pit_histogram(v), "numbers"),
    "pit_histogram(n_bins)": (lambda v: plots.pit_histogram([0.5], n_bins=v), "whole"),
    "pit_ecdf(level)": (lambda v: plots.pit_ecdf([0.5], level=v), "real"),
    "calibration_curve(pit)": (lambda v: plots.calibration_curve(v), "numbers"),
    "influence(values)": (lambda v: plots.influence(v, labels=["C"]), "numbers"),
    "influence(n_named)": (lambda v: plots.influence(Y, labels="C", n_named=v), "whole"),
    "forest(draws)": (lambda v: plots.forest(v, axis="a"), "mapping"),
    "forest(reference)": (lambda v: plots.forest(FLAT, axis="a", reference=v), "real?"),
    "forest(axis)": (lambda v: plots.forest(FLAT, axis=v), "text"),
    "relevance(shares)": (lambda v: plots.relevance(v), "mapping"),
    "trace(draws)": (lambda v: plots.trace(v), "mapping"),
    "trace(draws of a)": (lambda v: plots.trace({"a": v}), "numbers"),
    "rank(n_bins)": (lambda v: plots.rank(DRAWS, n_bins=v), "whole"),
    "rank(level)": (lambda v: plots.rank(DRAWS, level=v), "real"),
    "pair(draws)": (lambda v: plots.pair(v), "mapping"),
    "learning_curve(arms)": (lambda v: plots.learning_curve(v), "mapping"),
    "learning_curve(batch)": (
        lambda v: plots.learning_curve({"a": np.ones((2, 3))}, batch=v), "whole?",
    ),
    "save(path)": (lambda v: plots.save(plots.pit_histogram([0.5]), v), "path"),
}  # fmt: skip
OTHERS: dict[str, tuple[Callable[[Any], object], tuple[object, ...], str]] = {
    "loo(by)": (lambda v: check.loo(FITTED, by=v), (5, None, ["cell"], "row"), "by is"),
    "relevance(by)": (lambda v: check.relevance(FITTED, by=v), (5, None, ["x"], "row"), "by is"),
    "kfold(by)": (
        lambda v: check.kfold(PRIOR, TABLE, by=v, seed=0), (5, None, ["material"], "row"), "by is",
    ),
    "held_out(splits)": (
        lambda v: check.held_out(PRIOR, TABLE, v, seed=0), (5, None, [5], "ab"), "pairs of row",
    ),
    "statistics": (
        lambda v: check.posterior_predictive(FITTED, statistics={"mean": v}, seed=0),
        (5, None, "mean", torch.mean(torch.ones(3))), "function",
    ),
    "recalibrate": (lambda v: check.recalibrate(v), (FITTED, None, TABLE, "y"), "kfold"),
    "recalibrate(score)": (
        lambda v: check.recalibrate(HELD, score=v), (5, None, ["nll"], "rmse"), "score",
    ),
    "minus": (lambda v: HELD.minus(v), (FITTED, None, 5, PRIOR), "give"),
    "HeldOut.of(property)": (
        lambda v: check.HeldOut.of(v, Y, Y, SD, materials="C"), ("y", None), r"bm\.Property",
    ),
    "convergence": (lambda v: check.convergence(v), (5, None, TABLE, [1.0], "a"), "give a fit"),
    "convergence(a)": (lambda v: check.convergence({"a": v}), ("x", None, ["x"]), "number"),
    "to_arviz": (lambda v: check.to_arviz(v), (5, None, TABLE, [1.0], "a"), "Give a fit"),
    "sbc(prior)": (
        lambda v: check.sbc(v, torch.ones(3, 1), TABLE.observations(), seed=0), (TABLE, "y", None),
        r"bm\.Transfer",
    ),
    "sbc(X)": (
        lambda v: check.sbc(PRIOR, v, TABLE.observations(), seed=0), (TABLE, "y", None), "tensor",
    ),
    "sbc(template)": (
        lambda v: check.sbc(PRIOR, torch.ones(3, 1), v, seed=0), (TABLE, "y", None), "Observations",
    ),
    "parity(prop)": (lambda v: parity(prop=v), ("y", None, "K", FITTED), r"bm\.Property"),
    "parity_grid": (
        lambda v: plots.parity_grid(v, properties=[PROP]), (None, Y, "a.csv"), "data frame",
    ),
    "parity_grid(properties)": (
        lambda v: plots.parity_grid(CELLS, properties=v), ("y", ["y"], None), r"bm\.Property",
    ),
    "campaign_path": (
        lambda v: plots.campaign_path(v, prop=PROP), (TABLE, None, Y, "a.db"), "data frame",
    ),
    "coverage(frame)": (lambda v: plots.coverage(v), (None, Y, "a.csv"), "data frame"),
    "missing_pattern": (
        lambda v: plots.missing_pattern(v), (FRAME, None, "t.csv", PRIOR), "read_csv",
    ),
    "smc_diagnostics": (lambda v: plots.smc_diagnostics(v), (FITTED, None, "a"), "data frame"),
    "save(figure)": (lambda v: plots.save(v, "never.png"), (None, "a.png", Y), "Figure"),
    "png(figure)": (lambda v: plots.png(v), (None, "a.png", Y), "Figure"),
}  # fmt: skip


@pytest.mark.parametrize(("door", "call", "value", "words"), cases(DOORS, OTHERS))
def test_a_wrong_kind_is_refused_at_the_door_with_what_was_meant(
    door: str, call: Callable[[Any], object], value: object, words: str
) -> None:
    with pytest.raises(BayesmatError, match=words):
        call(value)


def test_numbers_of_any_type_are_read_as_numbers() -> None:
    assert check.dkw_band(np.int64(9), level=np.float32(0.5)) == check.dkw_band(9, level=0.5)  # type: ignore[arg-type]
    seeded = check.coverage(Y, Y, UP, level=np.float64(0.9), seed=np.int64(3))  # type: ignore[arg-type]
    assert seeded == check.coverage(Y, Y, UP, level=0.9, seed=3)
    column = FRAME["y"].astype(object)
    assert check.sharpness(column) == check.sharpness(list(column))  # type: ignore[arg-type]
    gradient = torch.tensor(Y, requires_grad=True)
    assert check.crps_gaussian(gradient, Y, SD).tolist() == check.crps_gaussian(Y, Y, SD).tolist()


def test_one_property_stands_for_a_list_of_one() -> None:
    assert plots.parity_grid(CELLS, properties=PROP)  # type: ignore[arg-type]
