"""A parent that is computed from the structure alone, hence known for every candidate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bayesmat._arguments import settle
from bayesmat._bounds import at_least
from bayesmat.errors import ModelError
from bayesmat.features.base import Featurizer
from bayesmat.features.huckel import computed
from bayesmat.sources.embedding import FeatureMap

__all__ = ["Computed"]

_HUCKEL = (1.5, 0.3)


@dataclass(frozen=True)
class Computed:
    r"""A parent that is computed from the structure, hence known for every candidate.

    .. math:: f = [\rho \tilde c + \mathrm{bend}(c)]\,[b = 0] + \gamma_b\,[b > 0]
              + e^{-\kappa (c - \bar c)}\,\delta(\phi)

    c is the estimate (on a log scale where it is one), c-tilde its standardised value, and b its
    class: 0 where it is trusted; each class b > 0 of structures about which it says nothing (no pi
    system; a broken estimate) has an offset of its own instead. rho ~ N(slope_mean, slope_sd) and
    gamma ~ N(0, offset_sd) are integrated exactly; bend is a Matern process on c.

    Any featurizer of the two columns (estimate, class) will do. The name of a known one stands for
    it with the physics of its error: ``Computed("gap_huckel")`` is ``Computed.huckel()``.

    Attributes:
        estimate: A featurizer of the columns (estimate, class), or the name of a computed property
            (see `bayesmat.features.huckel.COMPUTED`).
        slope_mean: Prior mean of rho, between standardised scales.
        slope_sd: Prior sd of rho.
        offset_sd: Prior sd of the offset of each class of structures that it says nothing about.
        bend: Prior median of the weight of the bend, 0 for a straight line.
        kappa: Prior mean and sd of kappa, or None for a constant discrepancy; "known" is that of
            `Computed.huckel` for a name, and None for a featurizer.

    Raises:
        FeatureError: There is no computed property of that name; the known ones are listed.
        ModelError: The featurizer has other than two columns.
    """

    estimate: str | Featurizer
    slope_mean: float = 1.0
    slope_sd: float = 0.5
    offset_sd: float = 1.0
    bend: float = 0.0
    kappa: tuple[float, float] | Literal["known"] | None = "known"

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, -math.inf, "slope_mean", "bend")
        at_least(self, 0, "slope_sd", "offset_sd")
        if self.kappa == "known":
            known = _HUCKEL if isinstance(self.estimate, str) else None
            object.__setattr__(self, "kappa", known)
        columns = self.featurizer.names
        if len(columns) != 2:
            raise ModelError(
                f"{self.name!r} has {len(columns)} columns: a computed parent reads two, its "
                "estimate and a class, 0 where the estimate is trusted and 1, 2 ... where not. "
                "Other features belong into a Term, or Transfer(descriptors=...)."
            )

    @classmethod
    def huckel(cls, kappa: tuple[float, float] | None = _HUCKEL) -> Computed:
        """The pi-Hueckel gap of a molecule, with the physics of its error.

        What a cheap method misses of an orbital gap is additive in eV, so on the log scale it grows
        as 1/gap. The gap of pi systems falls about as the 1.5th power of the Hueckel gap, hence
        kappa near 1.5. Without it a model that has only seen wide gaps is over-confident about
        narrow ones.

        Args:
            kappa: Prior mean and sd of kappa, or None for a constant discrepancy.

        >>> Computed.huckel() == Computed("gap_huckel")
        True
        """
        return cls("gap_huckel", kappa=kappa)

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.estimate if isinstance(self.estimate, str) else self.estimate.id

    @property
    def growth(self) -> tuple[float, float] | None:
        """Prior mean and sd of kappa, None for a constant discrepancy."""
        return self.kappa if isinstance(self.kappa, tuple) else None

    @property
    def featurizer(self) -> Featurizer:
        """The featurizer with the columns (estimate, class)."""
        return computed(self.estimate) if isinstance(self.estimate, str) else self.estimate

    @property
    def features(self) -> FeatureMap:
        """The feature map of the two columns."""
        return FeatureMap((self.featurizer,))
