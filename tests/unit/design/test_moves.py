"""Truncate-and-regrow: its ratio, its delays, its book-keeping."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from bayesmat.design.moves import Checker, Strings, TruncateRegrow, take_strings
from tests.unit.design.toy import approved, canonical, checker, flat, score, toy_language


class Scripted:
    """A language that always regrows the same tail."""

    def __init__(self, tail: str) -> None:
        self.tail = tuple(map(ord, tail))

    def regrow(self, prefix: Sequence[int], rng: random.Random) -> tuple[int, ...] | None:
        return (*prefix, *self.tail)

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))

    def encode(self, smiles: str) -> tuple[int, ...] | None:
        return tuple(map(ord, smiles))


def population(n: int, text: str = "CN") -> Strings:
    ids = toy_language().encode(text)
    assert ids is not None
    return Strings((ids,) * n, (str(canonical(text)),) * n)


def sweep(move: TruncateRegrow, n: int = 400, beta: float = 1.0, seed: int = 0) -> Strings:
    start = population(n)
    particles, values, _ = move(
        start, move.score(start.keys), beta, torch.Generator().manual_seed(seed)
    )
    assert torch.equal(values, move.score(particles.keys))
    return particles


def test_cut_ratio() -> None:
    move = TruncateRegrow(toy_language(), checker(), flat)
    assert move.log_cut_ratio(3, 7) == pytest.approx(math.log(4 / 8))
    short = TruncateRegrow(toy_language(), checker(), flat, reach=5)
    assert short.log_cut_ratio(3, 7) == pytest.approx(math.log(4 / 6))
    assert short.log_cut_ratio(9, 7) == 0.0


def test_acceptance_is_the_ratio_of_the_cut_laws() -> None:
    """From two tokens, a tail of eight: kept 0, 1, 2, so 8, 9, 10 tokens and 3/9, 3/10, 3/11."""
    n = 6000
    move = TruncateRegrow(Scripted("CCCCCCCC"), Checker(lambda t: t, lambda _: True), flat)
    start = Strings(((67, 78),) * n, ("CN",) * n)
    zeros = torch.zeros(n, dtype=torch.float64)
    _, _, rate = move(start, zeros, 1.0, torch.Generator().manual_seed(0))
    expected = (3 / 9 + 3 / 10 + 3 / 11) / 3
    assert abs(rate - expected) < 4.5 * math.sqrt(expected * (1 - expected) / n)


def test_a_way_back_out_of_reach_is_refused() -> None:
    move = TruncateRegrow(Scripted("CCCC"), Checker(lambda t: t, lambda _: True), flat, reach=2)
    start = Strings(((67, 78),), ("CN",))
    _, _, rate = move(start, torch.zeros(1), 1.0, torch.Generator().manual_seed(0))
    assert rate == 0.0


def test_invalid_and_vetoed_proposals_leave_the_particle() -> None:
    move = TruncateRegrow(toy_language(), Checker(lambda _: None, approved), flat)
    assert sweep(move) == population(400)
    assert move.records[-1].valid == 0
    vetoing = TruncateRegrow(toy_language(), Checker(canonical, lambda _: False), flat)
    assert sweep(vetoing) == population(400)
    assert vetoing.records[-1].rejected_by_alerts > 0


def test_alerts_are_asked_only_of_what_won_the_test() -> None:
    asked: list[str] = []

    def final(key: str) -> bool:
        asked.append(key)
        return True

    def hopeless(keys: Sequence[str]) -> Tensor:
        values = [0.0 if k == "CN" else -math.inf for k in keys]
        return torch.tensor(values, dtype=torch.float64)

    sweep(TruncateRegrow(toy_language(), Checker(canonical, final), hopeless))
    assert set(asked) <= {"CN"}
    asked.clear()
    sweep(TruncateRegrow(toy_language(), Checker(canonical, final), flat))
    assert len(asked) == len(set(asked)) > 1


def test_all_new_molecules_are_scored_in_one_call() -> None:
    calls: list[int] = []

    def counting(keys: Sequence[str]) -> Tensor:
        calls.append(len(keys))
        return score(keys)

    move = TruncateRegrow(toy_language(), checker(), counting)
    start = population(100)
    move(start, score(start.keys), 1.0, torch.Generator().manual_seed(0))
    assert len(calls) == 1
    record = move.records[-1]
    assert calls == [record.valid]
    assert record.proposed == 100
    assert record.moved <= record.valid <= 100 - record.same


def test_at_beta_zero_the_score_does_not_matter() -> None:
    def impossible(keys: Sequence[str]) -> Tensor:
        return torch.full((len(keys),), -math.inf, dtype=torch.float64)

    for_flat = sweep(TruncateRegrow(toy_language(), checker(), flat), beta=0.0)
    assert sweep(TruncateRegrow(toy_language(), checker(), impossible), beta=0.0) == for_flat


def test_seeds_decide() -> None:
    first = sweep(TruncateRegrow(toy_language(), checker(), score), seed=1)
    assert sweep(TruncateRegrow(toy_language(), checker(), score), seed=1) == first
    assert sweep(TruncateRegrow(toy_language(), checker(), score), seed=2) != first


def test_take_strings() -> None:
    strings = Strings(((1,), (2,), (3,)), ("a", "b", "c"))
    assert take_strings(strings, torch.tensor([2, 0, 2])) == Strings(
        ((3,), (1,), (3,)), ("c", "a", "c")
    )
