"""Transfer on open data: twenty measurements, and networks that never saw these molecules.

`python -m benchmarks.transfer [--quick] [--splits 20] [--targets ...] [--arms ...]`

Targets: flash point, vaporisation enthalpy, fusion enthalpy, Hansen's dH and dP, logP, thermal
conductivity of liquids, octane number (`data.origins`). For each, the networks of the recipe
"molecule/full" are trained on all *other* properties, without any molecule of the target's table
in any stereo form. Then n = 20, 50, 100 molecules are known and 200 others are asked, grouped
without stereochemistry, seeds from 500; the recipe and the kernel were settled on surface tension,
dD, permittivity and viscosity, seeds 0-5. Errors are in model space: of logarithms where the
property is on a log scale.

* "transfer" is `bm.Transfer(target, sources=...)` with defaults.
* "null" is the same with networks whose labels were shuffled within each property: sources that
  know nothing, and must not hurt.
* direct models: a Tanimoto GP (`bm.Transfer(target)`), a GP and a linear GP on the 200 descriptors
  of RDKit, and a forest on these. The best of the four *in hindsight*, for each target and n, is
  what errors are divided by.
* "shotgun": the network whose last layer gives a forest its smallest out-of-bag error (Yamada et
  al. 2019).

Networks go to the cache folder, records to `benchmarks/results/transfer.jsonl`; what is there is
not made again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import RandomForestRegressor

import bayesmat as bm
from bayesmat.check.scores import crps_mixture
from bayesmat.data.cache import cache_dir
from bayesmat.data.datasets import chemicals_table, without_stereo
from bayesmat.data.table import PropertyTable
from bayesmat.features.base import Featurizer
from bayesmat.features.cache import Cached, FeatureCache
from bayesmat.features.molecule import Descriptors2D
from bayesmat.models.base import fit
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import Linear, Matern52, Term
from bayesmat.sources import zoo
from bayesmat.sources.embedding import FeatureMap
from bayesmat.sources.ensemble import SourceEnsemble, train
from bayesmat.sources.exchange import read_file, write_file
from bayesmat.sources.family import Family

RESULTS = Path(__file__).parent / "results" / "transfer.jsonl"
TARGETS = ("T_flash", "Hvap", "Hfus", "dH", "dP", "logP", "k_liquid", "RON")
SIZES, N_TEST, FIRST_SEED = (20, 50, 100), 200, 500
DIRECT = ("Tanimoto GP", "GP on 2D", "linear on 2D", "forest on 2D")
Record = dict[str, Any]


@cache
def descriptors() -> Featurizer:
    """RDKit's 200 descriptors, kept on disk."""
    return Cached(Descriptors2D(), FeatureCache(cache_dir() / "benchmarks" / "descriptors.sqlite"))


