"""Processes that run oracles under a hard time limit."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from typing_extensions import override

from bayesmat._arguments import checked
from bayesmat._repr import Shown
from bayesmat.errors import OracleError

from .base import Oracle, wake

__all__ = ["WorkerPool", "start_pool"]

_LOG = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_START_LIMIT_S = 300.0
_PROGRAM = Path(__file__).with_name("_serve.py")
_NOT_DONE: Mapping[str, str] = MappingProxyType(
    {
        "not loaded": "a task cannot be loaded in a worker process",
        "not sent": "the answer of a task cannot be sent back from a worker process",
    }
)
_ADVICE = (
    "Define functions and oracles at the top level of a module that can be imported, not in a "
    "notebook nor in the script that is being run; or run without an executor."
)
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerPool(Shown, Executor):
    """A `concurrent.futures.Executor` whose tasks are killed when their time is up.

    Every worker is a fresh Python process (nothing is forked, so it is safe after any use of
    threads, and a script needs no `if __name__ == "__main__"` guard) with one thread for linear
    algebra. A task that exceeds `time_limit_s` is ended by killing its process, even if it hangs
    in Fortran; its future raises `TimeoutError`, a process that dies makes it raise `EOFError`,
    and in both cases the next task gets a new process. Processes start with the first task and
    are reused; leave the `with` block, or call `shutdown`, to end them.

    Functions and arguments must be importable by another process: an oracle written in a
    notebook or in the script that is being run belongs into a module of its own.

    Args:
        workers: Number of processes.
        time_limit_s: Seconds per task, counted from the moment that a process has received it,
            or `None` for no limit.

    >>> with WorkerPool(1, time_limit_s=60) as pool:
    ...     pool.submit(pow, 2, 10).result()
    1024
    """

    def __init__(self, workers: int = 2, *, time_limit_s: float | None = None) -> None:
        workers = checked(workers, int, "workers")
        time_limit_s = checked(time_limit_s, float | None, "time_limit_s")
        if workers < 1:
            raise OracleError(f"workers = {workers}: nothing would ever run. Give 1 or more.")
        self._limit = time_limit_s
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    @override
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Schedule `fn(*args, **kwargs)` and return its future."""
        if self._closed:
            raise OracleError("the pool has been shut down; make a new WorkerPool")
        future: Future[T] = Future()
        self._tasks.put((future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes; without `wait` also those that are at work."""
        self._closed = True
        if cancel_futures or not wait:
            self._drop_waiting()
        for _ in self._threads:
            self._tasks.put(None)
        if not wait:
            with self._lock:
                for process in self._running:
                    process.kill()
        for thread in self._threads:
            thread.join()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an error or Ctrl-C nobody waits for the tasks that are at work.
        self.shutdown(wait=kind is None)

    def _drop_waiting(self) -> None:
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return
            if task is not None:
                task[0].cancel()

    def _serve(self) -> None:
        """Carry tasks to one process, replacing it whenever it had to be killed."""
        worker: _Worker | None = None
        while (task := self._tasks.get()) is not None:
            future, call = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if worker is None:
                    worker = _Worker.start()
                    with self._lock:
                        self._running.add(worker.process)
                result = worker.ask(call, self._limit)
            except _Raised as raised:
                future.set_exception(raised.error)
            except Exception as error:  # also what cannot be sent to another process
                if worker is not None and not isinstance(error, _NotSent):
                    self._end(worker)
                    worker = None
                future.set_exception(error)
            else:
                future.set_result(result)
        if worker is not None:
            self._end(worker)

    def _end(self, worker: _Worker) -> None:
        with self._lock:
            self._running.discard(worker.process)
        worker.kill()

    def _facts(self) -> dict[str, object]:
        running = "closed" if self._closed else f"{len(self._running)} running"
        return {"workers": len(self._threads), "time limit s": self._limit, "state": running}


_Task = tuple[Future[Any], tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]


class _Raised(Exception):
    """The function itself raised `error`; the process is well."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class _NotSent(OracleError):
    """A task could not be sent to a process; the process is well."""


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: Connection) -> None:
        self.process, self.pipe = process, pipe

    @staticmethod
    def start() -> _Worker:
        """Start a fresh interpreter that sees the same modules."""
        ours, theirs = Pipe()
        environment = os.environ | dict.fromkeys(_THREADS, "1")
        environment["PYTHONPATH"] = os.pathsep.join(p or os.getcwd() for p in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM), str(theirs.fileno())],
            env=environment,
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # Fortran prints where Python cannot catch it
        )
        theirs.close()
        return _Worker(process, ours)

    def ask(self, call: tuple[Any, ...], limit: float | None) -> Any:
        """Return the value of a call, or raise what it raised, `TimeoutError` or `EOFError`."""
        try:
            self.pipe.send(call)
        except OSError as broken:
            raise EOFError("the process ended while it had nothing to do") from broken
        except Exception as error:  # pickling fails in as many ways as there are objects
            raise _NotSent(
                f"a task cannot be sent to a worker process ({error}). {_ADVICE}"
            ) from error
        if not self.pipe.poll(_START_LIMIT_S):
            raise TimeoutError(f"no worker process after {_START_LIMIT_S:g} s")
        self._receive()  # it has the task; importing libraries is not the task's time
        if not self.pipe.poll(limit):
            raise TimeoutError(f"killed after {limit:g} s")
        return self._receive()

    def _receive(self) -> Any:
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError) as broken:
            code = self.process.wait()
            raise EOFError(f"the process ended with status {code}") from broken
        if kind == "raised":
            raise _Raised(value)
        if kind in _NOT_DONE:
            raise _Raised(OracleError(f"{_NOT_DONE[kind]} ({value}). {_ADVICE}"))
        return value

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()


def start_pool(stack: ExitStack, oracle: Oracle, workers: int) -> Executor | None:
    """Start processes for an oracle, if it can travel to them; `stack` ends them."""
    if workers < 1:
        return None
    if type(oracle).__module__ == "__main__":
        _LOG.warning(
            "%s is defined in a notebook or script, where other processes cannot import it: "
            "computing in this process, without a hard time limit",
            type(oracle).__name__,
        )
        return None
    pool = stack.enter_context(WorkerPool(workers, time_limit_s=oracle.time_limit_s))
    for _ in range(workers):  # their imports take as long as the first fit
        pool.submit(wake, oracle)
    return pool
