"""Ask BayBE for the next point. Runs in BayBE's environment, not in ours.

Reads {"d": 6, "X": [[...]], "y": [...], "seed": s} and prints one JSON object: the point that BayBE
with its defaults for a continuous space recommends to maximise y, and the wall seconds it took.
"""

import json
import sys
import time
import warnings

import numpy as np
import pandas as pd
import torch


def main():
    """Answer questions, a line each, until the input ends."""
    warnings.filterwarnings("ignore")
    from baybe import Campaign
    from baybe.parameters import NumericalContinuousParameter
    from baybe.searchspace import SearchSpace
    from baybe.targets import NumericalTarget

    for line in sys.stdin:
        question = json.loads(line)
        names = [f"x{i}" for i in range(question["d"])]
        torch.manual_seed(question["seed"])
        np.random.seed(question["seed"])  # noqa: NPY002 - BayBE draws from the global state
        start = time.perf_counter()
        space = SearchSpace.from_product(
            [NumericalContinuousParameter(name, bounds=(0, 1)) for name in names]
        )
        campaign = Campaign(space, NumericalTarget("y").to_objective())
        frame = pd.DataFrame(question["X"], columns=names).assign(y=question["y"])
        campaign.add_measurements(frame)
        point = campaign.recommend(1)[names].to_numpy()[0].tolist()
        print(json.dumps({"x": point, "seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
