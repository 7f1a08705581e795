"""A computed parent: any featurizer of (estimate, class), or a known name with its physics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import BayesmatError, FeatureError, ModelError
from bayesmat.features.huckel import HuckelGap
from bayesmat.features.molecule import ECFP, CheapDescriptors
from bayesmat.models.base import fit
from bayesmat.models.computed import Computed
from bayesmat.models.transfer import Transfer

MATERIALS = (*("C" * n for n in range(1, 13)), "O")


class Carbons:
    """Number of carbon atoms; a material without carbon is a class of its own. No dataclass."""

    id = "carbons"
    names = ("carbons", "class")

    def __call__(self, materials: Sequence[str]) -> Tensor:
        n = torch.tensor([m.count("C") for m in materials], dtype=torch.float64)
        return torch.stack([n, (n == 0).double()], -1)


def test_any_featurizer_of_estimate_and_class_is_a_parent() -> None:
    parent = Computed(Carbons())
    assert (parent.name, parent.kappa) == ("carbons", None)
    values = [[3.0 * m.count("C") + (m == "O")] for m in MATERIALS]
    table = PropertyTable(MATERIALS, "smiles", (Property("y", "K"),), values)
    prior = Transfer("y", parents=parent)
    assert prior.digest() != Transfer("y", parents=[Computed(Carbons(), bend=0.2)]).digest()
    far = "C" * 20
    median = fit(prior, table, seed=0, explain=False).predict(far).median
    assert abs(float(median[0, 0]) - 60.0) < 6.0


def test_a_name_stands_for_the_featurizer_with_the_physics_of_its_error() -> None:
    named = Computed("gap_huckel")
    assert named == Computed.huckel() == Computed("gap_huckel", kappa=(1.5, 0.3))
    assert named.featurizer == HuckelGap()
    assert Computed.huckel(None).kappa is None
    assert Computed(HuckelGap()).kappa is None
    assert Computed("gap_huckel", kappa=(np.float32(1.5), 0)).growth == (1.5, 0.0)  # type: ignore[arg-type]


def test_an_unknown_name_is_refused_when_the_parent_is_made() -> None:
    with pytest.raises(FeatureError, match=r"'typo'.*gap_huckel"):
        Computed("typo")


@pytest.mark.parametrize("wrong", [ECFP(), CheapDescriptors()])
def test_other_than_two_columns_are_refused(wrong: object) -> None:
    with pytest.raises(ModelError, match=r"columns: a computed parent reads two"):
        Computed(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, 1.0, HuckelGap, ["gap_huckel"]])
def test_what_is_no_featurizer_is_refused(wrong: object) -> None:
    with pytest.raises(BayesmatError, match=r"Computed\(estimate\) is .*: give"):
        Computed(wrong)  # type: ignore[arg-type]
