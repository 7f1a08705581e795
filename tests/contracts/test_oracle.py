"""The laws of every oracle. A new one joins by being added to ORACLES."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from bayesmat import oracles
from bayesmat.data.table import Property, PropertyTable
from bayesmat.oracles import XTB, CommandOracle, Evaluation, Oracle, TableOracle, evaluate
from tests.contracts.page import page
from tests.contracts.randomness import untouched

GAP = (Property("gap", "eV"),)
PROGRAM = """
import json
m = json.loads(input())["material"]
print(json.dumps({"values": {"gap": len(m)}} if len(m) < 6 else {"failure": "too long: a b"}))
"""
HOPELESS = ("", "C1", "??", "caf\u00e9 \u2603", "CC\nO")


def table(gap: float = 2.0) -> PropertyTable:
    properties = (*GAP, Property("dipole", "debye"))
    values = np.array([[1.0, 0.1], [gap, 0.2], [3.0, np.nan]])
    return PropertyTable(("CO", "CCO", "CCCO"), "smiles", properties, values)


def command(version: str = "1", limit: float | None = 60.0) -> CommandOracle:
    return CommandOracle((sys.executable, "-I", "-S", "-c", PROGRAM), GAP, version, limit)


@dataclass(frozen=True)
class Case:
    make: Callable[[], Oracle]
    others: tuple[Callable[[], Oracle], ...]  # their numbers may differ: must have other digests
    known: tuple[str, ...]  # all declared properties have values
    failing: tuple[str, ...]


ORACLES = {
    "table": Case(
        lambda: TableOracle(table()),
        (lambda: TableOracle(table(2.5)), lambda: TableOracle(table().select(["gap"]))),
        ("OCC", "CO", "CCO"),
        ("CCCCO", "C1"),
    ),
    "command": Case(command, (lambda: command("2"),), ("CCO", "C", "O"), ("CCCCCCO",)),
    "xtb": Case(
        XTB, (lambda: XTB("GFN2-xTB"), lambda: XTB(seed=8)), ("O", "CO", "OC"), ("C[CH2]", "C1")
    ),
    "the page's": Case(lambda: page()["Carbons"](), (), ("CCO", "C"), ("C" * 10,)),
}  # fmt: skip


@pytest.fixture(params=ORACLES)
def case(request: pytest.FixtureRequest) -> Case:
    return ORACLES[request.param]


def content(answers: Sequence[Evaluation]) -> list[Evaluation]:
    """Everything but the time it took."""
    return [replace(answer, cost_s=0.0) for answer in answers]


def test_every_public_oracle_is_held_to_these_laws() -> None:
    things = {n: getattr(oracles, n) for n in oracles.__all__}
    public = {n for n, it in things.items() if n != "Oracle" and "digest" in dir(it)}
    assert public == {type(c.make()).__name__ for c in ORACLES.values()} - {"Carbons"}


def test_every_material_has_one_answer_in_the_order_asked_and_as_asked(case: Case) -> None:
    asked = [*case.known, *case.failing, case.known[0], *case.failing[:1], *case.known]
    answers = case.make()(asked)
    assert type(answers) is tuple
    assert [answer.material for answer in answers] == asked


def test_nothing_asked_is_nothing_answered(case: Case) -> None:
    assert case.make()([]) == ()


def test_values_are_finite_numbers_of_the_declared_properties(case: Case) -> None:
    oracle = case.make()
    declared = [p.name for p in oracle.properties]
    assert len(set(declared)) == len(declared) > 0
    for answer in oracle(case.known):
        assert answer.failure is None
        assert sorted(answer.values) == sorted(declared)
        assert all(type(v) is float and math.isfinite(v) for v in answer.values.values())
        assert set(answer.sds) <= set(answer.values)
        assert all(sd > 0 for sd in answer.sds.values())
        assert 0 <= answer.cost_s < math.inf


def test_a_failure_is_an_answer_with_a_code_and_no_values(case: Case) -> None:
    for answer in case.make()(case.failing):
        assert answer.failure is not None
        assert answer.failure.split(":")[0].strip()
        assert len(answer.failure.splitlines()) == 1
        assert not answer.values
        assert not answer.sds


def test_whatever_is_asked_is_answered(case: Case) -> None:
    answers = case.make()([*HOPELESS, case.known[0]])
    assert [answer.material for answer in answers] == [*HOPELESS, case.known[0]]
    assert all(a.failure is not None or a.values for a in answers)
    assert answers[-1].failure is None


def test_answers_are_the_same_again_and_do_not_depend_on_company(case: Case) -> None:
    asked = [*case.known, *case.failing]
    with untouched():
        together = case.make()(asked)
    assert content(case.make()(asked[::-1])) == content(together)[::-1]
    assert content([case.make()([m])[0] for m in asked]) == content(together)
    assert content(evaluate(case.make(), asked)) == content(together)


def test_the_digest_is_that_of_its_numbers(case: Case) -> None:
    oracle = case.make()
    before = oracle.digest
    oracle(case.known[:1])
    assert oracle.digest == before == case.make().digest
    digests = [before, *(make().digest for make in case.others)]
    assert all(type(digest) is str for digest in digests)
    assert len(set(digests)) == len(digests)


def test_patience_does_not_change_its_numbers() -> None:
    assert command().digest == command(limit=None).digest
    assert XTB().digest == XTB(time_limit_s=5).digest


def test_the_time_limit_is_none_or_positive(case: Case) -> None:
    limit = case.make().time_limit_s
    assert limit is None or limit > 0
