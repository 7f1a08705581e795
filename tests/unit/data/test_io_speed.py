import csv
import itertools
import time

import numpy as np
import pytest

from bayesmat.data.io import read_csv

N_ROWS = 100_000
LIMIT_S = 60.0
GROUPS = ["F", "Cl", "Br", "O", "N", "C", "CC", "OC", "C#N", "C(=O)O", "C(=O)N", "S(=O)(=O)C"]
CORES = [
    "c1c({})c({})cc2cc({})c({})cc12",
    "C1C({})C({})CC(C{})N1C{}",
    "n1c({})nc({})c(CCOC{})c1C{}",
    "O=C(NC{})c1cc({})cc(CC{})c1C{}",
    "c1c({})c(-c2cc({})ccn2)c({})cc1C{}",
]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_distinct_molecules_load_within_a_minute(tmp_path):
    rng = np.random.default_rng(0)
    choices = itertools.product(CORES, *[GROUPS] * 4)
    with (tmp_path / "large.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["smiles", "gap", "sd", "T"])
        for core, *groups in itertools.islice(choices, N_ROWS):
            gap, sd = rng.uniform(1, 9), rng.uniform(0.1, 1)
            writer.writerow([core.format(*groups), repr(gap), repr(sd), "298"])
    start = time.process_time()
    table = read_csv(
        tmp_path / "large.csv",
        material="smiles",
        properties={"gap": "log eV"},
        conditions={"T": "K"},
    )
    seconds = time.process_time() - start
    assert table.n_rows == N_ROWS
    assert len(set(table.materials)) > 0.5 * N_ROWS
    assert seconds < LIMIT_S, f"{seconds:.0f} s of processor time"
