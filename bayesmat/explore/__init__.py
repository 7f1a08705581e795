"""The choice of the next experiment: goals, candidates, rules, and the campaign."""

from .acquisition import ExpectedDistance, RegionProbability, SpacierValue
from .campaign import Campaign
from .candidates import Candidates, CandidateSource, MoleculeDesign
from .goals import AtLeast, AtMost, Goal, Maximize, Minimize, Within
from .improvement import ImprovementRule
from .intake import SheetRead
from .pool import Pool
from .pools import read_pool
from .records import CarryOver, Proposal, RoundTrace, Status
from .region import Region, region_of
from .select import (
    ExpectedDistanceRule,
    LiteralSpacierRule,
    ProbabilityRule,
    Rule,
    Selection,
    SpacierRule,
)
from .space import ConditionSpace

__all__ = [
    "AtLeast",
    "AtMost",
    "Campaign",
    "CandidateSource",
    "Candidates",
    "CarryOver",
    "ConditionSpace",
    "ExpectedDistance",
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
    "RegionProbability",
    "RoundTrace",
    "Rule",
    "Selection",
    "SheetRead",
    "SpacierRule",
    "SpacierValue",
    "Status",
    "Within",
    "read_pool",
    "region_of",
]
