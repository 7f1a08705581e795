import os
import subprocess
import sys
import time

import pytest

from bayesmat.errors import OracleError
from bayesmat.oracles import WorkerPool
from tests.unit.oracles import tasks


def test_a_hanging_task_is_killed_and_its_process_replaced():
    with WorkerPool(1, time_limit_s=0.5) as pool:
        before = pool.submit(os.getpid).result()
        start = time.monotonic()
        hanging, after = pool.submit(tasks.hang), pool.submit(os.getpid)
        with pytest.raises(TimeoutError, match=r"killed after 0\.5 s"):
            hanging.result()
        assert time.monotonic() - start < 3
        assert after.result() != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


def test_a_process_that_dies_fails_its_task_only():
    with WorkerPool(1) as pool:
        dying, after = pool.submit(tasks.die), pool.submit(pow, 2, 3)
        with pytest.raises(EOFError, match="status 3"):
            dying.result()
        assert after.result() == 8


def test_what_a_task_raises_reaches_the_caller_and_leaves_the_process_alive():
    with WorkerPool(1) as pool:
        before = pool.submit(os.getpid).result()
        with pytest.raises(KeyError, match="from the task"):
            pool.submit(tasks.boom).result()
        assert pool.submit(os.getpid).result() == before


def test_what_cannot_travel_says_what_to_do():
    with WorkerPool(1) as pool:
        before = pool.submit(os.getpid).result()
        with pytest.raises(OracleError, match=r"cannot be sent to a worker.*notebook"):
            pool.submit(lambda: 1).result()
        with pytest.raises(OracleError, match="cannot be sent back"):
            pool.submit(tasks.unsendable).result()
        with pytest.raises(OracleError, match=r"cannot be loaded in a worker.*notebook"):
            pool.submit(tasks.Unloadable()).result()
        assert pool.submit(os.getpid).result() == before


def test_workers_use_one_thread_each():
    with WorkerPool(1) as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"


def test_leaving_by_an_error_kills_what_is_at_work():
    start = time.monotonic()
    pool = WorkerPool(1)
    pid = pool.submit(os.getpid).result()
    pool.submit(tasks.hang)
    time.sleep(0.1)
    pool.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert time.monotonic() - start < 5


def test_a_closed_pool_and_no_workers_are_refused():
    pool = WorkerPool(1)
    pool.shutdown()
    with pytest.raises(OracleError, match="shut down"):
        pool.submit(pow, 2, 3)
    with pytest.raises(OracleError, match="workers = 0"):
        WorkerPool(0)


def test_a_script_needs_no_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from bayesmat.oracles import WorkerPool\n"
        "with WorkerPool(1) as pool:\n"
        "    print(pool.submit(pow, 2, 5).result())\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=250
    )
    assert (done.stdout, done.stderr) == ("32\n", "")


PARENT = """
import sys
from bayesmat.oracles import WorkerPool
from tests.unit.oracles import programs, tasks
task = {"program": programs.wait_for_a_program, "hang": tasks.hang_and_say_so}[sys.argv[1]]
with WorkerPool(1) as pool:
    pool.submit(task, sys.argv[2]).result()
"""


@pytest.mark.parametrize("task", ["program", "hang"])
def test_workers_and_their_programs_end_with_a_parent_that_is_killed(task, tmp_path):
    said = tmp_path / "numbers"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT, task, str(said)], env=env)
    wait_until(lambda: said.exists() and said.read_text().endswith("\n"), 120)
    parent.kill()
    parent.wait()
    for number in said.read_text().split():
        wait_until(lambda n=number: not is_running(n), 15)


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


def is_running(number):
    command = ["ps", "-o", "stat=", "-p", number]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return said[:1] not in ("", "Z")
