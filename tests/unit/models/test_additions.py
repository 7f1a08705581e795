"""An update brings new cells; it cannot take back what was conditioned on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bayesmat.data.table import PropertyTable
from bayesmat.errors import ModelError
from bayesmat.models.additions import check_additions

from .helpers import fitted_waves


def grown(table: PropertyTable) -> PropertyTable:
    return table.append(["0.5 0.5"], {"p0": [0.3]}, conditions=None)


@pytest.fixture(scope="module")
def fitted():
    return fitted_waves(12)


def test_additions_in_any_order_are_taken(fitted) -> None:
    more = grown(fitted.table)
    order = np.random.default_rng(0).permutation(more.n_rows)
    check_additions(fitted.table, more.subset(order))
    assert fitted.update(more.subset(order), seed=1).table.n_rows == 13


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_changed_value_is_named_with_what_it_was(fitted, sign) -> None:
    values = fitted.table.values.copy()
    values[3, 0] += sign * 0.5
    changed = grown(replace(fitted.table, values=values))
    with pytest.raises(
        ModelError, match="takes additions only, and 1 cell of the fit is not"
    ) as caught:
        fitted.update(changed, seed=1)
    message = str(caught.value)
    assert fitted.table.materials[3] in message
    assert f"{fitted.table.values[3, 0]:g} in the fit, now {values[3, 0]:g}" in message


def test_a_withdrawn_value_and_a_changed_sd_are_named(fitted) -> None:
    values, stds = fitted.table.values.copy(), fitted.table.stds.copy()
    values[2, 0], stds[4, 0] = np.nan, 0.1
    changed = grown(replace(fitted.table, values=values, stds=stds))
    with pytest.raises(ModelError, match="2 cells") as caught:
        fitted.update(changed, seed=1)
    assert "now missing" in str(caught.value)
    assert "+- 0.1" in str(caught.value)


@pytest.mark.parametrize("changed", [{"unit": "eV"}, {"scale": "log"}])
def test_numbers_in_another_unit_or_scale_are_not_additions(fitted, changed) -> None:
    table = fitted.table
    other = (replace(table.properties[0], **changed), *table.properties[1:])
    values = np.abs(table.values) + 1.0
    old = replace(table, values=values)
    with pytest.raises(ModelError, match="mean something else"):
        check_additions(old, replace(old, properties=other))


def test_a_value_told_of_another_material_is_not_the_old_one(fitted) -> None:
    table = fitted.table
    materials = ("9.0 9.0", *table.materials[1:])
    with pytest.raises(ModelError, match="takes additions only"):
        check_additions(table, replace(table, materials=materials))


def test_a_replicate_that_is_lost_is_noticed(fitted) -> None:
    twice = fitted.table.append([fitted.table.materials[0]], {"p0": [fitted.table.values[0, 0]]})
    with pytest.raises(ModelError, match="1 cell of the fit is"):
        check_additions(twice, fitted.table)


def test_the_model_itself_refuses_changed_cells(fitted) -> None:
    observations = fitted.table.observations(fitted.scales)
    X = fitted.layout(fitted.table.materials)
    y = observations.y.clone()
    y[0] += 1.0
    with pytest.raises(ModelError, match="of which 1 are not among them"):
        fitted.model.update(replace(observations, y=y), X, seed=0)
