"""Searches for a small GFN1 gap, rule against rule on paired seeds.

`python -m benchmarks.campaign [--quick] [--seeds 10] [--regions 2] [--only ARM ...]`

A seed fixes the 40 starting molecules, the prior draws and every sampler; arms share them, so
differences are paired. Each arm makes 5 rounds of 8 real xTB calls. Results are appended to
`benchmarks/results/campaign.jsonl` as each campaign ends; what is there is not run again.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bayesmat.data.table import Property, PropertyTable
from bayesmat.design.chemistry import MoleculeFilter
from bayesmat.design.corpus import filtered_molecules
from bayesmat.design.draws import draw_prior, molecule_checker
from bayesmat.design.language import SmilesNGram
from bayesmat.design.sampler import SamplerSettings
from bayesmat.explore.campaign import Campaign
from bayesmat.explore.candidates import Candidates, CandidateSource, MoleculeDesign
from bayesmat.explore.goals import Goal, Within
from bayesmat.explore.pool import Pool
from bayesmat.explore.select import (
    ExpectedDistanceRule,
    LiteralSpacierRule,
    ProbabilityRule,
    Rule,
    Selection,
    SpacierRule,
)
from bayesmat.models.base import Fitted
from bayesmat.models.computed import Computed
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.transfer import Transfer
from bayesmat.oracles.base import Evaluation
from bayesmat.oracles.xtb import XTB
from bayesmat.sources import zoo
from examples.make_gap_start import draw_start, load_pool

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "campaign.jsonl"
CURVES = HERE.parent / "bayesmat" / "data" / "tables" / "gap_learning_curves.json"
REGIONS = ((2.0, 2.5), (1.5, 2.0))
FIRST_SEED = 200  # seeds below were used while the model and the rule were developed
ROUNDS, BATCH = 5, 8


@dataclass(frozen=True)
class Arm:
    """One way to search.

    Attributes:
        rule: Chooses the batch.
        parent: Whether the Hueckel gap is used.
        networks: Whether source networks are used.
        pool: Number of prior draws that stand in for the sampler; 0 for the sampler.
    """

    rule: Rule
    parent: bool = True
    networks: bool = True
    pool: int = 0


@dataclass(frozen=True)
class RandomRule:
    """The first candidates of a pool of prior draws: no model at all."""

    name: str = "random"

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
        """Rows in the order of drawing."""
        rows = tuple(range(min(batch, len(candidates.materials))))
        return Selection(rows, (0.0,) * len(rows))


ARMS = {
    "SPACIER (default)": Arm(SpacierRule()),
    "P(region)": Arm(ProbabilityRule()),
    "SPACIER literal": Arm(LiteralSpacierRule()),
    "SPACIER literal, sigma 0.3": Arm(
        LiteralSpacierRule(sigma_weight=0.3, start=0.6, name="SPACIER (literal, 0.3)")
    ),
    "expected distance": Arm(ExpectedDistanceRule()),
    "no parent": Arm(SpacierRule(), parent=False),
    "no networks": Arm(SpacierRule(), networks=False),
    "fingerprints only": Arm(SpacierRule(), parent=False, networks=False),
    "pool of 3,000": Arm(SpacierRule(), pool=3000),
    "random draws": Arm(RandomRule(), networks=False, pool=60),
}


@dataclass(frozen=True)
class RememberedXTB:
    """GFN1-xTB that looks a molecule up before it computes it: the value is deterministic."""

    inner: XTB
    folder: Path
    worker: int

    @property
    def properties(self) -> tuple[Property, ...]:
        return self.inner.properties

    @property
    def digest(self) -> str:
        return self.inner.digest

    @property
    def time_limit_s(self) -> float | None:
        return self.inner.time_limit_s

    def __call__(self, materials: Sequence[str]) -> tuple[Evaluation, ...]:
        known: dict[str, str] = {}
        for file in self.folder.glob("*.csv"):
            with file.open(newline="") as handle:
                known |= {row[0]: row[1] for row in csv.reader(handle) if len(row) == 2}
        answers = []
        with (self.folder / f"{self.worker}.csv").open("a", newline="") as handle:
            for material in materials:
                if known.get(material):
                    answers.append(Evaluation(material, {"gap": float(known[material])}))
                    continue
                answer = self.inner([material])[0]
                if answer.failure is None:
                    csv.writer(handle).writerow([material, repr(answer.values["gap"])])
                answers.append(answer)
        return tuple(answers)


@cache
def language() -> SmilesNGram:
    """The n-gram that every arm draws from."""
    return SmilesNGram.fit(filtered_molecules())


def start_table(seed: int) -> PropertyTable:
    """The starting molecules of a seed."""
    start = draw_start(load_pool(), seed=seed)
    gaps = start["gap [eV]"].to_numpy()[:, None]
    return PropertyTable(tuple(start["smiles"]), "smiles", (Property("gap", "eV", "log"),), gaps)


def prior(arm: Arm) -> PropertyGraph:
    """The model of an arm."""
    sources = zoo.load("molecule/starter", progress=False) if arm.networks else None
    parents = [Computed("gap_huckel")] if arm.parent else []
    return Transfer("gap", sources=sources, parents=parents)


def candidates(arm: Arm, seed: int) -> CandidateSource:
    """Where an arm's candidates come from; prior draws are the seed's, not the arm's."""
    molecule_filter = MoleculeFilter.default()
    if arm.pool:
        draws = draw_prior(language(), molecule_checker(molecule_filter), arm.pool, seed=seed)
        return Pool(tuple(dict.fromkeys(draws.materials)))
    settings = SamplerSettings(power=4.0)
    return MoleculeDesign(language(), molecule_filter, settings, pool_seed=seed)


