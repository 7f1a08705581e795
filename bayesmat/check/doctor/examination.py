"""One page about a fit: what is fine, what is not, what to do."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from bayesmat._arguments import checked, seed_of
from bayesmat._counted import counted
from bayesmat.check.predictive import LOO
from bayesmat.models.base import Fitted

from .evidence import Evidence
from .findings import Finding, Verdict, as_table, as_text, ranked, summed_up
from .fit_symptoms import conflict, convergence_of_fit, influence
from .prediction_symptoms import calibration, domain, noise
from .slips import outliers
from .table_symptoms import data, leakage

__all__ = ["Examination", "examine"]

SYMPTOMS: Mapping[str, Callable[[Evidence], list[Finding]]] = {
    "data": data,
    "convergence": convergence_of_fit,
    "unit slip": outliers,
    "prior": conflict,
    "calibration": calibration,
    "influence": influence,
    "noise": noise,
    "leakage": leakage,
    "domain": domain,
}


@dataclass(frozen=True, eq=False, repr=False)
class Examination:
    """What an examination of a fit found, and the left-out predictions that it rests on.

    Attributes:
        fitted: The fit.
        cells: Every cell left out by itself.
        findings: At least one per topic, the worst first.
    """

    fitted: Fitted
    cells: LOO
    findings: tuple[Finding, ...]

    @property
    def heading(self) -> str:
        """What was examined and how many findings there are of each verdict."""
        table = self.fitted.table
        names = ", ".join(prop.name for prop in table.properties)
        n = int((~np.isnan(table.values)).sum())
        return summed_up(
            f"{names} ({counted(n, 'value')} of {counted(len(set(table.materials)), 'material')})",
            self.findings,
        )

    @property
    def verdict(self) -> Verdict:
        """The worst verdict."""
        return self.findings[0].verdict

    def about(self, topic: str) -> tuple[Finding, ...]:
        """The findings about one topic, such as "unit slip" or "calibration"."""
        return tuple(finding for finding in self.findings if finding.topic == topic)

    def __str__(self) -> str:
        return as_text(self.heading, self.findings)

    def __repr__(self) -> str:
        return self.heading

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(self.heading)}</b></p>{as_table(self.findings)}"


def examine(fitted: Fitted, *, seed: int = 0) -> Examination:
    """Examine a fit for what is known to go wrong, topic by topic.

    The rule and the false-alarm rate of each topic stand at `bayesmat.doctor`, which finds the
    same and can also draw it as a page.

    Args:
        fitted: A fit.
        seed: Seeds simulated bands and quick refits.
    """
    fitted, seed = checked(fitted, Fitted, "fitted"), seed_of(seed)
    evidence = Evidence(fitted, seed)
    found = []
    for symptom in tqdm(SYMPTOMS.values(), desc="checks", delay=2, leave=False):
        found += symptom(evidence)
    return Examination(fitted, evidence.cells, ranked(found))
