"""Symptoms of the table: too few cells, missing cells, constants, scales, relatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch

from bayesmat._counted import counted
from bayesmat.check.predictive import loo
from bayesmat.data.splits import groups_of
from bayesmat.errors import DataError
from bayesmat.features.molecule import ECFP
from bayesmat.features.polymer import RepeatUnitECFP

from .evidence import Evidence
from .findings import Finding, listed

__all__ = ["data", "leakage"]

_APART = tuple(f"{what} of stereoisomers with different values" for what in ("group", "groups"))

FEW = 10
EMPTY = 0.8
DECADE = 10.0
_ROWS = "several rows"
ALIKE = 0.95
SHARE = 0.05
WORSE = 1.05
MUCH_WORSE = 1.25
CHIRAL: dict[str, ECFP | RepeatUnitECFP] = {
    "smiles": ECFP(chirality=True),
    "repeat_unit": RepeatUnitECFP(chirality=True),
}


def data(evidence: Evidence) -> list[Finding]:
    """Few cells, missing cells, constants, repeated rows, and scales that want a logarithm."""
    found = [f for j in range(len(evidence.table.properties)) for f in _of_property(evidence, j)]
    found += _repeats(evidence) + _stereoisomers(evidence)
    if found:
        return found
    counts = [
        f"{p.name} {len(evidence.of_property(j))}" for j, p in enumerate(evidence.table.properties)
    ]
    return [Finding("data", "fine", f"values: {', '.join(counts)}.")]


def _of_property(evidence: Evidence, j: int) -> list[Finding]:
    prop, values = evidence.prop(j), evidence.table.values[:, j]
    seen = values[~np.isnan(values)]
    n, rows = len(seen), len(values)
    if n > 1 and np.ptp(seen) == 0:
        return [
            Finding(
                "data", "bad", f"{prop.name}: all {n} values are {seen[0]:g}.",
                "a constant has no scale and teaches nothing.",
                "check the column that was read; leave the property out.",
            )
        ]  # fmt: skip
    out = []
    if n < FEW:
        out.append(
            Finding(
                "data", "look", f"{prop.name}: {counted(n, 'value')}.",
                "with fewer than ten, predictions are mostly the prior and what parents say.",
                "measure more, or add a parent that has more values.",
            )
        )  # fmt: skip
    elif n < (1 - EMPTY) * rows:
        out.append(
            Finding(
                "data", "look", f"{prop.name}: {n} of {rows} cells are measured.",
                "conditioning is right only if what is missing does not depend on the unseen "
                "value (failed or out-of-range measurements do).",
                "say why the others are missing; the missing-pattern figure shows where.",
            )
        )  # fmt: skip
    positive = n > 0 and prop.scale == "linear" and prop.categories is None and seen.min() > 0
    if positive and seen.max() > DECADE * seen.min():
        out.append(
            Finding(
                "data", "look",
                f"{prop.name} is positive and spans {seen.min():.3g} to {seen.max():.3g} on a "
                "linear scale.",
                "its small values are then predicted with the errors of the large ones, and "
                "intervals reach below zero.",
                "declare it on the log scale when the table is read: properties="
                f"{{{prop.name!r}: {replace(prop, scale='log').text!r}}}.",
            )
        )  # fmt: skip
    return out


def _repeats(evidence: Evidence) -> list[Finding]:
    """Rows that repeat another one entirely: material, conditions and every value."""
    table = evidence.table
    first: dict[tuple[object, ...], int] = {}
    copies = []
    for i in range(table.n_rows):
        if np.isnan(table.values[i]).all():
            continue
        cells = np.nan_to_num(table.values[i], nan=-0.123456789)
        key = (table.materials[i], *table.condition_values[i].tolist(), *cells.tolist())
        if first.setdefault(key, i) != i:
            copies.append(i)
    if not copies:
        return []
    return [
        Finding(
            "data", "look", f"{counted(len(copies), 'row', verb='repeat')} another one in every "
            f"value: {listed(evidence.row_names(copies))}.",
            "a copy counts as an independent measurement: the noise is underestimated.",
            "keep one of each, unless the measurements were really repeated.",
            tuple(copies), tuple(table.materials[i] for i in copies),
        )
    ]  # fmt: skip


def _stereoisomers(evidence: Evidence) -> list[Finding]:
    """Rows of equal features whose SMILES differ in stereochemistry, with values that differ.

    Values differ if they are 3 stated sds apart, or a tenth of the property's sd where none is
    stated. A description: it has no false-alarm rate.
    """
    table = evidence.table
    chiral = CHIRAL.get(table.kind)
    if chiral is None or not evidence.X.shape[1]:
        return []
    alike: dict[bytes, list[int]] = {}
    for i, row in enumerate(evidence.X.numpy()):
        alike.setdefault(row.tobytes(), []).append(i)
    apart = [
        rows
        for rows in alike.values()
        if len({table.materials[i] for i in rows}) > 1
        and any(set(table.materials[i]) & set("@/\\") for i in rows)
        and any(_differ(evidence, j, rows) for j in range(len(table.properties)))
    ]
    if not apart:
        return []
    some = [i for rows in apart for i in rows]
    sees = any(len(chiral([table.materials[i] for i in rows]).unique(dim=0)) > 1 for rows in apart)
    do = f"for example Transfer(..., fingerprints={_written(chiral)})"
    if not sees:
        do = "by a descriptor of yours: the centres are neither R nor S, so no fingerprint does"
    return [
        Finding(
            "data", "look", f"{counted(len(apart), *_APART, verb='have')} equal features: "
            f"{listed(evidence.row_names(some))}.",
            "they get one prediction each group, and their differences count as noise.",
            f"tell them apart, {do}.",
            tuple(some), tuple(table.materials[i] for i in some),
        )
    ]  # fmt: skip


def _written(chiral: ECFP | RepeatUnitECFP) -> str:
    return f"{type(chiral).__name__}(chirality=True)"


def _differ(evidence: Evidence, j: int, rows: list[int]) -> bool:
    """Whether two different materials among rows have values that differ beyond noise."""
    table = evidence.table
    values, sds = table.values[:, j], table.stds[:, j]
    z = evidence.fitted.scales[j].to_model(torch.tensor(values)).numpy()
    for a, b in combinations([i for i in rows if not np.isnan(values[i])], 2):
        noise = 3.0 * np.hypot(sds[a], sds[b])
        far = abs(z[a] - z[b]) > 0.1 if np.isnan(noise) else abs(values[a] - values[b]) > noise
        if far and table.materials[a] != table.materials[b]:
            return True
    return False


def leakage(evidence: Evidence) -> list[Finding]:
    """Materials that a random split would put on both sides, and what that does to the errors.

    Relatives are rows of one material, of one constitution (stereoisomers, tautomers, charge
    states), with equal features, or with fingerprints at least 0.95 alike. It is a finding if they
    are 5 % of the materials and the left-out error grows by 5 % when relatives are left out
    together, or if they are a fifth of the materials. A description: it has no false-alarm rate.
    """
    labels, kinds = _relatives(evidence)
    table = evidence.table
    sizes = {label: labels.count(label) for label in set(labels)}
    involved = [i for i, label in enumerate(labels) if sizes[label] > 1]
    if not involved:
        return [Finding("leakage", "fine", "no two rows are of near-identical materials.")]
    share = len(involved) / len(labels)
    n_groups = sum(size > 1 for size in sizes.values())
    told = "; ".join(f"{n} by {kind}" for kind, n in kinds.items() if n)
    what = (
        f"{len(involved)} of {len(labels)} rows belong to {n_groups} groups of near-identical "
        f"materials ({told}), such as {_example(evidence, labels, sizes)}"
    )
    by_design = len(table.conditions) > 0 and not any(n for k, n in kinds.items() if k != _ROWS)
    if by_design:
        what = (
            f"{len(involved)} of {len(labels)} rows belong to {n_groups} materials that were "
            f"measured several times, such as {_example(evidence, labels, sizes)}"
        )
    ratio = _price(evidence, labels)
    if ratio is not None:
        what += f"; leaving groups out together makes the error {ratio:.2f} times as large"
    worse = ratio is not None and ratio > WORSE
    if share < SHARE or (not worse and share < 4 * SHARE):
        return [Finding("leakage", "fine", f"{what}.")]
    rows = tuple(involved)
    is_bad = ratio is not None and ratio > MUCH_WORSE and not by_design
    why = (
        "left-out values here ask about known materials under other conditions; new materials are "
        "predicted worse."
        if by_design
        else "a split or a left-out value that ignores this is predicted by its own twin: errors "
        "look smaller than they will be on new materials."
    )
    return [
        Finding(
            "leakage", "bad" if is_bad else "look", f"{what}.", why,
            "judge by bm.check.kfold(prior, table, by='constitution', seed=0), or by the groups "
            "of your own; report that figure.",
            rows, tuple(dict.fromkeys(table.materials[i] for i in rows)),
        )
    ]  # fmt: skip


def _example(evidence: Evidence, labels: Sequence[str], sizes: dict[str, int]) -> str:
    """The members of one group, of several materials if there is one."""
    materials = evidence.table.materials
    groups: dict[str, list[str]] = {}
    for label, material in zip(labels, materials, strict=True):
        if sizes[label] > 1:
            groups.setdefault(label, []).append(material)
    best = max(groups.values(), key=lambda names: len(set(names)))
    return listed(best, 3)


def _relatives(evidence: Evidence) -> tuple[list[str], dict[str, int]]:
    """Group label of each row, and how many materials were joined for which reason."""
    table, first = evidence.table, evidence.first_rows
    parent = list(range(len(first)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    def join(i: int, j: int) -> int:
        a, b = sorted((root(i), root(j)))
        parent[b] = a
        return int(a != b)

    kinds = {_ROWS: table.n_rows - len(first), "constitution": 0, "equal features": 0}
    kinds["similarity"] = 0
    keys = _constitutions(evidence)
    for reason, labels in (("constitution", keys), ("equal features", _feature_keys(evidence))):
        seen: dict[object, int] = {}
        for i, label in enumerate(labels):
            kinds[reason] += join(seen.setdefault(label, i), i)
    if evidence.similarity is not None and evidence.is_count:
        for i, j in torch.nonzero(evidence.similarity >= ALIKE).tolist():
            kinds["similarity"] += join(i, j)
    of = {table.materials[row]: root(i) for i, row in enumerate(first)}
    return [str(of[material]) for material in table.materials], kinds


def _constitutions(evidence: Evidence) -> list[str]:
    first = evidence.table.subset(evidence.first_rows)
    try:
        return list(groups_of(first, "constitution"))
    except DataError:
        return list(first.materials)


def _feature_keys(evidence: Evidence) -> list[bytes]:
    """The features of each material as text: equal ones are one material to the model."""
    width = evidence.X.shape[1]
    if width == 0:
        return [str(i).encode() for i in evidence.first_rows]
    n = width - sum(len(c.categories or (0,)) for c in evidence.table.conditions)
    rows = evidence.X[evidence.first_rows, :n] if n else evidence.X[evidence.first_rows]
    return [row.tobytes() for row in rows.numpy().round(9)]


def _price(evidence: Evidence, labels: Sequence[str]) -> float | None:
    """Left-out root mean square error by groups over that by cells, all cells alike."""
    if len(set(labels)) < 2:
        return None
    table = replace(evidence.table, groups=tuple(f"g{label}" for label in labels))
    together = loo(replace(evidence.fitted, table=table), by="group")
    alone = (evidence.cells.y - evidence.cells.mean).square().mean()
    if not float(alone) > 0:
        return None
    return float(((together.y - together.mean).square().mean() / alone).sqrt())
