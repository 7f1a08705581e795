"""The filter refuses what a chemist would laugh at and passes ordinary chemistry."""

import csv
import pickle
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rdkit.Chem import (
    FilterCatalog,
    Kekulize,
    MolFromSmarts,
    MolFromSmiles,
    MolToRandomSmilesVect,
    MolToSmiles,
)

from bayesmat.design.alerts import ALERTS, Alert
from bayesmat.design.catalogues import HARMLESS
from bayesmat.design.chemistry import MoleculeFilter, synthetic_accessibility
from bayesmat.errors import DesignError

FILTER = MoleculeFilter.default()
with (Path(__file__).parent / "molecules_verdicts.csv").open(encoding="utf-8") as stream:
    VERDICTS = list(csv.DictReader(stream))


def molecules(verdict: str) -> list[tuple[str, str]]:
    return [(row["smiles"], row["why"]) for row in VERDICTS if row["verdict"] == verdict]


def test_verdict_list_is_long_enough_and_has_no_duplicates():
    counts = Counter(row["verdict"] for row in VERDICTS)
    assert set(counts) == {"silly", "refused", "sane"}
    assert counts["silly"] >= 80
    assert counts["sane"] >= 80
    assert len({row["smiles"] for row in VERDICTS}) == len(VERDICTS)


@pytest.mark.parametrize("verdict", ["silly", "refused"])
def test_silly_and_unwanted_molecules_are_refused(verdict):
    passed = [(smiles, why) for smiles, why in molecules(verdict) if FILTER(smiles)]
    assert not passed


def test_sane_molecules_pass():
    refused = [(s, why, FILTER.explain(s).reasons) for s, why in molecules("sane") if not FILTER(s)]
    assert not refused


def test_every_verdict_agrees_with_its_explanation():
    for row in VERDICTS:
        verdict, explained = FILTER(row["smiles"]), FILTER.explain(row["smiles"])
        assert verdict.ok == explained.ok
        assert verdict.ok == (not explained.reasons)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("C1CC", "not a valid SMILES of one component"),
        ("CCO.CCN", "text holds other than"),
        ("C[N+](C)(C)C", "text holds other than"),
        ("CCBr", "text holds other than"),
        ("CCOOCC", "text holds OO"),
        ("CCC", "3 heavy atoms, not 5 to 22"),
        ("CCCCCCCCCCCCCCCCCCCCCCC", "23 heavy atoms"),
        ("C1CCC1C", "4-membered ring"),
        ("C1=CC=CC=CC1", "unsaturated 7-membered ring"),
        ("C1CC2CCC1C2", "bridged rings"),
        ("O=C1C=CCC=C1", "tautomer of a six-membered arene"),
        ("C1=Nc2ccccc2C1", "tautomer of an azole"),
        ("c1ccc2c(c1)ccc1c2ccc2ccccc21", "more than 3 fused benzene rings"),
        ("Clc1c(Cl)c(Cl)c(-c2c(Cl)c(Cl)c(Cl)cc2Cl)c(Cl)c1Cl", "molar mass above 300"),
        ("OCC(O)C(O)C(O)C(O)CO", None),
    ],
)
def test_reason_names_what_is_wrong(smiles, reason):
    verdict = FILTER(smiles)
    assert verdict.ok == (reason is None)
    assert reason is None or verdict.reasons[0].startswith(reason)


def test_molecules_that_no_text_check_saw_are_still_judged():
    for smiles, reason in [
        ("C[N+](C)(C)CC", "charged atom"),
        ("CCC[CH]C", "radical"),
        ("[13CH3]CCCC", "isotope label"),
        ("CCCCI", "element I"),
    ]:
        assert FILTER.quick(MolFromSmiles(smiles)).reasons == (reason,)


def test_text_check_never_refuses_a_sane_molecule_however_it_is_written():
    for smiles, _ in molecules("sane"):
        mol = MolFromSmiles(smiles)
        spellings = MolToRandomSmilesVect(mol, 5, randomSeed=7)
        Kekulize(mol, clearAromaticFlags=True)
        spellings += [MolToSmiles(mol, kekuleSmiles=True)]
        assert all(FILTER.precheck(text) for text in spellings), spellings


def test_spelling_does_not_change_a_verdict():
    assert FILTER("C1=CC2=NSN=C2C=C1")
    assert FILTER("C1=CC=NN=C1C")


def test_dropped_catalogue_entries_exist_and_have_reasons():
    known = FilterCatalog.FilterCatalogParams.FilterCatalogs.names
    for name, dropped in HARMLESS.items():
        catalogue = FilterCatalog.FilterCatalog(known[name])
        entries = {
            catalogue.GetEntryWithIdx(i).GetDescription() for i in range(catalogue.GetNumEntries())
        }
        assert set(dropped) <= entries
        assert all(dropped.values())


def test_stereochemistry_does_not_change_a_verdict():
    assert FILTER("C/C=C/c1ccccc1")
    assert FILTER("C[C@H](O)c1ccccc1")
    assert FILTER("C[C@@H](O)c1ccccc1").ok == FILTER("CC(O)c1ccccc1").ok


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alert_has_a_reason_and_matches_something_refused(alert):
    pattern = MolFromSmarts(alert.smarts)
    assert alert.reason
    refused = molecules("silly") + molecules("refused")
    assert any(MolFromSmiles(smiles).HasSubstructMatch(pattern) for smiles, _ in refused)


def test_alert_names_are_unique():
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)


def test_digest_follows_every_setting():
    changed = [
        replace(FILTER, max_heavy=20),
        replace(FILTER, own=ALERTS[1:]),
        replace(FILTER, catalogues=("NIH",)),
    ]
    digests = {f.digest for f in changed} | {FILTER.digest}
    assert len(digests) == 4
    assert MoleculeFilter().digest == FILTER.digest


def test_filter_survives_a_process_boundary_and_hashing():
    copy = pickle.loads(pickle.dumps(FILTER))
    assert copy == FILTER
    assert hash(copy) == hash(FILTER)
    assert copy("c1ccccc1C").ok


def test_bad_settings_say_what_to_do():
    with pytest.raises(DesignError, match=r"cannot read: 'C1CC'.*correct the pattern"):
        replace(FILTER, own=(Alert("broken", "C1CC", "no reason"),))("CCCCCC")
    with pytest.raises(DesignError, match=r"unknown alert catalogues \['BRENKS'\].*BRENK"):
        replace(FILTER, catalogues=("BRENKS",))("CCCCCC")


def test_accessibility_matches_the_published_order():
    scores = [
        synthetic_accessibility(MolFromSmiles(s))
        for s in ("CC(=O)Nc1ccc(O)cc1", "CN1CCC23C4Oc5c3c(CC1C2C=CC4O)ccc5O")
    ]
    assert scores[0] < 2 < 4 < scores[1]


@pytest.mark.slow
def test_stages_are_fast_enough_for_a_sampler():
    mols = [MolFromSmiles(smiles) for smiles, _ in molecules("sane")]
    FILTER.quick(mols[0]), FILTER.alerts(mols[0])
    start = time.process_time()
    for mol in mols * 5:
        FILTER.quick(mol)
    quick = (time.process_time() - start) / (5 * len(mols))
    start = time.process_time()
    for mol in mols * 5:
        FILTER.alerts(mol)
    full = (time.process_time() - start) / (5 * len(mols))
    assert quick < 1e-3
    assert full < 4e-3
