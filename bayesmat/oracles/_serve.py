"""What a worker process does. Run as a file, so that it starts without importing bayesmat."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from multiprocessing.connection import Connection

__all__ = ["guard", "serve"]

_LOOK_MS = 100
_GRACE_S = 1.0


def serve(handle: int) -> None:
    """Answer calls `(function, args, kwargs)` that arrive on a pipe until it is closed.

    Sends `("started", None)` when a call has been understood, so that the time of imports is not
    the task's, and then `("value", result)` or `("raised", error)`. What cannot be loaded here or
    sent back is `("not loaded", words)` or `("not sent", words)`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to answer
    pipe = Connection(handle)
    while True:
        try:
            function, args, kwargs = pipe.recv()
        except EOFError:
            return
        except Exception as error:
            try:
                pipe.send(("not loaded", f"{type(error).__name__}: {error}"))
            except OSError:  # nobody listens any more, and the import was interrupted
                return
            continue
        pipe.send(("started", None))
        answer: tuple[str, object]
        try:
            answer = ("value", function(*args, **kwargs))
        except Exception as error:
            answer = ("raised", error)
        try:
            pipe.send(answer)
        except OSError:  # nobody listens any more
            return
        except Exception as error:
            pipe.send(("not sent", f"{type(error).__name__}: {error}"))


def guard(handle: int) -> None:
    """Start a process that ends this one soon after the other end of the pipe was closed.

    Whoever asks may be killed without a word, while this process hangs in C with the interpreter
    locked, where neither a thread nor a signal handler of its own would run. It is asked first
    (SIGTERM), so that the programs which it has started are killed, and then killed.
    """
    worker = os.getpid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    if os.fork():
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    pipe = select.poll()
    pipe.register(handle, 0)  # a hang-up is reported always
    while os.getppid() == worker and not pipe.poll(_LOOK_MS):
        pass
    for word in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _GRACE_S
        while os.getppid() == worker and time.monotonic() < deadline:
            time.sleep(_LOOK_MS / 1000)
        if os.getppid() == worker:
            os.kill(worker, word)
    os._exit(0)


if __name__ == "__main__":
    guard(int(sys.argv[1]))
    serve(int(sys.argv[1]))
