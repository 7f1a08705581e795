"""Seconds of a fit beside BoTorch's maximum likelihood: `python -m benchmarks.fits [--quick]`.

Boiling points (one node) and critical temperatures on top of them (two nodes; every second row has
both) of molecules of the `chemicals` package; 20 to 2,000 measured cells, 300 other molecules to
judge on. Both sides read the same features of the same rows in the same run, on one thread:

* fingerprints: 2,048 ECFP counts; ours MinMax, BoTorch's default on the counts,
* 290 descriptors: RDKit's 200 and the first 90 MACCS keys; ours linear + Matern,
* networks: all layers of the starter zoo, which is trained without these molecules; the same.

BoTorch is `SingleTaskGP` or `MultiTaskGP` as its users write them: inputs scaled to the unit cube,
outputs standardised, `fit_gpytorch_mll`. NLL is the mean negative log density of a held-out
measurement in standardised units, cov90 the share inside the 90 % interval. Ours reports the whole
of `prior.condition`: hyper-parameters integrated, draws kept, every factor ready for predictions;
seconds are CPU seconds, features not counted.

Records go to `benchmarks/results/fits.jsonl`, and what is there is not run again unless `--fresh`.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import MultiTaskGP, SingleTaskGP
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

import bayesmat as bm
from bayesmat.check.calibration import pit
from bayesmat.check.scores import nll_mixture
from bayesmat.data.datasets import chemicals_table
from bayesmat.data.table import Observations, PropertyTable
from bayesmat.features.base import Featurizer, Layout
from bayesmat.features.molecule import ECFP, MACCS, Descriptors2D
from bayesmat.features.selected import Selected
from bayesmat.models.base import layout_of
from bayesmat.models.graph import Edge, Node, PropertyGraph
from bayesmat.models.kernels import Linear, Matern52, MinMax, Term
from bayesmat.sources.embedding import CompositeMap, FeatureMap

RESULTS = Path(__file__).parent / "results" / "fits.jsonl"
SIZES = (20, 50, 100, 200, 360, 1000, 2000)
QUICK_SIZES = (20, 50, 100)
N_TEST = 300
PROPERTIES = ("Tb", "Tc")
FEATURES = ("fingerprints", "290 descriptors", "networks")
BOTORCH_LIMIT_S = 600.0

Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Case:
    """A table of training cells and test cells in model space, with the features of all rows.

    Attributes:
        graph: Our prior.
        layout: Where its features are.
        X: What its layout makes, `n x D`.
        phi: The same features as one matrix, for BoTorch, `n x k`.
        train: The training cells.
        test: The test cells, standardised like the training cells.
    """

    graph: PropertyGraph
    layout: Layout
    X: Tensor
    phi: Tensor
    train: Observations
    test: Observations


@cache
def data() -> PropertyTable:
    """Molecules with both properties, in an order of chance."""
    table = chemicals_table(progress=False).select(PROPERTIES)
    rows = np.flatnonzero(~np.isnan(table.values).any(1))
    order = np.random.default_rng(0).permutation(rows)[: max(SIZES) + N_TEST]
    return table.subset(order)


def terms_of(features: str) -> tuple[Term, ...]:
    """Our kernels on a kind of features."""
    if features == "fingerprints":
        return (Term(MinMax(), FeatureMap((ECFP(),)), "fingerprints"),)
    if features == "networks":
        sources = bm.zoo.load("molecule/starter", exclude=set(data().materials), progress=False)
        layers = CompositeMap(tuple(sources.feature_maps), "source networks")
        return (Term(Linear(), layers, "networks"), Term(Matern52(), layers, "networks"))
    inputs: tuple[Featurizer, ...] = (Descriptors2D(), Selected(MACCS(), MACCS().names[:90]))
    named = FeatureMap(inputs)
    return (
        Term(Linear(standardise=True), named, "descriptors"),
        Term(Matern52(standardise=True), named, "descriptors"),
    )


def case_of(n: int, nodes: int, features: str) -> Case:
    """N training cells: of one property, or of a parent in all rows and a child in every second."""
    table, terms = data(), terms_of(features)
    n_rows = n if nodes == 1 else round(n / 1.5)
    names = PROPERTIES[:nodes]
    chosen = (Node("Tb", terms), Node("Tc", terms, (Edge("Tb"),)))[:nodes]
    graph = PropertyGraph(chosen)
    rows = np.arange(n_rows)
    test = np.arange(table.n_rows - N_TEST, table.n_rows)
    small = table.select(names).subset(np.concatenate([rows, test]))
    values = small.values.copy()
    if nodes == 2:
        values[1:n_rows:2, 1] = np.nan
    seen = PropertyTable(small.materials[:n_rows], "smiles", small.properties, values[:n_rows])
    unseen = PropertyTable(small.materials[n_rows:], "smiles", small.properties, values[n_rows:])
    layout = layout_of(graph)
    X = layout(small.materials)
    (stack,) = {id(t.features): t.features for t in terms}.values()
    return Case(
        graph, layout, X, stack.columns(layout, X).detach(), seen.observations(),
        unseen.observations(seen.scales),
    )  # fmt: skip


def ours(case: Case) -> Record:
    """Condition the graph; judge the mixture on the test cells."""
    n = case.train.n_rows
    start = time.process_time()
    model = case.graph.condition(case.train, case.X[:n], layout=case.layout, seed=0)
    seconds = time.process_time() - start
    start = time.process_time()
    marginals = model.marginals(case.X[n:])
    predicted = time.process_time() - start
    rows, columns = case.test.rows, case.test.columns
    mean = marginals.mean[:, rows, columns]
    sd = marginals.component_sd(observation=True)[:, rows, columns]
    inference = model.report.inference
    facts = {"method": inference.method, "evaluations": inference.n_evaluations,
             "draws": len(mean), "predict_s": predicted}  # fmt: skip
    return {"s": seconds, **judged(case.test.y, mean, sd), **facts}


def botorch(case: Case) -> Record:
    """Maximum likelihood of BoTorch's default model on the same features."""
    n = case.train.n_rows
    low, high = case.phi[:n].amin(0), case.phi[:n].amax(0)
    unit = (case.phi - low) / torch.where(high > low, high - low, 1.0)
    train, y = unit[:n][case.train.rows], case.train.y[:, None]
    task = case.train.columns[:, None].double()
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if len(case.train.properties) == 1:
            model = SingleTaskGP(train, y)
        else:
            model = MultiTaskGP(torch.cat([train, task], -1), y, task_feature=-1)
        mll = ExactMarginalLogLikelihood(model.likelihood, model)
        fit_gpytorch_mll(mll, optimizer_kwargs={"timeout_sec": BOTORCH_LIMIT_S})
        seconds = time.process_time() - start
        start = time.process_time()
        with torch.no_grad():
            found = model.posterior(unit[n:], observation_noise=True)
            mean, sd = found.mean, found.variance.sqrt()
        predicted = time.process_time() - start
    rows, columns = case.test.rows, case.test.columns
    return {
        "s": seconds, **judged(case.test.y, mean[rows, columns][None], sd[rows, columns][None]),
        "predict_s": predicted,
    }  # fmt: skip


