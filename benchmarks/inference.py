"""A fully Bayesian GP: batched tempered SMC beside plain Pyro NUTS, on the same posterior.

`python -m benchmarks.inference [--quick]`. Boiling points of 50 molecules on 10 and on 20 RDKit
descriptors, a lengthscale for each. NUTS runs the model as a Pyro user would write it. The
effective sample size of the SMC is measured, not estimated: from the spread of its posterior means
over independent runs; the figure that a single run reports stands beside it. Times are CPU seconds
of one thread, warm-up and tempering included, so that other jobs do not disturb the comparison.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro.infer import MCMC, NUTS
from torch import Tensor

from bayesmat.data.datasets import chemicals_table
from bayesmat.data.table import Observations
from bayesmat.features.molecule import CheapDescriptors
from bayesmat.inference.chains import bulk_ess, mcse_mean, split_r_hat
from bayesmat.inference.grid import SMCIntegrator
from bayesmat.inference.moves import HMC
from bayesmat.inference.pyro_program import DoublePrecision, seeded
from bayesmat.models.base import layout_of
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.graph_model import GraphModel
from bayesmat.models.kernels import ARD, Term
from bayesmat.sources.embedding import FeatureMap

Figures = dict[str, float]
N = 50
INTEGRATOR = SMCIntegrator(n=128, kept=150, move=HMC(leapfrogs=6))


@dataclass(frozen=True)
class Chosen:
    """The d descriptors with the largest spread that correlate least with those before them."""

    columns: tuple[int, ...]

    @property
    def id(self) -> str:
        return f"chosen{self.columns}"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(CheapDescriptors().names[i] for i in self.columns)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        return CheapDescriptors()(materials)[:, list(self.columns)]


@dataclass(frozen=True)
class Problem:
    """One posterior: 50 standardised log boiling points on d descriptors."""

    graph: PropertyGraph
    observations: Observations
    X: Tensor

    @staticmethod
    def of(d: int, *, seed: int = 0) -> Problem:
        table = chemicals_table()
        measured = np.flatnonzero(~np.isnan(table.values[:, 0]))
        rows = np.random.default_rng(seed).choice(measured, N, replace=False)
        every = CheapDescriptors()([table.materials[i] for i in rows])
        chosen = Chosen(_columns(every, d))
        y = torch.as_tensor(np.log(table.values[rows, 0]))
        y = (y - y.mean()) / y.std()
        k = torch.arange(N)
        nan = torch.full((N,), math.nan, dtype=torch.float64)
        observations = Observations(k, torch.zeros_like(k), y, nan, N, ("Tb",))
        node = Node("Tb", (Term(ARD(), FeatureMap((chosen,)), "descriptors"),))
        graph = PropertyGraph((node,), INTEGRATOR)
        return Problem(graph, observations, every[:, list(chosen.columns)])


def _columns(every: Tensor, d: int) -> tuple[int, ...]:
    varied = [i for i in range(every.shape[1]) if float(every[:, i].std()) > 1e-6]
    z = (every - every.mean(0)) / every.std(0).clamp(min=1e-6)
    chosen = [varied[0]]
    while len(chosen) < d:
        rest = [i for i in varied if i not in chosen]
        overlap = [float((z[:, chosen].T @ z[:, i] / N).abs().max()) for i in rest]
        chosen.append(rest[int(np.argmin(overlap))])
    return tuple(sorted(chosen))


def pyro_model(problem: Problem) -> Callable[[], None]:
    """The same posterior as a Pyro user writes it."""
    x = problem.X
    d = x.shape[1]
    unit = 2.0 * math.sqrt(d) * x.std(0)
    square = ((x[:, None] - x[None]) / unit).square()
    y, eye = problem.observations.y, torch.eye(N, dtype=torch.float64)

    def model() -> None:
        w = pyro.sample("w", dist.LogNormal(math.log(0.3), 1.5))
        ell = pyro.sample("ell", dist.LogNormal(0.0, 1.5).expand([d]).to_event(1))
        noise = pyro.sample("noise", dist.LogNormal(math.log(0.1), 1.0))
        r = (5.0 * (square / ell.square()).sum(-1)).clamp(min=1e-24).sqrt()
        k = w.square() * (1.0 + r + r.square() / 3.0) * torch.exp(-r) + 1.0
        covariance = k + noise.square() * eye
        mean = torch.zeros(N, dtype=torch.float64)
        pyro.sample("y", dist.MultivariateNormal(mean, covariance), obs=y)

    return model


def run_nuts(problem: Problem, warmup: int, draws: int, chains: int) -> tuple[Tensor, float, float]:
    """Log hyper-parameters `C x S x (d + 2)`, seconds with warm-up, and of the draws alone."""
    model = DoublePrecision()(pyro_model(problem))
    kept, total, sampling = [], 0.0, 0.0
    for c in range(chains):
        marks = [time.process_time()]

        def hook(kernel: object, params: object, stage: str, i: int, marks: list = marks) -> None:
            if stage.lower().startswith("sample") and i == 0:
                marks.append(time.process_time())

        with seeded(c):
            sampler = MCMC(NUTS(model), draws, warmup, disable_progbar=True, hook_fn=hook)
            sampler.run()
        total += time.process_time() - marks[0]
        sampling += time.process_time() - marks[-1]
        found = sampler.get_samples()
        parts = [found["w"][:, None], found["ell"], found["noise"][:, None]]
        kept.append(torch.cat(parts, 1).log())
    return torch.stack(kept), total, sampling


def run_smc(problem: Problem, seed: int) -> tuple[GraphModel, Tensor, float]:
    """The fitted model, its log hyper-parameters `N x (d + 2)`, and seconds."""
    start = time.process_time()
    layout = layout_of(problem.graph)
    model = problem.graph.condition(problem.observations, problem.X, layout=layout, seed=seed)
    seconds = time.process_time() - start
    values = model.problem.priors.values(model.hyper_posterior.points)
    return model, torch.stack(list(values.values()), -1).log(), seconds


def gp(d: int, quick: bool) -> Figures:
    """ESS per second and moments of both samplers for d lengthscales."""
    problem = Problem.of(d)
    runs = [run_smc(problem, seed) for seed in range(3 if quick else 10)]
    seconds = np.mean([seconds for _, _, seconds in runs])
    means = torch.stack([draws.mean(0) for _, draws, _ in runs])
    variance = torch.stack([draws.var(0) for _, draws, _ in runs]).mean(0)
    replicate = variance / means.var(0)
    said = [model.report.inference.table["ess_bulk"].to_numpy() for model, _, _ in runs]
    evidence = torch.tensor([model.report.inference.log_evidence for model, _, _ in runs])
    warmup, kept, chains = (40, 40, 1) if quick else (300, 500, 2)
    draws, total, sampling = run_nuts(problem, warmup, kept, chains)
    ess = bulk_ess(draws)
    mean, sd = draws.flatten(0, 1).mean(0), draws.flatten(0, 1).std(0)
    error = (mcse_mean(draws).square() + means.var(0) / len(runs)).sqrt()
    z = (means.mean(0) - mean) / error
    rate = float(ess.median()) / total
    return {
        "smc_seconds": float(seconds),
        "smc_draws": float(len(runs[0][1])),
        "smc_ess_min": float(replicate.min()),
        "smc_ess_median": float(replicate.median()),
        "smc_ess_reported_min": float(np.mean([s.min() for s in said])),
        "smc_ess_reported_median": float(np.mean([np.median(s) for s in said])),
        "smc_ess_per_s_median": float(replicate.median() / seconds),
        "smc_log_evidence_sd": float(evidence.std()),
        "nuts_seconds": total,
        "nuts_draws": float(draws.shape[0] * draws.shape[1]),
        "nuts_ess_min": float(ess.min()),
        "nuts_ess_median": float(ess.median()),
        "nuts_max_r_hat": float(split_r_hat(draws).max()),
        "nuts_ess_per_s_median": rate,
        "nuts_ess_per_s_median_without_warmup": float(ess.median()) / sampling,
        "ratio_median": float(replicate.median() / seconds) / rate,
        "ratio_min": float(replicate.min() / seconds) / (float(ess.min()) / total),
        "ratio_median_without_warmup": float(replicate.median() / seconds)
        / (float(ess.median()) / sampling),
        "moments_largest_z": float(z.abs().max()),
        "moments_rms_z": float(z.square().mean().sqrt()),
        "moments_sd_ratio_lowest": float((variance.sqrt() / sd).min()),
        "moments_sd_ratio_highest": float((variance.sqrt() / sd).max()),
    }


def main() -> None:
    """Run both sizes and print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="within a minute: d = 10, short chains"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    figures: Figures = {}
    for d in (10,) if options.quick else (10, 20):
        measured = gp(d, options.quick)
        print(f"\n{N} boiling points, {d} descriptors")
        for key, value in measured.items():
            print(f"  {key:40s} {value:12,.3g}")
        figures |= {f"d{d}_{key}": value for key, value in measured.items()}
    if find_spec("numpyro") is None:
        print("\nNumPyro is not installed here, so it was not measured beside them.")
    print(json.dumps({"benchmark": "inference", "figures": figures}))


if __name__ == "__main__":
    main()
