"""How the parts of a campaign are written as JSON, and read again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from bayesmat.data.rows import Rows
from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.errors import CampaignError
from bayesmat.explore.goals import AtLeast, AtMost, Goal, Maximize, Minimize, Within
from bayesmat.explore.store import storable
from bayesmat.explore.stored import ItemRow
from bayesmat.models.prediction import Prediction

__all__ = [
    "goal_from_json", "goal_to_json", "jsonable", "prediction_from_json", "prediction_to_json",
    "row_to_json", "rows_from_json", "table_from_json", "table_to_json",
]  # fmt: skip

_GOALS: tuple[type[Goal], ...] = (Within, AtLeast, AtMost, Maximize, Minimize)


def jsonable(value: Any) -> Any:
    """Return a value that every JSON database can hold: NaN as null, infinities as text.

    >>> jsonable({"x": (1, float("nan"), np.float64(2.0)), 3: float("inf")})
    {'x': [1, None, 2.0], '3': 'inf'}
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {storable(str(k)): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, str):
        return storable(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise CampaignError(
        f"{value!r} cannot be stored: the history of a campaign holds numbers, text, lists and "
        "mappings only. Leave it out of the trace, or write it as text."
    )


def goal_to_json(goal: Goal) -> dict[str, Any]:
    """Write a goal.

    >>> goal_to_json(Within("gap", 2.0, 2.5))
    {'goal': 'Within', 'property': 'gap', 'lower': 2.0, 'upper': 2.5}
    """
    said = {k: v for k, v in dataclasses.asdict(goal).items() if k != "at" or v}
    return {"goal": type(goal).__name__, **said}


def goal_from_json(written: Mapping[str, Any]) -> Goal:
    """Read what `goal_to_json` wrote."""
    fields = {k: v for k, v in written.items() if k != "goal"}
    return {cls.__name__: cls for cls in _GOALS}[written["goal"]](**fields)


def table_to_json(table: PropertyTable) -> dict[str, Any]:
    """Write a table to the last digit."""
    conditions = {
        "conditions": [dataclasses.asdict(c) for c in table.conditions],
        "condition_values": jsonable(table.condition_values),
    }
    return {
        "kind": table.kind,
        "materials": list(table.materials),
        **(conditions if table.conditions else {}),
        "properties": [dataclasses.asdict(p) for p in table.properties],
        "values": jsonable(table.values),
        "stds": jsonable(table.stds),
        "groups": None if table.groups is None else list(table.groups),
    }


def table_from_json(written: Mapping[str, Any]) -> PropertyTable:
    """Read what `table_to_json` wrote."""
    groups, n = written["groups"], len(written["materials"])
    shape = (n, len(written["properties"]))
    conditions = tuple(
        Condition(c["name"], c["unit"], c["categories"] and tuple(c["categories"]))
        for c in written.get("conditions", ())
    )
    return PropertyTable(
        tuple(written["materials"]),
        written["kind"],
        tuple(_property(p) for p in written["properties"]),
        np.array(written["values"], dtype=np.float64).reshape(shape),
        np.array(written["stds"], dtype=np.float64).reshape(shape),
        conditions,
        np.array(written.get("condition_values", ()), np.float64).reshape(n, len(conditions)),
        None if groups is None else tuple(groups),
    )


def _property(written: Mapping[str, Any]) -> Property:
    categories = written["categories"]
    return Property(
        written["name"],
        written["unit"],
        written["scale"],
        None if categories is None else tuple(categories),
    )


_BY_PROPERTY = ("median", "lower", "upper", "latent_sd", "observation_sd")


def prediction_to_json(
    prediction: Prediction, probability: np.ndarray, scores: Sequence[float]
) -> list[dict[str, Any]]:
    """Write a batch's predictions, one record for each material."""
    names = [p.name for p in prediction.properties]
    matrices = {
        "median": prediction.median,
        "lower": prediction.lower,
        "upper": prediction.upper,
        "latent_sd": prediction.latent_sd,
        "observation_sd": prediction.observation_sd,
    }
    return [
        {
            **{k: dict(zip(names, jsonable(m[i]), strict=True)) for k, m in matrices.items()},
            "level": prediction.level,
            "domain_distance": jsonable(prediction.domain_distance[i]),
            "probability": jsonable(probability[i]),
            "score": jsonable(float(scores[i])),
            **({"row": row} if (row := row_to_json(prediction.rows, i)) else {}),
        }
        for i in range(len(prediction.rows))
    ]


def row_to_json(rows: Rows, i: int) -> dict[str, Any] | None:
    """Material and conditions of a row apart; None for a material alone, which is its own key."""
    if not rows.columns:
        return None
    material = None if rows.materials is None else rows.materials[i]
    return {"material": material, "conditions": jsonable(rows.named(i))}


def rows_from_json(items: Sequence[ItemRow], table: PropertyTable) -> Rows:
    """The rows of stored proposals; `table` is the start table."""
    if not table.conditions:
        return Rows(tuple(item.material for item in items))
    found = [item.prediction["row"] for item in items]
    materials = None if table.kind == "recipe" else [str(row["material"]) for row in found]
    given = {c.name: [row["conditions"][c.name] for row in found] for c in table.conditions}
    return Rows.of(table, materials, given)


def prediction_from_json(
    items: Sequence[ItemRow], table: PropertyTable
) -> tuple[Prediction, np.ndarray, np.ndarray]:
    """Read what `prediction_to_json` wrote: prediction, probabilities, scores."""
    written = [item.prediction for item in items]

    def column(key: str) -> np.ndarray:
        return np.array([w[key] for w in written], dtype=np.float64)

    present = tuple(p for p in table.properties if p.name in written[0]["median"])
    median, lower, upper, latent_sd, observation_sd = (
        np.array([[w[key][p.name] for p in present] for w in written], dtype=np.float64)
        for key in _BY_PROPERTY
    )
    prediction = Prediction(
        rows_from_json(items, table), present, median, lower, upper, written[0]["level"],
        latent_sd, observation_sd, column("domain_distance"), table.kind,
    )  # fmt: skip
    return prediction, column("probability"), column("score")
