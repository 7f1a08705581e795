"""What `docs/reproducibility.md` promises of a seed: equal bits on one machine.

Everything that draws runs twice in one process and once in another, whose oracle answers in two
worker processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

RUN = """
import hashlib, json, sys, tempfile
import numpy as np, torch
import bayesmat as bm
from bayesmat.data.table import Property, PropertyTable
from bayesmat.design.sampler import SamplerSettings, sample_strings
from bayesmat.inference.grid import SMCIntegrator
from bayesmat.inference.nuts import NUTS
from bayesmat.oracles.table import TableOracle
from tests.unit.design.toy import checker, score, toy_language
from tests.unit.models.helpers import axes, observations
from tests.unit.models.programs import linear

POOL = tuple(f"{'C' * i}O{'C' * j}" for i in range(1, 7) for j in range(i, 7))
Y = np.array([[20.0 + 3.0 * len(m) + (m.find("O") * 7) % 5] for m in POOL])
TABLE = PropertyTable(POOL, "smiles", (Property("y", "K"),), Y)

def bits(values):
    return hashlib.sha256(np.asarray(values, dtype=float).tobytes()).hexdigest()

def campaign(prior, workers):
    with tempfile.TemporaryDirectory() as folder:
        search = bm.Campaign.create(
            f"sqlite:///{folder}/a.db", TABLE.subset(range(0, 21, 3)), prior,
            goals=[bm.Within("y", 40.0, 45.0)], oracle=TableOracle(TABLE), candidates=bm.Pool(POOL),
        )
        search.run(2, 3, workers=workers, progress=False)
        found = search.proposals()
        search.close()
    return [p.materials for p in found], bits([p.scores for p in found])

def once(workers):
    prior = bm.Transfer("y")
    fitted = bm.fit(prior, TABLE.subset(range(0, 21, 3)), seed=3)
    said = fitted.predict(POOL)
    smc = bm.fit(bm.Transfer("y", integrator=SMCIntegrator(n=64, n_particles=16)), TABLE, seed=3)
    X = torch.linspace(-1, 1, 16, dtype=torch.float64).reshape(8, 2)
    obs = observations([(i, 0) for i in range(8)], X.sum(1), 8, 1)
    program = linear(1, sampler=NUTS(warmup=10, draws=20, chains=2, max_tree_depth=3))
    designed = sample_strings(
        toy_language(), checker(), score, seed=3,
        settings=SamplerSettings(n_particles=64, pool_size=150),
    )
    return {
        "fit": [bits(v) for v in fitted.model.draws.values()],
        "predict": [bits(v) for v in (said.median, said.lower, said.upper, said.domain_distance)],
        "tempered": [bits(v) for v in smc.model.draws.values()],
        "chains": bits(program.condition(obs, X, layout=axes(), seed=3).latent(X)),
        "design": [designed.strings, bits(designed.weights)],
        "campaign": campaign(prior, workers),
    }

workers, times = int(sys.argv[1]), int(sys.argv[2])
print(json.dumps([once(workers) for _ in range(times)]))
"""


def run(workers: int, times: int) -> list[dict[str, object]]:
    found = subprocess.run(
        [sys.executable, "-c", RUN, str(workers), str(times)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(found.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def runs() -> list[dict[str, object]]:
    """Two of one process without workers, one of another with two."""
    with ThreadPoolExecutor(2) as both:
        one, two = both.map(run, (0, 2), (2, 1))
    return [*one, *two]


@pytest.mark.parametrize("what", ["fit", "predict", "tempered", "chains", "design", "campaign"])
def test_one_machine_gives_equal_bits(runs: list[dict[str, object]], what: str) -> None:
    first, again, elsewhere = (r[what] for r in runs)
    assert again == first, "the same process, later"
    assert elsewhere == first, "another process with worker processes"
