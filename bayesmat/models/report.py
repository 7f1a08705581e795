"""The fit report: what was fitted and what each part is worth, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bayesmat._counted import counted
from bayesmat._repr import Shown, listing, text
from bayesmat.data.table import Property, Scale
from bayesmat.inference.report import InferenceReport

__all__ = ["Ablation", "FitReport", "LeaveOneOut", "Noise"]


@dataclass(frozen=True, eq=False, repr=False)
class LeaveOneOut(Shown):
    """Leave-one-out predictions of every measured cell, hyper-parameters integrated.

    Attributes:
        log_density: log p(y_i | y_-i), `k`, in model space.
        cdf: P(Y_i <= y_i | y_-i), `k`.
    """

    log_density: Tensor
    cdf: Tensor

    @property
    def elpd(self) -> float:
        """Sum of the log densities (nats)."""
        return float(self.log_density.sum())

    def coverage(self, level: float) -> float:
        """Share of cells inside their own central leave-one-out interval."""
        inside = (self.cdf - 0.5).abs() <= 0.5 * level
        return float(inside.double().mean())

    def _facts(self) -> dict[str, object]:
        held = [f"{self.coverage(level):.0%} in {level:.0%} intervals" for level in (0.5, 0.9)]
        return {"values": len(self.cdf), "elpd nats": self.elpd, "coverage": held}


@dataclass(frozen=True)
class Ablation:
    """What one group of terms is worth: leave-one-out density with minus without it.

    Attributes:
        group: Name of the group.
        elpd_gain: Nats gained over all cells.
        se: Its standard error over cells.
    """

    group: str
    elpd_gain: float
    se: float

    @property
    def probability(self) -> float:
        """P(the group improves prediction), normal approximation."""
        return 0.5 * math.erfc(-self.elpd_gain / (max(self.se, 1e-12) * math.sqrt(2)))


@dataclass(frozen=True, eq=False, repr=False)
class Noise(Shown):
    """Noise of the measurements of one property, in model space.

    Attributes:
        sd: Noise sd of a new measurement, as predictions use it, `S`.
        inferred: Noise sd of cells without a stated one, `S`.
        known: Noise sd of each measured cell, `k`; NaN where the table states none.
    """

    sd: Tensor
    inferred: Tensor
    known: Tensor

    def words(self, unit: str, factor: float = 1.0) -> str:
        """How large it is and where from, in a unit of which `factor` make one of model space.

        >>> one = torch.ones(3)
        >>> Noise(one, 2 * one, 0.5 * one).words(" K")
        'measurement noise as the table states it, 0.5 K'
        """
        said = self.known[~self.known.isnan()] * factor
        inferred = f"{_interval(self.inferred * factor, '.3g')}{unit}"
        if not len(self.known):
            return f"no value informs the noise, for which predictions use the prior's, {inferred}"
        if not len(said):
            return f"measurement noise (or what no feature sees) {inferred}"
        low, typical, high = said.min(), said.square().mean().sqrt(), said.max()
        told = f"{typical:.3g}{unit}"
        if high > 1.001 * low:
            told += f" (root mean square of {low:.3g} to {high:.3g})"
        if len(said) == len(self.known):
            return f"measurement noise as the table states it, {told}"
        return (
            f"measurement noise {_interval(self.sd * factor, '.3g')}{unit} over all: {len(said)} "
            f"of {len(self.known)} values state theirs, {told}, and for the others (with what no "
            f"feature sees) it is {inferred}"
        )

    def _facts(self) -> dict[str, object]:
        stated = int((~self.known.isnan()).sum())
        return {"stated": f"{stated} of {len(self.known)} values", "sd": _interval(self.sd, ".3g")}


@dataclass(frozen=True, eq=False)
class FitReport:
    """A record of one fit.

    Attributes:
        n_cells: Measured cells used.
        inference: How hyper-parameters or parameters were integrated, and how well it went.
        hyper: Hyper-parameter particles by name, `S` each.
        shares: Per property and group, particles of its share of the prior variance, `S`.
        loo: Leave-one-out record.
        ablations: What each group is worth, empty unless explained.
        properties: The properties.
        scales: Their scales.
        noises: Noise by property.
        conditions: The conditions of the table that it reads, as they are transformed.
    """

    n_cells: int
    inference: InferenceReport
    hyper: Mapping[str, Tensor]
    shares: Mapping[str, Mapping[str, Tensor]]
    loo: LeaveOneOut | None
    ablations: tuple[Ablation, ...] = ()
    properties: tuple[Property, ...] = ()
    scales: tuple[Scale, ...] = field(default=())
    noises: Mapping[str, Noise] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The report, a sentence per line."""
        out = [f"Fitted {counted(self.n_cells, 'measured value')} by {self.inference.lines[0]}"]
        out += self.inference.problems
        if self.conditions:
            out.append(f"Reads the conditions of the table: {', '.join(self.conditions)}.")
        for prop, shares in self.shares.items():
            parts = [f"{group} {_interval(share)}" for group, share in shares.items()]
            out.append(f"{prop}: share of the variance explained by " + ", ".join(parts) + ".")
        out += [f"{name}: {words}." for name, words in self.noise.items()]
        if self.loo is not None:
            out.append(
                f"Leave-one-out: {self.loo.elpd / self.n_cells:+.2f} nats per value (a constant "
                f"Gaussian has about -1.42); 50 % intervals hold {self.loo.coverage(0.5):.0%}, "
                f"90 % intervals {self.loo.coverage(0.9):.0%} of the values."
            )
        for a in self.ablations:
            out.append(
                f"Leaving out the {a.group} changes the leave-one-out density by "
                f"{-a.elpd_gain:+.1f} +- {a.se:.1f} nats: the probability that the {a.group} "
                f"{'helps' if a.group == 'parent' else 'help'} is {a.probability:.2f}."
            )
        return tuple(out)

    @property
    def noise(self) -> dict[str, str]:
        """Noise per property in words, in its unit or as a relative error: stated or inferred."""
        out = {}
        for prop, scale in zip(self.properties, self.scales, strict=False):
            if prop.name in self.noises:
                unit = " relative" if prop.scale == "log" else f" {prop.unit}".rstrip()
                out[prop.name] = self.noises[prop.name].words(unit, scale.sd)
        return out

    def __repr__(self) -> str:
        facts = {
            "cells": self.n_cells,
            "method": self.inference.method,
            "properties": tuple(self.shares),
        }
        return text("FitReport", facts)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return listing(self.lines)


def _interval(values: Tensor, form: str = ".2f") -> str:
    """Median and 90 % interval of particles."""
    p = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
    low, middle, high = torch.quantile(values.double(), p).tolist()
    return f"{middle:{form}} [{low:{form}}, {high:{form}}]"
