"""Distances to the training materials against RDKit and hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from bayesmat.check.domain import Domain, minmax_similarity
from bayesmat.errors import DataError


def test_similarity_of_counts_is_rdkits() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=512)
    smiles = ["CCO", "CCCCO", "c1ccccc1O", "O=C1c2ccccc2C(=O)c2ccccc12", "CCN(CC)CC"]
    prints = [generator.GetCountFingerprint(Chem.MolFromSmiles(s)) for s in smiles]
    dense = np.zeros((5, 512))
    for row, fingerprint in zip(dense, prints, strict=True):
        for bit, count in fingerprint.GetNonzeroElements().items():
            row[bit] = count
    ours = minmax_similarity(torch.tensor(dense), torch.tensor(dense[:3]))
    theirs = [[DataStructs.TanimotoSimilarity(a, b) for b in prints[:3]] for a in prints]
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-12)


def test_empty_fingerprints_are_alike() -> None:
    zero = torch.zeros(1, 3)
    assert float(minmax_similarity(zero, zero)) == 1.0
    assert float(minmax_similarity(zero, torch.ones(1, 3))) == 0.0


def test_distance_and_percentile_by_hand() -> None:
    domain = Domain.of(torch.tensor([[4.0, 0], [3.0, 0], [0, 1.0], [0, 1.0]]))
    # Distinct rows: (4,0) and (3,0) are 1/4 apart, (0,1) is 1 from both.
    assert domain.own.tolist() == pytest.approx([0.25, 0.25, 1.0])
    new = torch.tensor([[4.0, 0], [2.0, 0], [0, 2.0], [0, 0]])
    assert domain.distance(new).tolist() == pytest.approx([0, 1 / 3, 0.5, 1.0])
    assert domain.percentile(new).tolist() == pytest.approx([0, 200 / 3, 200 / 3, 200 / 3])


def test_bad_input_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="at least two"):
        Domain.of(torch.ones(3, 4))
    with pytest.raises(DataError, match="non-negative counts"):
        Domain.of(torch.tensor([[1.0, -1.0], [0.0, 0.0]]))
    with pytest.raises(DataError, match="same featurizer"):
        minmax_similarity(torch.ones(1, 3), torch.ones(1, 4))
