"""Public test functions of processes, from CSV files through the command line.

`python -m benchmarks.functions [--quick] [--seeds 5]`

Forrester (1 variable), Branin (2), Hartmann-3D (3) and Park-91A (4), at 10 points a variable from a
Latin hypercube, without noise. `bayesmat predict train.csv --from new.csv` answers for 400 other
points; beside it stands BoTorch's `SingleTaskGP` as its users write it. RMSE is in standard
deviations of the function, cov90 the share of the true values inside the 90 % interval. Records go
to `benchmarks/results/functions.jsonl`; what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.test_functions import Branin, Hartmann
from gpytorch.mlls import ExactMarginalLogLikelihood
from scipy.stats import qmc

RESULTS = Path(__file__).parent / "results" / "functions.jsonl"
N_TEST, PER_VARIABLE, Z90 = 400, 10, 1.6448536269514722


def forrester(x: np.ndarray) -> np.ndarray:
    """Forrester et al. (2008), doi:10.1002/9780470770801, of `n x 1` points."""
    found: np.ndarray = (6 * x[:, 0] - 2) ** 2 * np.sin(12 * x[:, 0] - 4)
    return found


def park(x: np.ndarray) -> np.ndarray:
    """Park (1991), function A, as in Xiong et al. (2013), doi:10.1080/00401706.2012.723572."""
    a, b, c, d = np.clip(x, 1e-6, 1).T
    found: np.ndarray = a / 2 * (np.sqrt(1 + (b + c**2) * d / a**2) - 1)
    return found + (a + 3 * d) * np.exp(1 + np.sin(c))


def of_botorch(function: Any, low: Sequence[float], high: Sequence[float]) -> Callable[..., Any]:
    """A test function of BoTorch on the unit cube."""
    low_, width = np.array(low), np.array(high) - np.array(low)
    return lambda x: function(torch.from_numpy(low_ + width * x)).numpy()


FUNCTIONS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "Forrester": (1, forrester),
    "Branin": (2, of_botorch(Branin(), [-5, 0], [10, 15])),
    "Hartmann-3D": (3, of_botorch(Hartmann(dim=3), [0] * 3, [1] * 3)),
    "Park-91A": (4, park),
}


def by_command(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, ...]:
    """Median and ends of the 90 % interval of `bayesmat predict`."""
    names = [f"x{i}" for i in range(x.shape[1])]
    with tempfile.TemporaryDirectory() as folder:
        train, ask, out = (Path(folder) / f"{name}.csv" for name in ("train", "new", "said"))
        pd.DataFrame(x, columns=names).assign(y=y).to_csv(train, index=False)
        pd.DataFrame(new, columns=names).to_csv(ask, index=False)
        conditions = [word for name in names for word in ("-c", f"{name}=1")]
        command = [str(Path(sys.executable).with_name("bayesmat")), "predict", str(train)]
        command += ["--from", str(ask), "-p", "y=1", *conditions, "--no-explain", "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        said = pd.read_csv(out)
    return tuple(said[f"y {what}"].to_numpy() for what in ("median", "90% lower", "90% upper"))


def by_botorch(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same of `SingleTaskGP` with its defaults."""
    model = SingleTaskGP(torch.from_numpy(x), torch.from_numpy(y)[:, None])
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    with torch.no_grad():
        found = model.posterior(torch.from_numpy(new), observation_noise=True)
    mean = found.mean[:, 0].detach().numpy()
    sd = found.variance[:, 0].sqrt().detach().numpy()
    return mean, mean - Z90 * sd, mean + Z90 * sd


ARMS = {"bayesmat predict": by_command, "SingleTaskGP": by_botorch}


def run(name: str, seed: int) -> list[dict[str, Any]]:
    """Both arms of a function and a seed."""
    d, function = FUNCTIONS[name]
    x = qmc.LatinHypercube(d, rng=np.random.default_rng([seed, d])).random(PER_VARIABLE * d)
    new = qmc.LatinHypercube(d, rng=np.random.default_rng([seed, d, 1])).random(N_TEST)
    y, truth, found = function(x), function(new), []
    for arm, predict in ARMS.items():
        clock = time.perf_counter()
        median, low, high = predict(x, y, new)
        rmse = float(np.sqrt(np.mean((median - truth) ** 2)) / truth.std())
        found.append({
            "function": name, "seed": seed, "arm": arm, "rmse": rmse,
            "cov90": float(np.mean((low <= truth) & (truth <= high))),
            "width": float(np.median(high - low) / truth.std()),
            "seconds": time.perf_counter() - clock,
        })  # fmt: skip
    return found


def report(records: Sequence[dict[str, Any]]) -> str:
    """The table of RESULTS.md."""
    frame = pd.DataFrame(records)
    lines = ["| function | arm | n | RMSE | cov90 | median width | s |", "|---" * 7 + "|"]
    for (name, arm), rows in frame.groupby(["function", "arm"], sort=False):
        lines.append(
            f"| {name} | {arm} | {len(rows)} | {rows.rmse.mean():.3f} | {rows.cov90.mean():.2f} | "
            f"{rows.width.mean():.3f} | {rows.seconds.median():.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Forrester once, no record")
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args()
    if chosen.quick:
        print(report(run("Forrester", 0)))
        return
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    known = [json.loads(line) for line in lines]
    done = {(r["function"], r["seed"]) for r in known}
    for name in FUNCTIONS:
        for seed in range(400, 400 + chosen.seeds):
            if (name, seed) not in done:
                new = run(name, seed)
                with RESULTS.open("a") as file:
                    file.writelines(json.dumps(record) + "\n" for record in new)
                known += new
    print(report(known))


if __name__ == "__main__":
    main()
