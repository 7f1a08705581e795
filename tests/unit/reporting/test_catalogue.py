"""The page of the manual is what the card of the shipped networks says."""

from pathlib import Path

from bayesmat.reporting.catalogue import card_page
from bayesmat.sources import zoo

PAGE = Path(__file__).parents[3] / "docs" / "zoo.md"


def test_the_manual_has_the_card_of_the_shipped_networks() -> None:
    card = card_page(zoo.load())
    assert PAGE.read_text("utf-8").endswith(card)
    assert "12 networks (4 fp, 4 descriptors, 4 deep)" in card
    assert "licence MIT" in card
    rows = [line for line in card.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 45
    (flash,) = [row for row in rows if row.startswith("| T_flash")]
    assert "| K |" in flash
    assert "DIPPR T_flash Serat" in flash


def test_a_table_of_ones_own_says_so() -> None:
    starter = zoo.load()
    card = {k: v for k, v in starter.card.items() if k not in ("source", "licence", "split")}
    own = zoo.SourceEnsemble(starter.networks, starter.feature_maps, card)
    assert "data: a table of ones own, licence unknown" in card_page(own)
