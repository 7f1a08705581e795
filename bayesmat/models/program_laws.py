"""The rules that programs keep, and their checks before any sampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from pyro import poutine
from torch import Tensor

from bayesmat.data.table import Observations
from bayesmat.errors import ModelError
from bayesmat.inference.pyro_program import seeded

__all__ = ["Recorder", "check_prior", "check_rows", "drawn"]

Traced = Callable[[Observations, Tensor], tuple[poutine.Trace, "Recorder"]]
Evaluate = Callable[[dict[str, Tensor], Tensor], tuple[Tensor, Tensor]]

SAME = 1e-5  # embeddings compute in single precision, which depends on the batch
ADVICE = (
    "Candidates are predicted without the training rows, so given its sites a program must treat "
    "every row alone. Write an effect of the row through its features (phi @ w), put what no "
    "feature explains into the noise scale, and standardise in a feature map, never by statistics "
    "of the rows at hand. Gaussian-process effects over rows will come as bm.gp_effect, which is "
    "not yet available; use a PropertyGraph for them."
)


@dataclass(frozen=True, eq=False)
class Recorder(Observations):
    """Observations that remember what a program observed.

    Attributes:
        seen: The arguments of every call of `observe`.
    """

    seen: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    @staticmethod
    def of(o: Observations) -> Recorder:
        """A recorder of the same cells."""
        return Recorder(o.rows, o.columns, o.y, o.yvar, o.n_rows, o.properties)

    def observe(self, f: Tensor, scale: Tensor) -> None:
        """Remember f and scale, then observe the cells (see `Observations.observe`)."""
        m = len(self.properties)
        if not isinstance(scale, Tensor) or scale.shape != (m,):
            raise ModelError(
                f"observations.observe() got a scale {_shape(scale)}; it must be a tensor with "
                f"one noise sd for each of the properties {list(self.properties)}, shape ({m},)."
            )
        self.seen.append((f, scale))
        super().observe(f, scale)

    def checked(self, f: object) -> tuple[Tensor, Tensor]:
        """The latent and the noise, if f is what was observed, once.

        Raises:
            ModelError: f is not an `n x m` tensor, or not what was observed.
        """
        want = (self.n_rows, len(self.properties))
        if not isinstance(f, Tensor) or f.shape != want:
            raise ModelError(
                f"the program returned {_shape(f)}; it must return the latent f as a tensor "
                f"{want[0]} x {want[1]}: rows x properties {list(self.properties)}."
            )
        if len(self.seen) != 1:
            raise ModelError(
                f"the program called observations.observe() {len(self.seen)} times; call it once, "
                "with the latent of all properties, also when there are no cells (it then does "
                "nothing)."
            )
        observed, scale = self.seen[0]
        if not torch.equal(torch.nan_to_num(observed), torch.nan_to_num(f)):
            raise ModelError(
                "the program returned another f than it observed, so that it would predict "
                "something else than what it was fitted to: return what you observe."
            )
        return f, scale


def drawn(trace: poutine.Trace) -> dict[str, Tensor]:
    """Values of the random sites of a trace (not observed, deterministic or subsamples)."""
    sites: dict[str, Any] = dict(trace.nodes)
    return {name: site["value"] for name, site in sites.items() if _is_draw(site)}


def check_prior(traced: Traced, evaluate: Evaluate, observations: Observations, X: Tensor) -> None:
    """Check a program on two draws of its prior.

    Raises:
        ModelError: It breaks a rule; the message says which, and what to do.
    """
    n = X.shape[0]
    for seed in (0, 1):
        with seeded(seed), torch.no_grad():
            trace, recorder = traced(observations, X)
            _check_sites(trace, observations)
            recorder.checked(trace.nodes["_RETURN"]["value"])
            draw = drawn(trace)
            more = torch.cat([X, X[:1]])
            try:
                other, _ = traced(Observations.empty(n + 1, observations.properties), more)
            except (RuntimeError, ValueError, IndexError) as error:
                raise _tied(f"The program fails on another number of rows ({error}).") from error
            _check_shapes(draw, other, n)
            check_rows(evaluate, draw, X)


def check_rows(evaluate: Evaluate, draw: dict[str, Tensor], X: Tensor) -> None:
    """Check that f of a row does not depend on the other rows, at one draw of the sites.

    Raises:
        ModelError: It does.
    """
    n = X.shape[0]
    order = torch.randperm(n, generator=torch.Generator().manual_seed(n))
    repeats = order[:1].expand(n)
    with torch.no_grad():
        f, scale = evaluate(draw, X)
        for index in (order, torch.cat([order, repeats]), order[: (n + 1) // 2], repeats[:1]):
            g, noise = evaluate(draw, X[index])
            span = f.nan_to_num().abs().amax().clamp(min=1.0)
            same = torch.isclose(g, f[index], rtol=SAME, atol=SAME * float(span), equal_nan=True)
            if not same.all():
                row = int(index[torch.nonzero(~same)[0, 0]])
                raise _tied(f"f of row {row} changes with the rows around it.")
            if not torch.allclose(noise, scale, equal_nan=True):
                raise _tied("The noise scale changes with the rows at hand.")


def _check_sites(trace: poutine.Trace, observations: Observations) -> None:
    sites: dict[str, Any] = dict(trace.nodes)
    samples = {name: site for name, site in sites.items() if site["type"] == "sample"}
    draws = {name: site for name, site in samples.items() if _is_draw(site)}
    alien = [
        name
        for name, site in samples.items()
        if site["is_observed"] and name != "y" and not site["infer"].get("_deterministic")
    ]
    if alien:
        raise ModelError(
            f"the program observes at the sites {alien}: cells are observed only through "
            "observations.observe(f, scale), so that holes, known errors and prediction work."
        )
    params = [name for name, site in sites.items() if site["type"] == "param"]
    if params:
        raise ModelError(
            f"the program has pyro.param sites {params}: a posterior has no free parameters. Give "
            "them priors with pyro.sample."
        )
    if not draws:
        raise ModelError("the program has no pyro.sample site: there is nothing to infer.")
    discrete = [name for name, site in draws.items() if site["fn"].support.is_discrete]
    if discrete:
        raise ModelError(
            f"the sites {discrete} are discrete, which NUTS cannot sample: sum them out, or use a "
            "continuous relaxation (a horseshoe instead of an inclusion switch)."
        )
    plates = {name: site["fn"] for name, site in samples.items() if _is_subsample(site)}
    partial = [name for name, fn in plates.items() if fn.subsample_size < fn.size]
    if partial:
        raise ModelError(
            f"the plates {partial} take a random subsample, which makes the likelihood noisy: "
            "leave out subsample_size."
        )
    if observations.n_cells and "y" not in samples:
        raise ModelError(
            "the program never calls observations.observe(f, scale): it would ignore the data."
        )


def _is_draw(site: Mapping[str, Any]) -> bool:
    is_sample = site["type"] == "sample" and not site["is_observed"]
    return is_sample and not _is_subsample(site)


def _is_subsample(site: Mapping[str, Any]) -> bool:
    return type(site["fn"]).__name__ == "_Subsample"


def _check_shapes(draw: dict[str, Tensor], other: poutine.Trace, n: int) -> None:
    """Sites must be the same for n and for n + 1 rows."""
    shapes = {name: value.shape for name, value in drawn(other).items()}
    wise = [k for k in {**draw, **shapes} if k not in draw or draw[k].shape != shapes.get(k)]
    if wise:
        raise _tied(f"The sites {wise} are drawn per row: they change with the number of rows {n}.")


def _tied(what: str) -> ModelError:
    return ModelError(f"Rows of the program are not independent. {what} {ADVICE}")


def _shape(value: object) -> str:
    if isinstance(value, Tensor):
        return f"of shape {tuple(value.shape)}"
    return f"of type {type(value).__name__}"
