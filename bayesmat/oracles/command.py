"""An oracle that is somebody else's program: JSON in, JSON out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bayesmat._arguments import checked, names, real, settle
from bayesmat.data.properties import Property
from bayesmat.data.rows import Rows
from bayesmat.errors import ArgumentError, OracleError

from .base import Evaluation, Failure

__all__ = ["CommandOracle"]

T = TypeVar("T")


@dataclass(frozen=True)
class CommandOracle:
    r"""Asks an external program about one material at a time, through JSON on its pipes.

    The program reads one JSON object on standard input,
    `{"material": "c1ccccc1", "properties": {"gap": "eV"}}`, and prints one as the last line of
    its standard output: `{"values": {"gap": 5.1}, "sds": {"gap": 0.1}}` (`sds` may be left out)
    or `{"failure": "SCF not converged"}`. Where there are conditions, the question has
    `"conditions": {"temperature": 298.15}` and `"units": {"temperature": "K"}` besides, and of a
    recipe no `"material"`. A value that is no number, or of a property that was
    not declared, is left out if others can be used. An exit status other than zero is a
    failure, too, with the last line of its standard error as the reason. The program is killed,
    with everything that it started, at the time limit.

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
        rows = materials if isinstance(materials, Rows) else Rows(names(materials, "materials"))
        if not self.command or shutil.which(self.command[0]) is None:
            raise OracleError(
                f"the program {self.command[:1]} was not found, so no material can be evaluated. "
                "Give its full path, or put it on PATH."
            )
        return tuple(self._evaluate(rows[i], self._question(rows, i)) for i in range(len(rows)))

    def _question(self, rows: Rows, i: int) -> dict[str, object]:
        question: dict[str, object] = {"properties": {p.name: p.unit for p in self.properties}}
        if rows.materials is not None:
            question = {"material": rows.materials[i], **question}
        if rows.columns:
            units = {c.name: c.unit for c in rows.columns if c.unit is not None}
            question |= {"conditions": rows.named(i), "units": units}
        return question

    def _evaluate(self, material: str, question: Mapping[str, object]) -> Evaluation:
        start = time.monotonic()
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
        """Build the evaluation from the program's last line; what cannot be used is left out."""
        try:
            answer = json.loads(line)
            if "failure" in answer:
                return Evaluation.failed(material, str(answer["failure"]), cost_s=cost)
            values, no_values = self._known(dict(answer["values"]), self._value)
            sds, no_sds = self._known(dict(answer.get("sds") or {}), real)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            words = f"cannot use the answer {line!r} ({type(error).__name__}: {error})"
            return Evaluation.failed(material, Failure.PROGRAM, words, cost_s=cost)
        if not values:
            reasons = "; ".join(no_values.values()) or "no value was given"
            words = f"cannot use the answer {line!r} ({reasons})"
            return Evaluation.failed(material, Failure.PROGRAM, words, cost_s=cost)
        left_out = {name: f"its standard deviation: {why}" for name, why in no_sds.items()}
        left_out |= no_values
        return Evaluation(material, values, sds, cost, left_out=left_out).checked()

    def _known(
        self, answer: Mapping[str, Any], read: Callable[[Any, str], T]
    ) -> tuple[dict[str, T], dict[str, str]]:
        """What can be used, in the order declared, and why the rest cannot."""
        found: dict[str, T] = {}
        declared = [p.name for p in self.properties]
        reasons = {n: f"{n!r} is an undeclared property" for n in answer if n not in declared}
        for name in declared:
            if name in answer:
                try:
                    found[name] = read(answer[name], name)
                except ArgumentError as error:
                    reasons[name] = str(error)
        return found, reasons

    def _value(self, given: Any, name: str) -> float | str:
        if any(p.name == name and p.categories is not None for p in self.properties):
            return checked(given, str, name)
        return real(given, name)


def _last_line(output: bytes) -> str:
    """The last line; bytes that are not UTF-8 are shown as such, wherever they stand."""
    text = output.decode("utf-8", errors="backslashreplace")
    return (text.strip().splitlines() or [""])[-1]
