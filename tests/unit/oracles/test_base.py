import re
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bayesmat.errors import OracleError
from bayesmat.oracles import Evaluation, Failure, evaluate
from tests.unit.oracles.planted import Planted


class Accidents(ThreadPoolExecutor):
    """What a `WorkerPool` does with the materials that hang or kill their process."""

    def submit(self, fn, /, *args):
        error = {"hangs": TimeoutError("killed after 1 s"), "dies": EOFError("status 3")}
        if args[-1][0] not in error:
            return super().submit(fn, *args)
        future = Future()
        future.set_exception(error[args[-1][0]])
        return future


def test_answers_keep_the_order_of_the_question_and_stream_in_order_of_completion():
    others_delivered = threading.Event()

    class Slow(Planted):
        def one(self, material):
            if material == "slow":
                assert others_delivered.wait(60)
            return super().one(material)

    seen = []

    def deliver(evaluation):
        seen.append(evaluation.material)
        if len(seen) == 2:
            others_delivered.set()

    with ThreadPoolExecutor(2) as threads:
        answers = evaluate(Slow(), ["slow", "ab", "abc"], threads, deliver)
    assert [a.values["gap"] for a in answers] == [4.0, 2.0, 3.0]
    assert seen == ["ab", "abc", "slow"]


def test_without_an_executor_every_answer_is_handed_over_before_the_next_question():
    seen = []
    evaluate(Planted(), ["a", "bb"], None, lambda e: seen.append(e.material))
    assert seen == ["a", "bb"]


def test_hanging_dying_and_raising_materials_are_recorded_and_the_others_answered():
    materials = ["hangs", "fine", "dies", "raises", "infinite", "also fine"]
    with Accidents(2) as executor:
        answers = evaluate(Planted(), materials, executor)
    assert [a.material for a in answers] == materials
    assert [a.failure for a in answers] == [
        "timed out: killed after 1 s",
        None,
        "worker died: status 3",
        "oracle raised: ZeroDivisionError: in the oracle",
        "not finite: gap = inf",
        None,
    ]
    assert answers[5].values == {"gap": 9.0}
    assert all(not a.values for a in answers if a.failure)


@pytest.mark.parametrize("parallel", [False, True])
def test_an_oracle_that_cannot_run_at_all_is_an_error(parallel):
    with ThreadPoolExecutor(1) as threads, pytest.raises(OracleError, match="not installed"):
        evaluate(Planted(), ["a", "cannot"], threads if parallel else None)


def test_an_answer_about_another_material_is_an_error():
    with pytest.raises(OracleError, match=r"asked about 'other', the oracle answered about"):
        evaluate(Planted(), ["other"])


def test_reasons_are_one_line_and_start_with_their_code():
    failed = Evaluation.failed("C", Failure.SCF, "two\n  lines", cost_s=2.0)
    assert failed.failure == "SCF not converged: two lines"
    assert failed.cost_s == 2.0
    assert Evaluation.failed("C", Failure.TIMED_OUT).failure == "timed out"


def test_a_value_that_is_not_finite_spoils_no_other():
    answer = Evaluation(
        "C", {"gap": 2.0, "state": "s", "tau": float("inf")}, {"tau": 1.0}
    ).checked()
    assert (answer.values, answer.sds) == ({"gap": 2.0, "state": "s"}, {})
    assert answer.left_out == {"tau": "inf is not a finite number"}


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("answers", [None, [{"gap": 2.0}], {"gap": 2.0}, 2.0, [None], "ab"])
def test_an_answer_that_is_no_evaluation_is_an_error_that_shows_it(answers, parallel):
    class Wrong(Planted):
        def __call__(self, materials):
            return answers

    message = re.escape(f"the oracle returned {answers!r}. An oracle must return one Evaluation")
    with ThreadPoolExecutor(1) as threads, pytest.raises(OracleError, match=message):
        evaluate(Wrong(), ["a"], threads if parallel else None)


def test_answers_may_come_in_any_iterable():
    class Lazy(Planted):
        def __call__(self, materials):
            return (self.one(m) for m in materials)

    assert evaluate(Lazy(), ["ab"])[0].values == {"gap": 2.0}
