"""Cached files are whole or absent."""

import json

import pytest

from bayesmat.data.files import read_card, write_card
from bayesmat.errors import DataError


def test_what_is_written_comes_back(tmp_path):
    card = tmp_path / "deep" / "card.json"
    write_card(card, {card.with_name("a.bin"): b"\x00\x01"}, {"answer": 42})
    assert read_card(card)["answer"] == 42
    assert card.with_name("a.bin").read_bytes() == b"\x00\x01"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sha256": 3}', json.dumps({"sha256": None})])
def test_a_card_of_another_shape_is_an_error(tmp_path, content):
    card = tmp_path / "card.json"
    card.write_text(content)
    with pytest.raises(DataError, match=r"card\.json.*Delete"):
        read_card(card)


def test_nan_is_not_written_into_a_card(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_card(tmp_path / "card.json", {}, {"x": float("nan")})
    assert not (tmp_path / "card.json").exists()
