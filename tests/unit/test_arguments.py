"""Arguments are told apart by what they are asked to do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import bayesmat as bm
from bayesmat._arguments import array, checked, integer, real
from bayesmat.errors import ArgumentError
from bayesmat.inference.report import Sampler


def test_a_callable_of_another_kind_is_told_by_what_it_takes() -> None:
    """Samplers of programs and integrators of graphs are both called, with other arguments."""
    with pytest.raises(ArgumentError, match=r"give an integrator, like bm\."):
        bm.Transfer("gap", integrator=bm.NUTS())  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="sampler is a bayesmat Grid: give a sampler"):
        checked(bm.Grid(), Sampler, "sampler")


@pytest.mark.parametrize("sampler", [bm.NUTS(), bm.SMC(), bm.Laplace()])
def test_every_sampler_is_one(sampler: Sampler) -> None:
    assert checked(sampler, Sampler, "sampler") is sampler


@pytest.mark.parametrize(
    "values",
    [np.ma.array([[999.0], [1.0]], mask=[[True], [False]]),
     np.ma.array([[999], [1]], mask=[[True], [False]]),
     [np.ma.array([999.0], mask=[True]), np.ma.array([1.0], mask=[False])],
     [[np.nan], [1.0]]],
)  # fmt: skip
def test_what_stands_below_a_mask_is_not_measured(values: object) -> None:
    np.testing.assert_array_equal(array(values, "y"), [[np.nan], [1.0]])
    table = bm.PropertyTable(("C", "CC"), "smiles", (bm.Property("gap", "eV"),), values)  # type: ignore[arg-type]
    np.testing.assert_array_equal(table.values, [[np.nan], [1.0]])


def test_one_masked_number_is_none() -> None:
    assert np.isnan(real(np.ma.masked, "level"))
    assert np.isnan(array([np.ma.masked, 1.0], "y")[0])
    with pytest.raises(ArgumentError, match="give a whole number"):
        integer(np.ma.array(3, mask=True), "batch")


def test_a_masked_array_in_a_record_keeps_its_mask() -> None:
    kept = checked(np.ma.array([999.0, 1.0], mask=[True, False]), np.ndarray, "y")
    np.testing.assert_array_equal(kept, [np.nan, 1.0])
    assert not isinstance(kept, np.ma.MaskedArray)


@pytest.mark.parametrize("kind", [int, Fraction])
@pytest.mark.parametrize("digits", [400, 5000])
def test_numbers_beyond_double_precision_are_refused(kind: type, digits: int) -> None:
    huge = kind(-(10**digits))
    with pytest.raises(ArgumentError, match=r"beyond the largest float, 1\.8e308"):
        bm.Within("gap", huge, 0.0)
    with pytest.raises(ArgumentError, match="y is a list: give numbers"):
        array([1.0, huge], "y")


def test_several_kinds_are_told_by_what_each_is_written_as() -> None:
    with pytest.raises(ArgumentError, match=r"give 2 values, in brackets\. Or give one of 'known'"):
        bm.Computed("gap_huckel", kappa=(1, 2, 3))  # type: ignore[arg-type]


def test_the_brackets_of_a_program_are_said() -> None:
    with pytest.raises(ArgumentError, match=r'in brackets.*@bm\.program\(properties=\("Tb",\)'):

        @bm.program  # type: ignore[call-overload, arg-type]
        def boiling(phi: object, observations: object) -> None: ...
