"""Which parts a campaign was created with, and whether it is opened with the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from bayesmat.errors import CampaignError
from bayesmat.explore.candidates import CandidateSource
from bayesmat.explore.select import Rule
from bayesmat.explore.store import CampaignRow
from bayesmat.models.base import Prior
from bayesmat.oracles.base import Oracle

__all__ = ["check_reopened", "identify", "versions"]

_PACKAGES = ("bayesmat", "botorch", "numpy", "rdkit", "tblite", "torch")


def versions() -> dict[str, str]:
    """Versions of the packages that a campaign's numbers depend on."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def identify(
    oracle: Oracle | None, candidates: CandidateSource | None, rule: Rule | None
) -> dict[str, str | None]:
    """Write down which oracle, candidates and rule were given; `None` is the default (or none)."""
    return {
        "oracle": None if oracle is None else oracle.digest,
        "candidates": None if candidates is None else candidates.digest,
        "rule": None if rule is None else rule.name,
    }


def check_reopened(
    url: str, created: CampaignRow, prior: Prior | None, given: Mapping[str, str | None]
) -> None:
    """Refuse parts that would make one history out of two searches.

    Raises:
        CampaignError: Which part differs, and what to do.
    """
    then = created.settings
    if given["oracle"] is not None and given["oracle"] != then["oracle"]:
        raise CampaignError(
            f"the campaign at {url} was created with the oracle {then['oracle']!r}, the one given "
            f"now is {given['oracle']!r}: their numbers are not the same property. Give the same "
            "oracle, or open without one and tell the results."
        )
    if prior is None:
        return
    digest = prior.digest()
    if digest != created.prior_digest:
        raise CampaignError(
            f"the campaign at {url} was created with the prior {created.prior_digest!r}, the one "
            f"given now is {digest!r}: its structure, its source networks or the package versions "
            f"differ (then: {created.versions}; now: {versions()}), and predictions of two models "
            "cannot be one history. Give the same prior, or open without one and start a new "
            "campaign from its table()."
        )
    if given["candidates"] != then["candidates"]:
        raise CampaignError(
            f"the campaign at {url} was created with {_words(then['candidates'])}, now it is "
            f"opened with {_words(given['candidates'])}. Give the same candidate source."
        )
    if given["rule"] is None and then["rule"] is not None:
        raise CampaignError(
            f"the campaign at {url} was created with the rule {then['rule']!r}: give it again, or "
            "name another rule to go on with."
        )


def _words(digest: str | None) -> str:
    return "the default candidates" if digest is None else f"the candidates {digest!r}"
