"""The persistent ask/tell history of one search: where everything meets."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack

from tqdm.auto import tqdm

from bayesmat._arguments import checked, integer, seed_of
from bayesmat.data.table import PropertyTable
from bayesmat.errors import BayesmatError, CampaignError, SurprisingValue
from bayesmat.explore.candidates import CandidateSource
from bayesmat.explore.goals import Goal, goal_words, goals_of, with_numbers
from bayesmat.explore.identity import carry, check_reopened, identify, versions
from bayesmat.explore.logbook import Logbook
from bayesmat.explore.records import Proposal, Status
from bayesmat.explore.rounds import (
    Parts,
    check_chosen,
    check_new,
    default_candidates,
    default_rule,
    design_round,
)  # fmt: skip
from bayesmat.explore.running import answer_pending
from bayesmat.explore.select import Rule
from bayesmat.explore.store import Store, Taken
from bayesmat.explore.stored import CampaignRow, ProposalRow
from bayesmat.explore.written import goal_to_json, table_to_json
from bayesmat.models.model import Prior, suited
from bayesmat.oracles.base import Oracle
from bayesmat.oracles.workers import start_pool

__all__ = ["Campaign"]

_LOG = logging.getLogger(__name__)
_RACES = 10


class Campaign(Logbook):
    """A search that proposes materials, is told results, and forgets nothing.

    The history lives in a database and survives crashes. It is append-only: corrections and
    withdrawals are events like measurements, and every state that the history ever had can be
    read again. The model is not kept, it is fitted anew in every round. The seed of round r is
    derived from the campaign's seed and r, so that the same history gives the same proposal,
    whoever asks. Several processes may tell results to one campaign at once.

    Make one with `Campaign.create`, come back with `Campaign.open`. Use `run` where an oracle
    computes the answers, `suggest` and `tell` where a laboratory measures them.

    Attributes:
        url: Where the history is.
        start: The table that the campaign began with.
        goals: What is searched for.
        seed: Seeds every round.
        prior: The prior, or `None` for a campaign that was opened only to be read and told.
        oracle: What answers in `run`, or `None`.
    """

    def __init__(
        self,
        store: Store,
        *,
        prior: Prior | None,
        oracle: Oracle | None,
        candidates: CandidateSource | None,
        rule: Rule | None,
    ) -> None:
        super().__init__(store)
        prior = checked(prior, Prior | None, "prior")
        self.prior = None if prior is None else suited(prior, self.start)
        self.oracle = checked(oracle, Oracle | None, "oracle")
        self._candidates = checked(candidates, CandidateSource | None, "candidates")
        self._rule = checked(rule, Rule | None, "rule")

    @classmethod
    def create(
        cls,
        url: str,
        table: PropertyTable,
        prior: Prior,
        *,
        goals: Sequence[Goal],
        oracle: Oracle | None = None,
        candidates: CandidateSource | None = None,
        rule: Rule | None = None,
        seed: int = 0,
    ) -> Campaign:
        """Start a campaign and write it to a database that holds none yet.

        Args:
            url: SQLAlchemy URL, `"sqlite:///gap.db"`.
            table: What has been measured so far.
            prior: The model before data; its digest is stored.
            goals: What is searched for; bounds in the units of the table.
            oracle: Answers in `run`; `None` where a laboratory does.
            candidates: Where candidates come from; by default designed molecules.
            rule: Chooses the batch; by default the SPACIER rule.
            seed: Seeds every round.

        Raises:
            CampaignError: The database holds a campaign already, the goals, the oracle or the
                features of the prior do not fit the table, or nothing is measured or left to
                propose.
            ModelError: The goals contradict each other or name a property the prior lacks.
        """
        seed, goals, table = seed_of(seed), goals_of(goals), checked(table, PropertyTable, "table")
        prior = suited(checked(prior, Prior, "prior"), table)
        goals = with_numbers(goals, table.rows)
        check_new((prior, oracle, candidates, rule), table, goals)
        store = Store(url)
        settings = {
            "goals": [goal_to_json(goal) for goal in goals],
            **identify(oracle, candidates, rule),
        }
        store.create(CampaignRow(settings, table_to_json(table), prior.digest(), versions(), seed))
        return cls(store, prior=prior, oracle=oracle, candidates=candidates, rule=rule)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        prior: Prior | None = None,
        oracle: Oracle | None = None,
        candidates: CandidateSource | None = None,
        rule: Rule | None = None,
    ) -> Campaign:
        """Come back to a campaign with the parts that it has.

        Args:
            url: The URL it was created under.
            prior: The same prior; without it the campaign can be read and told, not asked.
            oracle: The same oracle, for `run`.
            candidates: The candidate source, if one was given to `create`.
            rule: The rule, if one was given to `create`; another may be chosen from now on.

        Raises:
            CampaignError: There is no campaign, or the prior, the oracle or the candidates are
                others than those it has.
        """
        campaign = cls(Store(url), prior=prior, oracle=oracle, candidates=candidates, rule=rule)
        try:
            given = identify(oracle, candidates, rule)
            check_reopened(url, campaign._row, campaign.prior, given)
            if campaign.prior is not None:
                check_chosen(campaign.start, campaign.prior, campaign.goals, candidates, rule)
        except BayesmatError:
            campaign.close()
            raise
        return campaign

    @classmethod
    def carry_over(
        cls,
        url: str,
        *,
        prior: Prior,
        reason: str,
        oracle: Oracle | None = None,
        candidates: CandidateSource | None = None,
        rule: Rule | None = None,
    ) -> Campaign:
        """Go on with another prior, oracle, rule or candidates, and record what changed and why.

        All proposals, results and failures stay: what was told informs the new model, and nothing
        that was proposed is proposed again. History and report say which rounds were made under
        which model. Where nothing differs, nothing is recorded, and the campaign is opened.

        Args:
            url: Where the campaign is.
            prior: The prior to go on with.
            reason: Who carries it over and why, for those who read the report.
            oracle: The oracle to go on with; `None` leaves the recorded one.
            candidates: Where candidates come from, if the campaign was given a source.
            rule: Chooses the batch, if the campaign was given a rule.

        Raises:
            CampaignError: There is no campaign, the parts do not fit it, or there is no reason.
        """
        campaign = cls(Store(url), prior=prior, oracle=oracle, candidates=candidates, rule=rule)
        try:
            prior = suited(checked(prior, Prior, "prior"), campaign.start)
            past, parts = campaign._history(), (prior, oracle, candidates, rule)
            check_new(parts, past.table(), past.goals, known=past.known)
            given = identify(oracle, candidates, rule)
            carry(campaign._store, campaign._row, prior, given, reason)
        except BayesmatError:
            campaign.close()
            raise
        campaign._load()
        return campaign

    def suggest(self, batch: int = 8) -> Proposal:
        """Fit the model to everything told so far, choose the next batch, and store it.

        Start materials, told, failed and pending ones are not proposed again. Pending ones do
        not hold up a new round. Values that their predictions gave no chance, and that were not
        corrected, are said again (`SurprisingValue` warnings): one of them can spoil a round.

        Args:
            batch: Number of materials.

        Raises:
            ArgumentError: The batch is not a whole number of at least 1.
            CampaignError: The campaign was opened without its prior.
            DesignError: The candidates are used up.
        """
        batch = integer(batch, "batch", least=1)
        for one in self.surprises():
            warnings.warn(f"before this round: {one}", SurprisingValue, stacklevel=2)
        for _ in range(_RACES):
            row = self._design(batch)
            try:
                self._store.propose(row, carried=len(self._carried))
            except Taken:
                _LOG.info("round %d was proposed by another process; asking again", row.round)
                continue
            return self.proposals()[row.round - 1]
        raise CampaignError(
            f"other processes proposed {_RACES} rounds at {self.url} while this one was designing "
            "one. Let one process suggest, and the others tell."
        )

    def run(
        self,
        rounds: int,
        batch: int = 8,
        *,
        executor: Executor | None = None,
        workers: int = 2,
        progress: bool = True,
    ) -> Status:
        """Suggest, evaluate and tell until the campaign has this many rounds, all evaluated.

        Every answer is stored the moment it exists. A run that was interrupted, even by SIGKILL,
        is continued by calling `run` again: proposed materials without a result are evaluated
        first, and rounds that are complete are not repeated.

        Args:
            rounds: Total number of rounds, those of earlier runs included.
            batch: Number of materials of each new round.
            executor: Where the oracle runs; by default a `WorkerPool` of this machine, which
                enforces the oracle's time limit by killing what exceeds it.
            workers: Processes of that pool; 0 computes in this process.
            progress: Show a progress bar.

        Raises:
            CampaignError: There is no oracle, or a whole batch failed or was unusable (recorded).
        """
        rounds, batch = integer(rounds, "rounds", least=0), integer(batch, "batch", least=1)
        progress = checked(progress, bool, "progress")
        workers = integer(workers, "workers", least=0)
        oracle = self.oracle
        if oracle is None:
            raise CampaignError(
                "this campaign has no oracle to run: give one to Campaign.create or Campaign.open,"
                " or use suggest and tell."
            )
        with ExitStack() as stack:
            pool = executor or start_pool(stack, oracle, workers)
            bar = stack.enter_context(tqdm(disable=not progress, unit="material"))
            while True:
                answer_pending(self._store, self._history(), oracle, pool, bar, (rounds, batch))
                done = self._store.rounds()
                if done >= rounds:
                    return self.status()
                bar.set_description(f"designing round {done + 1} of {rounds}")
                self.suggest(batch)

    def _facts(self) -> dict[str, object]:
        facts = {"database": self._store.label, "seed": self.seed, "status": str(self.status())}
        return {
            **facts,
            "goals": [goal_words(goal, self.start) for goal in self.goals],
        }

    def _design(self, batch: int) -> ProposalRow:
        if self.prior is None:
            raise CampaignError(
                "this campaign was opened without its prior, so it can be read and told but not "
                "asked: open it with Campaign.open(url, prior=...)."
            )
        self._candidates = self._candidates or default_candidates()
        self._rule = self._rule or default_rule(self.goals)
        parts = Parts(self.prior, self._candidates, self._rule)
        return design_round(parts, self._history(), batch, seed=self.seed)
