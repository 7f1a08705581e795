"""Conditions of a measurement as features: temperature, solvent, process variables."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from bayesmat._arguments import settle
from bayesmat._repr import Shown
from bayesmat.data.units import converter, is_temperature
from bayesmat.errors import FeatureError

from .base import Featurizer, Layout

if TYPE_CHECKING:
    from bayesmat.data.table import Condition

__all__ = ["ConditionMap", "Transform", "for_scales"]

Transform = Literal["1/T", "log"]


@dataclass(frozen=True, repr=False)
class ConditionMap(Shown):
    r"""One condition of a table as one feature, perhaps transformed to its natural axis.

    .. math:: \phi = c, \qquad \phi = 1/T\ [\mathrm{K}^{-1}], \qquad \phi = \ln c

    A categorical condition gives the code of its category, 0, 1, 2 ..., for an `Exchangeable`
    kernel, or for a smooth one where categories are ordered. Use "1/T" for quantities that follow
    Arrhenius, Clausius-Clapeyron or van 't Hoff; the temperature may be in any unit.

    Attributes:
        condition: Name of the condition in the table.
        transform: "1/T" of the absolute temperature, "log", or None for the values as they are.

    Raises:
        FeatureError: The transform is unknown; when columns are asked for: the table has no such
            condition, or the transform does not fit its unit, categories or values.

    >>> ConditionMap("temperature", transform="1/T").label
    '1/temperature'
    """

    condition: str
    transform: Transform | None = None

    def __post_init__(self) -> None:
        settle(self)

    @property
    def label(self) -> str:
        """Name in reports."""
        words = {None: "{}", "1/T": "1/{}", "log": "log {}"}
        return words[self.transform].format(self.condition)

    @property
    def names(self) -> tuple[str, ...]:
        """The one feature."""
        return (self.label,)

    @property
    def inputs(self) -> tuple[Featurizer, ...]:
        """None: conditions are columns of every layout of a table that has them."""
        return ()

    @property
    def conditions(self) -> tuple[str, ...]:
        """The condition that is read."""
        return (self.condition,)

    @property
    def parts(self) -> tuple[ConditionMap, ...]:
        """Itself alone."""
        return (self,)

    @property
    def digest(self) -> str:
        """Hash of name and transform."""
        return hashlib.sha256(f"condition\n{self.condition}\n{self.transform}".encode()).hexdigest()

    def columns(self, layout: Layout, X: Tensor) -> Tensor:
        """The feature of the rows of X, `... x D` to `... x 1`."""
        found = [c for c in layout.conditions if c.name == self.condition]
        if not found:
            known = [c.name for c in layout.conditions]
            raise FeatureError(
                f"the model reads the condition {self.condition!r}, the table has "
                f"{known or 'no conditions'}: name it when the table is read, "
                f"conditions={{{self.condition!r}: 'K'}}."
            )
        values = X[..., layout.condition(self.condition)].double()
        condition = found[0]
        if condition.categories is not None:
            self._check(condition, self.transform is None, "its categories have no numbers")
            return values @ torch.arange(values.shape[-1], dtype=torch.float64)[:, None]
        if self.transform is None:
            return values
        if self.transform == "1/T":
            unit = condition.unit or ""
            self._check(condition, is_temperature(unit), f"{unit or '1'!r} is no temperature")
            zero, one = converter(unit, "K")(np.array([0.0, 1.0])).tolist()
            values = zero + (one - zero) * values
        positive = bool((values > 0).all())
        self._check(
            condition, positive, f"it is {float(values.min()):g} in some row. Read it as it is, "
            f"bm.ConditionMap({condition.name!r}), or leave such rows out",
        )  # fmt: skip
        return values.log() if self.transform == "log" else values.reciprocal()

    def _check(self, condition: Condition, is_fine: bool, why: str) -> None:
        if not is_fine:
            raise FeatureError(
                f"the transform {self.transform!r} cannot be taken of the condition "
                f"{condition.name!r}: {why}."
            )

    def _facts(self) -> dict[str, object]:
        return {"condition": self.condition, "transform": self.transform or "none"}


def for_scales(phi: Tensor, is_condition: Sequence[bool]) -> Tensor:
    """Training features to read scales off: conditions that never varied, as if they had.

    As if by a tenth of their value (by 1 about 0). Without a scale such a condition would have no
    effect, and predictions at new values of it would be as sure as at the old one.

    Args:
        phi: Features of the training rows, `n x k`; one row alone is taken twice.
        is_condition: Whether each feature is a condition, `k`.

    >>> for_scales(torch.tensor([[300.0, 1.0], [300.0, 1.0]]), (True, False))
    tensor([[330.,   1.],
            [270.,   1.]])
    """
    if not len(phi) or not any(is_condition):
        return phi
    phi = phi.repeat(2, 1) if len(phi) == 1 else phi
    size = phi.abs().amax(0)
    still = (phi.amax(0) - phi.amin(0) <= 1e-9 * size) & torch.tensor(list(is_condition))
    sign = 1.0 - 2.0 * (torch.arange(len(phi)) % 2)
    if len(phi) % 2:
        sign[-1] = 0.0  # the mean stays where it is
    step = torch.where(size > 0, 0.1 * size, 1.0) * still
    return phi + sign[:, None] * step
