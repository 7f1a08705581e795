"""What a worker process does. Run as a file, so that it starts without importing bayesmat."""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection

__all__ = ["serve"]


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
            pipe.send(("not loaded", f"{type(error).__name__}: {error}"))
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


if __name__ == "__main__":
    serve(int(sys.argv[1]))
