import numpy as np
import pytest
import torch

from bayesmat.data.properties import Condition
from bayesmat.data.rows import Rows
from bayesmat.errors import FeatureError
from bayesmat.features import ConditionMap, Layout
from bayesmat.features.label import Label

COLUMNS = (
    Condition("T", "degC"),
    Condition("solvent", categories=("water", "dmf", "hexane")),
    Condition("p", "bar"),
)
ROWS = Rows(("CC", "CCO"), [[25.0, 2, 1.0], [100.0, 0, 10.0]], COLUMNS)
LAYOUT = Layout([Label()], COLUMNS)
X = LAYOUT(ROWS)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (ConditionMap("T"), [25.0, 100.0]),
        (ConditionMap("T", transform="1/T"), [1 / 298.15, 1 / 373.15]),
        (ConditionMap("p", transform="log"), [0.0, np.log(10)]),
        (ConditionMap("solvent"), [2.0, 0.0]),
    ],
)
def test_a_condition_is_a_feature_on_its_natural_axis(read, expected):
    assert read.columns(LAYOUT, X)[:, 0].tolist() == pytest.approx(expected, rel=1e-14)
    batch = read.columns(LAYOUT, X.expand(3, -1, -1))
    assert batch.shape == (3, 2, 1)
    assert torch.equal(batch[1], read.columns(LAYOUT, X))


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (ConditionMap("pH"), r"'pH', the table has \['T', 'solvent', 'p'\]"),
        (ConditionMap("p", transform="1/T"), "'bar' is no temperature"),
        (ConditionMap("solvent", transform="log"), "its categories have no numbers"),
    ],
)
def test_conditions_that_cannot_be_read_so_are_refused(read, said):
    with pytest.raises(FeatureError, match=said):
        read.columns(LAYOUT, X)


def test_a_logarithm_of_what_is_not_positive_is_refused():
    rows = Rows(("CC",), [[-5.0, 0, 1.0]], COLUMNS)
    with pytest.raises(
        FeatureError, match=r"-5 in some row. Read it as it is, bm.ConditionMap..T.."
    ):
        ConditionMap("T", transform="log").columns(LAYOUT, LAYOUT(rows))


def test_digests_tell_conditions_and_transforms_apart():
    maps = [ConditionMap("T"), ConditionMap("T", transform="1/T"), ConditionMap("p")]
    assert len({m.digest for m in maps}) == 3


def test_places_of_conditions():
    assert [LAYOUT.condition(c.name) for c in COLUMNS] == [
        slice(1, 2), slice(2, 5), slice(5, 6),
    ]  # fmt: skip
    with pytest.raises(FeatureError, match="no condition 'x'"):
        LAYOUT.condition("x")


def test_labels_are_equal_for_equal_names_only():
    codes = Label()([f"batch {i}" for i in range(500)])[:, 0]
    assert len(codes.unique()) == 500
    assert torch.equal(codes, codes.round())