def judged(y: Tensor, mean: Tensor, sd: Tensor) -> Record:
    """Mean NLL and coverage of components `S x k`."""
    inside = (2 * pit(y, mean, sd) - 1).abs() <= 0.9
    return {"nll": float(nll_mixture(y, mean, sd).mean()), "cov90": float(inside.double().mean())}


ARMS: dict[str, Callable[[Case], Record]] = {"bayesmat": ours, "BoTorch": botorch}


def finished() -> list[Record]:
    """Records of the results file."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines() if line]


def runs(sizes: Sequence[int], have: Sequence[Record]) -> Iterator[Record]:
    """Records that are not there yet, small sizes first."""
    done = {(r["n"], r["nodes"], r["features"]) for r in have}
    for n in sizes:
        for nodes in (1, 2):
            for features in FEATURES:
                if (n, nodes, features) not in done:
                    case = case_of(n, nodes, features)
                    found = {name: arm(case) for name, arm in ARMS.items()}
                    yield {"n": n, "nodes": nodes, "features": features, **found}


def figures_of(records: Sequence[Record]) -> dict[str, float]:
    """Print a row for each case; return the figures."""
    print(
        "| cells | nodes | features | s | BoTorch s | ratio | NLL | BoTorch NLL | cov90 | "
        "BoTorch cov90 | how |\n|" + "---|" * 11
    )
    figures: dict[str, float] = {}
    for r in sorted(records, key=lambda r: (r["nodes"], FEATURES.index(r["features"]), r["n"])):
        a, b = r["bayesmat"], r["BoTorch"]
        print(
            f"| {r['n']} | {r['nodes']} | {r['features']} | {a['s']:.2g} | {b['s']:.2g} | "
            f"{a['s'] / b['s']:.2g} | {a['nll']:.3f} | {b['nll']:.3f} | {a['cov90']:.2f} | "
            f"{b['cov90']:.2f} | {a['method']} |"
        )
        figures[f"s n={r['n']} nodes={r['nodes']} {r['features']}"] = a["s"]
    ratios = [r["bayesmat"]["s"] / r["BoTorch"]["s"] for r in records]
    differences = [r["bayesmat"]["nll"] - r["BoTorch"]["nll"] for r in records]
    figures |= {
        "median ratio of seconds": float(np.median(ratios)),
        "largest ratio of seconds": max(ratios),
        "median NLL minus BoTorch's": float(np.median(differences)),
        "largest NLL minus BoTorch's": max(differences),
    }
    for n in sorted({r["n"] for r in records}):
        figures[f"largest s n={n}"] = max(r["bayesmat"]["s"] for r in records if r["n"] == n)
    return figures


def main() -> None:
    """Run what is missing, then print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 100 cells, nothing stored")
    parser.add_argument("--fresh", action="store_true", help="forget the stored records")
    parser.add_argument("--most", type=int, default=max(SIZES), help="largest number of cells")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sizes = QUICK_SIZES if options.quick else tuple(n for n in SIZES if n <= options.most)
    records = [] if options.quick or options.fresh else finished()
    if options.fresh:
        RESULTS.unlink(missing_ok=True)
    for record in runs(sizes, records):
        records.append(record)
        print(json.dumps(record), flush=True)
        if not options.quick:
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
    figures = figures_of(records)
    print(json.dumps({"benchmark": "fits", "figures": figures}))


if __name__ == "__main__":
    main()
