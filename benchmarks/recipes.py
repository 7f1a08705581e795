"""Recipes: optimise a noisy process over six conditions, beside BoTorch by hand and BayBE.

`python -m benchmarks.recipes [--quick] [--seeds 10] [--calls 36] [--only ARM ...]`

Hartmann-6D on the unit cube, maximised, with noise of sd 0.1 (its range is about 0 to 3.32). A seed
fixes the 12 starting recipes (Sobol) and the noise of every call, so arms are paired. Each arm then
makes `calls` measurements one by one. The figure is the *true* value of the best recipe so far. The
records are appended to `benchmarks/results/recipes.jsonl` as each run ends; what is there is not
run again. BayBE runs in an environment of its own, which the first run builds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf
from botorch.test_functions import Hartmann
from gpytorch.mlls import ExactMarginalLogLikelihood
from scipy import stats
from tqdm.auto import tqdm

import bayesmat as bm
from bayesmat.data.rows import Rows
from benchmarks.peers.environments import PEERS, build

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "recipes.jsonl"
D, N_START, NOISE, FIRST_SEED = 6, 12, 0.1, 300
NAMES = tuple(f"x{i}" for i in range(D))
CONDITIONS = tuple(bm.Condition(name, "") for name in NAMES)
_HARTMANN = Hartmann(dim=D, negate=True)


def truth(x: np.ndarray) -> np.ndarray:
    """Hartmann-6D, larger is better, of `n x 6` recipes."""
    found: np.ndarray = _HARTMANN(torch.from_numpy(np.array(x, dtype=np.float64))).numpy()
    return found


def start(seed: int) -> np.ndarray:
    """The starting recipes of a seed, `12 x 6`."""
    sobol = torch.quasirandom.SobolEngine(D, scramble=True, seed=seed)
    found: np.ndarray = sobol.draw(N_START).double().numpy()
    return found


def noise(seed: int, n: int) -> np.ndarray:
    """The noise of the first n calls of a seed."""
    return NOISE * np.random.default_rng([seed, 1]).normal(size=n)


class Process:
    """The noisy process as an oracle: its noise is that of the call's number."""

    properties = (bm.Property("y"),)
    digest = "noisy hartmann-6"
    time_limit_s = None

    def __init__(self, seed: int, calls: int) -> None:
        self.noise, self.n = noise(seed, N_START + calls), N_START

    def __call__(self, materials: Sequence[str]) -> tuple[bm.oracles.Evaluation, ...]:
        """Measure recipes."""
        assert isinstance(materials, Rows)
        found = []
        for key, value in zip(materials.keys, truth(materials.conditions), strict=True):
            found.append(bm.oracles.Evaluation(key, {"y": float(value + self.noise[self.n])}))
            self.n += 1
        return tuple(found)


def bayesmat_run(seed: int, calls: int) -> tuple[np.ndarray, list[float]]:
    """`bm.Transfer`, `bm.Maximize` and `bm.ConditionSpace`, all with defaults."""
    x = start(seed)
    y = truth(x) + noise(seed, N_START)
    table = bm.PropertyTable(
        None, "recipe", (bm.Property("y"),), y[:, None], conditions=CONDITIONS, condition_values=x
    )
    space = bm.ConditionSpace(dict.fromkeys(NAMES, (0.0, 1.0)))
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        campaign = bm.Campaign.create(
            f"sqlite:///{folder}/c.db", table, bm.Transfer("y"), goals=[bm.Maximize("y")],
            oracle=Process(seed, calls), candidates=space, seed=seed,
        )  # fmt: skip
        for i in range(calls):
            clock = time.perf_counter()
            campaign.suggest(1)
            seconds.append(time.perf_counter() - clock)
            campaign.run(i + 1, 1, workers=0, progress=False)
        found = np.array(campaign.table().condition_values)
        campaign.close()
    return found, seconds


def loop(
    seed: int, calls: int, ask: Callable[[np.ndarray, np.ndarray, int], np.ndarray]
) -> tuple[np.ndarray, list[float]]:
    """Ask for one recipe after the other."""
    x, errors, seconds = start(seed), noise(seed, N_START + calls), []
    y = truth(x) + errors[:N_START]
    for i in range(calls):
        clock = time.perf_counter()
        new = ask(x, y, seed * 1000 + i)
        seconds.append(time.perf_counter() - clock)
        x = np.vstack([x, new])
        y = np.append(y, truth(new[None])[0] + errors[N_START + i])
    return x, seconds


