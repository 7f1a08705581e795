"""What errors say in Python is said in options."""

from __future__ import annotations

import re

import pytest

from bayesmat.cli.wording import as_options
from bayesmat.data.table import Property
from bayesmat.explore import identity, laboratory
from bayesmat.explore.surprise import Surprise

SAID = {
    "or pass on_invalid='drop' to leave their rows out (row 1": "or",
    "name one, material='smiles'.": '-m "smiles"',
    "they are names, kind='id'.": "-m COLUMN:id",
    "read, conditions={'time': 'h'}.": '-c "time=h"',
    "columns: conditions={'time': ...} reads them": '-c "time=UNIT" reads',
    "give conditions={'time': ...}.": "--at time=VALUE",
    "as in conditions={'temperature': 298.15}.": "--at temperature=298.15",
    "as in conditions={'solvent': 'water'}.": '--at "solvent=water"',
    "properties={'Tb': 'K'}; '1' stands": '-p "Tb=K"',
    "give all of them the same `at`, or": "the same conditions (--at)",
    "are meant, at={'temperature': 298.15}, or": "--at temperature=298.15",
    "conditions, bm.Pool(materials, conditions={...}).": "--pool FILE",
    "chosen, candidates=bm.Pool(materials).": "--pool FILE",
    "pool, call Campaign.carry_over(url, prior=..., candidates=bm.Pool(...), reason=...).": (
        "pool, run bayesmat campaign carry-over FILE.db --pool FILE --reason REASON."
    ),
    "give one to Campaign.create or Campaign.open, or use": "create --oracle NAME, or use",
    "Write one with campaign.sheet('sheet.xlsx'), fill": (
        "bayesmat campaign sheet FILE.db sheet.xlsx, fill"
    ),
    "with campaign.tell(..., replicate=True)": "with bayesmat campaign tell ... --replicate",
    "value with campaign.correct, or tell a replicate with replicate=True": (
        "with bayesmat campaign correct, or tell a replicate with --replicate"
    ),
    "failed before ('x'): campaign.retry first": "bayesmat campaign retry first",
    "so first: campaign.retry([...]).": "bayesmat campaign retry.",
    "values: campaign.withdraw them first": "bayesmat campaign withdraw them",
    "batch, campaign.suggest(batch=8), or": "bayesmat campaign suggest FILE.db --batch 8, or",
    "again, campaign.retry().": "bayesmat campaign retry.",
    "it, campaign.correct('CO', {'gap': 2.1}, sds={'gap': 0.1}, reason=...), with replicate=2": (
        'correct FILE.db "CO" gap=2.1 --sd gap=0.1 --reason REASON, with --number 2'
    ),
    "say which is meant, replicate=1.": "--number 1",
    "tell it without replicate=True.": "without --replicate",
    "a failed measurement with `fail`": "tell FILE.db MATERIAL --failed REASON",
    "it; campaign.correct(...) if it was mistyped, campaign.withdraw(...) if": (
        "bayesmat campaign correct if it was mistyped, bayesmat campaign withdraw if"
    ),
    "(campaign.suggest or campaign.run) first.": (
        "(bayesmat campaign suggest or bayesmat campaign run)"
    ),
}
PYTHON = re.compile(r"Campaign\.|(?<!\w )campaign\.\w|bm\.|\w=(\.\.\.|True)|\(\.\.\.|`\w+`|[{}]")


@pytest.mark.parametrize("text", SAID)
def test_arguments_become_options(text: str) -> None:
    said = as_options(text)
    assert SAID[text] in said
    assert not PYTHON.search(said)


def test_whole_messages_become_options() -> None:
    odd = Surprise("CC(C)O", Property("Tb", "K"), 3980.0, 380.0, 410.0, 0.9, 398.0, "a digit")
    told = laboratory._told_before("CCO", {"Tb": [351.0]}).replace("{'Tb': [351.0]}", "")
    for text in (identity._DOOR, told, str(odd)):
        assert "bayesmat campaign" in as_options(text)
        assert not PYTHON.search(as_options(text)), as_options(text)
    assert 'campaign correct FILE.db "CC(C)O" Tb=398 --reason REASON' in as_options(str(odd))
