"""Every sentence of an inference report fires on its own broken run, and on no other."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
import torch

from bayesmat.inference.chains import chain_table, population_table
from bayesmat.inference.report import InferenceReport, InferenceRun


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def chains(draws: torch.Tensor, **change: object) -> InferenceReport:
    good = InferenceReport(
        "NUTS",
        2.0,
        chain_table({"x": draws}),
        draws.shape[0],
        draws.shape[1],
        are_chains=True,
        acceptance=0.8,
        divergences=(0,) * draws.shape[0],
        bfmi=(1.0,) * draws.shape[0],
    )
    return replace(good, **change)  # type: ignore[arg-type]


def population(**change: object) -> InferenceReport:
    good = InferenceReport(
        "SMC",
        2.0,
        population_table({"x": normal(500)}, torch.arange(500)),
        n_draws=500,
        n_families=100,
        acceptance=0.3,
        log_evidence=-12.34,
        log_evidence_sd=0.2,
    )
    return replace(good, **change)  # type: ignore[arg-type]


def test_good_runs_have_no_problems() -> None:
    for report in (chains(normal(4, 1000)), population(), InferenceReport("given", 0.0)):
        assert report.problems == ()
        assert not report.is_suspect
        assert len(report.lines) == 1
    assert population(pareto_k=0.5).problems == ()


def shifted() -> torch.Tensor:
    draws = normal(4, 1000)
    draws[0] += 0.6
    return draws


BROKEN = {
    "R-hat exceeds 1.01 for x": chains(
        normal(4, 1000), table=chain_table({"x": normal(4, 1000)}).assign(r_hat=1.04)
    ),
    "One chain cannot show convergence": chains(normal(1, 1000)),
    "7 transitions diverged (0.2%)": chains(normal(4, 1000), divergences=(0, 3, 4, 0)),
    "(BFMI) is 0.12, below 0.3": chains(normal(4, 1000), bfmi=(1.0, 0.12, 0.2, 1.0)),
    "Fewer than 400 effective draws of x": chains(normal(4, 90)),
    "Fewer than 100 effective draws of x": population(
        table=population_table(
            {"x": normal(50).repeat_interleave(10)}, torch.arange(50).repeat_interleave(10)
        )
    ),
    "descend from 5 draws of the prior": population(n_families=5),
    "accepted with probability 0.02": population(acceptance=0.02),
    "Pareto k of the importance weights is 1.10": population(pareto_k=1.1),
}


@pytest.mark.parametrize("words", BROKEN)
def test_each_problem_fires_alone_and_says_what_to_do(words: str) -> None:
    problems = BROKEN[words].problems
    assert len(problems) == 1, problems
    assert words in problems[0]
    assert ": " in problems[0]
    assert "; " in problems[0]
    assert BROKEN[words].is_suspect
    assert problems[0] in str(BROKEN[words])


def test_suspects_are_the_scalars_in_trouble() -> None:
    table = chain_table({"good": normal(4, 1000), "bad": shifted()})
    report = InferenceReport("chains", 1.0, table, 4, 1000, are_chains=True)
    assert report.suspects == ("bad",)


def test_many_names_are_shortened() -> None:
    draws = shifted()[..., None].expand(4, 1000, 9)
    assert "x[0], x[1], x[2] and 6 more" in chains(draws).problems[0]


def test_the_first_line_has_the_figures() -> None:
    report = population()
    assert report.min_ess == pytest.approx(500)
    assert report.ess_per_second == pytest.approx(250)
    assert str(report) == (
        "SMC: 500 draws in 2 s, smallest ESS 500 (250 per second), acceptance 0.30, "
        "log evidence -12.3 +- 0.2."
    )
    assert "largest R-hat 1.00" in str(chains(normal(4, 1000)))
    assert "started again 2 times" in str(chains(normal(4, 1000), restarts=2))
    unknown = population(seconds=math.nan)
    assert "nan" not in str(unknown)
    assert math.isnan(unknown.ess_per_second)
    assert math.isnan(InferenceReport("given", 0.0).min_ess)


def test_the_notebook_table_is_escaped() -> None:
    table = pd.DataFrame(
        {"mean": [1.0], "sd": [2.0], "r_hat": [1.2], "ess_bulk": [5.0], "ess_tail": [6.0],
         "mcse_mean": [0.1]},
        index=["<script>"],
    )  # fmt: skip
    run = InferenceRun({"x": normal(2, 8)}, InferenceReport("a < b", 1.0, table, 2, 8))
    html = run._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "a &lt; b" in html
    for column in table.columns:
        assert f"<th>{column}</th>" in html
    assert "R-hat exceeds" in html


def test_flat_joins_chains_and_thins_evenly() -> None:
    run = InferenceRun({"x": torch.arange(8.0).reshape(2, 4)}, InferenceReport("chains", 1.0))
    assert run.flat()["x"].tolist() == list(range(8))
    assert run.flat(3)["x"].tolist() == [0, 4, 7]
    assert run.flat(99)["x"].shape == (8,)


def test_chains_that_never_move_are_told_by_name() -> None:
    """R-hat and ESS of equal draws are NaN, which compares false with every limit."""
    still = torch.full((4, 1000), 0.1, dtype=torch.float64)
    table = chain_table({"good": normal(4, 1000), "still": still, "w": torch.ones(4, 1000, 2)})
    report = InferenceReport("chains", 1.0, table, 4, 1000, are_chains=True)
    (problem,) = report.problems
    assert "All draws of still, w are equal: R-hat and effective sample size are undef" in problem
    assert report.suspects == ("still", "w[0]", "w[1]")
    same = population_table({"x": torch.full((500,), 0.1)}, torch.arange(500))
    assert "All draws of x are equal" in population(table=same).problems[0]
    assert population(table=same).constants == ("x",)


def test_entries_fixed_by_construction_are_no_problem() -> None:
    factor = normal(4, 1000, 2, 2)
    factor[..., 0, 0], factor[..., 0, 1] = 1.0, 0.0
    found = chains(normal(4, 1000), table=chain_table({"L": factor}))
    assert found.problems == found.constants == found.suspects == ()
    assert found.min_ess > 1000


def test_a_chain_whose_energy_never_changes_is_told() -> None:
    (problem,) = chains(normal(4, 1000), bfmi=(1.0, math.nan, 0.9, math.nan)).problems
    assert "energy of chain 2, 4 never changes" in problem
