"""Lists of candidates hold materials, conditions, and whatever stands beside them."""

import numpy as np
import pandas as pd
import pytest

from bayesmat.data.listing import note_column, read_listing


@pytest.mark.parametrize(
    ("cells", "notes"),
    [
        (["1", "", "20"], (1, None, 20)),
        (["1.5", "2", None], (1.5, 2.0, None)),
        (["1e3", "2"], (1000.0, 2.0)),
        (["007", "1"], ("007", "1")),
        (["1,5", "2"], ("1,5", "2")),
        (["12345678901234567890"], ("12345678901234567890",)),
        (["1e999"], ("1e999",)),
        ([np.float64(1.5), float("inf")], (1.5, "inf")),
        ([True, 1], ("True", "1")),
        ([None, ""], (None, None)),
    ],
)
def test_cells_beside_materials_are_numbers_only_where_nothing_is_lost(cells, notes):
    assert note_column(np.array(cells, dtype=object)) == notes


def test_kinds_units_and_names_are_read_as_in_a_table():
    frame = pd.DataFrame({"formula": ["O3Fe2"], "T [degC]": [20.0], "name": ["rust"]})
    found = read_listing(frame, conditions={"T": "K"})
    assert (found.materials, found.kind) == (("Fe2O3",), "composition")
    assert (found.conditions, found.units) == ({"T": (293.15,)}, {"T": "K"})
    assert found.notes == {"name": ("rust",)}
    assert read_listing(frame[["name"]]).kind == "id"
