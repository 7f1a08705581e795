"""Which mass matrix should NUTS adapt by default? `python -m benchmarks.nuts [--quick]`.

Programs as users write them, on boiling points of `chemicals`: linear regressions on d standardised
descriptors, which are correlated; a horseshoe; a hierarchy. Each with a diagonal mass matrix and a
full one, one chain, defaults otherwise. Figures are CPU seconds of one thread and the smallest
effective sample size over all scalars, in all and per second: the last decides. Records are
appended to `benchmarks/results/nuts.jsonl`, and what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from torch import Tensor

import bayesmat as bm
from bayesmat.data.datasets import chemicals_table
from bayesmat.data.table import Observations, PropertyTable
from bayesmat.features.molecule import CheapDescriptors

RESULTS = Path(__file__).parent / "results" / "nuts.jsonl"
N = 26


@dataclass(frozen=True)
class Standardised:
    """The first d descriptors that vary among some materials, in units of their sd there."""

    d: int
    among: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"standardised{self.d};{self.among}"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x{i}" for i in range(self.d))

    def __call__(self, materials: Sequence[str]) -> Tensor:
        reference = CheapDescriptors()(self.among)
        vary = torch.nonzero(reference.std(0) > 0).flatten()[: self.d]
        rows = CheapDescriptors()(materials)
        return (rows[:, vary] - reference[:, vary].mean(0)) / reference[:, vary].std(0)


def linear(d: int, among: tuple[str, ...], sampler: bm.NUTS) -> bm.Program:
    """A ridge regression with an intercept."""

    @bm.program(properties=("Tb",), features={"phi": Standardised(d, among)}, sampler=sampler)
    def regression(phi: Tensor, observations: Observations) -> Tensor:
        b = pyro.sample("b", dist.Normal(0, 1))
        w = pyro.sample("w", dist.Normal(0, 1).expand([phi.shape[-1], 1]).to_event(2))
        s = pyro.sample("s", dist.HalfNormal(1.0).expand([1]).to_event(1))
        f = b + phi @ w
        observations.observe(f, scale=s)
        return f

    return regression


def horseshoe(d: int, among: tuple[str, ...], sampler: bm.NUTS) -> bm.Program:
    """A sparse regression (Carvalho, Polson and Scott 2010, doi:10.1093/biomet/asq017)."""

    @bm.program(properties=("Tb",), features={"phi": Standardised(d, among)}, sampler=sampler)
    def sparse(phi: Tensor, observations: Observations) -> Tensor:
        overall = pyro.sample("overall", dist.HalfCauchy(0.1))
        local = pyro.sample("local", dist.HalfCauchy(1.0).expand([phi.shape[-1]]).to_event(1))
        z = pyro.sample("z", dist.Normal(0, 1).expand([phi.shape[-1]]).to_event(1))
        s = pyro.sample("s", dist.HalfNormal(1.0).expand([1]).to_event(1))
        f = (phi @ (z * local * overall))[:, None]
        observations.observe(f, scale=s)
        return f

    return sparse


def hierarchy(d: int, among: tuple[str, ...], sampler: bm.NUTS) -> bm.Program:
    """Slopes that share a mean and a spread, which are learned."""

    @bm.program(properties=("Tb",), features={"phi": Standardised(d, among)}, sampler=sampler)
    def shared(phi: Tensor, observations: Observations) -> Tensor:
        mean = pyro.sample("mean", dist.Normal(0, 1))
        spread = pyro.sample("spread", dist.HalfNormal(0.5))
        z = pyro.sample("z", dist.Normal(0, 1).expand([phi.shape[-1]]).to_event(1))
        s = pyro.sample("s", dist.HalfNormal(1.0).expand([1]).to_event(1))
        f = (phi @ (mean + spread * z))[:, None]
        observations.observe(f, scale=s)
        return f

    return shared


Make = Callable[[int, tuple[str, ...], bm.NUTS], bm.Program]
CASES: dict[str, tuple[Make, int]] = {
    "linear, 8 descriptors": (linear, 8),
    "hierarchy, 12 descriptors": (hierarchy, 12),
    "horseshoe, 10 descriptors": (horseshoe, 10),
    "linear, 20 descriptors": (linear, 20),
}


def table(seed: int) -> PropertyTable:
    """N boiling points drawn from `chemicals`."""
    every = chemicals_table(progress=False).select(["Tb"])
    measured = np.flatnonzero(~np.isnan(every.values[:, 0]))
    rows = np.random.default_rng(seed).choice(measured, N, replace=False)
    return every.subset(np.sort(rows).tolist())


def run_one(case: str, dense: bool, seed: int, sampler: bm.NUTS) -> dict[str, object]:
    """One fit and its figures."""
    make, d = CASES[case]
    data = table(seed)
    prior = make(d, data.materials, replace(sampler, dense=dense, progress=False))
    start = time.process_time()
    found = bm.fit(prior, data, seed=seed, explain=False)
    seconds = time.process_time() - start
    report = found.report.inference
    return {
        "case": case, "dense": dense, "seed": seed, "scalars": len(report.table), "s": seconds,
        "r_hat": report.max_r_hat, "ess": report.min_ess, "ess_per_s": report.min_ess / seconds,
        "divergences": sum(report.divergences),
    }  # fmt: skip


def main() -> None:
    """Run what is missing and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.quick:
        small = bm.NUTS(warmup=20, draws=20, chains=1)
        print(json.dumps({"benchmark": "nuts", **run_one("linear, 8 descriptors", True, 0, small)}))
        return
    RESULTS.parent.mkdir(exist_ok=True)
    done = [json.loads(line) for line in RESULTS.open()] if RESULTS.exists() else []
    have = {(r["case"], r["dense"], r["seed"]) for r in done}
    for seed in range(options.seeds):
        for case in CASES:
            for dense in (True, False):
                if (case, dense, seed) in have:
                    continue
                record = run_one(case, dense, seed, bm.NUTS(chains=1))
                with RESULTS.open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps(record) + "\n")
                print(record, flush=True)


if __name__ == "__main__":
    main()
