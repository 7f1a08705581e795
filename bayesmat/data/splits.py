"""Splits that keep a group of rows on one side, so that a test measures something new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdMolHash
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.Scaffolds import MurckoScaffold

from bayesmat._arguments import checked, integer, items, real, seed_of
from bayesmat.errors import DataError

from .table import PropertyTable

__all__ = ["grouped_kfold", "grouped_split", "groups_of"]


def groups_of(
    table: PropertyTable,
    by: Literal["material", "constitution", "scaffold", "group"] = "material",
) -> tuple[str, ...]:
    """Label of each row; rows with equal labels belong on one side of a split.

    Args:
        table: Rows to label.
        by: "material" keeps replicates and conditions of a material together: the least a split
            must do. "constitution" also keeps stereoisomers, tautomers and charge states of one
            molecule together, which most features cannot tell apart. "scaffold" keeps molecules or
            repeat units of one Bemis-Murcko ring system together (those without rings all share
            ""): for predictions on new chemistry. "group" is the table's own column.

    Raises:
        DataError: If the table has no such labels.

    References:
        Bemis, Murcko, The properties of known drugs, 1996, doi:10.1021/jm9602928.
    """
    table = checked(table, PropertyTable, "table")
    if by == "material":
        return table.materials
    if by == "group":
        if table.groups is None:
            raise DataError("the table has no groups: name a column when reading, group='...'.")
        return table.groups
    if by in ("scaffold", "constitution"):
        if table.kind not in ("smiles", "repeat_unit"):
            raise DataError(
                f"a {table.kind} has no {by}: split by 'material', or by 'group' with a column "
                "of your own (a chemical system, a structure type)."
            )
        label = _scaffold if by == "scaffold" else _constitution
        known = {key: label(key) for key in dict.fromkeys(table.materials)}
        return tuple(known[key] for key in table.materials)
    raise DataError(f"by is {by!r}; it must be 'material', 'constitution', 'scaffold' or 'group'.")


def _constitution(key: str) -> str:
    """What stereoisomers, tautomers and charge states of a molecule have in common."""
    with rdBase.BlockLogs():
        mol = rdMolStandardize.Uncharger().uncharge(_parsed(key))
    Chem.RemoveStereochemistry(mol)
    return str(rdMolHash.MolHash(mol, rdMolHash.HashFunction.HetAtomTautomerv2))


def _parsed(key: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(key)
    if mol is None:
        raise DataError(f"{key!r} cannot be read; tables hold canonical keys.")
    return mol


def _scaffold(key: str) -> str:
    mol = _parsed(key)
    stars = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]
    for star in stars:
        mol.GetAtomWithIdx(star).SetAtomicNum(1)
    # An explicit hydrogen for each attachment point, which is then folded away.
    mol = Chem.RemoveHs(mol) if stars else mol
    Chem.RemoveStereochemistry(mol)
    return str(Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol)))


def _folds(groups: Sequence[str], n_splits: int, seed: int) -> np.ndarray:
    """Fold of each row: groups in random order, the largest first, each to the emptiest fold."""
    seed, n_splits = seed_of(seed), integer(n_splits, "the number of folds")
    names, index, sizes = np.unique(
        np.asarray(items(groups, "groups"), dtype=np.str_), return_inverse=True, return_counts=True
    )
    if not 2 <= n_splits <= len(names):
        raise DataError(
            f"{len(names)} groups cannot be split into {n_splits} folds: choose between 2 and the "
            "number of groups, or group the rows more finely."
        )
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of = np.empty(len(names), dtype=np.intp)
    filled = np.zeros(n_splits, dtype=np.intp)
    for name in order:
        fold = int(filled.argmin())
        fold_of[name] = fold
        filled[fold] += sizes[name]
    return fold_of[index]


def grouped_kfold(
    groups: Sequence[str], n_splits: int, *, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cross-validation folds of similar size in which no group is on both sides.

    Args:
        groups: Label of each row, `n`, as from `groups_of`.
        n_splits: Number of folds, between 2 and the number of groups.
        seed: Decides which groups share a fold.

    Returns:
        Pairs of sorted row indices (train, test); each row is in exactly one test fold.

    Raises:
        DataError: If there are fewer groups than folds.

    >>> [test.tolist() for _, test in grouped_kfold(["a", "a", "b", "b"], 2, seed=0)]
    [[0, 1], [2, 3]]
    """
    fold = _folds(groups, n_splits, seed)
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_splits)]


def grouped_split(
    groups: Sequence[str], test_fraction: float = 0.2, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """One split in which no group is on both sides.

    Groups are drawn in random order and tested while that brings the test set nearer to the
    wished fraction of the rows, so large groups end up in training.

    Args:
        groups: Label of each row, `n`.
        test_fraction: Wished fraction of rows in the test set, between 0 and 1.
        seed: Decides which groups are tested.

    Returns:
        Sorted row indices (train, test), neither empty.

    Raises:
        DataError: If there are fewer than two groups, or the fraction is not between 0 and 1.
    """
    seed, test_fraction = seed_of(seed), real(test_fraction, "test_fraction")
    if not 0 < test_fraction < 1:
        raise DataError(f"test_fraction is {test_fraction}; it must lie between 0 and 1.")
    names, index, sizes = np.unique(
        np.asarray(items(groups, "groups"), dtype=np.str_), return_inverse=True, return_counts=True
    )
    if len(names) < 2:
        raise DataError("a split needs at least two groups of rows.")
    wished = test_fraction * len(index)
    tested: list[int] = []
    n_tested = 0
    for name in np.random.default_rng(seed).permutation(len(names)):
        if abs(n_tested + sizes[name] - wished) < abs(n_tested - wished):
            tested.append(int(name))
            n_tested += int(sizes[name])
    if not tested:
        tested = [int(sizes.argmin())]
    if len(tested) == len(names):
        tested.pop()
    is_test = np.isin(index, tested)
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)
