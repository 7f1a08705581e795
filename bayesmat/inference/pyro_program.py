"""A Pyro program as a density over unconstrained vectors, evaluated for many vectors at once."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyro
import pyro.distributions as dist
import torch
from pyro import poutine
from pyro.poutine.messenger import Messenger
from torch import Tensor
from torch.distributions import Distribution, Transform, biject_to

from bayesmat._arguments import checked, seed_of
from bayesmat.errors import InferenceError

__all__ = ["DoublePrecision", "ProgramTarget", "noncentred", "seeded"]

Model = Callable[[], object]


class DoublePrecision(Messenger):
    """Draw every sample site in float64, whatever torch's default is.

    ``dist.Normal(0, 1)`` is single precision by torch's default, which cannot be multiplied with
    float64 features. The default is global and shared with other threads, so each site's
    distribution is converted instead.
    """

    def _pyro_sample(self, msg: dict[str, object]) -> None:
        msg["fn"] = _double(msg["fn"])


def _double(value: object) -> object:
    """A shallow copy of a distribution whose floating tensors are float64."""
    if isinstance(value, Tensor):
        return value.double() if value.is_floating_point() else value
    if isinstance(value, list | tuple) and any(isinstance(v, Transform) for v in value):
        return type(value)(_double(v) for v in value)
    if not isinstance(value, Distribution | Transform):
        return value
    twin = copy.copy(value)
    for name, attribute in vars(value).items():
        if name not in {"_inv", "_cached_x_y"}:
            twin.__dict__[name] = _double(attribute)
    return twin


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run Pyro on a forked generator and an empty parameter store; both are restored after."""
    with torch.random.fork_rng(devices=[]), pyro.get_param_store().scope():
        torch.random.default_generator.manual_seed(seed)
        yield


def noncentred(name: str, loc: Tensor | float, scale: Tensor | float) -> Tensor:
    r"""A normal site drawn as :math:`x = \mu + \sigma z, z \sim N(0, 1)`.

    Use it in programs for group effects whose scale is itself unknown: samplers explore
    (z, sigma) far better than the funnel of (x, sigma) when each group has few data. Not where
    every group is measured well: there the centred form is the better one (Betancourt and
    Girolami 2015, arXiv:1312.0906).

    Args:
        name: Site of x; z is the site `name_z`.
        loc: Location.
        scale: Scale; the shape of loc + scale is that of x.
    """
    name = checked(name, str, "name")
    shape = torch.broadcast_shapes(torch.as_tensor(loc).shape, torch.as_tensor(scale).shape)
    unit = dist.Normal(torch.zeros(shape, dtype=torch.float64), 1.0).to_event(len(shape))
    z = pyro.sample(f"{name}_z", unit)
    return pyro.deterministic(name, loc + scale * z)


@dataclass(frozen=True, eq=False)
class _Site:
    """One latent site: its transform to the support, and its part of the vector."""

    name: str
    transform: Any
    shape: torch.Size
    part: slice

    def is_like(self, other: _Site) -> bool:
        """Whether another run has the same site, on the same support."""
        if (self.name, self.shape) != (other.name, other.shape):
            return False
        u = torch.linspace(-1, 1, math.prod(self.shape), dtype=torch.float64).reshape(self.shape)
        x, y = self.transform(u), other.transform(u)
        return x.shape == y.shape and torch.allclose(x, y)


