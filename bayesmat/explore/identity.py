"""Which parts a campaign has, and whether it is opened with the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bayesmat._arguments import instance
from bayesmat._version import versions
from bayesmat.errors import CampaignError
from bayesmat.explore.candidates import CandidateSource
from bayesmat.explore.records import CarryOver
from bayesmat.explore.select import Rule
from bayesmat.explore.store import Store
from bayesmat.explore.stored import CampaignRow, CarriedRow
from bayesmat.models.model import Prior
from bayesmat.oracles.base import Oracle

__all__ = ["carry", "carry_overs", "check_reopened", "identify", "latest"]

_DOOR = (
    "or go on with these for a reason that is recorded: Campaign.carry_over(url, prior=..., "
    "reason=...), on the command line `bayesmat campaign carry-over`. It keeps every proposal, "
    "failure and result."
)


def identify(
    oracle: Oracle | None, candidates: CandidateSource | None, rule: Rule | None
) -> dict[str, str | None]:
    """Write down which oracle, candidates and rule were given; `None` is the default (or none)."""
    return {
        "oracle": None if oracle is None else oracle.digest,
        "candidates": None if candidates is None else candidates.digest,
        "rule": None if rule is None else rule.name,
    }


def latest(created: CampaignRow, carried: Sequence[CarriedRow]) -> CampaignRow:
    """The campaign with the parts that it was last carried over to."""
    if not carried:
        return created
    now = carried[-1]
    settings = {**created.settings, **now.parts}
    return replace(created, settings=settings, prior_digest=now.prior_digest, versions=now.versions)


def carry_overs(created: CampaignRow, carried: Sequence[CarriedRow]) -> tuple[CarryOver, ...]:
    """What changed each time."""
    found = []
    for i, row in enumerate(carried):
        before, after = (_flat(latest(created, carried[:n])) for n in (i, i + 1))
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        changed = {name: (before.get(name), after.get(name)) for name in names}
        found.append(CarryOver(row.after_round, row.created, row.reason, changed))
    return tuple(found)


def carry(
    store: Store, now: CampaignRow, prior: Prior, given: Mapping[str, str | None], reason: str
) -> None:
    """Record that a campaign goes on with other parts; nothing, where they are the same.

    Raises:
        CampaignError: There is no reason, or candidates or rule must be named.
    """
    if not instance(reason, str, "reason", "say in a few words who and why.").strip():
        raise CampaignError("a campaign is carried over for a reason: say who and why.")
    _check_named(store.url, now, given)
    parts = {**given, "oracle": given["oracle"] or now.settings["oracle"]}
    digest = prior.digest()
    if digest != now.prior_digest or any(now.settings[k] != v for k, v in parts.items()):
        store.carry_over(digest, parts, versions(), reason.strip())


def check_reopened(
    url: str, now: CampaignRow, prior: Prior | None, given: Mapping[str, str | None]
) -> None:
    """Refuse parts that would make one history out of two searches.

    Raises:
        CampaignError: Which part differs, and what to do.
    """
    then = now.settings
    if given["oracle"] is not None and given["oracle"] != then["oracle"]:
        raise CampaignError(
            f"the campaign at {url} has the oracle {then['oracle']!r}, the one given "
            f"now is {given['oracle']!r}: their numbers are not the same property. Give the same "
            f"oracle, open without one and tell the results, {_DOOR}"
        )
    if prior is None:
        return
    digest = prior.digest()
    if digest != now.prior_digest:
        raise CampaignError(
            f"the campaign at {url} has the prior {now.prior_digest!r}, the one "
            f"given now is {digest!r}: its structure, its source networks or the numbers that its "
            f"features give differ ({_versions(now.versions)}), and predictions of two models are "
            f"not one history. Give the same prior, {_DOOR}"
        )
    if given["candidates"] != then["candidates"]:
        raise CampaignError(
            f"the campaign at {url} has {_words(then['candidates'])}, now it is "
            f"opened with {_words(given['candidates'])}. Give the same candidate source, {_DOOR}"
        )
    _check_named(url, now, given)


def _check_named(url: str, now: CampaignRow, given: Mapping[str, str | None]) -> None:
    """Refuse to take a default for candidates or a rule that were given before.

    Raises:
        CampaignError: Which part must be named.
    """
    if given["candidates"] is None and now.settings["candidates"] is not None:
        raise CampaignError(
            f"the campaign at {url} has {_words(now.settings['candidates'])}: give them again, or "
            "the ones to go on with."
        )
    if given["rule"] is None and now.settings["rule"] is not None:
        raise CampaignError(
            f"the campaign at {url} has the rule {now.settings['rule']!r}: give it "
            "again, or name another rule to go on with."
        )


def _flat(row: CampaignRow) -> dict[str, str | None]:
    parts = {name: row.settings[name] for name in ("oracle", "candidates", "rule")}
    return {"prior": row.prior_digest, **parts, **row.versions}


def _versions(then: Mapping[str, str]) -> str:
    now = versions()
    other = [f"{name} was {then[name]}, is {now.get(name)}" for name in then
             if then[name] != now.get(name)]  # fmt: skip
    return "; ".join(other) or "with the same package versions"


def _words(digest: str | None) -> str:
    return "the default candidates" if digest is None else f"the candidates {digest!r}"
