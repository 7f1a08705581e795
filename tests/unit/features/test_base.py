import copy
import pickle

import numpy as np
import pytest
import torch

from bayesmat.data.table import Condition
from bayesmat.errors import FeatureError
from bayesmat.features import ECFP, MACCS, CheapDescriptors, Layout, check_finite

MATERIALS = ["CCO", "CCN"]


def test_layout_holds_each_featurizer_once_in_the_order_first_seen():
    a, b = CheapDescriptors(), ECFP(size=64)
    layout = Layout([a, b, CheapDescriptors(), ECFP(size=64)])
    d = len(a.names)
    assert dict(layout.blocks) == {a.id: slice(0, d), b.id: slice(d, d + 64)}
    assert layout.width == d + 64 == len(layout.names)
    X = layout(MATERIALS)
    assert torch.equal(X[:, layout.blocks[a.id]], a(MATERIALS))
    assert torch.equal(X[:, layout.blocks[b.id]], b(MATERIALS))


def test_conditions_follow_the_features_and_categories_become_indicators():
    conditions = [Condition("T", "K"), Condition("solvent", categories=("water", "hexane", "dmf"))]
    layout = Layout([MACCS()], conditions)
    X = layout(MATERIALS, np.array([[300.0, 2], [310.0, 0]]))
    assert layout.blocks["conditions"] == slice(166, 170)
    assert X[:, 166:].tolist() == [[300.0, 0, 0, 1], [310.0, 1, 0, 0]]
    assert layout.names[166:] == ("T", "solvent=water", "solvent=hexane", "solvent=dmf")


def test_layout_without_blocks_is_empty():
    assert Layout([])(MATERIALS).shape == (2, 0)


@pytest.mark.parametrize("values", [None, np.zeros((1, 2)), np.zeros((2, 1))])
def test_missing_conditions_are_refused(values):
    layout = Layout([MACCS()], [Condition("T", "K"), Condition("p", "bar")])
    with pytest.raises(FeatureError, match=r"\['T', 'p'\] need an array of shape \(2, 2\)"):
        layout(MATERIALS, values)


def test_holes_in_conditions_are_named():
    layout = Layout([MACCS()], [Condition("T", "K")])
    with pytest.raises(FeatureError, match="'CCN', column 'T': nan"):
        layout(MATERIALS, np.array([[300.0], [np.nan]]))


def test_unknown_category_codes_are_refused():
    layout = Layout([], [Condition("solvent", categories=("water", "hexane"))])
    with pytest.raises(FeatureError, match=r"'solvent' has codes .*2.* only the codes 0 to 1"):
        layout(MATERIALS, np.array([[0.0], [2.0]]))


def test_blocks_cannot_be_changed():
    with pytest.raises(TypeError):
        Layout([MACCS()]).blocks["x"] = slice(0, 1)


def test_read_only_conditions_are_read():
    values = np.array([[298.0], [310.0]])
    values.setflags(write=False)
    assert Layout([], [Condition("T", "K")])(MATERIALS, values).tolist() == [[298.0], [310.0]]


@pytest.mark.parametrize("way", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_copies_and_pickles_have_the_same_columns(way):
    layout = way(Layout([MACCS()], [Condition("T", "K")]))
    assert layout.names[-1] == "T"
    assert layout.blocks["conditions"] == slice(166, 167)
    with pytest.raises(TypeError):
        layout.blocks["x"] = slice(0, 1)


def test_check_finite_lists_every_hole_at_once():
    values = np.array([[1.0, np.nan], [np.inf, 2.0]])
    with pytest.raises(FeatureError) as caught:
        check_finite(values, MATERIALS, ["p", "q"], featurizer="mine")
    message = str(caught.value)
    assert "mine gave 2 values" in message
    assert "'CCO', column 'q': nan" in message
    assert "'CCN', column 'p': inf" in message


def test_check_finite_shortens_a_long_list():
    values = np.full((30, 1), np.nan)
    with pytest.raises(FeatureError, match=r"and 10 more"):
        check_finite(values, ["C"] * 30, ["p"], featurizer="mine")


def test_check_finite_refuses_a_wrong_shape():
    with pytest.raises(FeatureError, match=r"shape \(2, 3\) for 2 materials and 2 columns"):
        check_finite(np.zeros((2, 3)), MATERIALS, ["p", "q"], featurizer="mine")
