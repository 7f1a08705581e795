"""The SMILES language: tokens, normalised probabilities, draws, storage."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path

import pytest
from rdkit import Chem
from scipy import stats

from bayesmat.design._tables import Cursor
from bayesmat.design.language import SmilesNGram, detokenize, tokenize
from bayesmat.errors import DesignError, MaterialError
from tests.unit.design.toy import enumerate_strings, toy_language

RINGS = ["C1CC1", "C1CCC1", "c1ccccc1", "c1ccc2ccccc2c1", "OC1CC1", "C1CC1C", "CC(C)C", "C1CC12CC2"]


@pytest.mark.parametrize(
    ("smiles", "tokens"),
    [
        ("ClCBr", ["Cl", "C", "Br"]),
        ("C[C@@H](N)C#N", ["C", "[C@@H]", "(", "N", ")", "C", "#N"]),
        ("c1ccc2ccccc2c1", "c & c c c & c c c c c @0 c @0".split()),
        ("C1CC2CC1C2", "C & C C & C C @1 C @0".split()),
        ("C=1CC=1", ["C", "=&", "C", "C", "=@0"]),
        ("C%12CC%12", ["C", "&", "C", "C", "@0"]),
        ("F/C=C/F", ["F", "/C", "=C", "/F"]),
        ("[2H]C.[Na+]", ["[2H]", "C", ".", "[Na+]"]),
    ],
)
def test_tokens(smiles: str, tokens: list[str]) -> None:
    assert list(tokenize(smiles)) == tokens


def test_an_index_closes_the_ring_it_counts_back_to() -> None:
    assert detokenize(tokenize("C1CC2CC1C2")) == "C1CC2CC1C2"
    assert detokenize(("C", "&", "C", "C", "&", "C", "C", "@0", "C", "@0")) == "C1CC2CC2C1"


def test_more_than_nine_open_rings_come_back() -> None:
    tokens = ("C", *["&", "C"] * 12, *["@0", "C"] * 12)
    assert "%12" in detokenize(tokens)
    assert tokenize(detokenize(tokens)) == tokens


@pytest.mark.parametrize(
    "smiles",
    ["O=C1c2ccccc2-c2ccccc12", "C1CC2(C1)CCC2", "N#Cc1cc2[nH]c3ccccc3c2s1", "C[C@H]1CC[C@]12CC2"],
)
def test_round_trip_is_the_same_molecule(smiles: str) -> None:
    assert Chem.CanonSmiles(detokenize(tokenize(smiles))) == Chem.CanonSmiles(smiles)


@pytest.mark.parametrize("smiles", ["", "C1CC", "C(C", "CC)C", "Cx", "C[NH", "benzene"])
def test_what_is_no_smiles_is_refused(smiles: str) -> None:
    with pytest.raises(MaterialError, match="SMILES"):
        tokenize(smiles)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9])
def test_probabilities_of_all_strings_sum_to_one(discount: float) -> None:
    found, longer = enumerate_strings(toy_language(discount=discount))
    assert sum(found.values()) + longer == pytest.approx(1.0, abs=1e-12)


def test_a_finite_language_is_enumerated_whole() -> None:
    language = SmilesNGram.fit(["CO", "CCO", "C(O)O"], discount=0.0, min_count=1)
    found, longer = enumerate_strings(language)
    assert longer == 0.0
    texts = {language.decode(ids): p for ids, p in found.items()}
    assert texts == pytest.approx({"CO": 1 / 3, "CCO": 1 / 3, "C(O)O": 1 / 3})


def test_next_token_probabilities_sum_to_one_in_any_state() -> None:
    language, rng = SmilesNGram.fit(RINGS * 4, order=4, min_count=2), random.Random(0)
    tables = language.tables
    for _ in range(200):
        cursor = Cursor(tables.kinds)
        for _ in range(rng.randrange(12)):
            token = rng.choice([t for t in tables.allowed(cursor) if t])
            cursor.push(token)
        total = sum(tables.probability(cursor, t) for t in range(len(language.vocabulary)))
        assert total == pytest.approx(1.0, abs=1e-12)


def test_back_off_by_hand() -> None:
    """After C: seen C twice, O once, end once; d = .5, three kinds; below it the unigram."""
    language = SmilesNGram.fit(["CO", "CC", "CC"], order=1, discount=0.5, min_count=1)
    end, c, o = (language.vocabulary.index(t) for t in ("!", "C", "O"))
    cursor = Cursor(language.tables.kinds)
    cursor.push(c)
    uniform = 1 / 3
    started = {c: 2, o: 1, end: 3}
    grammar = {t: (n - 0.5 + 1.5 * uniform) / 6 for t, n in started.items()}
    state = {t: (n - 0.5 + 1.5 * grammar[t]) / 6 for t, n in started.items()}
    after_c = {t: (n - 0.5 + 1.5 * state[t]) / 5 for t, n in {c: 2, o: 1, end: 2}.items()}
    for token in (end, c, o):
        assert language.tables.probability(cursor, token) == pytest.approx(after_c[token])


def test_draws_follow_their_probabilities() -> None:
    language = toy_language()
    found, longer = enumerate_strings(language)
    texts = {language.decode(ids): p / (1 - longer) for ids, p in found.items()}
    n, top = 20_000, sorted(texts, key=lambda t: -texts[t])[:40]
    counts = Counter(language.sample(n, seed=3))
    observed = [*(counts[t] for t in top), n - sum(counts[t] for t in top)]
    expected = [n * texts[t] for t in top]
    expected.append(n - sum(expected))
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_log_prob_of_a_string_is_the_product_of_its_tokens() -> None:
    language = toy_language()
    ids = language.encode("CC(N)O")
    assert ids is not None
    parts = language.token_log_probs(ids)
    assert len(parts) == len(ids) + 1
    found, _ = enumerate_strings(language)
    assert math.exp(language.log_prob("CC(N)O")) == pytest.approx(found[ids], rel=1e-12)
    assert sum(parts) == pytest.approx(language.log_prob("CC(N)O"))


def test_unknown_tokens_have_no_probability() -> None:
    assert toy_language().log_prob("CBr") == -math.inf
    assert toy_language().encode("CBr") is None


def test_draws_repeat_by_seed_and_keep_a_prefix() -> None:
    language = SmilesNGram.fit(RINGS * 4, min_count=2)
    assert language.sample(50, seed=1) == language.sample(50, seed=1)
    assert language.sample(50, seed=1) != language.sample(50, seed=2)
    prefix = language.encode("CCCC")
    assert prefix is not None
    rng = random.Random(0)
    grown = [language.regrow(prefix, rng) for _ in range(30)]
    assert all(ids is None or ids[:4] == prefix for ids in grown)
    assert len({ids for ids in grown}) > 1


def test_strings_beyond_the_longest_are_not_returned() -> None:
    language = SmilesNGram.fit(["CCCCCCCC"] * 9, max_tokens=5)
    rng = random.Random(0)
    grown = [language.regrow((), rng) for _ in range(300)]
    assert any(ids is None for ids in grown)
    assert all(ids is None or len(ids) <= 5 for ids in grown)


def test_every_draw_closes_its_rings_and_branches() -> None:
    for text in SmilesNGram.fit(RINGS * 4, order=2, discount=0.9).sample(300, seed=0):
        assert detokenize(tokenize(text)) == text


@pytest.mark.parametrize("name", ["language.json", "language.json.gz"])
def test_storage_keeps_every_probability(tmp_path: Path, name: str) -> None:
    language = SmilesNGram.fit(RINGS * 4, order=5)
    language.save(tmp_path / name)
    again = SmilesNGram.load(tmp_path / name)
    assert again.sample(40, seed=5) == language.sample(40, seed=5)
    assert again.log_prob("OC1CC1C") == language.log_prob("OC1CC1C")
    assert again.digest == language.digest


def test_digest_tells_languages_apart() -> None:
    assert toy_language(seed=0).digest != toy_language(seed=1).digest


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"format": "other"})])
def test_a_foreign_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DesignError, match="not a saved SMILES language"):
        SmilesNGram.load(tmp_path / "x.json")


def test_bad_training_strings_are_all_listed() -> None:
    with pytest.raises(MaterialError, match="2 training strings") as caught:
        SmilesNGram.fit(["CC", "C1", "C("])
    assert "'C1'" in str(caught.value)
    assert "'C('" in str(caught.value)


def test_settings_out_of_range() -> None:
    with pytest.raises(DesignError, match="at least one training string"):
        SmilesNGram.fit([])
    with pytest.raises(DesignError, match=r"discount=1\.0"):
        SmilesNGram.fit(["CC"], discount=1.0)
    with pytest.raises(DesignError, match="order=0"):
        SmilesNGram.fit(["CC"], 0)
