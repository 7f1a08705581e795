"""Predictions of measurements in physical units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from bayesmat._arguments import array, checked
from bayesmat._repr import sheet, text
from bayesmat.data.drawing import structures
from bayesmat.data.rows import Rows
from bayesmat.data.table import Property, Scale
from bayesmat.errors import ModelError
from bayesmat.models.marginals import Marginals

__all__ = ["Prediction", "with_noise"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Posterior predictions in physical units.

    Attributes:
        rows: What was asked, canonical: materials, conditions or both, `n`.
        properties: What is predicted, `m`.
        median: Median, `n x m`.
        lower: Lower end of the central interval for a *measurement*, `n x m`.
        upper: Upper end, `n x m`.
        level: Probability of the interval.
        latent_sd: Posterior sd of the noise-free property, `n x m`, in the property's unit (for a
            log property: of its natural logarithm).
        observation_sd: The same with the noise of one measurement.
        domain_distance: 1 - similarity to the nearest training material, `n` (see `Similarity`).
            For count fingerprints nothing alike was measured above about 0.8; for other features 0
            is an equal row and 1 one that the training rows say nothing of.
        kind: Kind of the materials, which says whether they are drawn.
    """

    rows: Rows
    properties: tuple[Property, ...]
    median: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float
    latent_sd: np.ndarray
    observation_sd: np.ndarray
    domain_distance: np.ndarray
    kind: str | None = None

    @property
    def materials(self) -> tuple[str, ...]:
        """Canonical keys of the materials, `n`; of recipes, their conditions in words."""
        return self.rows.texts

    def to_frame(self) -> pd.DataFrame:
        """One row per material, columns named with units."""
        columns: dict[str, object] = {**self.rows.frame_columns(units=True)}
        for j, prop in enumerate(self.properties):
            unit = f" [{prop.unit}]" if prop.unit else ""
            sd_unit = " [log]" if prop.scale == "log" else unit
            columns[f"{prop.name} median{unit}"] = self.median[:, j]
            columns[f"{prop.name} {self.level:.0%} lower{unit}"] = self.lower[:, j]
            columns[f"{prop.name} {self.level:.0%} upper{unit}"] = self.upper[:, j]
            columns[f"{prop.name} latent sd{sd_unit}"] = self.latent_sd[:, j]
            columns[f"{prop.name} observation sd{sd_unit}"] = self.observation_sd[:, j]
        columns["domain distance"] = self.domain_distance
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        labels = [p.label for p in self.properties]
        return text("Prediction", {"rows": self.rows.keys, "properties": labels})

    def __str__(self) -> str:
        return self.to_frame().to_string(index=False, float_format=lambda v: f"{v:.3g}")

    def _repr_html_(self) -> str:
        what = "recipes" if self.rows.materials is None else "materials"
        caption = f"Predictions of {len(self.rows)} {what if len(self.rows) != 1 else what[:-1]}"
        pictures = structures(self.rows.materials, self.kind)
        return sheet(self.to_frame(), caption=caption, pictures=pictures)


def with_noise(
    marginals: Marginals,
    sds: Mapping[str, Sequence[float] | float],
    names: Sequence[str],
    scales: Sequence[Scale],
) -> Marginals:
    """Marginals whose measurements have stated sds, in the unit of each property."""
    n, noise = (
        marginals.mean.shape[1],
        marginals.noise_sd[:, None].expand_as(marginals.mean).clone(),
    )
    sds = checked(sds, Mapping, "sds")
    unknown = [name for name in sds if name not in names]
    if unknown:
        raise ModelError(f"sds are given of {unknown}; the model predicts {list(names)}.")
    middle = marginals.quantile(0.5)
    for name, given in sds.items():
        j, sd = names.index(name), torch.as_tensor(array(given, f"the sds of {name!r}"))
        sd = sd.expand(n) if sd.dim() == 0 else sd
        if sd.shape != (n,) or bool(((sd <= 0) | sd.isinf()).any()):
            raise ModelError(
                f"the sds of {name!r} are {sd.tolist()[:20]} for {n} materials: give one "
                "positive, finite number for all or for each, NaN where it is not known."
            )
        known = ~sd.isnan()
        stated = scales[j].sd_to_model(scales[j].to_physical(middle[:, j]), sd)
        noise[..., j] = torch.where(known, stated.nan_to_num(1.0), noise[..., j])
    return replace(marginals, noise_sd=noise)