def run_one(
    name: str, region: tuple[float, float], seed: int, memory: str, rounds: int = ROUNDS
) -> dict[str, Any]:
    """One campaign, as a record for the results file."""
    torch.set_num_threads(1)
    began, arm = time.perf_counter(), ARMS[name]
    oracle = RememberedXTB(XTB("GFN1-xTB"), Path(memory), seed)
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign.create(
            f"sqlite:///{folder}/c.db", start_table(seed), prior(arm),
            goals=[Within("gap", *region)], oracle=oracle,
            candidates=candidates(arm, seed), rule=arm.rule, seed=seed,
        )  # fmt: skip
        campaign.run(rounds, BATCH, workers=0, progress=False)
        history = campaign.history()
        seconds = [p.trace.seconds for p in campaign.proposals()]
        campaign.close()
    value = history["gap"].to_numpy(dtype=float)
    inside = (value >= history["gap_lower"]) & (value <= history["gap_upper"])
    done = np.isfinite(value)
    return {
        "arm": name, "region": list(region), "seed": seed,
        "hits": [int(h) for h in history["hit"].fillna(False)],
        "inside90": [int(i) for i in inside[done]],
        "probability": [float(p) for p in history["probability"]],
        "gaps": [None if math.isnan(v) else round(float(v), 4) for v in value],
        "materials": list(history["material"]),
        "failures": int(history["failure"].notna().sum()),
        "design_s": [sum(s.values()) for s in seconds], "wall_s": time.perf_counter() - began,
    }  # fmt: skip


def finished() -> list[dict[str, Any]]:
    """Records of the results file."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines() if line]


def run(options: argparse.Namespace) -> None:
    """Run what is missing, seed by seed, in processes."""
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    have = {(r["arm"], tuple(r["region"]), r["seed"]) for r in finished()}
    jobs = [
        (name, region, seed)
        for seed in seeds for region in REGIONS[: options.regions] for name in ARMS
        if name in options.only and (name, region, seed) not in have
    ]  # fmt: skip
    memory: Path = options.memory
    memory.mkdir(parents=True, exist_ok=True)
    RESULTS.parent.mkdir(exist_ok=True)
    with ProcessPoolExecutor(options.workers) as pool:
        futures = [pool.submit(run_one, *job, str(memory)) for job in jobs]
        for number, future in enumerate(as_completed(futures), start=1):
            record = future.result()
            with RESULTS.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(record) + "\n")
            print(
                f"{number}/{len(jobs)} {record['arm']} {record['region']} seed {record['seed']}: "
                f"{sum(record['hits'])} hits, {record['wall_s']:.0f} s", flush=True,
            )  # fmt: skip


def table(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Print arms side by side; return the figures."""
    figures: dict[str, float] = {}
    for region in REGIONS:
        here = [r for r in records if tuple(r["region"]) == region]
        base = {r["seed"]: sum(r["hits"]) for r in here if r["arm"] == "SPACIER (default)"}
        print(f"\nGFN1 gap {region[0]}-{region[1]} eV, {ROUNDS * BATCH} calls")
        print("| arm | n | hits +- sd | range | per round | first hit in round 1 | cov90 | "
              "stated | default minus arm +- se | s/round |\n|" + "---|" * 10)  # fmt: skip
        for name in ARMS:
            mine = [r for r in here if r["arm"] == name]
            if mine:
                figures |= _row(name, region, mine, base)
    return figures


