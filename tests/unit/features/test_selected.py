"""Columns chosen by name."""

import pytest
import torch

from bayesmat.errors import FeatureError
from bayesmat.features import CheapDescriptors, Layout, Selected


def test_columns_come_in_the_order_chosen() -> None:
    every, some = CheapDescriptors(), Selected(CheapDescriptors(), ("rings", "n_O"))
    materials = ["OC1CC1", "CCO", "c1ccccc1"]
    at = [every.names.index("rings"), every.names.index("n_O")]
    assert torch.equal(some(materials), every(materials)[:, at])
    assert some.names == ("rings", "n_O")


def test_another_choice_is_another_featurizer() -> None:
    one, two = (Selected(CheapDescriptors(), names) for names in (("rings",), ("n_O",)))
    assert Layout([one, two]).width == 2


@pytest.mark.parametrize("names", [("rings", "colour"), (), ("rings", "rings")])
def test_what_cannot_be_selected_is_said(names: tuple[str, ...]) -> None:
    with pytest.raises(FeatureError, match="name at least one, each once"):
        Selected(CheapDescriptors(), names)
