"""What an oracle is, and how many materials are put to one at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from typing import Protocol

from bayesmat._arguments import checked, names, settle
from bayesmat._repr import Shown
from bayesmat.data.properties import Property
from bayesmat.data.rows import Rows
from bayesmat.errors import OracleError

__all__ = ["Evaluation", "Failure", "Oracle", "evaluate", "wake"]

_LAW = (
    "An oracle must return one Evaluation per material, in the same order and under the same key."
)


class Failure:
    """The reason codes of failed evaluations; a code is what stands before the first colon.

    An oracle may use codes of its own. These are shared so that they can be counted.
    """

    UNPARSABLE = "unparsable"
    EMBEDDING = "embedding failed"
    FORCE_FIELD = "force field failed"
    SCF = "SCF not converged"
    GEOMETRY = "geometry not converged"
    REARRANGED = "molecule rearranged"
    ELEMENT = "unsupported element"
    OPEN_SHELL = "open shell"
    UNUSABLE = "unusable"
    LEFT_OUT = "left out"
    TIMED_OUT = "timed out"
    DIED = "worker died"
    RAISED = "oracle raised"
    PROGRAM = "program failed"
    ABSENT = "not in the table"
    NOT_FINITE = "not finite"


@dataclass(frozen=True)
class Evaluation(Shown):
    """The answer of an oracle about one material: values, or the reason why there are none.

    Attributes:
        material: The material, exactly as it was asked; after `evaluate` the key of the row, which
            also says the conditions where there are some.
        values: Physical values by property name, the name of a class for a categorical property;
            empty after a failure.
        sds: Known standard deviations by property name, where the oracle knows them.
        cost_s: Seconds that the evaluation took.
        failure: `None`, or a reason `"code"` or `"code: detail"` (see `Failure`).
        left_out: Property -> why it has no value although others have.

    >>> Evaluation("C", {"gap": 13.1}).failure is None
    True
    >>> Evaluation.failed("C1", "unparsable", "ring 1 is open").failure
    'unparsable: ring 1 is open'
    """

    material: str
    values: Mapping[str, float | str] = field(default_factory=dict)
    sds: Mapping[str, float] = field(default_factory=dict)
    cost_s: float = 0.0
    failure: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settle(self)

    @staticmethod
    def failed(material: str, code: str, detail: str = "", *, cost_s: float = 0.0) -> Evaluation:
        """Build the record of a failure from its code and a detail in words."""
        words = " ".join(detail.split())
        reason = f"{code}: {words}" if words else code
        return Evaluation(material, cost_s=cost_s, failure=reason)

    def checked(self) -> Evaluation:
        """This evaluation without values that are not finite; a failure if no value is left.

        >>> Evaluation("C", {"gap": 13.1, "dipole": float("nan")}).checked().left_out
        {'dipole': 'nan is not a finite number'}
        """
        bad = {p: v for p, v in self.values.items() if not _usable(v)}
        if self.failure is not None or not bad:
            return self
        if len(bad) == len(self.values):
            words = ", ".join(f"{p} = {v}" for p, v in bad.items())
            return Evaluation.failed(self.material, Failure.NOT_FINITE, words, cost_s=self.cost_s)
        reasons = {p: f"{v} is not a finite number" for p, v in bad.items()}
        return replace(
            self,
            values={p: v for p, v in self.values.items() if p not in bad},
            sds={p: sd for p, sd in self.sds.items() if p not in bad},
            left_out={**self.left_out, **reasons},
        )


def _usable(value: float | str) -> bool:
    return isinstance(value, str) or math.isfinite(value)


class Oracle(Protocol):
    """Anything that answers "what is the property of these materials": a program or a lab.

    A material that cannot be evaluated is an `Evaluation` with a `failure`, never an exception.
    An oracle raises only `OracleError`, when it cannot run at all (a program is missing). It may
    have a `kind`, the kind of material that it answers about; campaigns of others then refuse it.

    Attributes:
        properties: What it answers, with units.
        digest: Changes whenever its numbers could change (method, settings, versions).
        time_limit_s: Seconds after which one material's evaluation is killed, or `None`.
    """

    @property
    def properties(self) -> tuple[Property, ...]:
        """What the oracle answers, with units."""
        ...

    @property
    def digest(self) -> str:
        """A text that changes whenever the oracle's numbers could change."""
        ...

    @property
    def time_limit_s(self) -> float | None:
        """Seconds after which one material's evaluation is killed, or `None` for no limit."""
        ...

    def __call__(self, materials: Sequence[str]) -> tuple[Evaluation, ...]:
        """Evaluate materials, one `Evaluation` each, in the same order.

        In a campaign with conditions they come as `Rows`: a sequence of the materials (of recipes,
        of their keys) whose `named(i)` are the conditions of row i by name.
        """
        ...


