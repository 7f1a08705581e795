import pytest

from bayesmat.errors import OracleError
from bayesmat.oracles import Evaluation, Failure, WorkerPool, evaluate
from tests.unit.oracles.planted import Planted


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, time_limit_s=1.0) as pool:
        list(pool.map(Planted().one, ["slow", "slow"]))  # both processes start and import
        yield pool


def test_answers_keep_the_order_of_the_question_and_stream_in_order_of_completion(pool):
    seen = []
    with WorkerPool(2) as pool:
        answers = evaluate(
            Planted(), ["slow", "ab", "abc"], pool, lambda e: seen.append(e.material)
        )
    assert [a.values["gap"] for a in answers] == [4.0, 2.0, 3.0]
    assert seen == ["ab", "abc", "slow"]


def test_without_an_executor_every_answer_is_handed_over_before_the_next_question():
    seen = []
    evaluate(Planted(), ["a", "bb"], None, lambda e: seen.append(e.material))
    assert seen == ["a", "bb"]


def test_hanging_dying_and_raising_materials_are_recorded_and_the_others_answered(pool):
    materials = ["hangs", "fine", "dies", "raises", "infinite", "also fine"]
    answers = evaluate(Planted(), materials, pool)
    assert [a.material for a in answers] == materials
    assert [a.failure for a in answers] == [
        "timed out: killed after 1 s",
        None,
        "worker died: the process ended with status 3",
        "oracle raised: ZeroDivisionError: in the oracle",
        "not finite: gap = inf",
        None,
    ]
    assert answers[5].values == {"gap": 9.0}
    assert all(not a.values for a in answers if a.failure)


@pytest.mark.parametrize("parallel", [False, True])
def test_an_oracle_that_cannot_run_at_all_is_an_error(parallel, pool):
    with pytest.raises(OracleError, match="not installed"):
        evaluate(Planted(), ["a", "cannot"], pool if parallel else None)


def test_an_answer_about_another_material_is_an_error():
    with pytest.raises(OracleError, match=r"asked about 'other', the oracle answered about"):
        evaluate(Planted(), ["other"])


def test_reasons_are_one_line_and_start_with_their_code():
    failed = Evaluation.failed("C", Failure.SCF, "two\n  lines", cost_s=2.0)
    assert failed.failure == "SCF not converged: two lines"
    assert failed.cost_s == 2.0
    assert Evaluation.failed("C", Failure.TIMED_OUT).failure == "timed out"
