"""Symptoms of the predictions: calibration, noise, domain."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from bayesmat._counted import counted

from .evidence import MOST_CELLS, Evidence
from .findings import Finding, listed

__all__ = ["calibration", "domain", "noise"]

MIN_CELLS = 10
FAMILY = 0.05
N_BAND = 4000
PER_SET = 64
HALF, NINETY = (float(stats.norm.ppf(0.5 + 0.5 * level)) for level in (0.5, 0.9))
ALONE = 0.8
TAIL = 0.01


def _figures(z: Tensor) -> Tensor:
    """Mean, 50 % and 90 % coverage, mean square and PIT distance of scores `... x n`."""
    n = z.shape[-1]
    u = torch.special.ndtr(z).sort(-1).values
    steps = torch.arange(n + 1, dtype=torch.float64) / n
    distance = torch.maximum((u - steps[:-1]).amax(-1), (steps[1:] - u).amax(-1))
    inside = [(z.abs() <= edge).double().mean(-1) for edge in (HALF, NINETY)]
    return torch.stack([z.mean(-1), *inside, z.square().mean(-1), distance], -1)


NAMES = ("mean z", "50 % coverage", "90 % coverage", "mean z^2", "PIT distance")


def _scores_under(evidence: Evidence) -> Tensor:
    """Left-out scores of data from the fitted model itself, `R x k`."""
    generator = torch.Generator().manual_seed(evidence.seed)
    return evidence.fitted.model.simulated_scores(N_BAND, generator)


def calibration(evidence: Evidence) -> list[Finding]:
    """Are left-out values where the model says they are, property by property?

    Mean of z, coverage of 50 and 90 % intervals, mean z^2 and the distance of the PIT from uniform
    each get the band that data from the fitted model itself would have (left-out errors are
    correlated, which it includes), at one family-wise false-alarm rate of 5 % over all of them. As
    the hyper-parameters were fitted to the same cells, the true rate is lower.
    """
    m = len(evidence.table.properties)
    simulated = _scores_under(evidence)
    return [_calibration_of(evidence, j, simulated, FAMILY / (len(NAMES) * m)) for j in range(m)]


def _calibration_of(evidence: Evidence, j: int, simulated: Tensor, rate: float) -> Finding:
    name, at = evidence.prop(j).name, evidence.of_property(j)
    if len(at) < MIN_CELLS:
        return Finding(
            "calibration", "unknown",
            f"{name}: {counted(len(at), 'value', verb='are')} "
            "too few to judge intervals (a 90 % interval may hold "
            "anything).", do="measure more, or say that the intervals rest on the prior.",
        )  # fmt: skip
    seen = _figures(evidence.scores[at])
    edges = torch.tensor([0.5 * rate, 1 - 0.5 * rate], dtype=torch.float64)
    low, high = torch.quantile(_figures(simulated[:, at]), edges, dim=0)
    off = ((seen < low - 1e-9) | (seen > high + 1e-9)).tolist()
    off[-1] &= float(seen[-1]) > float(high[-1])  # a PIT nearer to uniform is no fault
    told = [
        f"{label} {float(seen[i]):.2f} (band {float(low[i]):.2f} to {float(high[i]):.2f})"
        for i, label in enumerate(NAMES)
    ]
    if not any(off):
        return Finding(
            "calibration", "fine",
            f"{name}, {counted(len(at), 'value')} "
            f"left out: {', '.join(told[1:4])}: as the model expects.",
        )  # fmt: skip
    square, ninety = float(seen[3]), float(seen[2])
    bad = (off[3] and square > 2) or (off[2] and ninety < 0.75)
    odd = ", ".join(text for text, is_off in zip(told, off, strict=True) if is_off)
    return Finding(
        "calibration", "bad" if bad else "look", f"{name}, {counted(len(at), 'value')} "
        f"left out: {odd}.",
        _meaning(off, seen), _repair(off, seen),
    )  # fmt: skip


def _meaning(off: list[bool], seen: Tensor) -> str:
    parts = []
    if off[0]:
        side = "below" if float(seen[0]) > 0 else "above"
        parts.append(f"predictions lie {side} the measured values")
    if off[3]:
        parts.append("intervals are too " + ("narrow" if float(seen[3]) > 1 else "wide"))
    elif off[1] or off[2] or off[4]:
        heavy = float(seen[1]) > 0.5
        shape = "most errors are smaller and a few much larger than a Gaussian's" if heavy else ""
        parts.append(shape or "the errors do not have the shape that the model gives them")
    return "; ".join(parts) + "." if parts else ""


def _repair(off: list[bool], seen: Tensor) -> str:
    if off[3]:
        factor = math.sqrt(float(seen[3]))
        return (
            f"find the cause first (slips, stated noise, leakage below); then "
            f"bm.check.recalibrate(bm.check.kfold(prior, table, seed=0)) tells whether a factor of "
            f"about {factor:.1f} on the sd repairs it. Nothing is applied by itself."
        )
    return (
        "look for outliers and a missing parent or feature; a log scale often mends the shape. "
        "bm.check.kfold judges it without the model's own weights."
    )


def noise(evidence: Evidence) -> list[Finding]:
    """Do replicates and stated sds agree with the scatter that the model sees?

    Replicates (one material under one set of conditions) show pure error: its sum of squares is
    chi-squared given the noise sd. The alarm is a tail probability below 0.01 / properties.
    Where sds are stated, a quick fit that ignores them is compared by its evidence.
    """
    found = []
    for j in range(len(evidence.table.properties)):
        found += _against_replicates(evidence, j)
    found += _against_stated(evidence)
    if found:
        return found
    n = sum(_pure_error(evidence, j).df for j in range(len(evidence.table.properties)))
    if n == 0 and evidence.observed.yvar.isnan().all():
        return [
            Finding(
                "noise", "unknown",
                "no replicates and no stated sds: what is called noise is also what no feature "
                "sees.",
                do="repeat a few measurements: it separates the two.",
            )
        ]  # fmt: skip
    text = f"replicates ({n} degrees of freedom)" if n else "stated sds"
    return [Finding("noise", "fine", f"{text} agree with the scatter that the model sees.")]


@dataclass(frozen=True)
class PureError:
    """Scatter of replicates about their mean: in model space, and in units of stated sds."""

    squares: float
    df: int
    stated_squares: float
    stated_df: int


def _pure_error(evidence: Evidence, j: int) -> PureError:
    obs, table = evidence.observed, evidence.table
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in evidence.of_property(j).tolist():
        row = int(obs.rows[i])
        key = (table.materials[row], *np.round(table.condition_values[row], 9).tolist())
        groups.setdefault(key, []).append(i)
    squares, df, stated, stated_df = 0.0, 0, 0.0, 0
    for cells in groups.values():
        if len(cells) < 2:
            continue
        y, yvar = obs.y[cells], obs.yvar[cells]
        if bool(yvar.isnan().any()):
            squares += float((y - y.mean()).square().sum())
            df += len(cells) - 1
        else:
            mean = (y / yvar).sum() / (1 / yvar).sum()
            stated += float(((y - mean).square() / yvar).sum())
            stated_df += len(cells) - 1
    return PureError(squares, df, stated, stated_df)


def _against_replicates(evidence: Evidence, j: int) -> list[Finding]:
    pure, prop = _pure_error(evidence, j), evidence.prop(j)
    alarm = TAIL / len(evidence.table.properties)
    out = []
    if pure.stated_df:
        p = float(stats.chi2.sf(pure.stated_squares, pure.stated_df))
        if p < alarm:
            factor = math.sqrt(pure.stated_squares / pure.stated_df)
            out.append(_stated_wrong(f"{prop.name}: replicates scatter {factor:.1f} times more than"
                                     f" their stated sds (p = {p:.1g})", factor))  # fmt: skip
    if pure.df >= 2:
        inferred = evidence.fitted.model.inferred_noise_sd[:, j].square().numpy()
        below = float(np.mean(stats.chi2.cdf(pure.squares / inferred, pure.df)))
        sd = math.sqrt(pure.squares / pure.df)
        ratio = float(np.sqrt(np.median(inferred))) / max(sd, 1e-12)
        if below < alarm:
            out.append(
                Finding(
                    "noise", "look",
                    f"{prop.name}: the inferred noise is {ratio:.1f} times the scatter of "
                    f"replicates (p = {below:.1g}, {pure.df} degrees of freedom).",
                    "most of what the model calls noise is real and repeatable: the features do "
                    "not see what causes it, so more repeats will not help.",
                    "add a feature, a condition or a parent that explains it; read the latent sd "
                    "of predictions as too small by this much.",
                )
            )  # fmt: skip
        elif 1 - below < alarm:
            out.append(
                Finding(
                    "noise", "look",
                    f"{prop.name}: replicates scatter {1 / ratio:.1f} times more than the inferred "
                    f"noise (p = {1 - below:.1g}, {pure.df} degrees of freedom).",
                    "a few materials are measured worse than the rest, or replicates are not "
                    "under the same conditions.",
                    "look at the replicates that differ most; state their sds.",
                )
            )  # fmt: skip
    return out


def _stated_wrong(what: str, factor: float) -> Finding:
    return Finding(
        "noise", "bad", f"{what}.",
        "the model believes the stated sds: with too small ones it follows the noise and its "
        "intervals are wrong everywhere, with too large ones it ignores the data.",
        f"correct the sds (about {factor:.2g} times; are they standard errors, or in other "
        "units?) or leave them out, so that the noise is inferred.",
    )  # fmt: skip


def _against_stated(evidence: Evidence) -> list[Finding]:
    """Refit with the noise inferred where it is stated, and compare evidence and noise."""
    obs, table = evidence.observed, evidence.table
    stated = ~obs.yvar.isnan()
    if not bool(stated.any()):
        return []
    keep = evidence.near([0], MOST_CELLS)
    some = table.subset(keep) if table.n_rows > MOST_CELLS else table
    free = evidence.refit(replace(some, stds=np.full_like(some.stds, np.nan)))
    given = evidence.refit(some)
    gain = math.nan
    if free is not None and given is not None:
        gain = free.report.inference.log_evidence - given.report.inference.log_evidence
    if free is None or math.isnan(gain):
        return [
            Finding(
                "noise", "unknown",
                "the stated sds are not judged: a fit without them would take too long, or its "
                "method has no evidence to compare.",
                do="fit once with the sds and once without, and compare bm.check.loo of both.",
            )
        ]  # fmt: skip
    out = []
    for j, prop in enumerate(table.properties):
        mine = stated & (obs.columns == j)
        if not bool(mine.any()):
            continue
        typical = float(obs.yvar[mine].sqrt().median()) * evidence.fitted.scales[j].sd
        inferred = free.model.inferred_noise_sd[:, j].quantile(
            torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
        )
        low, middle, high = (inferred * free.scales[j].sd).tolist()
        if gain > 5 and (low > 1.5 * typical or high < typical / 1.5):
            unit = " (relative)" if prop.scale == "log" else f" {prop.unit}".rstrip()
            what = (
                f"{prop.name}: stated sds of about {typical:.3g}{unit}, the data ask for "
                f"{middle:.3g} ({low:.3g} to {high:.3g}); the evidence without them is "
                f"{gain:.0f} nats higher"
            )
            out.append(_stated_wrong(what, middle / typical))
    return out


def domain(evidence: Evidence) -> list[Finding]:
    """Which training materials have no neighbour, and do errors grow with distance?

    A material is alone if its nearest other one is further than 0.8 (one minus similarity of
    fingerprints): a description, without a false-alarm rate. That squared scores grow with
    distance is an alarm at a one-sided rank correlation with p below 0.01.
    """
    if evidence.similarity is None:
        return [
            Finding(
                "domain", "unknown",
                "the model reads no feature by which its materials could be compared, or there is "
                "one material only; the latent sd of a prediction tells how far it extrapolates.",
            )
        ]  # fmt: skip
    distance = 1 - evidence.similarity.amax(1)
    alone = [evidence.first_rows[i] for i in torch.nonzero(distance > ALONE).flatten().tolist()]
    u = len(distance)
    limit = float(torch.quantile(distance, 0.95))
    grow = _growth(evidence, distance)
    text = f"half of the {u} materials have a neighbour nearer than {float(distance.median()):.2f}"
    if grow < TAIL:
        return [
            Finding(
                "domain", "look",
                f"left-out errors grow with the distance to the nearest material by more than the "
                f"intervals do (p = {grow:.1g}); {text}.",
                "intervals far from the data are too narrow, near them too wide.",
                f"trust predictions with a domain distance below {limit:.2f}; beyond, measure one.",
            )
        ]  # fmt: skip
    if len(alone) > max(2, 0.2 * u):
        return [
            Finding(
                "domain", "look",
                f"{len(alone)} of {u} materials have no neighbour within {ALONE} ('domain "
                f"distance'), such as {listed(evidence.table.materials[i] for i in alone)}.",
                "nothing alike was measured, so they are predicted by the mean and by descriptors "
                "only; left-out figures describe such extrapolation, not interpolation.",
                "read the column 'domain distance' of predictions; measure relatives of what you "
                "want to predict.",
                tuple(alone), tuple(evidence.table.materials[i] for i in alone),
            )
        ]  # fmt: skip
    return [
        Finding(
            "domain", "fine",
            f"{text}, {len(alone)} have none within {ALONE}; predictions further than {limit:.2f} "
            "('domain distance') go beyond what was checked here.",
        )
    ]  # fmt: skip


def _growth(evidence: Evidence, distance: Tensor) -> float:
    """One-sided p of a rank correlation of squared score with distance; 1 where not judged."""
    if evidence.cells.n < MIN_CELLS:
        return 1.0
    of = {evidence.table.materials[row]: i for i, row in enumerate(evidence.first_rows)}
    apart = distance[[of[m] for m in evidence.cells.materials]].numpy()
    squares = evidence.scores.square().numpy()
    if np.ptp(apart) == 0 or np.ptp(squares) == 0:
        return 1.0
    found = stats.spearmanr(apart, squares, alternative="greater")
    return float(found.pvalue)
