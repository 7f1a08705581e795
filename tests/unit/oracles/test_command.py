import sys
import time

import pytest

from bayesmat.data.properties import Property
from bayesmat.errors import OracleError
from bayesmat.oracles import CommandOracle

GAP = (Property("gap", "eV"),)


def program(code: str, limit: float | None = 20.0) -> CommandOracle:
    return CommandOracle((sys.executable, "-c", code), GAP, "1", limit)


def test_the_program_hears_the_question_and_its_last_line_is_the_answer():
    oracle = program(
        "import json, sys\n"
        "question = json.load(sys.stdin)\n"
        "assert question['properties'] == {'gap': 'eV'}\n"
        "print('chatter')\n"
        "print(json.dumps({'values': {'gap': len(question['material'])}, 'sds': {'gap': 0.5}}))"
    )
    one, two = oracle(["CC", "CCO"])
    assert (one.values, one.sds, two.values) == ({"gap": 2.0}, {"gap": 0.5}, {"gap": 3.0})
    assert one.cost_s > 0


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ('print(\'{"failure": "no basis set"}\')', "no basis set"),
        ("raise SystemExit('disk full')", "program failed: status 1, 'disk full'"),
        ("print('gap = 3')", "program failed: cannot use the answer 'gap = 3'"),
        ("pass", "program failed: cannot use the answer ''"),
        ("print('[1]')", "program failed: cannot use the answer"),
        ('print(\'{"values": {"Gap": 1}}\')', "program failed: cannot use the answer"),
        ('print(\'{"values": {"gap": "x"}}\')', "program failed: cannot use the answer"),
        ('print(\'{"values": {"gap": NaN}}\')', "not finite: gap = nan"),
        ("print('{\"values\": {}}')", "program failed: cannot use the answer"),
    ],
)
def test_failures_are_recorded(code, reason):
    (failed,) = program(code)(["C"])
    assert failed.failure is not None
    assert failed.failure.startswith(reason)
    assert failed.values == {}


def test_the_program_and_its_children_are_killed_at_the_time_limit(tmp_path):
    flag = tmp_path / "alive"
    child = f"import time; time.sleep(2); open({str(flag)!r}, 'w')"
    oracle = program(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])", 0.7
    )
    start = time.monotonic()
    (failed,) = oracle(["C"])
    assert failed.failure == "timed out: killed after 0.7 s"
    assert time.monotonic() - start < 1.9
    time.sleep(2.0)
    assert not flag.exists()


def test_a_missing_program_is_an_error_not_a_failure_of_the_material():
    with pytest.raises(OracleError, match=r"no-such-program.*not found.*PATH"):
        CommandOracle(("no-such-program",), GAP, "1")(["C"])


def test_a_byte_that_is_not_utf8_fails_no_more_than_its_own_material():
    chatter = program(
        "import sys\n"
        "sys.stdout.buffer.write(b'\\xe9nergie\\n')\n"
        'print(\'{"values": {"gap": 1.5}}\')'
    )
    one, two = chatter(["C", "CC"])
    assert one.values == two.values == {"gap": 1.5}
    answer = program('import sys; sys.stdout.buffer.write(b\'{"failure": "\\xe9"}\')')
    (failed,) = answer(["C"])
    assert failed.failure is not None
    assert failed.failure.startswith("program failed: cannot use the answer")
    assert "xe9" in failed.failure
    error = program("import sys; sys.stderr.buffer.write(b'\\xff'); sys.exit(1)")
    (failed,) = error(["C"])
    assert failed.failure is not None
    assert "status 1" in failed.failure


@pytest.mark.parametrize("value", ['"2.5"', "true", "[1]", "null"])
def test_what_is_no_number_is_a_failure(value):
    (failed,) = program(f'print(\'{{"values": {{"gap": {value}}}}}\')')(["C"])
    assert failed.failure is not None
    assert failed.values == {}


@pytest.mark.parametrize(
    ("side", "name", "why"),
    [
        ('"values": {"gap": 2.5, "tau": null}', "tau", "tau is None"),
        ('"values": {"gap": 2.5, "tau": NaN}', "tau", "nan is not a finite number"),
        ('"values": {"gap": 2.5, "homo": 1.0}', "homo", "'homo' is an undeclared property"),
        ('"values": {"gap": 2.5}, "sds": {"gap": "x"}', "gap", "its standard deviation: gap is"),
        ('"values": {"gap": 2.5, "state": 1}', "state", "state is 1"),
    ],
)
def test_what_cannot_be_used_is_left_out(side, name, why):
    declared = (*GAP, Property("tau", "ps"), Property("state", categories=("s", "l")))
    (answer,) = CommandOracle(
        (sys.executable, "-c", f"print('{{{side}}}')"), declared, "1", 20.0
    )(["C"])  # fmt: skip
    assert (answer.values, answer.failure) == ({"gap": 2.5}, None)
    assert list(answer.left_out) == [name]
    assert answer.left_out[name].startswith(why)


def test_a_class_is_answered_by_name():
    declared = (Property("state", categories=("s", "l")),)
    code = 'print(\'{"values": {"state": "l"}}\')'
    (answer,) = CommandOracle((sys.executable, "-c", code), declared, "1", 20.0)(["C"])
    assert answer.values == {"state": "l"}
