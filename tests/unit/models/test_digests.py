"""What a digest notices."""

from __future__ import annotations

import json

import pytest
import torch

from bayesmat.models.digests import content, described
from bayesmat.models.kernels import Linear, Matern52, Term
from tests.unit.models.helpers import space

FACTOR = 2.0


def scaled(x: float) -> float:
    return FACTOR * x


def test_settings_are_described_and_feature_maps_by_their_digest() -> None:
    term = Term(Matern52(), space(), "smooth")
    assert space().digest in json.dumps(described(term))
    assert described((term, 1.0)) == [described(term), 1.0]
    assert described(term) != described(Term(Linear(), space(), "smooth"))
    assert described(term) != described(Term(Matern52(), space(), "smooth", weight=2.0))


def test_a_function_is_its_text_and_the_numbers_it_refers_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = content(scaled)
    assert "return FACTOR * x" in json.dumps(before)
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert content(scaled) != before


def test_tensors_are_hashed_and_objects_named_by_their_type() -> None:
    assert content(torch.ones(2)) == content(torch.ones(2))
    assert content(torch.ones(2)) != content(torch.ones(2).double())
    assert content({"a": [1, object()]}) == [["a", [1, "builtins.object"]]]
