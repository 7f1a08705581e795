"""The No-U-Turn sampler for Pyro programs: chains one after another, in double precision."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pyro
import torch
from pyro.infer import MCMC
from pyro.infer import NUTS as Kernel
from pyro.ops.stats import effective_sample_size, split_gelman_rubin
from pyro.poutine.messenger import Messenger
from torch import Tensor
from torch.distributions import Distribution, Transform
from tqdm.auto import tqdm

from bayesmat.errors import InferenceError

__all__ = ["NUTS", "DoublePrecision", "NUTSRun", "bulk_ess", "seeded", "split_r_hat"]


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


@dataclass(frozen=True, eq=False)
class NUTSRun:
    """Draws of several chains, by site, with what the sampler says about itself.

    Attributes:
        draws: Site -> draws in the site's own (constrained) space, `C x S x ...`, float64.
        divergences: Diverging transitions after warm-up, per chain.
        acceptance: Mean acceptance probability per chain.
        step_size: Adapted step size per chain.
        warmup: Warm-up transitions per chain.
        seconds: Wall time.
    """

    draws: Mapping[str, Tensor]
    divergences: tuple[int, ...]
    acceptance: tuple[float, ...]
    step_size: tuple[float, ...]
    warmup: int
    seconds: float

    @property
    def n_chains(self) -> int:
        """Number of chains C."""
        return len(self.step_size)

    @property
    def n_draws(self) -> int:
        """Draws per chain S."""
        return next(iter(self.draws.values())).shape[1]

    @property
    def min_bulk_ess(self) -> float:
        """The smallest bulk effective sample size over all scalars."""
        return min(float(_nan_to(bulk_ess(v), torch.inf).min()) for v in self.draws.values())

    @property
    def max_r_hat(self) -> float:
        """The largest rank-normalised split R-hat over all scalars."""
        return max(float(_nan_to(split_r_hat(v), -torch.inf).max()) for v in self.draws.values())

    @property
    def is_suspect(self) -> bool:
        """More than 1 % of the transitions diverged, or R-hat exceeds 1.05."""
        return sum(self.divergences) > 0.01 * self.n_chains * self.n_draws or self.max_r_hat > 1.05

    def flat(self, n: int | None = None) -> dict[str, Tensor]:
        """Chains joined, `C S x ...`; at most `n` evenly spaced draws of them."""
        total = self.n_chains * self.n_draws
        keep = torch.arange(total)
        if n is not None and n < total:
            keep = torch.linspace(0, total - 1, n, dtype=torch.float64).round().long()
        return {name: v.flatten(0, 1)[keep] for name, v in self.draws.items()}

    def __str__(self) -> str:
        text = (
            f"NUTS, {self.n_chains} chains x {self.n_draws} draws after {self.warmup} of warm-up, "
            f"{sum(self.divergences)} divergences, R-hat at most {self.max_r_hat:.3f}"
        )
        return text + ", NOT CONVERGED" if self.is_suspect else text


@dataclass(frozen=True, eq=False)
class _Chain:
    draws: dict[str, Tensor]
    divergences: int
    acceptance: float
    step_size: float


@dataclass(frozen=True)
class NUTS:
    """Settings of the No-U-Turn sampler (Hoffman and Gelman 2014, JMLR 15, 1593).

    Use it for up to some hundred smooth continuous parameters. It is the referee, not the
    default, for property graphs: seconds to minutes against a second. Not for discrete sites.

    Attributes:
        warmup: Transitions that adapt step size and mass matrix, and are thrown away.
        draws: Transitions that are kept, per chain.
        chains: Chains, run one after another from independent starts; two show R-hat.
        target_accept: Raise towards 0.95-0.99 against divergences.
        max_tree_depth: A transition costs at most ``2**max_tree_depth`` gradients.
        dense: Adapt a full mass matrix: for few, strongly correlated parameters.
        progress: Show a progress bar; None shows it on a terminal after two seconds.
    """

    warmup: int = 400
    draws: int = 400
    chains: int = 2
    target_accept: float = 0.8
    max_tree_depth: int = 8
    dense: bool = False
    progress: bool | None = None

    def __post_init__(self) -> None:
        counts = {"warmup": self.warmup, "draws": self.draws, "chains": self.chains}
        small = {k: v for k, v in counts.items() if v < (4 if k == "draws" else 1)}
        if small:
            raise InferenceError(
                f"NUTS was asked for {small}: it needs at least one step of warm-up, four draws "
                "and one chain."
            )
        if not 0 < self.target_accept < 1:
            raise InferenceError(
                f"target_accept is {self.target_accept}; it must lie between 0 and 1, like 0.9."
            )

    def __call__(self, model: Callable[[], object], *, seed: int) -> NUTSRun:
        """Sample the posterior of a Pyro model without arguments.

        The global generator, torch's default dtype and Pyro's parameter store are left as found.

        Args:
            model: A callable with `pyro.sample` statements, some of them observed.
            seed: Seeds the one stream of random numbers that all chains draw from in turn.

        Raises:
            InferenceError: No starting point with finite density was found, or a draw is not
                finite.
        """
        start = time.perf_counter()
        double = DoublePrecision()(model)
        chains: list[_Chain] = []
        total = self.chains * (self.warmup + self.draws)
        hidden = None if self.progress is None else not self.progress
        with (
            seeded(seed),
            tqdm(total=total, desc="NUTS", delay=2, disable=hidden) as bar,
        ):
            for _ in range(self.chains):
                chains.append(self._chain(double, bar))
        sites = chains[0].draws
        stacked = {name: torch.stack([c.draws[name] for c in chains]) for name in sites}
        wild = [name for name, v in stacked.items() if not torch.isfinite(v).all()]
        if wild:
            raise InferenceError(
                f"NUTS returned draws of {wild} that are not finite: the posterior is improper or "
                "overflows there. Give these sites priors with lighter tails."
            )
        return NUTSRun(
            stacked,
            tuple(c.divergences for c in chains),
            tuple(c.acceptance for c in chains),
            tuple(c.step_size for c in chains),
            self.warmup,
            time.perf_counter() - start,
        )

    def _chain(self, model: Callable[[], object], bar: tqdm) -> _Chain:
        kernel = Kernel(
            model,
            target_accept_prob=self.target_accept,
            max_tree_depth=self.max_tree_depth,
            full_mass=self.dense,
        )
        steps: list[float] = []

        def hook(kernel: Kernel, parameters: object, stage: str, i: int) -> None:
            bar.update()
            if i == 0:
                steps.append(float(kernel.step_size))

        sampler = MCMC(
            kernel,
            num_samples=self.draws,
            warmup_steps=self.warmup,
            disable_progbar=True,
            hook_fn=hook,
        )
        try:
            sampler.run()
        except ValueError as error:
            if "initial params" not in str(error):
                raise
            raise InferenceError(
                "NUTS found no starting point where the density is finite. Look for priors whose "
                "support excludes the data, for log or sqrt of negative numbers, and for NaN."
            ) from error
        said = sampler.diagnostics()
        return _Chain(
            sampler.get_samples(),
            len(said["divergences"]["chain 0"]),
            float(said["acceptance rate"]["chain 0"]),
            steps[-1],
        )


def bulk_ess(draws: Tensor) -> Tensor:
    """Effective sample size of the bulk, of rank-normalised split chains.

    Vehtari et al. 2021, doi:10.1214/20-BA1221.

    Args:
        draws: `C x S x ...` with at least four draws.

    Returns:
        Shape `...`; NaN where all draws are equal.

    >>> x = torch.randn(2, 500, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> 700 < float(bulk_ess(x)) < 1300
    True
    """
    half = draws.shape[1] // 2
    split = torch.cat([draws[:, :half], draws[:, -half:]])
    return _known(draws, effective_sample_size(_rank_normalised(split)))


def split_r_hat(draws: Tensor) -> Tensor:
    """R-hat of rank-normalised split chains, 1 at convergence; arguments as in `bulk_ess`."""
    return _known(draws, split_gelman_rubin(_rank_normalised(draws)))


def _rank_normalised(draws: Tensor) -> Tensor:
    """Normal scores of the ranks over all chains."""
    flat = draws.flatten(0, 1).double()
    ranks = flat.argsort(0).argsort(0).double() + 1.0
    scores = torch.special.ndtri((ranks - 0.375) / (flat.shape[0] + 0.25))
    return scores.reshape(draws.shape)


def _known(draws: Tensor, statistic: Tensor) -> Tensor:
    """NaN where all draws are equal."""
    constant = (draws == draws[:1, :1]).flatten(0, 1).all(0)
    return torch.where(constant, torch.nan, statistic)


def _nan_to(values: Tensor, fill: float) -> Tensor:
    return torch.where(values.isnan(), fill, values)
