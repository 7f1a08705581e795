"""Featurizers of compositions: statistics of element properties over a formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matminer.featurizers.composition import ElementProperty
from matminer.utils.data import MagpieData
from pymatgen.core import Composition
from torch import Tensor

from bayesmat._arguments import names
from bayesmat.data.materials import try_canonical
from bayesmat.errors import FeatureError

from .base import check_finite, versioned

__all__ = ["ElementStatistics", "Magpie"]

_LIBRARIES = ("matminer", "pymatgen")
_PROPERTIES = (
    "Number",
    "MendeleevNumber",
    "AtomicWeight",
    "MeltingT",
    "Column",
    "Row",
    "CovalentRadius",
    "Electronegativity",
    "NsValence",
    "NpValence",
    "NdValence",
    "NfValence",
    "NValence",
    "GSvolume_pa",
    "SpaceGroupNumber",
)
_STATISTICS = ("ave", "var", "min", "max")


def _compositions(materials: Sequence[str]) -> list[Composition]:
    materials = names(materials, "materials")
    found = try_canonical(materials, "composition")
    bad = [
        f"  {formula!r}: {key}"
        for formula, key in zip(materials, found, strict=True)
        if not isinstance(key, str)
    ]
    if bad:
        raise FeatureError(
            f"{len(bad)} of {len(materials)} materials are not chemical formulas, so they have no "
            "features. Correct or drop them:\n" + "\n".join(bad)
        )
    return [Composition(str(key)) for key in found]


@lru_cache(maxsize=1)
def _magpie() -> ElementProperty:
    return ElementProperty.from_preset("magpie", impute_nan=False)


@dataclass(frozen=True)
class Magpie:
    """The 132 Magpie statistics: min, max, range, mean, deviation, mode of 22 element properties.

    A good default for inorganic compositions with some hundreds of rows; with a few tens of rows
    `ElementStatistics` has half as many columns. Missing element data are an error, not a mean.

    References:
        Ward et al., A general-purpose machine learning framework for predicting properties of
        inorganic materials, 2016, doi:10.1038/npjcompumats.2016.28.
    """

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return versioned("magpie()", *_LIBRARIES)

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        labels = _magpie().feature_labels()
        return tuple(str(label).removeprefix("MagpieData ") for label in labels)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Statistics of `n` formulas: `n x 132`."""
        materials = names(materials, "materials")
        rows = [_magpie().featurize(composition) for composition in _compositions(materials)]
        values = np.array(rows, dtype=np.float64).reshape(len(rows), len(self.names))
        return check_finite(values, materials, self.names, featurizer=self.id)


@lru_cache(maxsize=1)
def _element_table() -> dict[str, np.ndarray]:
    table = MagpieData(impute_nan=False).all_elemental_props
    return {
        element: np.array([table[name][element] for name in _PROPERTIES])
        for element in table["Number"]
    }


@dataclass(frozen=True)
class ElementStatistics:
    """Mean, variance, minimum and maximum of 15 element properties, weighted by atomic fraction.

    All intensive: Si2O4 and SiO2 have the same row. For mole fractions `c_e` and a property `p_e`,
    `ave = sum c_e p_e`, `var = sum c_e (p_e - ave)^2`. Use it when rows are few.

    References:
        Element data as distributed with Magpie, 2016, doi:10.1038/npjcompumats.2016.28.

    >>> row = ElementStatistics()(["SiO2"])[0].tolist()
    >>> round(dict(zip(ElementStatistics().names, row))["ave Number"], 3)
    10.0
    """

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return versioned("element_statistics(1)", *_LIBRARIES)

    @property
    def names(self) -> tuple[str, ...]:
        """The d column names."""
        return tuple(f"{statistic} {name}" for statistic in _STATISTICS for name in _PROPERTIES)

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Statistics of `n` formulas: `n x 60`."""
        materials = names(materials, "materials")
        rows = [_statistics(composition) for composition in _compositions(materials)]
        values = np.array(rows).reshape(len(rows), len(self.names))
        return check_finite(values, materials, self.names, featurizer=self.id)


def _statistics(composition: Composition) -> np.ndarray:
    amounts = composition.fractional_composition.get_el_amt_dict()
    missing = np.full(len(_PROPERTIES), np.nan)
    p = np.stack([_element_table().get(element, missing) for element in amounts])
    c = np.array(list(amounts.values()))[:, None]
    mean = (c * p).sum(axis=0)
    return np.concatenate([mean, (c * (p - mean) ** 2).sum(axis=0), p.min(axis=0), p.max(axis=0)])
