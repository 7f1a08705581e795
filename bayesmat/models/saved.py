"""Fits that were saved: read again with the prior that they are of, without fitting."""

from __future__ import annotations

from pathlib import Path

from bayesmat._arguments import checked
from bayesmat._version import versions
from bayesmat.errors import ModelError
from bayesmat.models.base import Fitted, layout_of
from bayesmat.models.model import RestorablePrior, suited
from bayesmat.models.stored import read

__all__ = ["load_fit"]


def load_fit(path: str | Path, prior: RestorablePrior) -> Fitted:
    """A fit that `Fitted.save` wrote, as it was: nothing is sampled again.

    On the machine that it was saved on predictions are equal to the last digit, on another one to
    rounding. It can be asked all that a new fit can: `predict`, `update`, `check.loo`, `doctor`.

    Args:
        path: The file.
        prior: The prior that was fitted. It brings what the file does not hold: source networks,
            featurizers, the text of a program.

    Raises:
        ArgumentError: An argument is of another kind.
        ModelError: There is no such file, it is damaged or of a later format, or it is of another
            prior: of other settings, networks or versions of the packages that compute them.
    """
    path = Path(checked(path, str | Path, "path"))
    prior = checked(prior, RestorablePrior, "prior")
    stored = read(path)
    prior = suited(prior, stored.table)
    digest = prior.digest()
    if stored.digest != digest:
        now = versions()
        changed = [
            f"{k} {v} (now {now.get(k)})" for k, v in stored.versions.items() if now.get(k) != v
        ]
        raise ModelError(
            f"{path} is a fit of the prior {stored.digest!r} for {list(stored.properties)}, the "
            f"one given is {digest!r} for {list(prior.properties)}: its settings, networks or "
            f"versions differ. It was saved with {', '.join(changed) or 'the same versions'}. Give "
            "the prior that was fitted, with these versions, or fit again."
        )
    table = stored.table
    layout = layout_of(prior, table)
    X, cells = layout(table.rows), table.observations(stored.scales)
    model = prior.restore(stored.state, cells, X, layout=layout)
    return Fitted(table, prior, layout, model, stored.scales, stored.report)
