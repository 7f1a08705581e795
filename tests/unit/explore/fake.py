"""A campaign whose parts are fast and transparent; in a module, so that processes can import it.

Materials are "m0" ... "m299"; the truth is gap(i) = 10 exp(-i/100) eV, and the model interpolates
its logarithm, with an sd that grows with the distance to what was measured.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bayesmat.data.table import Observations, Property, PropertyTable
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import Goal, Within
from bayesmat.explore.pool import Pool
from bayesmat.explore.region import region_of
from bayesmat.explore.select import Selection
from bayesmat.features.base import Layout
from bayesmat.inference.report import InferenceReport
from bayesmat.models.answers import LeftOutCells, Points
from bayesmat.models.base import Fitted
from bayesmat.models.left_out import LeftOut
from bayesmat.models.marginals import Marginals
from bayesmat.models.model import PropertyModel
from bayesmat.models.report import FitReport
from bayesmat.oracles import Evaluation
from bayesmat.sources.embedding import FeatureMap

GAP = Property("gap", "eV", "log")
GOALS: tuple[Goal, ...] = (Within("gap", 2.0, 2.5),)
POOL = Pool(tuple(f"m{i}" for i in range(300)))


def truth(material: str) -> float:
    return 10.0 * math.exp(-int(material[1:]) / 100)


def start_table() -> PropertyTable:
    materials = ("m0", "m50", "m100", "m200", "m290")
    return PropertyTable(materials, "id", (GAP,), np.array([[truth(m)] for m in materials]))


@dataclass(frozen=True)
class Number:
    id: str = "number"
    names: tuple[str, ...] = ("number",)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        return torch.tensor([[float(m[1:])] for m in materials], dtype=torch.float64)


class FakeModel(PropertyModel):
    """Interpolates; what it answers about cells is as if each were predicted without error."""

    def __init__(self, observations: Observations, X: Tensor) -> None:
        super().__init__()
        self.x, self.y = X[observations.rows, 0], observations.y
        self._observations = observations

    @property
    def properties(self) -> tuple[str, ...]:
        return self._observations.properties

    @property
    def report(self) -> FitReport:
        return FitReport(len(self.y), InferenceReport("fake", 0.0), {}, {}, None)

    @property
    def observations(self) -> Observations:
        return self._observations

    @property
    def noise_sd(self) -> Tensor:
        return torch.full((1, 1), 0.1, dtype=torch.float64)

    @property
    def draws(self) -> dict[str, Tensor]:
        return {"noise": self.noise_sd}

    @property
    def points(self) -> Points:
        return Points.of_draws(self.draws, 1)

    def left_out(self, units: Tensor, space: object = None) -> LeftOutCells:
        none = torch.zeros(1, len(self.y), dtype=torch.float64)
        by_unit = torch.zeros(1, int(units.max()) + 1, dtype=torch.float64)
        return LeftOutCells(self.y + none, none + 0.1, LeftOut(none, none + 0.01, by_unit, by_unit))

    @property
    def pointwise(self) -> Tensor:
        return torch.zeros(1, len(self.y), dtype=torch.float64)

    def replicate(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        return self.y.expand(len(chosen), -1)

    def update(self, observations: Observations, X: Tensor, *, seed: int) -> FakeModel:
        return FakeModel(observations, X)

    @property
    def num_outputs(self) -> int:
        return 1

    def posterior(self, *args: object, **kwargs: object) -> None:
        raise NotImplementedError

    def marginals(self, X: Tensor, *, chunk: int = 512) -> Marginals:
        order = self.x.argsort()
        mean = torch.from_numpy(np.interp(X[:, 0], self.x[order], self.y[order]))
        variance = (0.05 + (X[:, :1] - self.x).abs().amin(-1) / 100).square()
        noise = torch.full((1, 1), 0.1, dtype=torch.float64)
        return Marginals(mean[None, :, None], variance[None, :, None], noise)


@dataclass(frozen=True)
class FakePrior:
    version: str = "1"
    properties: tuple[str, ...] = ("gap",)
    features: tuple[FeatureMap, ...] = (FeatureMap((Number(),)),)

    def digest(self) -> str:
        return f"fake prior {self.version}"

    def condition(
        self,
        observations: Observations,
        X: Tensor,
        *,
        layout: Layout,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> PropertyModel:
        return FakeModel(observations, X)


@dataclass(frozen=True)
class FakeRule:
    """The most probable rows, ties broken by the seed."""

    name: str = "fake rule"

    def __call__(
        self,
        fitted: Fitted,
        candidates: Candidates,
        goals: Sequence[Goal],
        batch: int,
        *,
        seed: int,
        round: int,
    ) -> Selection:
        region = region_of(goals, fitted.table.property_names, fitted.scales)
        log_p = fitted.marginals(candidates.rows).log_probability(region.lower, region.upper)
        noise = torch.rand(len(log_p), generator=torch.Generator().manual_seed(seed))
        scores = (log_p + 0.1 * noise).tolist()
        rows = sorted(range(len(scores)), key=lambda i: -scores[i])[:batch]
        trace = {"round": round, "target": torch.tensor([1.0, math.nan, math.inf])}
        return Selection(tuple(rows), tuple(scores[r] for r in rows), trace)


@dataclass(frozen=True)
class FakeOracle:
    """Answers truly after a nap, in other units than the table, and fails for two materials."""

    nap_s: float = 0.0
    properties: tuple[Property, ...] = (Property("gap", "meV"), Property("dipole", "debye"))
    digest: str = "fake oracle"
    time_limit_s: float | None = 10.0
    broken: frozenset[str] = field(default_factory=lambda: frozenset({"m145", "m150"}))

    def __call__(self, materials: Sequence[str]) -> tuple[Evaluation, ...]:
        return tuple(self.one(m) for m in materials)

    def one(self, material: str) -> Evaluation:
        time.sleep(self.nap_s)
        if material in self.broken:
            return Evaluation.failed(material, "SCF not converged", "250 cycles", cost_s=1.5)
        return Evaluation(material, {"gap": 1000 * truth(material), "dipole": 1.0}, cost_s=0.5)


def create(url: str, *, oracle: FakeOracle | None = None, seed: int = 0) -> Campaign:
    return Campaign.create(
        url,
        start_table(),
        FakePrior(),
        goals=GOALS,
        oracle=oracle,
        candidates=POOL,
        rule=FakeRule(),
        seed=seed,
    )


def reopen(url: str, *, oracle: FakeOracle | None = None) -> Campaign:
    return Campaign.open(url, prior=FakePrior(), oracle=oracle, candidates=POOL, rule=FakeRule())


def run_in_process(url: str, rounds: int, nap_s: float) -> None:
    """Continue a campaign; what the killed processes of a test do."""
    campaign = reopen(url, oracle=FakeOracle(nap_s))
    campaign.run(rounds, 4, workers=0, progress=False)


def tell_in_process(url: str, materials: Sequence[str]) -> None:
    """Tell results, leaving alone what another process told first."""
    campaign = Campaign.open(url)
    for material in materials:
        try:
            campaign.tell(material, {"gap": truth(material)})
        except Exception as error:
            if "told before" not in str(error):
                sys.exit(str(error))
