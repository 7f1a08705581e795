"""Laws of the doors that make and cut tables: see `test_argument_doors`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesmat.data import (
    Column,
    Condition,
    Observations,
    Property,
    PropertyTable,
    Scale,
    canonical,
    from_frame,
    grouped_kfold,
    grouped_split,
    groups_of,
    read_csv,
    to_csv,
)
from bayesmat.errors import ArgumentError, BayesmatError, DataError, MaterialError
from tests.contracts.argument_kinds import FRAME, MATERIALS, TABLE, Door, cases

ASKED: dict[str, Any] = {"material": "smiles", "properties": {"y": "K"}}
N = TABLE.n_rows


def frame(**given: object) -> PropertyTable:
    return from_frame(FRAME, **(ASKED | given))


DOORS: dict[str, Door] = {
    "from_frame(material)": (lambda v: frame(material=v), "text?"),
    "from_frame(group)": (lambda v: frame(group=v), "text?"),
    "read_csv(path)": (lambda v: read_csv(v, **ASKED), "path"),
    "read_csv(sheet)": (lambda v: read_csv("never.csv", sheet=v, **ASKED), "text?"),
    "to_csv(table)": (lambda v: to_csv(v, "never.csv"), "table"),
    "to_csv(path)": (lambda v: to_csv(TABLE, v), "path"),
    "groups_of": (lambda v: groups_of(v), "table"),
    "grouped_kfold(n)": (lambda v: grouped_kfold(MATERIALS, v, seed=0), "whole"),
    "grouped_kfold(seed)": (lambda v: grouped_kfold(MATERIALS, 2, seed=v), "seed"),
    "grouped_split(fraction)": (lambda v: grouped_split(MATERIALS, v, seed=0), "real"),
    "grouped_split(seed)": (lambda v: grouped_split(MATERIALS, seed=v), "seed"),
    "Property(name)": (lambda v: Property(v, "K"), "text"),
    "Property(categories)": (lambda v: Property("y", categories=v), "texts?"),
    "Condition(name)": (lambda v: Condition(v, "K"), "text"),
    "Property.parse": (lambda v: Property.parse("y", v), "text"),
    "Condition.parse": (lambda v: Condition.parse("y", v), "text"),
    "Column(unit)": (lambda v: Column("K", unit=v), "text?"),
    "PropertyTable(values)": (lambda v: replace(TABLE, values=v), "numbers"),
    "PropertyTable(stds)": (lambda v: replace(TABLE, stds=v), "numbers"),
    "PropertyTable(groups)": (lambda v: replace(TABLE, groups=v), "texts?"),
    "append(values)": (lambda v: TABLE.append("CCO", {"y": v}), "numbers"),
    "append(stds)": (lambda v: TABLE.append("CCO", {"y": [1.0]}, {"y": v}), "numbers"),
    "select": (lambda v: TABLE.select(v), "texts"),
    "Scale.of": (lambda v: Scale.of(v, log=False), "numbers"),
    "Observations.empty(n)": (lambda v: Observations.empty(v, ["y"]), "whole"),
    "Observations.empty(names)": (lambda v: Observations.empty(3, v), "texts"),
}
OTHERS: dict[str, tuple[Callable[[Any], object], tuple[object, ...], str]] = {
    "from_frame(frame)": (
        lambda v: from_frame(v, **ASKED), ("gaps.csv", None, TABLE, {"y": [1.0]}), "data frame",
    ),
    "from_frame(properties)": (
        lambda v: frame(properties=v), (["y"], "y", ("y",), {"y"}), r'properties=\{"y": "eV"\}',
    ),
    "from_frame(conditions)": (
        lambda v: frame(conditions=v), (["T"], "T"), r'conditions=\{"T": "eV"\}',
    ),
    "from_frame(unit)": (lambda v: frame(properties={"y": v}), (5, None, ["K"]), r"bm\.Property"),
    "from_frame(column)": (lambda v: frame(properties={v: "K"}), (5, None), "give text"),
    "from_frame(kind)": (lambda v: frame(kind=v), (5, ["smiles"], "polymer"), "choose one"),
    "from_frame(on_invalid)": (lambda v: frame(on_invalid=v), (5, None, True, "skip"), "'raise'"),
    "canonical(kind)": (lambda v: canonical("C", v), (5, None, ["smiles"], "x"), "choose one"),
    "canonical(material)": (lambda v: canonical(v), (5, None, ["C"], {"C": 1}), "not text"),
    "groups_of(by)": (lambda v: groups_of(TABLE, v), (5, None, ["material"], "row"), "'material'"),
    "PropertyTable(materials)": (
        lambda v: replace(TABLE, materials=v), (FRAME, 5, None, {"CCO": 1.0}), "give strings",
    ),
    "PropertyTable(properties)": (
        lambda v: replace(TABLE, properties=v), ("y", ["y"], {"y": "K"}, None), r"bm\.Property",
    ),
    "PropertyTable(conditions)": (
        lambda v: replace(TABLE, conditions=v), ("T", ["T"], TABLE.properties), r"bm\.Condition",
    ),
    "PropertyTable(kind)": (lambda v: replace(TABLE, kind=v), (5, None, ["smiles"]), "choose one"),
    "subset": (
        lambda v: TABLE.subset(v), ("CCO", ["CCO"], None, [0.5], {"a": 1}), "row numbers",
    ),
    "subset(absent)": (lambda v: TABLE.subset(v), ([N], [-N - 1, 0]), "there are no rows"),
    "observations": (lambda v: TABLE.observations(v), (5, ["log"], "log", {"y": 1.0}), "Scale"),
    "append(column)": (lambda v: TABLE.append("CCO", {v: [1.0]}), (5, None, "z"), "no columns"),
}  # fmt: skip


@pytest.mark.parametrize(("door", "call", "value", "words"), cases(DOORS, OTHERS))
def test_a_wrong_kind_is_refused_at_the_door_with_what_was_meant(
    door: str, call: Callable[[Any], object], value: object, words: str
) -> None:
    with pytest.raises(BayesmatError, match=words):
        call(value)


@pytest.mark.parametrize("path", ["there-is-no-such-file.csv", "."])
def test_a_path_that_cannot_be_read_is_an_error_of_ours(path: str) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        read_csv(path, **ASKED)


def test_a_file_cannot_be_written_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        to_csv(TABLE, tmp_path / "absent" / "table.csv")


def test_a_table_made_by_hand_knows_a_material_in_any_spelling() -> None:
    y = (Property("y", "K"),)
    table = PropertyTable(["OCC", "CCO"], "smiles", y, [[1.0], [2.0]])  # type: ignore[arg-type]
    assert table.materials == ("CCO", "CCO")
    assert len(set(groups_of(table))) == 1
    unit = PropertyTable(("*CC*", "*C*", "*CCC*"), "repeat_unit", y, np.ones((3, 1)))
    assert set(unit.materials) == {"*C*"}
    assert PropertyTable(("O3Fe2",), "composition", y, [[1.0]]).materials == ("Fe2O3",)  # type: ignore[arg-type]
    with pytest.raises(MaterialError, match="row 2, column 'material': 'nonsense'"):
        PropertyTable(("CCO", "nonsense"), "smiles", y, np.ones((2, 1)))


def test_numbers_of_any_type_are_read_as_numbers() -> None:
    folds = grouped_kfold(MATERIALS, np.int64(2), seed=np.int8(0))  # type: ignore[arg-type]
    plain = grouped_kfold(MATERIALS, 2, seed=0)
    assert [t.tolist() for _, t in folds] == [t.tolist() for _, t in plain]
    _, test = grouped_split(MATERIALS, np.float32(0.25), seed=np.uint8(1))  # type: ignore[arg-type]
    np.testing.assert_array_equal(test, grouped_split(MATERIALS, 0.25, seed=1)[1])
    assert type(Observations.empty(np.int64(3), ["y"]).n_rows) is int  # type: ignore[arg-type]


def test_one_property_stands_for_a_list_of_one() -> None:
    one = PropertyTable("CCO", "smiles", Property("y", "K"), [[1.0]])  # type: ignore[arg-type]
    assert (one.materials, one.property_names) == (("CCO",), ("y",))
    assert TABLE.subset(np.array([True] + [False] * (N - 1))).materials == ("CCO",)


def test_a_wrong_argument_is_a_type_error_too() -> None:
    with pytest.raises(TypeError):
        frame(properties=["y"])
    assert issubclass(ArgumentError, ValueError)
