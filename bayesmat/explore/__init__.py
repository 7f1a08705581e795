"""The choice of the next experiment: goals, candidates, rules, and the campaign."""

from .campaign import Campaign
from .candidates import Candidates, CandidateSource, MoleculeDesign, Pool
from .goals import AtLeast, AtMost, Goal, Maximize, Minimize, Region, Within, region_of
from .improvement import ImprovementRule
from .records import Proposal, Status
from .select import (
    ExpectedDistanceRule,
    LiteralSpacierRule,
    ProbabilityRule,
    Rule,
    Selection,
    SpacierRule,
)

__all__ = [
    "AtLeast",
    "AtMost",
    "Campaign",
    "CandidateSource",
    "Candidates",
    "ExpectedDistanceRule",
    "Goal",
    "ImprovementRule",
    "LiteralSpacierRule",
    "Maximize",
    "Minimize",
    "MoleculeDesign",
    "Pool",
    "ProbabilityRule",
    "Proposal",
    "Region",
    "Rule",
    "Selection",
    "SpacierRule",
    "Status",
    "Within",
    "region_of",
]
