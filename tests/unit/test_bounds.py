"""Numbers out of bounds are refused where a record is made, by its name and the field's."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

import bayesmat as bm
from bayesmat.errors import ArgumentError
from bayesmat.features import AtomPairs, RepeatUnitECFP

COUNTS = bm.FeatureMap((bm.ECFP(),))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bm.ECFP(radius=-1), r"ECFP\(radius\) is -1: give a finite number of at least 0"),
        (lambda: bm.ECFP(size=0), r"ECFP\(size\) is 0"),
        (lambda: AtomPairs(size=0), r"AtomPairs\(size\) is 0"),
        (lambda: RepeatUnitECFP(radius=-1), r"RepeatUnitECFP\(radius\) is -1"),
        (lambda: bm.Grid(0), r"Grid\(n\) is 0: give a finite number of at least 2"),
        (lambda: bm.Grid(n_particles=0), r"Grid\(n_particles\) is 0"),
        (lambda: bm.SMCIntegrator(n=0), r"SMCIntegrator\(n\) is 0"),
        (lambda: bm.SMC(n=1), r"SMC\(n\) is 1"),
        (lambda: bm.SMC(kept=0), r"SMC\(kept\) is 0"),
        (lambda: bm.HMC(leapfrogs=0), r"HMC\(leapfrogs\) is 0"),
        (lambda: bm.Edge("gap", sd=-1.0), r"Edge\(sd\) is -1"),
        (lambda: bm.Edge("gap", mean=math.nan), r"Edge\(mean\) is nan: give a finite number\.$"),
        (lambda: bm.Computed("gap_huckel", slope_mean=math.inf), r"slope_mean\) is inf"),
        (lambda: bm.Computed("gap_huckel", slope_sd=-1.0), r"Computed\(slope_sd\) is -1"),
        (lambda: bm.Matern52(factor=0.0), r"Matern52\(factor\) is 0.0: .* number above 0"),
        (lambda: bm.ARD(ell_sd=-1.0), r"ARD\(ell_sd\) is -1"),
        (lambda: bm.Term(bm.MinMax(), COUNTS, "counts", weight=0.0), r"Term\(weight\) is 0.0"),
        (lambda: bm.Node("gap", (), noise=-1.0), r"Node\(noise\) is -1"),
        (lambda: bm.SpacierRule(draws=0), r"SpacierRule\(draws\) is 0"),
        (lambda: bm.ImprovementRule(n_samples=0), r"ImprovementRule\(n_samples\) is 0"),
    ],
)
def test_a_number_out_of_bounds_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_bounds_themselves_are_allowed() -> None:
    bm.ECFP(radius=0, size=1)
    bm.Grid(2, n_particles=1)
    bm.Edge("gap", sd=0.0)
