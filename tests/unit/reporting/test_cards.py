"""Proposals are cards of materials or lines of recipes."""

from __future__ import annotations

from dataclasses import replace

from bayesmat.reporting import page
from bayesmat.reporting.cards import proposals
from tests.unit.reporting.accounts import SMILES, laboratory, read, recipes, region


def test_every_molecule_is_drawn_and_hits_are_marked() -> None:
    html = page(region())
    for smiles in SMILES:
        assert f'aria-label="{smiles}"' in html
    assert html.count('<div class="card hit">') == 2
    assert html.count('<div class="card failed">') == 1


def test_materials_that_are_not_molecules_are_written() -> None:
    calls = tuple(replace(call, material=f"<sample {i}>") for i, call in enumerate(region().calls))
    text = read(page(replace(region(), kind="id", calls=calls))).words
    assert "<sample 3>" in text


def test_recipes_are_lines_of_a_table_with_their_conditions_and_reasons() -> None:
    html = page(recipes())
    assert "<th>pressing_time [min]</th>" in html
    assert "Under which conditions" in html
    text = " ".join(read(html).words)
    assert "Nearest measured: recipe <2>." in text
    assert "batch: B2" in text


def test_a_value_beyond_the_small_axis_is_a_triangle() -> None:
    assert page(laboratory()).count('<path d="M190 5') == 1
    assert page(region()).count('<path d="M190 5') == 0


def test_cards_show_columns_of_the_pool_and_why_they_were_made() -> None:
    first, *others = region().calls
    call = replace(first, columns={"supplier": "<TCI>"}, reason="Nearest measured: CCO.")
    text = " ".join(read(proposals(replace(region(), calls=(call, *others)))).words)
    assert "supplier: <TCI>" in text
    assert "Nearest measured: CCO." in text


def test_columns_of_the_pool_keep_their_digits_and_a_name_stands_alone() -> None:
    first, *others = region().calls
    call = replace(first, columns={"Name": "fluorenone ", "price": 12345.67, "stock": 5.0})
    text = read(proposals(replace(region(), calls=(call, *others)))).words
    assert "fluorenone" in text
    assert "price: 12345.67" in text
    assert "stock: 5" in text


def test_a_round_says_how_many_still_wait() -> None:
    text = " ".join(read(proposals(laboratory())).words)
    assert "1 hit of 2 measured, 1 waiting" in text