@dataclass(frozen=True, eq=False)
class ProgramTarget:
    r"""Log prior and log likelihood of a Pyro program on unconstrained vectors u.

    .. math:: \log p(u) = \sum_k \log p(x_k) + \log |\partial x_k / \partial u_k|, \quad
              x_k = T_k(u_k)

    with T the map from the real line to each site's support. Batches are evaluated by
    ``torch.func.vmap``, so that the program need not know of particles; a program with Python
    control flow on its draws is run in a loop instead.

    Attributes:
        model: The program, without arguments.
        sites: The latent sites in the order of u.
        is_vectorised: Whether batches are one evaluation.
    """

    model: Model
    sites: tuple[_Site, ...]
    is_vectorised: bool

    @staticmethod
    def of(model: Model, *, seed: int = 0) -> ProgramTarget:
        """Trace the program twice and find its sites.

        Raises:
            InferenceError: There is no latent site, or a discrete one; or sites, their shapes or
                their supports change from draw to draw.
        """
        seed = seed_of(seed)
        first, second = (_sites(trace) for trace in _prior_traces(model, 2, seed))
        moving = [a.name for a, b in zip(first, second, strict=False) if not a.is_like(b)]
        if moving or len(first) != len(second):
            raise InferenceError(
                f"The sites {moving or [s.name for s in first]} change from draw to draw in name, "
                "shape or support, so that parameters have no fixed space: draw every site always, "
                "and write a bound that depends on another site as a product, bound * fraction."
            )
        looped = ProgramTarget(model, first, False)
        u = looped.prior_draws(2, seed=seed)
        vectorised = ProgramTarget(model, first, True)
        return vectorised if _agree(vectorised, looped, u) else looped

    @property
    def dimension(self) -> int:
        """Length d of u."""
        return self.sites[-1].part.stop

    def prior_draws(self, n: int, *, seed: int) -> Tensor:
        """Independent draws of the prior, `n x d`."""
        n, seed = checked(n, int, "n"), seed_of(seed)
        rows = []
        for trace in _prior_traces(self.model, n, seed):
            values = [s.transform.inv(trace.nodes[s.name]["value"]).reshape(-1) for s in self.sites]
            rows.append(torch.cat(values))
        return torch.stack(rows)

    def constrained(self, u: Tensor) -> dict[str, Tensor]:
        """Values by site, `N x ...`, of vectors `N x d`."""
        with torch.no_grad():
            return {s.name: s.transform(u[:, s.part].reshape(-1, *s.shape)) for s in self.sites}

    def one(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Log prior and log likelihood of one vector, shape `d`."""
        log_prior = torch.zeros((), dtype=torch.float64)
        values = {}
        for site in self.sites:
            raw = u[site.part].reshape(site.shape)
            value = site.transform(raw)
            log_det = site.transform.log_abs_det_jacobian(raw, value)
            log_prior = log_prior + log_det.sum()
            values[site.name] = value
        conditioned = poutine.condition(DoublePrecision()(self.model), data=values)
        trace = poutine.trace(conditioned).get_trace()
        trace.compute_log_prob()
        log_likelihood = torch.zeros((), dtype=torch.float64)
        nodes: dict[str, Any] = dict(trace.nodes)
        for name, node in nodes.items():
            if node["type"] != "sample" or _is_bookkeeping(node):
                continue
            if name in values:
                log_prior = log_prior + node["log_prob_sum"]
            elif not node["is_observed"]:
                raise InferenceError(
                    f"The site {name!r} is drawn for some values of the others only: draw it "
                    "always, and ignore it where it plays no part."
                )
            else:
                log_likelihood = log_likelihood + node["log_prob_sum"]
        return log_prior, log_likelihood

    def __call__(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Log prior and log likelihood of vectors `N x d`, shape `N` each."""
        with pyro.validation_enabled(False), pyro.get_param_store().scope():
            if self.is_vectorised:
                log_prior, log_likelihood = torch.func.vmap(self.one)(u)
            else:
                pairs = [self.one(row) for row in u]
                log_prior, log_likelihood = (torch.stack(part) for part in zip(*pairs, strict=True))
        return log_prior, torch.where(log_likelihood.isnan(), -math.inf, log_likelihood)


def _prior_traces(model: Model, n: int, seed: int) -> list[poutine.Trace]:
    with seeded(seed), torch.no_grad(), pyro.validation_enabled(False):
        return [poutine.trace(DoublePrecision()(model)).get_trace() for _ in range(n)]


def _sites(trace: poutine.Trace) -> tuple[_Site, ...]:
    """The latent sites of a run, in order."""
    nodes: dict[str, Any] = dict(trace.nodes)
    sites: list[_Site] = []
    discrete, start = [], 0
    for name, node in nodes.items():
        if node["type"] != "sample" or node["is_observed"] or _is_bookkeeping(node):
            continue
        if node["fn"].support.is_discrete:
            discrete.append(name)
            continue
        transform = biject_to(node["fn"].support)
        shape = transform.inv(node["value"]).shape
        part = slice(start, start + math.prod(shape))
        sites.append(_Site(name, transform, shape, part))
        start = part.stop
    if discrete:
        raise InferenceError(
            f"The sites {discrete} are discrete, so the density has no gradient and no "
            "unconstrained form: sum them out, or use a continuous relaxation."
        )
    if not sites:
        raise InferenceError("The program has no latent sample site: nothing to infer.")
    return tuple(sites)


def _is_bookkeeping(node: dict[str, Any]) -> bool:
    """Plates, and deterministic values recorded as sites."""
    return type(node["fn"]).__name__ == "_Subsample" or bool(node["infer"].get("_deterministic"))


def _agree(vectorised: ProgramTarget, looped: ProgramTarget, u: Tensor) -> bool:
    with torch.no_grad():
        try:
            fast = vectorised(u)
        except (RuntimeError, ValueError, TypeError, NotImplementedError):
            return False
        slow = looped(u)
    return all(torch.allclose(a, b, equal_nan=True) for a, b in zip(fast, slow, strict=True))