def evaluate(
    oracle: Oracle,
    materials: Sequence[str],
    executor: Executor | None = None,
    on_result: Callable[[Evaluation], None] | None = None,
) -> tuple[Evaluation, ...]:
    """Ask an oracle about many materials, and hand over every answer as soon as it exists.

    With `executor=None` the materials are computed one after the other in this process, where
    the oracle's time limit holds only between its steps. `WorkerPool` enforces it by killing
    the process; any other `concurrent.futures.Executor` (Dask's, MPI's) may be given.

    Args:
        oracle: The oracle; it is sent to other processes unless `executor` is `None`.
        materials: Material keys, or `Rows`.
        executor: Where to run.
        on_result: Called in the calling thread with each answer, in order of completion.

    Returns:
        One `Evaluation` for each material, in the order of `materials`.

    Raises:
        OracleError: The oracle says that it cannot run at all, returned what is no `Evaluation`,
            or answered about other materials.
    """
    oracle = checked(oracle, Oracle, "oracle")
    executor = checked(executor, Executor | None, "executor")
    on_result = checked(on_result, Callable[[Evaluation], None] | None, "on_result")
    rows = materials if isinstance(materials, Rows) else Rows(names(materials, "materials"))
    keys = rows.keys
    done: dict[int, Evaluation] = {}
    deliver = on_result or (lambda evaluation: None)
    if executor is None:
        for i in range(len(rows)):
            done[i] = _one(oracle, rows[i : i + 1])
            deliver(done[i])
        return tuple(done[i] for i in range(len(rows)))
    futures = {executor.submit(_one, oracle, rows[i : i + 1]): i for i in range(len(rows))}
    try:
        for future in as_completed(futures):
            i = futures[future]
            try:
                done[i] = future.result()
            except FutureTimeoutError as error:
                done[i] = Evaluation.failed(keys[i], Failure.TIMED_OUT, str(error))
            except (BrokenProcessPool, EOFError) as error:
                done[i] = Evaluation.failed(keys[i], Failure.DIED, str(error))
            deliver(done[i])
    finally:
        for future in futures:
            future.cancel()
    return tuple(done[i] for i in range(len(rows)))


def wake(oracle: Oracle) -> None:
    """Do nothing: a process that is asked to has imported what the oracle needs."""


def _one(oracle: Oracle, row: Rows) -> Evaluation:
    """Evaluate one row; whatever the oracle raises, except `OracleError`, is recorded."""
    (key,), (material,) = row.keys, row.texts
    try:
        answers = oracle(row if row.columns else [material])
    except OracleError:
        raise
    except Exception as error:
        return Evaluation.failed(key, Failure.RAISED, f"{type(error).__name__}: {error}")
    found = tuple(answers) if isinstance(answers, Iterable) else None
    if found is None or not all(isinstance(answer, Evaluation) for answer in found):
        raise OracleError(f"asked about {key!r}, the oracle returned {answers!r}. {_LAW}")
    if [answer.material for answer in found] != [material]:
        raise OracleError(
            f"asked about {material!r}, the oracle answered about "
            f"{[answer.material for answer in found]}. {_LAW}"
        )
    return replace(found[0].checked(), material=key)
