"""The doctor: evidence about a fit, the symptoms that are looked for in it, and the findings."""

from .evidence import Evidence
from .examination import SYMPTOMS, Examination, examine
from .findings import Finding, Verdict

__all__ = ["SYMPTOMS", "Evidence", "Examination", "Finding", "Verdict", "examine"]
