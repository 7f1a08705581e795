"""Which cells a doctor looks at more closely."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from bayesmat.check._slips import MOST_SUSPECTS, _suspects


def test_a_gross_value_is_suspected_among_many_contradicted_ones() -> None:
    """Scores end at 7.9, where stated errors that are too small put many cells at once."""
    y = torch.linspace(-1.0, 1.0, 91, dtype=torch.float64)
    y[40] = -12.0  # 16 robust sds
    scores = torch.zeros(91, dtype=torch.float64)
    scores[50:70] = 7.9
    scores[40] = -5.0
    evidence: Any = SimpleNamespace(
        scores=scores,
        observed=SimpleNamespace(y=y, n_cells=91),
        table=SimpleNamespace(properties=(None,)),
        of_property=lambda j: torch.arange(91),
    )
    found = _suspects(evidence)
    assert found[0] == 40
    assert len(found) == MOST_SUSPECTS
