"""A campaign's setup survives on disk, and damage is reported in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesmat.errors import CampaignError, DataError
from bayesmat.explore.setup import Setup
from bayesmat.sources import zoo


def test_setup_round_trips_and_rebuilds_the_same_prior(tmp_path: Path) -> None:
    setup = Setup(("gap", "Tb"), "smiles", ("gap_huckel",), "gfn2")
    campaign = tmp_path / "gap.db"
    setup.write(campaign)
    again = Setup.read(campaign)
    assert again == setup
    assert again.prior().digest() == setup.prior().digest()
    assert again.prior().properties == ("gap", "Tb")
    oracle = again.calculator()
    assert oracle is not None
    assert oracle.method == "GFN2-xTB"


def test_a_damaged_setup_names_the_file(tmp_path: Path) -> None:
    campaign = tmp_path / "gap.db"
    Setup.file(campaign).write_text('{"properties": ["gap"]}')
    with pytest.raises(CampaignError, match=r"gap\.db\.json should say how"):
        Setup.read(campaign)


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(DataError, match="--use"):
        Setup(("gap",), "smiles", ("magic",), "none").prior()
    with pytest.raises(DataError, match="--oracle"):
        Setup(("gap",), "smiles", (), "dft").calculator()


def test_networks_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def load(*names: str) -> zoo.SourceEnsemble:
        asked.append(names)
        return starter

    starter = zoo.load()
    monkeypatch.setattr(zoo, "load", load)
    for use in ("networks", "networks:molecule/full", "networks:theirs.safetensors"):
        Setup(("gap",), "smiles", (use, "gap_huckel"), "none").prior()
    assert asked == [(), ("molecule/full",), ("theirs.safetensors",)]
    with pytest.raises(DataError, match=r"give one of them"):
        Setup(("gap",), "smiles", ("networks", "networks:x"), "none").prior()
