"""Time XenonPy's NGram. Runs in XenonPy's environment (Python 3.9), not in ours.

Reads {"smiles": [...], "order": k, "proposals": n, "seed": s} and prints one JSON object with CPU
seconds. A proposal is `NGram.proposal` (truncate, regrow, write SMILES) plus a parse by RDKit.
"""

import json
import sys
import time
import warnings

import numpy as np
from rdkit import Chem, RDLogger
from xenonpy.inverse.iqspr import NGram


def main():
    """Answer one question."""
    warnings.filterwarnings("ignore")
    RDLogger.DisableLog("rdApp.*")
    question = json.load(sys.stdin)
    smiles, order = question["smiles"], question["order"]
    np.random.seed(question["seed"])  # noqa: NPY002 - XenonPy draws from the global state
    ngram = NGram(sample_order=(1, order), del_range=(1, 10))
    start = time.process_time()
    ngram.fit(smiles, train_order=(1, order))
    trained = time.process_time() - start
    rng = np.random.RandomState(question["seed"])
    starts = [smiles[i] for i in rng.randint(len(smiles), size=question["proposals"])]
    start = time.process_time()
    valid = sum(Chem.MolFromSmiles(text) is not None for text in ngram.proposal(starts))
    proposed = time.process_time() - start
    print(json.dumps({"train_s": trained, "propose_s": proposed, "valid": valid / len(starts)}))


if __name__ == "__main__":
    main()
