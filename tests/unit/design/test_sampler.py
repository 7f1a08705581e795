"""The molecule sampler: results, traces, settings. Its laws are in tests/calibration."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from rdkit import Chem
from torch import Tensor

from bayesmat.design.chemistry import MoleculeFilter
from bayesmat.design.corpus import filtered_molecules
from bayesmat.design.draws import draw_prior
from bayesmat.design.language import SmilesNGram
from bayesmat.design.moves import Checker
from bayesmat.design.sampler import (
    MemoScore,
    SamplerSettings,
    sample_molecules,
    sample_strings,
)
from bayesmat.errors import DesignError
from tests.unit.design.toy import (
    SmallAndPlain,
    approved,
    canonical,
    checker,
    score,
    toy_language,
)

SMALL = SamplerSettings(n_particles=64, pool_size=150)


def test_result_is_whole() -> None:
    rows: list[dict[str, Any]] = []
    result = sample_strings(
        toy_language(), checker(), score, seed=0, settings=SMALL, progress=rows.append
    )
    assert len(result.materials) == len(result.strings) == 64
    assert [canonical(s) for s in result.strings] == list(result.materials)
    assert result.weights.sum() == pytest.approx(1.0)
    assert torch.equal(result.log_scores, score(result.materials))
    assert all(approved(key) for key in result.approved)
    assert set(result.materials) <= result.approved <= set(result.visited)
    assert list(result.visited.values()) == score(list(result.visited)).tolist()
    assert rows == list(result.trace)
    assert json.loads(json.dumps(rows)) == rows
    assert rows[-1]["beta"] == 1.0
    assert {"ess", "acceptance", "unique", "valid", "rejected_by_alerts"} <= set(rows[0])
    assert result.log_evidence_sd > 0


def test_same_seed_same_result() -> None:
    first, again, other = (
        sample_strings(toy_language(), checker(), score, seed=s, settings=SMALL) for s in (3, 3, 4)
    )
    assert first.strings == again.strings
    assert first.log_evidence == again.log_evidence
    assert list(first.visited) == list(again.visited)
    assert first.strings != other.strings


def test_a_used_checker_and_memo_change_nothing() -> None:
    check, memo = checker(), MemoScore(score)
    first = sample_strings(toy_language(), check, memo, seed=3, settings=SMALL)
    again = sample_strings(toy_language(), check, memo, seed=3, settings=SMALL)
    assert first.strings == again.strings
    assert first.visited == again.visited


def test_given_draws_are_all_scored() -> None:
    draws = draw_prior(toy_language(), checker(), 300, seed=9)
    result = sample_strings(toy_language(), checker(), score, seed=0, settings=SMALL, initial=draws)
    assert set(draws.materials) <= set(result.visited)


def test_power_sharpens() -> None:
    means = [
        sample_strings(
            toy_language(),
            checker(),
            score,
            seed=0,
            settings=SamplerSettings(n_particles=200, pool_size=400, power=power),
        ).log_scores.mean()
        for power in (0.1, 1.0, 4.0)
    ]
    assert means[0] < means[1] < means[2]


def test_a_frozen_ladder_is_kept() -> None:
    settings = SamplerSettings(n_particles=64, pool_size=64, ladder=(0.2, 0.7, 1.0))
    result = sample_strings(toy_language(), checker(), score, seed=0, settings=settings)
    assert result.ladder == pytest.approx((0.2, 0.7, 1.0))


def test_impossible_molecules_are_left_behind() -> None:
    def only_nitrogen(keys: Sequence[str]) -> Tensor:
        return torch.tensor([0.0 if "N" in k else -math.inf for k in keys], dtype=torch.float64)

    result = sample_strings(toy_language(), checker(), only_nitrogen, seed=0, settings=SMALL)
    assert all("N" in key for key in result.materials)
    assert any(value == -math.inf for value in result.visited.values())


def test_errors() -> None:
    def nothing(keys: Sequence[str]) -> Tensor:
        return torch.full((len(keys),), -math.inf)

    with pytest.raises(DesignError, match="all 150 prior draws have log score -inf"):
        sample_strings(toy_language(), checker(), nothing, seed=0, settings=SMALL)
    foreign = draw_prior(
        SmilesNGram.fit(["CBr"] * 9, max_tokens=9), Checker(lambda t: t, lambda _: True), 9, seed=0
    )
    with pytest.raises(DesignError, match="tokens that the language never saw"):
        sample_strings(toy_language(), checker(), score, seed=0, initial=foreign)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_particles": 0},
        {"power": 0.0},
        {"ess_fraction": 1.5},
        {"ladder": (0.5,)},
        {"ladder": (0.5, 0.2, 1.0)},
        {"sweeps": -1},
    ],
)
def test_settings_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(DesignError, match="cannot be run"):
        SamplerSettings(**wrong)


def aromatic(keys: Sequence[str]) -> Tensor:
    return torch.tensor([0.5 * sum(map(k.count, "cnos")) for k in keys], dtype=torch.float64)


def test_molecules_through_rdkit() -> None:
    language = SmilesNGram.fit(
        ["CCO", "CCNC", "c1ccccc1", "C1CC1", "Cc1ccoc1", "CC(=O)N"] * 6, min_count=2
    )
    settings = SamplerSettings(n_particles=48, pool_size=96)
    result = sample_molecules(language, SmallAndPlain(), aromatic, seed=0, settings=settings)
    for material, text in zip(result.materials, result.strings, strict=True):
        mol = Chem.MolFromSmiles(text)
        assert Chem.MolToSmiles(mol) == material
        assert mol.GetNumHeavyAtoms() <= 6
        assert mol.GetRingInfo().NumRings() == 0


@pytest.mark.slow
def test_molecules_through_the_real_filter() -> None:
    language, keep = SmilesNGram.fit(filtered_molecules()), MoleculeFilter.default()
    settings = SamplerSettings(n_particles=48, pool_size=96, final_sweeps=1)
    result = sample_molecules(language, keep, aromatic, seed=0, settings=settings)
    assert all(keep(m).ok for m in result.approved)
    assert result.log_scores.mean() > aromatic(list(result.visited)).mean()