def by_hand(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """What BoTorch's tutorials write: SingleTaskGP, qLogNEI, multi-start gradients."""
    X, Y = torch.from_numpy(x), torch.from_numpy(y)[:, None]
    bounds = torch.tensor([[0.0] * D, [1.0] * D], dtype=torch.float64)
    with torch.random.fork_rng():  # BoTorch draws starts and samples from the global state
        torch.manual_seed(seed)
        model = SingleTaskGP(X, Y)  # its priors and its standardised outcome are BoTorch's defaults
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        acquisition = qLogNoisyExpectedImprovement(model, X_baseline=X, prune_baseline=True)
        found, _ = optimize_acqf(acquisition, bounds, q=1, num_restarts=10, raw_samples=512)
    point: np.ndarray = found[0].numpy()
    return point


def botorch_run(seed: int, calls: int) -> tuple[np.ndarray, list[float]]:
    """BoTorch by hand."""
    return loop(seed, calls, by_hand)


def baybe_run(seed: int, calls: int) -> tuple[np.ndarray, list[float]]:
    """BayBE with its defaults, in its own environment; seconds without its start-up."""
    script = str(HERE / "peers" / "baybe_loop.py")
    process = subprocess.Popen(
        [str(build(PEERS["baybe"])), "-W", "ignore", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    own: list[float] = []

    def ask(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
        question = {"d": D, "X": x.tolist(), "y": y.tolist(), "seed": seed % 2**31}
        print(json.dumps(question), file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline())  # type: ignore[union-attr]
        own.append(float(answer["seconds"]))
        return np.array(answer["x"])

    try:
        found, _ = loop(seed, calls, ask)
    finally:
        process.stdin.close()
        process.wait()
    return found, own


def random_run(seed: int, calls: int) -> tuple[np.ndarray, list[float]]:
    """Recipes at random."""
    rng = np.random.default_rng([seed, 2])
    return loop(seed, calls, lambda x, y, seed: rng.uniform(size=D))


ARMS = {
    "bayesmat": bayesmat_run, "BoTorch by hand": botorch_run, "BayBE": baybe_run,
    "random": random_run,
}  # fmt: skip


def record(arm: str, seed: int, calls: int) -> dict[str, Any]:
    """One run: the best true value after each call, and the seconds of each suggestion."""
    x, seconds = ARMS[arm](seed, calls)
    best = np.maximum.accumulate(truth(x))[N_START - 1 :]
    return {"arm": arm, "seed": seed, "calls": calls, "best": best.round(4).tolist(),
            "seconds": np.round(seconds, 3).tolist()}  # fmt: skip


def report(records: Sequence[dict[str, Any]], calls: int) -> str:
    """The table of RESULTS.md: best value against calls, paired differences, seconds."""
    marks = [m for m in (0, 6, 12, 24, 36) if m <= calls]
    heads = [f"after {m}" for m in marks]
    lines = [
        f"| arm | n | {' | '.join(heads)} | default minus arm, last | s per suggestion |",
        "|" + "---|" * (len(marks) + 4),
    ]
    by_arm = {arm: {r["seed"]: r for r in records if r["arm"] == arm} for arm in ARMS}
    ours = by_arm["bayesmat"]
    for arm, runs in by_arm.items():
        if not runs:
            continue
        best = np.array([r["best"] for r in runs.values()])
        cells = [f"{best[:, m].mean():.2f} +- {best[:, m].std(ddof=1):.2f}" for m in marks]
        both = sorted(set(runs) & set(ours))
        gain = np.array([ours[s]["best"][calls] - runs[s]["best"][calls] for s in both])
        said = ""
        if arm != "bayesmat" and len(gain) > 1:
            half = float(stats.t.ppf(0.975, len(gain) - 1)) * gain.std(ddof=1) / len(gain) ** 0.5
            said = f"{gain.mean():+.3f} [{gain.mean() - half:+.3f}, {gain.mean() + half:+.3f}]"
        typical = np.median(np.concatenate([r["seconds"] for r in runs.values()]))
        lines.append(f"| {arm} | {len(runs)} | {' | '.join(cells)} | {said} | {typical:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, four calls, no record")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--calls", type=int, default=36)
    parser.add_argument("--only", nargs="*", choices=list(ARMS), default=list(ARMS))
    chosen = parser.parse_args()
    if chosen.quick:
        some = [record(arm, FIRST_SEED, 4) for arm in ("bayesmat", "BoTorch by hand", "random")]
        for one in some:
            print(f"{one['arm']}: {one['best']}, {np.median(one['seconds']):.2f} s a suggestion")
        return
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    known = [json.loads(line) for line in lines]
    done = {(r["arm"], r["seed"]) for r in known if r["calls"] == chosen.calls}
    todo = [
        (arm, seed)
        for seed in range(FIRST_SEED, FIRST_SEED + chosen.seeds)
        for arm in chosen.only
        if (arm, seed) not in done
    ]
    for arm, seed in tqdm(todo, desc="runs"):
        known.append(record(arm, seed, chosen.calls))
        with RESULTS.open("a") as file:
            file.write(json.dumps(known[-1]) + "\n")
    print(report([r for r in known if r["calls"] == chosen.calls], chosen.calls))


if __name__ == "__main__":
    main()
