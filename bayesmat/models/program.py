"""Programs: a Pyro function standing where a property graph stands."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

import torch
from pyro import poutine
from torch import Tensor

from bayesmat._arguments import checked, names, seed_of, settle
from bayesmat._repr import Shown
from bayesmat.data.table import Observations
from bayesmat.errors import ArgumentError, ModelError
from bayesmat.features.base import CONDITIONS, Featurizer, Layout
from bayesmat.features.conditions import ConditionMap
from bayesmat.inference.nuts import NUTS
from bayesmat.inference.pyro_program import DoublePrecision, seeded
from bayesmat.inference.report import Sampler
from bayesmat.inference.seeds import streams
from bayesmat.models.digests import content
from bayesmat.models.inputs import check_cells, check_columns
from bayesmat.models.model import PriorDraws
from bayesmat.models.program_laws import Recorder, check_prior, check_rows, drawn
from bayesmat.models.program_model import ProgramModel, Sampled, at, n_draws
from bayesmat.sources.embedding import CompositeMap, FeatureMap, Features

__all__ = ["Program", "program"]

P = ParamSpec("P")
T = TypeVar("T")

OBSERVATIONS = "observations"


@dataclass(frozen=True, repr=False)
class Program(Shown):
    """A Pyro function as a prior over properties; made by the decorator `program`.

    Attributes:
        function: Takes the features by name and `observations`, returns the latent `n x m`.
        properties: The m columns of what it returns.
        maps: Name of an argument and the feature map that fills it.
        sampler: How the posterior is sampled.
        n_draws: Draws that the model keeps (evenly spaced): predictions cost so many runs.
    """

    function: Callable[..., Tensor]
    properties: tuple[str, ...]
    maps: tuple[tuple[str, Features], ...]
    sampler: Sampler = field(default_factory=NUTS)
    n_draws: int = 256

    def __post_init__(self) -> None:
        settle(self)
        if not self.properties or len(set(self.properties)) < len(self.properties):
            raise ModelError(f"a program needs distinct properties, got {list(self.properties)}.")
        if self.n_draws < 2:
            raise ModelError(f"n_draws is {self.n_draws}: a posterior needs two draws or more.")
        wanted = set(inspect.signature(self.function).parameters)
        given = {name for name, _ in self.maps}
        if OBSERVATIONS not in wanted or wanted - {CONDITIONS} != given | {OBSERVATIONS}:
            raise ModelError(
                f"the program {self.name!r} takes {sorted(wanted)}, but its features are "
                f"{sorted(given)}: name one feature for each argument, besides 'observations' "
                "(and 'conditions', where it wants the table's conditions)."
            )

    def __copy__(self) -> Program:
        return self

    def __deepcopy__(self, memo: object) -> Program:
        return self

    def __reduce__(self) -> tuple[Callable[..., Program], tuple[object, ...]]:
        """By the name of the function, as functions are pickled; the decorator took its place.

        Raises:
            ModelError: The function is not at the top of a module, where another process finds it.
        """
        module, path = self.function.__module__, self.function.__qualname__
        if _at_top(module, path) is not self.function:
            raise ModelError(
                f"the program {path!r} of {module!r} cannot be sent to another process, which "
                "could not find it by its name: define it at the top of a module, not inside a "
                "function, and do not give its name to anything else."
            )
        parts = [getattr(self, f.name) for f in fields(self) if f.name != "function"]
        return _named, (module, path, *parts)

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.__name__

    @property
    def features(self) -> tuple[Features, ...]:
        """The feature maps, in the order of `maps`."""
        return tuple(feature_map for _, feature_map in self.maps)

    def digest(self) -> str:
        """Hash of the source text and the values it refers to, features, sampler and streams.

        Numbers, strings, tensors and functions that the text refers to are hashed by content,
        anything else by its type only.

        Raises:
            ModelError: The source text cannot be found (typed into a bare interpreter).
        """
        features = [[name, feature_map.digest] for name, feature_map in self.maps]
        parts = [self.properties, features, repr(self.sampler), self.n_draws, streams()]
        text = json.dumps([*parts, content(self.function)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def inputs(self, X: Tensor, layout: Layout) -> dict[str, Tensor]:
        """The tensor arguments of the function for rows of X, `n x D`, made by `layout`.

        Raises:
            ModelError: X is not of that layout, or it holds conditions that the program does not
                take.
        """
        check_columns(X, layout)
        takes = CONDITIONS in inspect.signature(self.function).parameters
        read = {name for m in self.features for name in m.conditions}
        unread = [c.name for c in layout.conditions if c.name not in read]
        if unread and not takes:
            raise ModelError(
                f"the table has the conditions {unread}, which {self.name!r} does not take: give "
                f"it a feature bm.ConditionMap({unread[0]!r}) or an argument 'conditions', or "
                "select rows of one condition, since rows that differ in conditions are not "
                "replicates."
            )
        if takes and not layout.conditions:
            raise ModelError(
                f"{self.name!r} takes conditions, and the table has none: name them when it is "
                "read, conditions={'temperature': 'K'}."
            )
        found = {name: m.columns(layout, X) for name, m in self.maps}
        if not takes:
            return found
        return found | {CONDITIONS: X[..., layout.blocks[CONDITIONS]].double()}

    def condition(
        self,
        observations: Observations,
        X: Tensor,
        *,
        layout: Layout,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> ProgramModel:
        """The posterior given measured cells, by the program's sampler.

        Before sampling, draws of the prior check that the program keeps its rules: cells are
        observed only through ``observations.observe``, sites are continuous, and rows are
        independent given the sites (rows are permuted, repeated and left out, and f of the others
        must not change).

        Args:
            observations: Long-form cells in model space; its properties must be the program's.
            X: Features of all rows of the table, shape `n x D`.
            layout: What made X (see `layout_of`).
            seed: Seeds the sampler.
            checkpoint: File that a run killed half-way continues from.

        Raises:
            ModelError: Properties or shapes differ, or the program breaks a rule.
            InferenceError: The chains could not start.
        """
        observations = checked(observations, Observations, "observations")
        X, layout, seed = checked(X, Tensor, "X"), checked(layout, Layout, "layout"), seed_of(seed)
        check_cells(self.properties, observations, X, layout)
        measured, X = _measured(observations, X)
        inputs = self.inputs(X, layout)

        def traced(cells: Observations, rows: Tensor) -> tuple[poutine.Trace, Recorder]:
            return self.traced(cells, rows, layout)

        evaluate = partial(self.evaluate, layout=layout)
        check_prior(traced, evaluate, measured, X)

        def model() -> Tensor:
            return self.function(**inputs, observations=measured)

        cells = (measured.rows, measured.columns, measured.y, measured.yvar)
        key = None if checkpoint is None else (self.digest(), X, *cells)
        run = self.sampler(model, seed=seed, checkpoint=checkpoint, key=key)
        draws = run.flat(self.n_draws)
        with torch.no_grad():
            check_rows(evaluate, at(draws, 0), X)
            noise = [evaluate(at(draws, s), X[:1])[1] for s in range(n_draws(draws))]
        sampled = Sampled(draws, torch.stack(noise), run, measured, X, seed)
        return ProgramModel(self.properties, evaluate, sampled)

    def restore(
        self, state: Mapping[str, Any], observations: Observations, X: Tensor, *, layout: Layout
    ) -> ProgramModel:
        """The posterior whose `ProgramModel.state` this is, given the same cells."""
        draws, (measured, X) = state["run"].flat(self.n_draws), _measured(observations, X)
        sampled = Sampled(draws, state["noise_sd"], state["run"], measured, X, state["seed"])
        return ProgramModel(self.properties, partial(self.evaluate, layout=layout), sampled)

    def sample(self, X: Tensor, n: int, *, layout: Layout, seed: int) -> PriorDraws:
        """Draws from the prior: parameters by site, latent properties and noise.

        Args:
            X: Rows, `rows x D`.
            n: Number of draws.
            layout: What made X.
            seed: Seeds them.
        """
        X, n = checked(X, Tensor, "X"), checked(n, int, "n")
        layout, seed = checked(layout, Layout, "layout"), seed_of(seed)
        nothing = Observations.empty(X.shape[0], self.properties)
        with seeded(seed), torch.no_grad():
            runs = [self.traced(nothing, X, layout) for _ in range(n)]
        sites = [drawn(trace) for trace, _ in runs]
        f, noise = (
            torch.stack([recorder.seen[0][i].double() for _, recorder in runs]) for i in (0, 1)
        )
        parameters = {name: torch.stack([site[name] for site in sites]) for name in sites[0]}
        return PriorDraws(parameters, f, noise)

    def log_likelihood(
        self,
        parameters: Mapping[str, Tensor],
        observations: Observations,
        X: Tensor,
        *,
        layout: Layout,
    ) -> Tensor:
        """Log p(y | sites) of draws of the sites, `n x ...` each; shape `n`."""
        observations = checked(observations, Observations, "observations")
        X, layout = checked(X, Tensor, "X"), checked(layout, Layout, "layout")
        measured, X = _measured(observations, X)
        out = []
        with torch.no_grad():
            for s in range(n_draws(parameters)):
                f, scale = self.evaluate(at(parameters, s), X, layout)
                out.append(measured.log_density(f, scale).sum())
        return torch.stack(out)

    def traced(
        self, observations: Observations, X: Tensor, layout: Layout
    ) -> tuple[poutine.Trace, Recorder]:
        """Run once, sites drawn from the prior; what was sampled and what was observed."""
        recorder = Recorder.of(observations)
        run = poutine.trace(DoublePrecision()(self.function))
        return run.get_trace(**self.inputs(X, layout), observations=recorder), recorder

    def evaluate(self, draw: dict[str, Tensor], X: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """Latent f, `n x m`, of rows `n x D` and noise sd, `m`, at one draw of the sites."""
        recorder = Recorder.of(Observations.empty(X.shape[0], self.properties))
        run = poutine.condition(DoublePrecision()(self.function), data=draw)
        f = run(**self.inputs(X, layout), observations=recorder)
        return recorder.checked(f)

    def _facts(self) -> dict[str, object]:
        maps = {name: feature_map.label for name, feature_map in self.maps}
        return {
            "function": self.function,
            "properties": self.properties,
            "features": maps,
            "sampler": self.sampler,
            "draws": self.n_draws,
        }


def _in_brackets(make: Callable[P, T]) -> Callable[P, T]:
    """A decorator that says how it is written to those who leave its brackets out."""

    @wraps(make)
    def called(*args: P.args, **keywords: P.kwargs) -> T:
        if args:
            raise ArgumentError(
                "bm.program is written with what it relates and reads, in brackets, above the "
                'function: @bm.program(properties=("Tb",), features={"phi": bm.ECFP()}).'
            )
        return make(*args, **keywords)

    return called


@_in_brackets
def program(
    *,
    properties: Sequence[str],
    features: Mapping[str, Featurizer | FeatureMap | ConditionMap | CompositeMap],
    sampler: Sampler | None = None,
    n_draws: int = 256,
) -> Callable[[Callable[..., Tensor]], Program]:
    """Turn a Pyro function into a prior that stands wherever a property graph stands.

    The function takes one tensor `n x k` per feature and `observations`; it returns the latent
    f, `n x m`, in model space (standardised, log where declared), and observes it by one call of
    ``observations.observe(f, scale)`` with a noise sd per property, shape `m`. Given its sample
    sites, rows must be independent; nothing else may be observed.

    Use it for structures that a `PropertyGraph` lacks: sparsity, hierarchies, laws with physical
    constants. Not for thousands of cells or discrete sites, and not where a graph will do: NUTS
    takes seconds to minutes.

    Args:
        properties: Names of the m outputs.
        features: Argument name -> featurizer, feature map, or ``bm.ConditionMap("T", "1/T")`` of a
            condition. An argument ``conditions`` is given all of them as they are, `n x c`, those
            with categories as one indicator for each category.
        sampler: `NUTS()` by default; `SMC()` or `Laplace()`.
        n_draws: Draws that the model keeps.

    Raises:
        ModelError: Arguments and features do not match, or properties repeat.

    Example:
        ::

            @bm.program(properties=("Tb", "Tm"), features={"phi": bm.ECFP()})
            def boiling_and_melting(phi, observations):
                w = pyro.sample("w", dist.Normal(0, 1).expand([phi.shape[-1], 2]).to_event(2))
                s = pyro.sample("s", dist.HalfNormal(1.0).expand([2]).to_event(1))
                f = phi @ w
                observations.observe(f, scale=s)
                return f
    """
    properties = names(properties, "properties")
    kinds = Mapping[str, Featurizer | FeatureMap | ConditionMap | CompositeMap]
    features = checked(features, kinds, "features")
    sampler, n_draws = checked(sampler, Sampler | None, "sampler"), checked(n_draws, int, "n_draws")
    maps = tuple(
        (name, FeatureMap((f,)) if isinstance(f, Featurizer) else f) for name, f in features.items()
    )

    def decorate(function: Callable[..., Tensor]) -> Program:
        return Program(function, tuple(properties), maps, sampler or NUTS(), n_draws)

    return decorate


def _at_top(module: str, path: str) -> object:
    """What a module calls by this name; the function, if that is a program. None if nothing."""
    found = getattr(import_module(module), path, None)
    return found.function if isinstance(found, Program) else found


def _named(
    module: str,
    path: str,
    properties: tuple[str, ...],
    maps: tuple[tuple[str, Features], ...],
    sampler: Sampler,
    n_draws: int,
) -> Program:
    function = _at_top(module, path)
    if not isinstance(function, FunctionType):
        raise ModelError(f"{module!r} has no function {path!r} any more: the program is gone.")
    return Program(function, properties, maps, sampler, n_draws)


def _measured(observations: Observations, X: Tensor) -> tuple[Observations, Tensor]:
    """Only rows that have a measured cell: the others do not inform a program."""
    if observations.n_cells == 0:
        return observations, X
    kept, rows = torch.unique(observations.rows, return_inverse=True)
    return replace(observations, rows=rows, n_rows=len(kept)), X[kept]
