"""Let an oracle answer what waits, and store every answer the moment it exists."""

from __future__ import annotations

import logging
from concurrent.futures import Executor
from typing import Any

from tqdm.auto import tqdm

from bayesmat.errors import CampaignError
from bayesmat.explore.history import History
from bayesmat.explore.measurements import rows_of
from bayesmat.explore.store import Store, Taken
from bayesmat.explore.written import rows_from_json
from bayesmat.oracles.base import Evaluation, Oracle, evaluate

__all__ = ["answer_pending"]

_LOG = logging.getLogger(__name__)


def answer_pending(
    store: Store,
    history: History,
    oracle: Oracle,
    pool: Executor | None,
    bar: tqdm[Any],
    plan: tuple[int, int],
) -> None:
    """Evaluate all proposed materials without a result.

    Args:
        store: Where answers go.
        history: What is known.
        oracle: What answers.
        pool: Where it runs; `None` is this process.
        bar: Shows the progress.
        plan: Rounds in total and materials of a round, for the bar.

    Raises:
        CampaignError: Everything failed or was unusable, which is recorded.
    """
    pending, (rounds, batch) = history.pending, plan
    bar.total = len(history.proposed) + max(0, rounds - len(history.proposals)) * batch
    bar.n = len(history.proposed) - len(pending)
    bar.refresh()
    if not pending:
        return
    bar.set_description(f"evaluating round {len(history.proposals)} of {rounds}")

    aims = {goal.property for goal in history.goals}
    failed: list[str] = []

    def keep(evaluation: Evaluation) -> None:
        rows = rows_of(evaluation, oracle.properties, history.start.properties, aims)
        failed.extend(row.failure for row in rows[:1] if row.failure is not None)
        try:
            store.record(rows)
        except Taken:  # somebody was faster
            _LOG.info("%s was told by another process", evaluation.material)
        bar.update()

    items = {i.material: i for p in history.proposals for i in p.items}
    rows = rows_from_json([items[key] for key in pending], history.start)
    evaluate(oracle, rows, pool, keep)
    if len(pending) > 1 and len(failed) == len(pending):
        raise CampaignError(
            f"all {len(failed)} materials that waited for the oracle failed, the first with "
            f"{failed[0]!r}. The failures are recorded. If the oracle is at fault, "
            "mend it before you call run again, which goes on with new materials."
        )
