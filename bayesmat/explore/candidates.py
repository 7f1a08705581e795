"""Where candidates come from: what a source is, and molecules invented by SMC."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from bayesmat._arguments import names, seed_of, settle
from bayesmat._counted import counted
from bayesmat._repr import Shown
from bayesmat.data.rows import Rows
from bayesmat.design.chemistry import MoleculeFilter
from bayesmat.design.language import SmilesNGram
from bayesmat.design.moves import Checker
from bayesmat.design.sampler import (
    MemoScore,
    PriorDraws,
    SamplerSettings,
    draw_prior,
    molecule_checker,
    sample_strings,
)
from bayesmat.errors import DesignError
from bayesmat.explore.goals import At, Goal, Maximize, applies, at_of, extremes
from bayesmat.explore.records import SamplerStage, stage_of
from bayesmat.explore.region import Region, region_of
from bayesmat.models.base import Fitted

__all__ = ["CandidateSource", "Candidates", "MoleculeDesign", "RegionScore"]


@dataclass(frozen=True, eq=False, repr=False)
class Candidates(Shown):
    """What may be chosen next.

    Attributes:
        rows: Canonical, distinct; a list of keys where there are no conditions.
        trace: JSON-able notes on how they were made; people read them, programs do not.
        stages: Temperatures of the sampler, if one made them.
        notes: Columns that travel with the rows (name, price, supplier), a value for each.

    Raises:
        DesignError: There is none, or one is there twice.
    """

    rows: Rows
    trace: dict[str, Any] = field(default_factory=dict)
    stages: tuple[SamplerStage, ...] = ()
    notes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.rows, Rows):
            object.__setattr__(self, "rows", Rows(names(self.rows, "Candidates")))
        settle(self)
        if not len(self.rows):
            raise DesignError(
                "there is no candidate, so that nothing can be chosen: let the source of "
                "candidates reach further, or stop here."
            )
        twice = [key for key, n in Counter(self.rows.keys).items() if n > 1]
        if twice:
            raise DesignError(
                f"{counted(len(twice), 'candidate', verb='are')} "
                "there twice, so that one could be in a batch twice: "
                f"{twice[:20]}. Hand each over once: tuple(dict.fromkeys(materials))."
            )

    @property
    def materials(self) -> tuple[str, ...]:
        """The materials of the rows; of recipes, their keys."""
        return self.rows.texts

    def _facts(self) -> dict[str, object]:
        return {"number": len(self.rows), "first": self.rows.keys[:4], "trace": self.trace}


class CandidateSource(Protocol):
    """Makes candidates for a posterior and its goals; deterministic for a seed."""

    @property
    def digest(self) -> str:
        """Hash of its configuration."""
        ...

    def __call__(
        self, fitted: Fitted, goals: Sequence[Goal], *, exclude: Collection[str], seed: int
    ) -> Candidates:
        """Candidates none of which is in `exclude`, the keys of the rows that are known."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class RegionScore(Shown):
    """log P(a measurement lies in the region | data): the likelihood of the molecule sampler."""

    fitted: Fitted
    region: Region
    at: At = field(default_factory=dict)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Shape `n`."""
        marginals = self.fitted.marginals(
            Rows.of(self.fitted.table, names(materials, "materials"), self.at)
        )
        return marginals.log_probability(self.region.lower, self.region.upper)


def _aim(fitted: Fitted, goals: Sequence[Goal]) -> Region:
    """The region of the goals; for an extreme, what is better than all that was measured."""
    region = region_of(goals, fitted.table.property_names, fitted.scales)
    for goal in extremes(goals):
        j = fitted.table.property_names.index(goal.property)
        meant = applies(fitted.table.rows, goals)
        measured = torch.as_tensor(fitted.table.values[meant, j])
        y = fitted.scales[j].to_model(measured[~measured.isnan()])
        if not len(y):
            continue
        if isinstance(goal, Maximize):
            region.lower[j] = y.max()
        else:
            region.upper[j] = y.min()
    return region


@dataclass(frozen=True)
class MoleculeDesign:
    """Invents molecules: language prior, chemical filter, posterior probability of the region.

    For Maximize and Minimize the region is what is better than everything measured so far. The
    target of the sampler is prior x 1[filter] x P(region | data)**power. `power` = 1 is the
    posterior; 4 looks harder where the model is flat (chosen on development seeds, see
    docs/decisions.md) and is declared in every report.

    Attributes:
        language: The prior over SMILES, trained on molecules that pass the filter.
        molecule_filter: Alerts and constraints.
        settings: Sizes of the SMC run, and the power.
        pool_seed: Seeds the prior draws that every round starts from.
        n_candidates: Most probable visited molecules handed on.
    """

    language: SmilesNGram
    molecule_filter: MoleculeFilter
    settings: SamplerSettings = field(default_factory=lambda: SamplerSettings(power=4.0))
    pool_seed: int = 0
    n_candidates: int = 400

    def __post_init__(self) -> None:
        settle(self)
        seed_of(self.pool_seed, "MoleculeDesign(pool_seed)")

    @property
    def digest(self) -> str:
        """Hash of language, filter and settings."""
        parts = [
            self.language.digest, self.molecule_filter.digest, asdict(self.settings),
            self.pool_seed, self.n_candidates,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @cached_property
    def checker(self) -> Checker:
        """The filter with its memory of verdicts."""
        return molecule_checker(self.molecule_filter)

    @cached_property
    def prior_draws(self) -> PriorDraws:
        """Independent draws of the filtered language, made once."""
        return draw_prior(self.language, self.checker, self.settings.pool_size, seed=self.pool_seed)

    def __call__(
        self, fitted: Fitted, goals: Sequence[Goal], *, exclude: Collection[str], seed: int
    ) -> Candidates:
        """Run the sampler; the distinct molecules it visited are the candidates."""
        region = _aim(fitted, goals)
        result = sample_strings(
            self.language,
            self.checker,
            MemoScore(RegionScore(fitted, region, at_of(goals))),
            seed=seed,
            settings=self.settings,
            initial=self.prior_draws,
        )
        ranked = sorted(result.visited, key=lambda key: (-result.visited[key], key))
        rows = Rows.of(fitted.table, ranked, at_of(goals))
        name, kept = dict(zip(ranked, rows.keys, strict=True)), list[str]()
        for key in ranked:
            if len(kept) == self.n_candidates:
                break
            if name[key] not in exclude and self.checker.approves(key):
                kept.append(key)
        trace = {
            "source": "molecules by SMC",
            "power": self.settings.power,
            "n_particles": self.settings.n_particles,
            "log_evidence": result.log_evidence,
            "log_evidence_sd": result.log_evidence_sd,
            "n_visited": len(result.visited),
            "n_distinct_particles": len(set(result.materials)),
            "stages": list(result.trace),
        }
        if not kept:
            raise DesignError("the sampler found no molecule that is new and passes the filter.")
        stages = tuple(stage_of(row, self.settings.n_particles) for row in result.trace)
        return Candidates(Rows.of(fitted.table, kept, at_of(goals)), trace, stages)
