"""Let an oracle answer what waits, and store every answer the moment it exists."""

from __future__ import annotations

import logging
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from tqdm.auto import tqdm

from bayesmat.errors import CampaignError
from bayesmat.explore.history import History
from bayesmat.explore.measurements import answer_of
from bayesmat.explore.standing import stand
from bayesmat.explore.store import Store
from bayesmat.explore.stored import About, Kind
from bayesmat.explore.written import row_to_json
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
    asked = history.rows(pending)
    places = {key: i for i, key in enumerate(pending)}
    failed: list[str] = []

    def keep(evaluation: Evaluation) -> None:
        key = evaluation.material
        event = answer_of(
            evaluation, oracle.properties, history.start.properties, aims, oracle.digest
        )
        event = replace(event, row=row_to_json(asked, places[key]))
        if event.kind == Kind.FAILED:
            failed.append(str(event.note))
        if not store.append(key, lambda about: [event] if _waits(about) else []):
            _LOG.info("%s was told by another process", key)
        bar.update()

    evaluate(oracle, asked, pool, keep)
    if len(pending) > 1 and len(failed) == len(pending):
        raise CampaignError(
            f"all {len(failed)} materials that waited for the oracle failed, the first with "
            f"{failed[0]!r}. The failures are recorded. If the oracle is at fault, mend it and "
            "call retry before run; run alone goes on with new materials."
        )


def _waits(about: About) -> bool:
    return stand(about.events).state == "pending"
