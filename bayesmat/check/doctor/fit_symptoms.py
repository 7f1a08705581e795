"""Symptoms of the fit itself: convergence, conflict with the prior, influential cells."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from bayesmat._counted import counted
from bayesmat.check.ppc import prior_predictive
from bayesmat.models.answers import Points, scalars
from bayesmat.models.model import GenerativePrior, PropertyModel

from .evidence import MOST_CELLS, Evidence
from .findings import Finding, listed

__all__ = ["conflict", "convergence_of_fit", "influence"]

FAMILY = 0.01
FAR = 5.0
MOST_SITES = 20
PARETO_LIMIT, PARETO_BAD = 0.7, 1.0
SHIFT = 0.5
R_HAT_BAD = 1.05
ESS_BAD = 20.0
N_PRIOR = 300
N_STANDARD = 4000
_TAILS = torch.tensor([0.05, 0.95], dtype=torch.float64)


def convergence_of_fit(evidence: Evidence) -> list[Finding]:
    """What the inference says of itself."""
    report = evidence.fitted.report.inference
    topic = "convergence"
    if report.problems:
        share = sum(report.divergences) / max(1, report.n_chains * report.n_draws)
        bad = report.max_r_hat > R_HAT_BAD or share > 0.01 or report.pareto_k > PARETO_LIMIT
        bad |= report.min_ess < ESS_BAD or (bool(report.constants) and math.isnan(report.min_ess))
        return [
            Finding(
                topic, "bad" if bad else "look", " ".join(report.problems),
                "everything else on this page rests on draws from the posterior.",
                "fit again with more particles or draws (or another seed, to see what changes).",
            )
        ]  # fmt: skip
    n = report.n_chains * report.n_draws
    if report.are_chains and report.n_chains == 1:
        if not report.n_families and not math.isfinite(report.pareto_k):
            return [
                Finding(
                    topic, "unknown",
                    f"one chain of {report.n_draws} draws cannot show that it has converged.",
                    do="run four chains: NUTS(chains=4).",
                )
            ]  # fmt: skip
    if not len(report.table):
        return [Finding(topic, "fine", f"{report.method}: nothing had to be sampled.")]
    text = f"{report.method}: {counted(n, 'draw')}"
    if math.isfinite(report.min_ess):
        text += f", smallest effective sample {report.min_ess:.0f}"
    if math.isfinite(report.max_r_hat):
        text += f", largest R-hat {report.max_r_hat:.3f}"
    return [Finding(topic, "fine", text + ".")]


def conflict(evidence: Evidence) -> list[Finding]:
    """Do the data contradict what was assumed before them?

    Noise that no cell informs, all of them stating theirs, is not asked. A hyper-parameter is in
    conflict if its posterior mean lies where the prior has less than
    0.01 / d in both tails (d hyper-parameters, so below 1 % of tables drawn from the prior); a
    statistic of the measurements if its prior predictive probability is below 0.01 / tests.
    """
    fitted = evidence.fitted
    if not isinstance(fitted.prior, GenerativePrior):
        return [Finding("prior", "unknown", "this prior cannot be drawn from.")]
    points = fitted.model.points
    n = N_PRIOR if points.standard is None else N_STANDARD
    draws = fitted.prior.sample(evidence.X[:2], n, layout=fitted.layout, seed=evidence.seed)
    drawn = scalars(draws.parameters)
    if points.standard is None:
        found = _site_conflict(fitted.model, drawn)
    else:
        found = _hyper_conflict(evidence, points, points.standard, draws.parameters)
    found += _simulated_conflict(evidence, fitted.prior)
    return found or [
        Finding("prior", "fine", "parameters and measurements lie where the prior expected them.")
    ]


def _hyper_conflict(
    evidence: Evidence, points: Points, standard: Tensor, drawn: Mapping[str, Tensor]
) -> list[Finding]:
    informed = _informed(evidence.fitted.model, points)
    names, d = [list(points.values)[j] for j in informed], len(informed)
    if d == 0 or len(standard) < 2:
        return []
    mean = points.log_weights.exp() @ standard[:, informed]
    limit = -float(torch.special.ndtri(torch.tensor(0.5 * FAMILY / d)))
    far = torch.nonzero(mean.abs() > limit).flatten().tolist()
    if not far:
        return []
    told, harmless = [], True
    for j in far:
        name = names[j]
        unit, factor = _natural(evidence, name)
        low, high = (drawn[name] * factor).quantile(_TAILS).tolist()
        value = float(evidence.fitted.model.draws[name].median()) * factor
        told.append(
            f"{name} is {value:.3g}{unit}, the prior had 90 % between {low:.3g} and {high:.3g}"
            f"{unit} ({float(mean[j]):+.1f} prior sds)"
        )
        harmless &= name.endswith(": noise") and float(mean[j]) < 0
    if harmless:
        return [
            Finding(
                "prior", "look", f"the noise is smaller than the prior expects: {'; '.join(told)}.",
                "values that follow the features almost without scatter are computed, filled in "
                "or repeated, or the model has found a way to copy them.",
                "if the values are noise-free by nature, lower Node(noise=...); else look for "
                "copies in the table.",
            )
        ]  # fmt: skip
    return [
        Finding(
            "prior", "bad" if float(mean.abs().max()) > FAR else "look",
            f"the data pull {len(far)} of {d} hyper-parameters into the tail of their prior: "
            f"{'; '.join(told[:4])}.",
            "predictions are a compromise between data and an assumption that they contradict.",
            "look for a unit slip first; else widen this prior or say where you know it from.",
        )
    ]  # fmt: skip


def _informed(model: PropertyModel, points: Points) -> list[int]:
    """Positions of the parameters that some cell informs."""
    return [j for j, name in enumerate(points.values) if name not in model.uninformed]


def _natural(evidence: Evidence, name: str) -> tuple[str, float]:
    """Unit and factor of a hyper-parameter that is an sd of its property."""
    for prop, scale in zip(evidence.table.properties, evidence.fitted.scales, strict=True):
        if name == f"{prop.name}: noise" or name.startswith(f"{prop.name}: w "):
            if prop.scale == "log":
                return " (relative)", scale.sd
            return f" {prop.unit}".rstrip(), scale.sd
    return "", 1.0


def _site_conflict(model: PropertyModel, drawn: Mapping[str, Tensor]) -> list[Finding]:
    """A site whose posterior median no prior draw reaches: at most 2 / 301 by chance for each."""
    told = []
    for name, values in scalars(model.draws).items():
        before = drawn.get(name)
        middle = float(values.median())
        if before is not None and not float(before.min()) <= middle <= float(before.max()):
            low, high = before.quantile(_TAILS).tolist()
            told.append(f"{name} is {middle:.3g}, the prior had 90 % in {low:.3g} to {high:.3g}")
    if not told:
        return []
    return [
        Finding(
            "prior", "look", f"parameters beyond {N_PRIOR} draws of their prior: "
            f"{'; '.join(told[:4])}.",
            "predictions are a compromise between data and an assumption that they contradict.",
            "look for a unit slip first; else widen this prior or say where you know it from.",
        )
    ]  # fmt: skip


def _simulated_conflict(evidence: Evidence, prior: GenerativePrior) -> list[Finding]:
    table = evidence.table
    if table.n_rows > MOST_CELLS:
        keep = np.random.default_rng(evidence.seed).choice(table.n_rows, MOST_CELLS, False)
        table = table.subset(np.sort(keep))
    n = 400 + 200 * len(table.properties)
    check = prior_predictive(prior, table, n=n, seed=evidence.seed)
    found = check.probabilities
    odd = {key: p for key, p in found.items() if p < FAMILY / len(found)}
    if not odd:
        return []
    told = []
    for (name, statistic), _ in odd.items():
        low, high = np.quantile(check.defined(name, statistic), [0.025, 0.975])
        seen = check.observed[name, statistic]
        told.append(f"the {statistic} of {name} is {seen:.3g}, simulated {low:.3g} to {high:.3g}")
    return [
        Finding(
            "prior", "look",
            f"data drawn from the prior do not look like these: {'; '.join(told[:4])}.",
            "before any data, the model already rules out a table like this one.",
            "skewed or heavy-tailed positive values belong on a log scale; single extremes may be "
            "slips; otherwise widen the prior (bm.check.prior_predictive shows all of it).",
        )
    ]  # fmt: skip


def influence(evidence: Evidence) -> list[Finding]:
    """Cells that the posterior hangs on.

    A cell is influential if leaving it out moves the posterior mean of a parameter by more than
    max(0.5, (q^2 - 1) / sqrt(2 n)) posterior sds, where q is exceeded by one of n Gaussian errors
    in 5 % of tables: what the largest error then does to the log of a noise sd (n: values of its
    property in the root, all values in q). So is one with Pareto k above 1; between 0.7 and 1,
    which small tables often have, only its left-out figures are rough.
    """
    cells = evidence.cells
    topic = "influence"
    found = evidence.fitted.model.points
    informed, base = _informed(evidence.fitted.model, found), found.log_weights.exp()
    names = [list(found.values)[j] for j in informed]
    if len(base) < 2 or not names:
        return [Finding(topic, "fine", "hyper-parameters are given: no value can move them.")]
    q = float(stats.norm.isf(0.025 / cells.n))
    size = torch.bincount(cells.columns)[cells.columns].double()
    limit = ((q * q - 1) / (2 * size).sqrt()).clamp_min(SHIFT)
    points = found.standard
    if points is None:
        points = torch.stack(list(found.values.values()), -1)
    points = points[:, informed]
    mean = base @ points
    sd = (base @ (points - mean).square()).sqrt().clamp_min(1e-12)
    shift = ((cells.weights.T @ points - mean) / sd).abs()
    largest, which = shift.max(-1)
    pareto = evidence.pareto_k
    odd = torch.nonzero((largest > limit) | (pareto > PARETO_BAD)).flatten()
    odd = odd[torch.argsort(largest[odd], descending=True)]
    if not len(odd):
        return [
            Finding(
                topic, "fine",
                f"no single value moves a parameter by more than {float(largest.max()):.2f} "
                f"posterior sds{_rough(pareto)}.",
            )
        ]  # fmt: skip
    labels = [
        f"{cells.labels[i]} (moves {names[int(which[i])]} by {float(largest[i]):.1f} sds"
        + (f", Pareto k {float(pareto[i]):.2f})" if float(pareto[i]) > PARETO_LIMIT else ")")
        for i in odd.tolist()
    ]
    rows = tuple(int(cells.rows[i]) for i in odd.tolist())
    return [
        Finding(
            topic, "look",
            f"{len(odd)} of {cells.n} values hold the posterior in place: {listed(labels)}.",
            "the model would be another one without them, and its left-out prediction of them is "
            "rough.",
            "check them first; refit without them (bm.check.kfold) to see what changes.",
            rows, tuple(evidence.table.materials[i] for i in rows),
        )
    ]  # fmt: skip


def _rough(pareto_k: Tensor) -> str:
    n = int((pareto_k > PARETO_LIMIT).sum())
    return (
        f"; {n} have Pareto k above {PARETO_LIMIT}: their left-out figures are rough" if n else ""
    )
