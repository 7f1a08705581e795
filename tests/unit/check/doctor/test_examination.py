"""A good table is told fine, and false alarms are rare."""

from __future__ import annotations

import pytest

from bayesmat.check.doctor import SYMPTOMS, Examination
from tests.unit.check.doctor.cases import (
    boiling,
    examined,
    similar,
    verdicts,
    well_specified,
)


@pytest.fixture(scope="module")
def good() -> Examination:
    return examined(boiling(), similar())


def test_a_good_table_is_told_fine_on_one_page(good: Examination) -> None:
    assert {finding.verdict for finding in good.findings} <= {"fine", "unknown"}
    assert verdicts(good, "noise") == {"unknown"}  # no replicates, no stated sds
    topics = {finding.topic for finding in good.findings}
    assert topics == set(SYMPTOMS)
    assert len(str(good).splitlines()) < 60
    assert "8 fine" in good.heading
    assert "Tb (48 values of 48 materials)" in good.heading
    assert good._repr_html_().count("<tr>") == len(good.findings)


@pytest.mark.slow
def test_false_alarms_on_well_specified_tables() -> None:
    """20 tables from the prior: no "bad", at most 6 of 20 with anything to look at.

    15 % of such tables have one (9 of 60 in a longer run: prior 5, influence 3, calibration 1), so
    that more than 6 of 20 has probability 2 % (the seeds are fixed).
    """
    alarms = []
    for seed in range(20):
        prior, table = well_specified(seed)
        found = examined(table, prior)
        alarms.append({f.topic: f.verdict for f in found.findings if f.verdict in ("bad", "look")})
    assert not any("bad" in alarm.values() for alarm in alarms)
    assert sum(bool(alarm) for alarm in alarms) <= 6
