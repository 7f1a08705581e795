"""What a prediction rests on, in words: what is alike, what explains it, what is not known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesmat.data.properties import Property
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.explore.goals import Goal
from bayesmat.models.base import Fitted
from bayesmat.models.prediction import Prediction

__all__ = ["reasons_for"]

_NEAREST = 2
_UNLIKE = 0.2  # below this similarity a count fingerprint shares next to nothing
_NONE = 0.05  # below this correlation training rows say nothing
_SMALL = 0.05  # a group with less than this share of the variance is not named


def reasons_for(fitted: Fitted, prediction: Prediction, goals: Sequence[Goal]) -> tuple[str, ...]:
    """A few sentences for each row of a prediction.

    They name the most alike measured rows with their values, the groups of features that explain
    the property over the whole table, how much of the predicted variance is ignorance of the
    noise-free value, and whether conditions lie inside what was measured.

    Args:
        fitted: What predicted.
        prediction: Its predictions of the rows, with every property of the goals that it has.
        goals: Say which properties matter.
    """
    aims = {goal.property for goal in goals}
    wanted = [j for j, p in enumerate(prediction.properties) if p.name in aims]
    if not wanted:
        return ("",) * len(prediction.rows)
    names = [prediction.properties[j].name for j in wanted]
    columns = [fitted.table.property_names.index(name) for name in names]
    measured = np.flatnonzero(np.isfinite(fitted.table.values[:, columns]).any(1))
    if not len(measured):
        return ("Nothing of this kind was measured.",) * len(prediction.rows)
    known = fitted.table.subset(measured).select(names)
    alike = _alike(fitted, known, prediction.rows)
    groups = [_groups(fitted, prediction.properties[j].name, len(wanted) > 1) for j in wanted]
    ignorance = [_ignorance(prediction, j, len(wanted) > 1) for j in wanted]
    under = _conditions(known.rows, prediction.rows)
    parts = (alike, *([g] * len(alike) for g in groups), *ignorance, under)
    return tuple(" ".join(filter(None, said)) for said in zip(*parts, strict=True))


def _alike(fitted: Fitted, known: PropertyTable, rows: Rows) -> list[str]:
    """The measured rows that are most alike."""
    measure = fitted.similarity
    if measure is None:
        return ["The model reads no feature of it."] * len(rows)
    at = measure.columns(fitted.layout(known.rows))
    similarity = measure.between(measure.columns(fitted.layout(rows)), at).numpy()
    keys = known.rows.keys
    bound = _UNLIKE if measure.is_count else _NONE
    found = []
    for near in similarity:
        first = _distinct(near, keys)
        said = [
            f"{_name(known.rows, i)} (similarity {near[i]:.2f}, "
            f"{_values(known.values[i], known.properties)})"
            for i in first
        ]
        far = near[first[0]] < bound
        head = "Nothing alike was measured; the nearest are" if far else "Nearest measured:"
        head = head.replace("nearest are", "nearest is") if len(said) == 1 else head
        found.append(f"{head} {' and '.join(said)}.")
    return found


def _distinct(near: np.ndarray, keys: Sequence[str]) -> list[int]:
    """The most similar rows, each key once."""
    found: dict[str, int] = {}
    for i in np.argsort(-near, kind="stable"):
        found.setdefault(keys[i], int(i))
        if len(found) == _NEAREST:
            break
    return list(found.values())


def _name(rows: Rows, i: int) -> str:
    """A row in few digits."""
    units = {c.name: f" {c.unit or ''}".rstrip() for c in rows.columns}
    said = [
        f"{name} {value if isinstance(value, str) else f'{value:.4g}{units[name]}'}"
        for name, value in rows.named(i).items()
    ]
    return ", ".join(said if rows.materials is None else [rows.materials[i], *said])


def _values(values: np.ndarray, properties: Sequence[Property]) -> str:
    several = len(properties) > 1
    return ", ".join(
        f"{f'{p.name} ' if several else ''}{v:.4g} {p.unit}".rstrip()
        for p, v in zip(properties, values, strict=True)
        if np.isfinite(v)
    )


def _groups(fitted: Fitted, name: str, several: bool) -> str:
    """Which groups explain a property, over the whole table."""
    shares = {g: float(s.median()) for g, s in fitted.report.shares.get(name, {}).items()}
    large = sorted(((s, g) for g, s in shares.items() if s >= _SMALL), reverse=True)
    what = f"{name} " if several else ""
    if not large:
        return ""
    parts = [f"{group.replace('_', ' ')} ({share:.0%})" for share, group in large]
    return f"Over the table {what or 'it '}is explained by {_listed(parts)}."


def _ignorance(prediction: Prediction, j: int, several: bool) -> list[str]:
    """Share of the predicted variance that measurements nearby could remove."""
    latent, seen = prediction.latent_sd[:, j], prediction.observation_sd[:, j]
    share = np.divide(latent**2, seen**2, out=np.full(len(seen), np.nan), where=seen > 0)
    of = f" of {prediction.properties[j].name}" if several else ""
    return [_shared(float(s), of) for s in share]


def _shared(share: float, of: str) -> str:
    if not np.isfinite(share):
        return ""
    said = f"{share:.0%}" if share < 0.995 else "Nearly all"
    rest = "the rest noise" if share < 0.995 else "hardly any is noise"
    return f"{said} of the variance{of} is ignorance, {rest} of a measurement."


def _conditions(measured: Rows, rows: Rows) -> list[str]:
    """Whether the conditions of each row lie inside those of the measured rows."""
    outside: list[list[str]] = [[] for _ in rows]
    for j, condition in enumerate(rows.columns):
        known, asked = measured.conditions[:, j], rows.conditions[:, j]
        if condition.categories is not None:
            for i in np.flatnonzero(~np.isin(asked, known)):
                outside[i].append(f"{condition.name} {rows.named(int(i))[condition.name]} is new")
            continue
        unit = f" {condition.unit}".rstrip()
        low, high = f"{known.min():.4g}", f"{known.max():.4g}"
        for i in np.flatnonzero((asked < known.min()) | (asked > known.max())):
            outside[i].append(
                f"{condition.name} {asked[i]:.4g}{unit} extrapolates beyond the measured "
                f"{low} to {high}{unit}"
            )
    names = [condition.name for condition in rows.columns]
    if not names:
        return [""] * len(rows)
    verb = "lies" if len(names) == 1 else "lie"
    within = f"{_listed(names)} {verb} within what was measured"
    heading = "Condition" if len(names) == 1 else "Conditions"
    return [f"{heading}: {_listed(said) if said else within}." for said in outside]


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
