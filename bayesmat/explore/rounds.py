"""One round of a campaign: fit, find candidates, choose, predict."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from tqdm.auto import tqdm

from bayesmat._arguments import checked
from bayesmat.data.far import warn_far
from bayesmat.data.given import example_of
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.data.units import converter
from bayesmat.design.chemistry import MoleculeFilter
from bayesmat.design.corpus import filtered_molecules
from bayesmat.design.language import SmilesNGram
from bayesmat.errors import BayesmatError, CampaignError, ModelError
from bayesmat.explore.candidates import CandidateSource, MoleculeDesign
from bayesmat.explore.goals import Goal, aimed, at_of, extremes, goals_of
from bayesmat.explore.history import History
from bayesmat.explore.identity import versions
from bayesmat.explore.improvement import ImprovementRule
from bayesmat.explore.pool import Pool
from bayesmat.explore.reasons import reasons_for
from bayesmat.explore.records import RoundTrace
from bayesmat.explore.region import region_of
from bayesmat.explore.select import (
    ExpectedDistanceRule,
    LiteralSpacierRule,
    ProbabilityRule,
    Rule,
    SpacierRule,
)
from bayesmat.explore.space import ConditionSpace
from bayesmat.explore.stored import ItemRow, ProposalRow
from bayesmat.explore.written import jsonable, prediction_to_json
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import Fitted, fit, layout_of
from bayesmat.models.model import Prior
from bayesmat.oracles.base import Oracle

_MOST_DESCRIBED = 1024  # candidates of a pool that are described before a campaign is made
_REGION_RULES = (ExpectedDistanceRule, LiteralSpacierRule, ProbabilityRule, SpacierRule)

__all__ = [
    "Parts",
    "check_chosen",
    "check_new",
    "check_parts",
    "default_candidates",
    "default_rule",
    "design_round",
    "goal_probability",
]


@dataclass(frozen=True, eq=False)
class Parts:
    """What designs a round: prior, candidate source, batch rule."""

    prior: Prior
    candidates: CandidateSource
    rule: Rule


@lru_cache(maxsize=1)
def default_candidates() -> CandidateSource:
    """Molecules designed under the language of the bundled list and the default filter."""
    language = SmilesNGram.fit(filtered_molecules())
    return MoleculeDesign(language, MoleculeFilter.default())


def default_rule(goals: Sequence[Goal]) -> Rule:
    """The SPACIER rule for a region, expected improvement for an extreme."""
    return ImprovementRule() if extremes(goals) else SpacierRule()


def design_round(parts: Parts, history: History, batch: int, *, seed: int) -> ProposalRow:
    """Design the round that follows a history; the same history and seed give the same round.

    Args:
        parts: Prior, candidate source and rule.
        history: What is known.
        batch: Number of materials; fewer are chosen where fewer candidates are left.
        seed: The campaign's.

    Raises:
        CampaignError: The rule chose nothing, or a material twice, or one that is known.
    """
    number = len(history.proposals) + 1
    clock = [time.perf_counter()]
    fitted = fit(parts.prior, history.table(), seed=_seed(seed, number, 0), explain=False)
    clock.append(time.perf_counter())
    candidates = parts.candidates(
        fitted, history.goals, exclude=history.known, seed=_seed(seed, number, 1)
    )
    clock.append(time.perf_counter())
    selection = parts.rule(
        fitted, candidates, history.goals, batch, seed=_seed(seed, number, 2), round=number
    )
    clock.append(time.perf_counter())
    chosen = candidates.rows.take(selection.rows)
    _check_chosen(chosen.keys, history, parts.rule.name)
    trace = RoundTrace(
        parts.rule.name,
        parts.candidates.digest,
        len(candidates.rows),
        len(history.pending),
        str(fitted.report),
        dict(zip(("fit", "candidates", "select"), np.diff(clock).tolist(), strict=True)),
        selection.temporary,
        candidates.stages,
        versions(),
        {"selection": selection.trace, "source": candidates.trace},
    )
    predicted = fitted.predict(chosen)
    predictions = prediction_to_json(
        predicted, goal_probability(fitted, history.goals, chosen), selection.scores
    )
    notes = [{k: jsonable(v[row]) for k, v in candidates.notes.items()} for row in selection.rows]
    reasons = jsonable(reasons_for(fitted, predicted, history.goals))
    said = [
        p | ({"notes": n} if n else {}) | ({"reason": why} if why else {})
        for p, n, why in zip(predictions, notes, reasons, strict=True)
    ]
    items = tuple(map(ItemRow, chosen.keys, said))
    return ProposalRow(number, trace.to_json(), items)


def goal_probability(fitted: Fitted, goals: Sequence[Goal], rows: Rows) -> np.ndarray:
    """P(a measurement meets all goals that have bounds) of rows; NaN if none has."""
    region = region_of(goals, fitted.table.property_names, fitted.scales)
    if not bool(region.bounded.any()):
        return np.full(len(rows), np.nan)
    log_p = fitted.marginals(aimed(rows, goals)).log_probability(region.lower, region.upper)
    return log_p.exp().numpy()


def check_new(
    parts: tuple[Prior, Oracle | None, CandidateSource | None, Rule | None],
    table: PropertyTable,
    goals: Sequence[Goal],
    *,
    known: Collection[str] = (),
) -> None:
    """Refuse parts with which no round could ever be designed, before anything is written.

    Features are computed of the whole table and of the first 1024 candidates of a pool.

    Args:
        parts: Prior, oracle, candidates and rule; `None` is the default (of oracles: none).
        table: What has been measured so far.
        goals: What is searched for.
        known: Materials besides the table's that are not proposed again.

    Raises:
        CampaignError: What does not fit, and what to do.
    """
    prior, oracle, candidates, rule = parts
    check_parts(table, prior, goals, oracle)
    check_chosen(table, prior, goals, candidates, rule)
    if not np.isfinite(table.select(prior.properties).values).any():
        raise CampaignError(
            f"no cell of {list(prior.properties)} is measured in the table, so that there is "
            "nothing to fit: a campaign starts from at least one measurement."
        )
    _check_described(prior, table, table.rows, "the table")
    if isinstance(candidates, Pool):
        used = {*known, *table.rows.keys}
        left = candidates.rows(table, goals).without(used).distinct()
        if not len(left):
            raise CampaignError(
                f"all {candidates.size} {candidates.what} of the pool are known already, so that "
                "nothing is left to propose: give candidates that have not been measured."
            )
        _check_described(prior, table, left[:_MOST_DESCRIBED], "the pool")


def _check_described(prior: Prior, table: PropertyTable, rows: Rows, where: str) -> None:
    blocks = layout_of(prior, table).stream(rows)
    try:
        for _ in tqdm(blocks, desc=f"describing {where}", delay=2, leave=False):
            pass
    except BayesmatError as error:
        raise CampaignError(
            f"the prior cannot describe materials of {where}, which are of kind {table.kind!r}, so "
            f"that no round could be designed: {error}\nGive a prior whose features are made for "
            "this kind of material, or leave the materials out."
        ) from error


def check_chosen(
    table: PropertyTable,
    prior: Prior,
    goals: Sequence[Goal],
    candidates: CandidateSource | None,
    rule: Rule | None,
) -> None:
    """Refuse candidates and rules that could never answer these goals on this table.

    Raises:
        ArgumentError: A list of materials in place of a candidate source.
        CampaignError: Designed molecules for a table of another kind.
        MaterialError: A pool holds what is no material of the table's kind.
        ModelError: Goals that no rule weighs against each other, or a rule made for others.
    """
    candidates = checked(candidates, CandidateSource | None, "candidates")
    rule = checked(rule, Rule | None, "rule")
    if isinstance(candidates, Pool | ConditionSpace):
        warn_far(table.rows, candidates.rows(table, goals))
    elif (candidates is None or isinstance(candidates, MoleculeDesign)) and table.kind != "smiles":
        given = "bm.Pool(materials)"
        if table.kind == "recipe":
            name = table.conditions[0].name
            given = f"bm.ConditionSpace({{{name!r}: (low, high), ...}}) or bm.read_pool(file)"
        raise CampaignError(
            f"candidates are designed molecules, and the table holds rows of kind {table.kind!r}: "
            f"give what may be chosen, candidates={given}."
        )
    elif (candidates is None or isinstance(candidates, MoleculeDesign)) and table.conditions:
        lacking = [c.name for c in table.conditions if c.name not in at_of(goals)]
        if lacking:
            j = [c.name for c in table.conditions].index(lacking[0])
            example = example_of(table.conditions[j], table.condition_values[:, j])
            raise CampaignError(
                f"designed molecules come without the conditions {lacking} of the table: say at "
                f"which the goals are meant, at={{{lacking[0]!r}: {example!r}}}, or give "
                "candidates with conditions, bm.Pool(materials, conditions={...})."
            )
    aimed = extremes(goals)
    if aimed and len(prior.properties) > 1:
        raise ModelError(
            f"{aimed[0]} needs a model of that property alone, the prior relates "
            f"{list(prior.properties)}: use a prior of one property, or a bound (AtLeast, AtMost)."
        )
    if aimed and isinstance(rule, _REGION_RULES):
        raise ModelError(
            f"{rule.name} steers toward a region, and {aimed[0]} has none: leave the rule out, or "
            "choose ImprovementRule."
        )
    if not aimed and isinstance(rule, ImprovementRule):
        raise ModelError(
            f"{rule.name} is for Maximize or Minimize, the goals draw a region: leave the rule "
            "out, or choose SpacierRule or ProbabilityRule."
        )


def check_parts(
    table: PropertyTable, prior: Prior, goals: Sequence[Goal], oracle: Oracle | None
) -> None:
    """Refuse a campaign that could not run, before anything is written.

    Raises:
        CampaignError: What does not fit, and what to do.
        ModelError: The goals contradict each other or name a property that the table lacks.
        DataError: The oracle and the table measure a property in units that do not convert.
    """
    table, prior = checked(table, PropertyTable, "table"), checked(prior, Prior, "prior")
    oracle = checked(oracle, Oracle | None, "oracle")
    goals = goals_of(goals)
    warn_far(table.rows, table.rows.under(at_of(goals)))
    extremes(goals)
    missing = [p for p in prior.properties if p not in table.property_names]
    if missing:
        raise CampaignError(
            f"the prior relates {list(prior.properties)}, the table lacks {missing}; it has "
            f"{list(table.property_names)}."
        )
    table.check_continuous(prior.properties)
    scales = dict(zip(table.property_names, table.scales, strict=True))
    region_of(goals, prior.properties, [scales[p] for p in prior.properties])
    if oracle is not None:
        _check_oracle(table, goals, oracle)


def _check_oracle(table: PropertyTable, goals: Sequence[Goal], oracle: Oracle) -> None:
    answers = {p.name: p for p in oracle.properties}
    unanswered = sorted({goal.property for goal in goals} - set(answers))
    if unanswered:
        raise CampaignError(
            f"the goals name {unanswered}, the oracle answers only {list(answers)}: no result "
            "could ever meet the goals. Name the table's property as the oracle does."
        )
    kind = getattr(oracle, "kind", None)
    if kind not in (None, table.kind):
        raise CampaignError(
            f"the oracle answers about materials of kind {kind!r}, the table holds materials of "
            f"kind {table.kind!r}: every evaluation would fail. Give an oracle for this kind."
        )
    for prop in table.properties:
        if prop.name in answers and prop.categories is None:
            converter(answers[prop.name].unit, prop.unit)


def _check_chosen(chosen: Sequence[str], history: History, rule: str) -> None:
    known = [material for material in chosen if material in history.known]
    if not chosen or known or len(set(chosen)) < len(chosen):
        raise CampaignError(
            f"the rule {rule!r} chose {list(chosen)}, of which {known} are known already: a batch "
            "holds new and distinct materials. The candidate source must leave out what it is "
            "told to exclude, and the rule must choose each row once."
        )


def _seed(seed: int, number: int, stage: int) -> int:
    return spawn(seed, f"round {number}, stage {stage}")