def families() -> tuple[Family, ...]:
    """Those of the recipe, with descriptors that are kept."""
    recipe = zoo.RECIPES["molecule/full"]
    return tuple(
        replace(f, inputs=tuple(descriptors() if isinstance(i, Descriptors2D) else i
                                for i in f.inputs))
        for f in recipe.families
    )  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A target: its measured molecules, without those that RDKit cannot describe."""

    target: str
    table: PropertyTable
    groups: np.ndarray

    @staticmethod
    def of(target: str) -> Task:
        """Read it from `chemicals`."""
        whole = chemicals_table((target,), progress=False)
        return Task(target, whole, np.array([without_stereo(m) for m in whole.materials]))

    def split(self, n: int, seed: int) -> tuple[PropertyTable, PropertyTable]:
        """What is known, and what is asked."""
        rng = np.random.default_rng([seed, n])
        order = rng.permutation(np.unique(self.groups))
        known = np.flatnonzero(np.isin(self.groups, order[:n]))[:n]
        asked = np.flatnonzero(np.isin(self.groups, order[n : n + N_TEST]))
        return self.table.subset(known), self.table.subset(asked)


def sources(task: Task, *, shuffled: bool) -> SourceEnsemble:
    """Networks that saw neither the property nor the molecules."""
    name = f"{task.target}-{'null' if shuffled else 'real'}"
    file = cache_dir() / "benchmarks" / "transfer" / f"{name}.safetensors"
    if not file.exists():
        recipe = zoo.RECIPES["molecule/full"]
        recipe = replace(recipe, tasks=tuple(t for t in recipe.tasks if t != task.target))
        table = recipe.table(set(task.groups), progress=False)
        if shuffled:
            table = replace(table, values=_shuffled(table.values))
        some = [family.within(table.property_names) for family in families()]
        made = train(table, some, name=name, seed=0, schedule=recipe.schedule,
                     checkpoint=file.with_suffix(".state"), progress=True)  # fmt: skip
        write_file(made, file)
    return read_file(file, families())


def _shuffled(values: np.ndarray) -> np.ndarray:
    rng, found = np.random.default_rng(1), values.copy()
    for column in found.T:
        known = ~np.isnan(column)
        column[known] = rng.permutation(column[known])
    return found


Predict = Callable[[PropertyTable, PropertyTable, int], Record]


def gaussian(prior: PropertyGraph) -> Predict:
    """Errors, CRPS and coverage of a graph."""

    def predict(known: PropertyTable, asked: PropertyTable, seed: int) -> Record:
        fitted = fit(prior, known, seed=seed, explain=False)
        m, (scale,) = fitted.marginals(asked.rows), fitted.scales
        y = scale.to_model(torch.tensor(asked.values[:, 0]))
        components = m.mean[..., 0], m.component_sd(observation=True)[..., 0]
        level = 2 * (m.cdf(y[:, None])[:, 0] - 0.5).abs()
        return {
            "mae": float((m.mixture_mean[:, 0] - y).abs().mean() * scale.sd),
            "crps": float(crps_mixture(y, *components).mean() * scale.sd),
            "cov50": float((level < 0.5).double().mean()),
            "cov90": float((level < 0.9).double().mean()),
        }

    return predict


def _to_model(table: PropertyTable) -> np.ndarray:
    y = table.values[:, 0]
    return np.log(y) if table.properties[0].scale == "log" else y


def forest(known: PropertyTable, asked: PropertyTable, seed: int) -> Record:
    """A forest on the descriptors."""
    x, z = (descriptors()(t.materials).numpy() for t in (known, asked))
    found = RandomForestRegressor(300, random_state=seed).fit(x, _to_model(known)).predict(z)
    return {"mae": float(np.abs(found - _to_model(asked)).mean())}


def shotgun(ensemble: SourceEnsemble) -> Predict:
    """The published recipe: the best of all networks by the out-of-bag error of a forest."""

    def predict(known: PropertyTable, asked: PropertyTable, seed: int) -> Record:
        best: tuple[float, np.ndarray] | None = None
        for feature_map in ensemble.feature_maps:
            layout = bm.Layout(feature_map.inputs)
            x, z = (feature_map.columns(layout, layout(t.materials)).numpy()
                    for t in (known, asked))  # fmt: skip
            head = RandomForestRegressor(100, random_state=seed, oob_score=True, bootstrap=True)
            head.fit(x, _to_model(known))
            error = float(np.nanmean(np.abs(head.oob_prediction_ - _to_model(known))))
            if best is None or error < best[0]:
                best = error, head.predict(z)
        assert best is not None
        return {"mae": float(np.abs(best[1] - _to_model(asked)).mean())}

    return predict


def arms(task: Task, wanted: Sequence[str]) -> Iterator[tuple[str, Predict]]:
    """Name and predictor; networks are trained when they are first needed."""
    d = FeatureMap((descriptors(),))
    line = Term(Linear(standardise=True), d, "descriptors")
    curve = Term(Matern52(standardise=True), d, "descriptors")
    t = task.target
    made: dict[str, Callable[[], Predict]] = {
        "transfer": lambda: gaussian(bm.Transfer(t, sources=sources(task, shuffled=False))),
        "null": lambda: gaussian(bm.Transfer(t, sources=sources(task, shuffled=True))),
        "Tanimoto GP": lambda: gaussian(bm.Transfer(t)),
        "GP on 2D": lambda: gaussian(PropertyGraph((Node(t, (line, curve)),))),
        "linear on 2D": lambda: gaussian(PropertyGraph((Node(t, (line,)),))),
        "forest on 2D": lambda: forest,
        "shotgun": lambda: shotgun(sources(task, shuffled=False)),
    }
    for name in wanted or made:
        yield name, made[name]()


def report(records: Sequence[Record]) -> str:
    """The tables of RESULTS.md."""
    frame = pd.DataFrame(records)
    means = frame.groupby(["target", "n", "arm"]).mean(numeric_only=True).reset_index()
    best = means[means.arm.isin(DIRECT)].groupby(["target", "n"])[["mae", "crps"]].min()
    means = means.join(best, on=["target", "n"], rsuffix="_best")
    means["ratio"] = means.mae / means.mae_best
    means["crps_ratio"] = means.crps / means.crps_best
    heads = ("arm", "n", "MAE ratio", "worst target", "CRPS ratio", "cov50", "cov90")
    lines = [f"| {' | '.join(heads)} |", "|---" * 7 + "|"]
    for (arm, n), rows in means.groupby(["arm", "n"], sort=False):
        gm = float(np.exp(np.log(rows.ratio).mean()))
        crps = float(np.exp(np.log(rows.crps_ratio).mean()))
        worst = rows.loc[rows.ratio.idxmax()]
        lines.append(
            f"| {arm} | {n} | {gm:.3f} | {worst.ratio:.2f} ({worst.target}) | {crps:.3f} | "
            f"{rows.cov50.min():.2f}-{rows.cov50.max():.2f} | "
            f"{rows.cov90.min():.2f}-{rows.cov90.max():.2f} |"
        )
    ours = means[means.arm == "transfer"].pivot(index="target", columns="n", values="ratio")
    lines += ["", "| target | " + " | ".join(f"n = {n}" for n in ours) + " |", "|---" * 4 + "|"]
    lines += [
        f"| {target} | " + " | ".join(f"{v:.2f}" for v in row) + " |"
        for target, row in zip(ours.index, ours.to_numpy(), strict=True)
    ]
    return "\n".join(lines).replace("nan", "")


def main() -> None:
    """Run what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="direct models once, no record")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--targets", nargs="*", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--arms", nargs="*", default=[])
    chosen = parser.parse_args()
    if chosen.quick:
        task = Task.of("k_liquid")
        known, asked = task.split(20, 0)
        for arm, predict in arms(task, DIRECT):
            print(arm, predict(known, asked, 0))
        return
    known_records = [json.loads(line) for line in RESULTS.open()] if RESULTS.exists() else []
    done = {(r["target"], r["n"], r["seed"], r["arm"]) for r in known_records}
    for target in chosen.targets:
        task = Task.of(target)
        for arm, predict in arms(task, chosen.arms):
            for n in SIZES:
                for seed in range(FIRST_SEED, FIRST_SEED + chosen.splits):
                    if (target, n, seed, arm) in done:
                        continue
                    clock = time.perf_counter()
                    record = {"target": target, "n": n, "seed": seed, "arm": arm}
                    record |= predict(*task.split(n, seed), seed)
                    record["seconds"] = round(time.perf_counter() - clock, 2)
                    known_records.append(record)
                    with RESULTS.open("a") as file:
                        file.write(json.dumps(record) + "\n")
        print(target, flush=True)
    print(report(known_records))


if __name__ == "__main__":
    main()
