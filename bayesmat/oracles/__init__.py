"""Whatever answers "what is the property of these materials": programs, tables, a lab."""

from bayesmat.oracles.base import Evaluation, Failure, Oracle, evaluate
from bayesmat.oracles.command import CommandOracle
from bayesmat.oracles.table import TableOracle
from bayesmat.oracles.workers import WorkerPool
from bayesmat.oracles.xtb import XTB

__all__ = [
    "XTB",
    "CommandOracle",
    "Evaluation",
    "Failure",
    "Oracle",
    "TableOracle",
    "WorkerPool",
    "evaluate",
]
