"""Can I believe this fit? One page in words, with the few figures that matter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bayesmat import plots
from bayesmat._arguments import checked, seed_of
from bayesmat._files import writing
from bayesmat.check.doctor import Examination, examine
from bayesmat.check.doctor.findings import Finding, Verdict, as_table, ranked
from bayesmat.errors import CampaignError
from bayesmat.explore.campaign import Campaign
from bayesmat.models.answers import scalars
from bayesmat.models.base import Fitted, fit
from bayesmat.models.model import GenerativePrior
from bayesmat.pages import filled, image

__all__ = ["Checkup", "doctor"]

_MOST_PANELS = 12
_N_PRIOR = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Checkup(Examination):
    """What a doctor says of a fit: `print` it, show it in a notebook, or `save` it as a page."""

    def save(self, path: str | Path) -> Path:
        """Write one self-contained web page: the findings, then figures of what they rest on.

        Left-out predictions against measured values, the PIT of each property in its band, the
        values that the others contradict, and hyper-parameters before and after the data.

        Args:
            path: File to write, such as "checkup.html"; folders are made.

        Returns:
            The path.

        Raises:
            DataError: The file cannot be written.
        """
        path = checked(path, str | Path, "path")
        path = Path(path)
        body = as_table(self.findings).replace("<table>", '<table class="plain">')
        body += "".join(figure for figure in (*_of_cells(self), _of_hyper(self.fitted)) if figure)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(filled("Can I believe this model?", self.heading, body), "utf-8")
        return path


def _of_cells(checkup: Checkup) -> list[str]:
    cells = checkup.cells
    if cells.n < 3:
        return []
    properties = cells.properties[:_MOST_PANELS]
    measured = [j for j in range(len(properties)) if bool((cells.columns == j).any())]
    frame = cells.to_frame().rename(columns={"90% lower": "lower", "90% upper": "upper"})
    names = [properties[j].name for j in measured]
    pit = {properties[j].name: cells.pit[cells.columns == j].numpy() for j in measured}
    parity = plots.parity_grid(frame, properties=[properties[j] for j in measured])
    odd = plots.influence(cells.z.numpy(), labels=list(cells.labels), measure="z")
    listed = ", ".join(names)
    return [
        "<h2>Left-out predictions</h2><p>Each value as the model predicts it from all the "
        "others.</p>",
        image(parity, f"left-out predictions of {listed} against measured values"),
        "<h2>Are the intervals right?</h2>",
        image(plots.pit_ecdf(pit), f"distribution of left-out PIT values of {listed}"),
        "<h2>Which values do the others contradict?</h2>",
        image(odd, "standardised left-out error of each value"),
    ]


def _of_hyper(fitted: Fitted) -> str:
    model = fitted.model
    inferred = scalars(model.draws).items()
    after = {name: v.numpy() for name, v in inferred if name not in model.uninformed}
    if not isinstance(fitted.prior, GenerativePrior) or len(model.noise_sd) < 2 or not after:
        return ""
    X = fitted.layout(fitted.table.rows[:1])
    drawn = fitted.prior.sample(X, _N_PRIOR, layout=fitted.layout, seed=0).parameters
    before = {name: v.numpy() for name, v in scalars(drawn).items()}
    chosen = [name for name in after if name in before][:_MOST_PANELS]
    before, after = ({name: all_of[name] for name in chosen} for all_of in (before, after))
    log = [name for name in chosen if float(np.min(before[name])) > 0]
    figure = plots.prior_posterior(after, before, log=log)
    title = "What the data made of the prior"
    return f"<h2>{title}</h2>{image(figure, 'hyper-parameters before and after the data')}"


def doctor(fitted: Fitted | Campaign, *, seed: int = 0) -> Checkup:
    """Examine a fit, or a campaign, and say on one page what is fine, what is not and what to do.

    Nothing is changed or repaired. Each topic has a rule:

    - **data**: properties with fewer than 10 values, below 20 % measured, constant, repeated rows,
      or positive over a decade on a linear scale.
    - **convergence**: what the inference reports of itself (R-hat above 1.01, divergences, too few
      effective draws, Pareto k above 0.7).
    - **unit slip**, **outlier**: a value whose two-sided tail probability, given the others after a
      quick refit where a suspect is gross, is below 0.01 / values: one false alarm in 100
      well-specified tables. It is called a slip if a power of ten, another unit of its kind, a sign
      or a logarithm explains it better than a genuine outlier would.
    - **prior**: a hyper-parameter whose posterior mean lies where its prior has less than 0.01 / d
      in both tails, or a statistic of the data with a prior predictive probability below
      0.01 / tests: at most 2 % of tables that are drawn from the prior.
    - **calibration**: mean z, coverage of 50 and 90 % intervals, mean z^2 and PIT distance of the
      left-out values against the bands of data from the fitted model: 5 % over all properties.
    - **influence**: a value without which a parameter moves by more posterior sds than the largest
      of so many Gaussian errors would move a noise sd (at least 0.5; about 5 % of tables), or whose
      Pareto k is above 1.
    - **noise**: replicates that scatter more or less than the inferred noise or their stated sds
      (tail probability 0.01 / properties), and stated sds that the evidence rejects by 5 nats.
    - **leakage**: rows of one material or constitution, with equal features or fingerprints at
      least 0.95 alike, and what leaving them out together does to the error.
    - **domain**: materials without a neighbour within 0.8, and errors that grow with distance by
      more than the intervals do (p below 0.01).
    - **surprise**, of a campaign: a value to which the prediction that was made of it, before it
      was measured, gave no chance (see `explore.surprise.Surprise`); the others may say so, too.

    Of 60 synthetic tables of 40 values drawn from their prior, none had a "bad", and 9 had a "look"
    (prior 5, influence 3, calibration 1).

    Use it after every fit that matters. It is no proof: it sees only what these tables and rules
    can show, and left-out values are no substitute for new measurements (`check.kfold`).

    Args:
        fitted: A fit; or a campaign with its prior, which is fitted to all that stands.
        seed: Seeds simulated bands and quick refits.

    Returns:
        The checkup: `findings`, text by `print`, a page by `save`.

    Raises:
        CampaignError: The campaign was opened without its prior.
    """
    fitted, seed = checked(fitted, Fitted | Campaign, "fitted"), seed_of(seed)
    if isinstance(fitted, Fitted):
        found = examine(fitted, seed=seed)
        return Checkup(found.fitted, found.cells, found.findings)
    if fitted.prior is None:
        raise CampaignError(
            "this campaign was opened without its prior, so that there is nothing to fit and "
            "examine: open it with Campaign.open(url, prior=...)."
        )
    found = examine(fit(fitted.prior, fitted.table(), seed=seed, explain=False), seed=seed)
    return Checkup(found.fitted, found.cells, ranked([*found.findings, _surprises(fitted)]))


def _surprises(campaign: Campaign) -> Finding:
    told = campaign.status().told
    odd = campaign.surprises()
    if not odd:
        verdict: Verdict = "fine" if told else "unknown"
        what = f"none of the values of {told} proposed materials lies far from its prediction."
        return Finding("surprise", verdict, what if told else "no proposal has a value yet.")
    listed = " ".join(one.said for one in odd[:5])
    return Finding(
        "surprise",
        "bad" if any(one.slip for one in odd) else "look",
        f"{len(odd)} told where the prediction gave no chance: {listed}"
        f"{' ...' if len(odd) > 5 else ''}",
        "one mistyped value widens every interval and bends the predictions around it.",
        "look it up; campaign.correct(...) if it was mistyped, campaign.withdraw(...) if nobody "
        "knows; if it is right, expect errors of this size for materials of its kind.",
        materials=tuple(dict.fromkeys(one.material for one in odd)),
    )
