import copy
import pickle

import numpy as np
import pytest
import torch

from bayesmat.data.rows import Rows
from bayesmat.data.table import Condition
from bayesmat.errors import FeatureError
from bayesmat.features import ECFP, MACCS, CheapDescriptors, Layout, check_finite
from bayesmat.features._memory import BLOCK

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
    conditions = (Condition("T", "K"), Condition("solvent", categories=("water", "hexane", "dmf")))
    layout = Layout([MACCS()], conditions)
    X = layout(Rows(MATERIALS, [[300.0, 2], [310.0, 0]], conditions))
    assert layout.blocks["conditions"] == slice(166, 170)
    assert X[:, 166:].tolist() == [[300.0, 0, 0, 1], [310.0, 1, 0, 0]]
    assert layout.names[166:] == ("T", "solvent=water", "solvent=hexane", "solvent=dmf")


def test_layout_without_blocks_is_empty():
    assert Layout([])(MATERIALS).shape == (2, 0)


def test_rows_of_other_conditions_are_refused():
    both = (Condition("T", "K"), Condition("p", "bar"))
    layout = Layout([MACCS()], both)
    for rows in (MATERIALS, Rows(MATERIALS, [[1.0], [2.0]], both[:1])):
        with pytest.raises(FeatureError, match=r"X has columns for \['T \[K\]', 'p \[bar\]'\]"):
            layout(rows)
    with pytest.raises(FeatureError, match=r"X has columns for \[\]"):
        Layout([MACCS()])(Rows(MATERIALS, np.zeros((2, 2)), both))


def test_recipes_cannot_be_described_by_features_of_materials():
    x = (Condition("x", ""),)
    assert Layout([], x)(Rows(None, [[0.5]], x)).tolist() == [[0.5]]
    with pytest.raises(FeatureError, match="recipes have no material that"):
        Layout([MACCS()], x)(Rows(None, [[0.5]], x))


def test_blocks_cannot_be_changed():
    with pytest.raises(TypeError):
        Layout([MACCS()]).blocks["x"] = slice(0, 1)


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


CHAINS = ["C" * n for n in range(1, BLOCK + 90)]


class Lengths:
    """The length of a string; -1 where `holes` says that it is not known."""

    id = "lengths(test)"
    names = ("length",)

    def __init__(self, holes=(), width=1):
        self.holes, self.width = holes, width
        self.asked = []

    def __call__(self, materials):
        self.asked.append(len(materials))
        values = [np.nan if m in self.holes else float(len(m)) for m in materials]
        return torch.tensor(values, dtype=torch.float64)[:, None].expand(-1, self.width)


def test_a_stream_holds_the_rows_of_x_some_at_a_time():
    layout = Layout([ECFP(size=64)], [Condition("T", "K")])
    T = np.arange(len(CHAINS), dtype=float)[:, None]
    rows = Rows(CHAINS, T, layout.conditions)
    parts = list(layout.stream(rows))
    assert [len(X) for X in parts] == [BLOCK, len(CHAINS) - BLOCK]
    assert torch.equal(torch.cat(parts), layout(rows))
    assert [X.shape for X in layout.stream(rows[:0])] == [(0, 65)]
    with pytest.raises(FeatureError, match=r"rows have the conditions \[\]"):
        next(layout.stream(CHAINS))


def test_featurizers_are_asked_for_few_rows_at_a_time_and_for_each_once():
    lengths = Lengths()
    lengths.id = "lengths(asked once)"
    X = Layout([lengths])(CHAINS + CHAINS[::-1])
    assert X[:, 0].tolist() == [len(m) for m in CHAINS + CHAINS[::-1]]
    assert sum(lengths.asked) == len(CHAINS)
    assert max(lengths.asked) <= BLOCK


@pytest.mark.parametrize("ask", [lambda layout: layout(CHAINS), lambda o: list(o.stream(CHAINS))])
def test_holes_are_named_in_all_rows_at_once(ask):
    lengths = Lengths(holes=(CHAINS[1], CHAINS[-1]))
    lengths.id = "lengths(holes)"
    with pytest.raises(FeatureError, match="gave 2 values") as caught:
        ask(Layout([lengths]))
    assert CHAINS[-1] in str(caught.value)


def test_a_featurizer_of_another_width_than_it_says_is_refused():
    lengths = Lengths(width=2)
    lengths.id = "lengths(wide)"
    with pytest.raises(FeatureError, match=r"shape \(1, 2\) for 1 materials and 1 columns"):
        Layout([lengths])(["C"])
