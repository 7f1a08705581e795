"""Speed of the spine's parts, XenonPy's n-gram beside ours: `python -m benchmarks.spine [--quick]`.

One function per section, each returning its figures. Rates of the n-gram are per CPU second of one
core, so that other jobs do not disturb the comparison. The peer's environment is built in the full
run; `--quick` measures the peer only where that environment exists already.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pandas as pd
from rdkit import Chem
from rdkit.rdBase import BlockLogs

import bayesmat as bm
from bayesmat import demo
from bayesmat.design.corpus import filtered_molecules
from bayesmat.design.language import SmilesNGram
from bayesmat.explore.candidates import RegionScore
from bayesmat.explore.region import region_of
from benchmarks.peers.environments import PEERS, PeerError, run

Figures = dict[str, float]
ORDER = 10
XENONPY = Path(__file__).parent / "peers" / "xenonpy_ngram.py"


def ngram(quick: bool) -> Figures:
    """Training and proposals per CPU second, ours and XenonPy 0.6.7's on the same SMILES."""
    corpus = list(filtered_molecules())
    random.Random(0).shuffle(corpus)
    shared = corpus[: 100 if quick else 600]
    figures = {f"whole_list_{k}": v for k, v in _ours(corpus, 4000 if quick else 40000).items()}
    figures |= {f"ours_{k}": v for k, v in _ours(shared, 4000 if quick else 40000).items()}
    peer = PEERS["xenonpy"]
    if quick and not peer.is_built:
        print("XenonPy is not installed: run without --quick, or benchmarks.peers.environments")
        return figures
    question = {"smiles": shared, "order": ORDER, "proposals": 100 if quick else 1000, "seed": 0}
    try:
        answer = run(peer, XENONPY, question, time_limit_s=1800)
    except PeerError as error:
        print(f"XenonPy could not be measured: {error}")
        return figures
    figures["xenonpy_trained_per_s"] = len(shared) / answer["train_s"]
    figures["xenonpy_proposals_per_s"] = question["proposals"] / answer["propose_s"]
    figures["xenonpy_valid"] = answer["valid"]
    for verb in ("trained_per_s", "proposals_per_s"):
        figures[f"ratio_{verb}"] = figures[f"ours_{verb}"] / figures[f"xenonpy_{verb}"]
    return figures


def _ours(smiles: Sequence[str], proposals: int) -> Figures:
    """Fit, then truncate and regrow training strings; a proposal ends with RDKit's parse."""
    start = time.process_time()
    language = SmilesNGram.fit(smiles, ORDER)
    trained = time.process_time() - start
    rng = random.Random(0)
    encoded = [language.encode(text) for text in rng.choices(smiles, k=proposals)]
    known = [ids for ids in encoded if ids is not None]
    valid = 0
    start = time.process_time()
    with BlockLogs():
        for ids in known:
            new = language.regrow(ids[: rng.randrange(len(ids) + 1)], rng)
            valid += new is not None and Chem.MolFromSmiles(language.decode(new)) is not None
    proposed = time.process_time() - start
    return {
        "trained_per_s": len(smiles) / trained,
        "proposals_per_s": len(known) / proposed,
        "valid": valid / len(known),
    }


def fits(quick: bool) -> Figures:
    """Seconds per fit (prior to posterior, hyper-parameters integrated) at n molecules."""
    figures: Figures = {}
    for n in (20, 50) if quick else (20, 50, 200):
        table = gap_table(n, seed=0)
        start = time.perf_counter()
        bm.fit(gap_prior(), table, seed=0, explain=False)
        figures[f"n{n}_s"] = time.perf_counter() - start
    return figures


def design(quick: bool) -> Figures:
    """Seconds per suggest (fit, SMC with 256 particles, batch of 8), candidates scored a minute."""
    with tempfile.TemporaryDirectory() as folder:
        campaign = bm.Campaign.create(
            f"sqlite:///{folder}/c.db", gap_table(40, seed=1), gap_prior(),
            goals=[bm.Within("gap", 2.0, 2.5)],
        )  # fmt: skip
        seconds = []
        for _ in range(1 if quick else 3):  # the first also trains the language and draws its pool
            start = time.perf_counter()
            campaign.suggest(8)
            seconds.append(time.perf_counter() - start)
        fitted = bm.fit(gap_prior(), campaign.start, seed=0, explain=False)
        campaign.close()
    fresh = random.Random(1).sample(filtered_molecules(), 300 if quick else 2000)
    region = region_of([bm.Within("gap", 2.0, 2.5)], ("gap",), fitted.scales)
    start = time.perf_counter()
    RegionScore(fitted, region)(fresh)
    scored = 60 * len(fresh) / (time.perf_counter() - start)
    return {
        "first_suggest_s": seconds[0],
        "suggest_s": seconds[-1],
        "candidates_scored_per_minute": scored,
    }


@cache
def gap_prior() -> bm.PropertyGraph:
    """The demonstration's prior."""
    return demo.prior()


def gap_table(n: int, *, seed: int) -> bm.PropertyTable:
    """Draw n molecules with GFN1 gaps from the committed pool."""
    pool = pd.read_csv(Path(__file__).parent / "data" / "gap_gfn1_pool.csv")
    drawn = pool.sample(n, random_state=seed).rename(columns={"gap [eV]": "gap"})
    return bm.from_frame(drawn, material="smiles", properties={"gap": "log eV"})


SECTIONS: dict[str, Callable[[bool], Figures]] = {"ngram": ngram, "fit": fits, "design": design}


def main() -> None:
    """Run the sections and print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute, smaller sizes")
    parser.add_argument("--only", choices=sorted(SECTIONS), help="one section")
    options = parser.parse_args()
    figures: Figures = {}
    for name, section in SECTIONS.items():
        if options.only in (None, name):
            measured = section(options.quick)
            print(f"\n{name}: {section.__doc__}")
            for key, value in measured.items():
                print(f"  {key:32s} {value:14,.3g}")
            figures |= {f"{name}_{key}": value for key, value in measured.items()}
    print(json.dumps({"benchmark": "spine", "figures": figures}))


if __name__ == "__main__":
    main()
