"""An oracle that is somebody else's program: JSON in, JSON out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayesmat._arguments import names, real, settle
from bayesmat.data.properties import Property
from bayesmat.errors import OracleError

from .base import Evaluation, Failure

__all__ = ["CommandOracle"]


@dataclass(frozen=True)
class CommandOracle:
    r"""Asks an external program about one material at a time, through JSON on its pipes.

    The program reads one JSON object on standard input,
    `{"material": "c1ccccc1", "properties": {"gap": "eV"}}`, and prints one as the last line of
    its standard output: `{"values": {"gap": 5.1}, "sds": {"gap": 0.1}}` (`sds` may be left out)
    or `{"failure": "SCF not converged"}`. An exit status other than zero is a failure, too, with
    the last line of its standard error as the reason. The program is killed, with everything
    that it started, at the time limit.

    Attributes:
        command: The program and its arguments; no shell is involved.
        properties: What the program answers, with the units in which it does.
        version: Whatever identifies the program's numbers; change it when they change.
        time_limit_s: Seconds per material, or `None`.

    Raises:
        OracleError: When asked, if the program does not exist.

    >>> import sys
    >>> program = "import json; print(json.dumps({'values': {'length': len(input())}}))"
    >>> oracle = CommandOracle((sys.executable, "-c", program), (Property("length", ""),), "1")
    >>> oracle(["CCO"])[0].values
    {'length': 49.0}
    """

    command: tuple[str, ...]
    properties: tuple[Property, ...]
    version: str
    time_limit_s: float | None = 3600.0

    def __post_init__(self) -> None:
        settle(self)

    @property
    def digest(self) -> str:
        """Command line and version."""
        return f"command/{json.dumps(self.command)}/{self.version}"

    def __call__(self, materials: Sequence[str]) -> tuple[Evaluation, ...]:
        """Run the program once for each material; failures are recorded, not raised."""
        materials = names(materials, "materials")
        if not self.command or shutil.which(self.command[0]) is None:
            raise OracleError(
                f"the program {self.command[:1]} was not found, so no material can be evaluated. "
                "Give its full path, or put it on PATH."
            )
        return tuple(self._evaluate(material) for material in materials)

    def _evaluate(self, material: str) -> Evaluation:
        start = time.monotonic()
        question = {"material": material, "properties": {p.name: p.unit for p in self.properties}}
        # A session of its own, so that what the program starts can be killed with it.
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            asked = (json.dumps(question) + "\n").encode()
            out, err = process.communicate(asked, self.time_limit_s)
        except subprocess.TimeoutExpired:
            limit = f"killed after {self.time_limit_s:g} s"
            return Evaluation.failed(
                material, Failure.TIMED_OUT, limit, cost_s=time.monotonic() - start
            )
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        cost = time.monotonic() - start
        if process.returncode != 0:
            words = f"status {process.returncode}, {_last_line(err)!r}"
            return Evaluation.failed(material, Failure.PROGRAM, words, cost_s=cost)
        return self._read(material, _last_line(out), cost)

    def _read(self, material: str, line: str, cost: float) -> Evaluation:
        """Build the evaluation from the program's last line."""
        try:
            answer = json.loads(line)
            if "failure" in answer:
                return Evaluation.failed(material, str(answer["failure"]), cost_s=cost)
            values, sds = self._known(answer["values"]), self._known(answer.get("sds", {}))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            words = f"cannot use the answer {line!r} ({type(error).__name__}: {error})"
            return Evaluation.failed(material, Failure.PROGRAM, words, cost_s=cost)
        return Evaluation(material, values, sds, cost_s=cost).checked()

    def _known(self, answer: Mapping[str, Any]) -> dict[str, float]:
        known = [p.name for p in self.properties]
        if unknown := sorted(set(answer) - set(known)):
            raise ValueError(f"undeclared properties {unknown}")
        return {name: real(answer[name], name) for name in known if name in answer}


def _last_line(output: bytes) -> str:
    """The last line; bytes that are not UTF-8 are shown as such, wherever they stand."""
    text = output.decode("utf-8", errors="backslashreplace")
    return (text.strip().splitlines() or [""])[-1]
