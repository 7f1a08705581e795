"""What a worker process does. Run as a file, so that it starts without importing bayesmat."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

__all__ = ["end_with", "serve"]

_LOOK_S = 0.2
_GRACE_S = 3.0


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


def end_with(parent: int) -> None:
    """End this process soon after its parent, which may be killed without a word.

    The main thread is interrupted, so that programs which it has started are killed; code that
    cannot be interrupted is killed with the process.
    """
    main = threading.get_ident()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_S)
        signal.pthread_kill(main, signal.SIGTERM)
        time.sleep(_GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with(int(sys.argv[2]))
    serve(int(sys.argv[1]))