def _row(
    name: str, region: tuple[float, float], mine: list[dict[str, Any]], base: dict[int, int]
) -> dict[str, float]:
    hits = np.array([sum(r["hits"]) for r in mine], dtype=float)
    rounds = np.mean([np.reshape(r["hits"], (-1, BATCH)).sum(1) for r in mine], axis=0)
    first = sum(any(r["hits"][:BATCH]) for r in mine)
    inside = float(np.mean([np.mean(r["inside90"]) for r in mine]))
    stated = float(np.mean([np.nansum(r["probability"]) for r in mine]))
    pairs = np.array([base[r["seed"]] - sum(r["hits"]) for r in mine if r["seed"] in base])
    gain = pairs.mean() if len(pairs) else math.nan
    se = pairs.std(ddof=1) / len(pairs) ** 0.5 if len(pairs) > 1 else math.nan
    sd = hits.std(ddof=1) if len(hits) > 1 else math.nan
    seconds = float(np.mean([np.mean(r["design_s"]) for r in mine]))
    print(
        f"| {name} | {len(mine)} | {hits.mean():.1f} +- {sd:.1f} | "
        f"{hits.min():.0f}-{hits.max():.0f} | {' '.join(f'{v:.1f}' for v in rounds)} | "
        f"{first} | {inside:.2f} | {stated:.1f} | "
        f"{gain:+.1f} +- {se:.1f} | {seconds:.1f} |"
    )
    key = f"{name} [{region[0]}, {region[1]}]"
    return {f"{key} hits": float(hits.mean()), f"{key} cov90": inside, f"{key} stated": stated}


def base_rates(n: int, memory: Path) -> dict[str, float]:
    """Share of n prior draws that pass the filter whose gap lies in each region."""
    memory.mkdir(parents=True, exist_ok=True)
    draws = draw_prior(language(), molecule_checker(MoleculeFilter.default()), n, seed=1)
    answers = RememberedXTB(XTB("GFN1-xTB"), memory, 1)(draws.materials)
    gaps = np.array([a.values["gap"] for a in answers if a.failure is None])
    figures = {}
    for lower, upper in REGIONS:
        rate = float(((gaps >= lower) & (gaps <= upper)).mean())
        se = (rate * (1 - rate) / len(gaps)) ** 0.5
        print(f"base rate of {lower}-{upper} eV: {rate:.4f} +- {se:.4f} ({len(gaps)} prior draws)")
        figures[f"base rate [{lower}, {upper}]"] = rate
    return figures


def write_curves(records: Sequence[dict[str, Any]]) -> None:
    """The learning curves that the demo's report shows, from region 2.0-2.5 eV."""
    arms: dict[str, dict[str, list[list[int]]]] = {}
    for name in ("SPACIER (default)", "P(region)", "SPACIER literal", "no parent", "random draws"):
        mine = [r for r in records if r["arm"] == name and tuple(r["region"]) == REGIONS[0]]
        if mine:
            ordered = sorted(mine, key=lambda r: r["seed"])
            arms[name] = {"hits": [np.cumsum(r["hits"]).tolist() for r in ordered]}
    CURVES.write_text(json.dumps({"source": "benchmarks/campaign.py", "arms": arms}), "utf-8")


def main() -> None:
    """Run what is missing and print the table and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a development seed")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(ARMS), help="arms to run")
    parser.add_argument("--regions", type=int, default=2, help="1: only 2.0-2.5 eV")
    parser.add_argument("--base-rate", type=int, default=0, help="only: from so many draws")
    parser.add_argument("--memory", type=Path, default=HERE / "results" / "xtb_memory")
    options = parser.parse_args()
    if options.base_rate:
        base_rates(options.base_rate, options.memory)
        return
    if options.quick:
        with tempfile.TemporaryDirectory() as memory:
            record = run_one("SPACIER (default)", REGIONS[0], 900, memory, rounds=1)
        print(f"one round: {sum(record['hits'])} hits of {BATCH}, {record['wall_s']:.0f} s")
    else:
        run(options)
        write_curves(finished())
    figures = table(finished())
    print(json.dumps({"benchmark": "campaign", "figures": figures}))


if __name__ == "__main__":
    main()
