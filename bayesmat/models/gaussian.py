r"""The exact core: one joint Gaussian over all cells (row, property), for S hyper-parameter sets.

Given hyper-parameters a linear graph is

.. math:: f_p(x) = \mu_p(x) + \sum_r \rho_{pr} f_r(x) + \delta_p(x), \qquad
          f = A(\mu + \delta), \quad A = (I - R)^{-1}, \quad R_{pr} = \rho_{pr}

so that the covariance of any two cells is
:math:`\sum_r A_{pr} A_{qr} k_r(x, x')` and any pattern of measured cells is conditioned on by one
Cholesky factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bayesmat.errors import ModelError
from bayesmat.models.kernels import Prepared, Term

__all__ = [
    "Conditioned",
    "Hyper",
    "JointPrior",
    "LogMarginal",
    "NodePrior",
    "Pair",
    "Phi",
    "cholesky",
    "condition",
    "positive_definite",
]

Hyper = Mapping[str, Tensor]
JITTERS = (1e-10, 1e-8, 1e-6)


Known = tuple[tuple[Tensor, Tensor] | None, ...]


@dataclass(frozen=True, eq=False)
class Phi:
    """The features of some rows: for every node, one matrix (shape `... x n x k`) per term.

    Attributes:
        terms: Per node, per term.
        computed: Per node, the standardised computed parent c and its flag (shape `... x n`
            each), or None.
    """

    terms: tuple[tuple[Tensor, ...], ...]
    computed: Known


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sets of rows, with all that their covariance needs besides hyper-parameters.

    Attributes:
        fixed: Per node, the values of the terms without lengthscales, `T x ... x n1 x n2`.
        varied: Per node, the statistics of the terms with lengthscales, `... x n1 x n2` each.
        given: Per node, the covariance of constant mean and computed parent, `... x n1 x n2` or
            one number.
        computed: The computed parents of the first rows.
        computed_too: Those of the second rows.
    """

    fixed: tuple[Tensor, ...]
    varied: tuple[tuple[Tensor, ...], ...]
    given: tuple[Tensor, ...]
    computed: Known
    computed_too: Known

    def take(self, index: Tensor) -> Pair:
        """The same at some of the rows, for one set of rows with itself (no batch)."""

        def both(matrix: Tensor, first: int) -> Tensor:
            return matrix.index_select(first, index).index_select(first + 1, index)

        def one(known: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor] | None:
            return None if known is None else (known[0][index], known[1][index])

        return Pair(
            tuple(both(values, 1) if len(values) else values for values in self.fixed),
            tuple(tuple(both(s, 0) for s in node) for node in self.varied),
            tuple(given if given.dim() == 0 else both(given, 0) for given in self.given),
            tuple(map(one, self.computed)),
            tuple(map(one, self.computed_too)),
        )


@dataclass(frozen=True, eq=False)
class NodePrior:
    r"""One node after it has seen the training features.

    .. math:: \mu + \delta = m + \rho c [b = 0] + \gamma_b [b > 0] + a(c) \sum_t w_t^2 k_t

    with m the constant mean, c the standardised computed parent, b its class (0: trusted), and the
    amplitude :math:`a(c) = e^{-\kappa s c}`, s the spread of the unstandardised parent.

    Attributes:
        name: The property.
        terms: The kernel terms of delta, with their prepared scales.
        prepared: One per term.
        edges: (index of the measured parent, name of the hyper-parameter rho).
        slope: Prior mean and sd of the coefficient of a computed parent.
        offset_sd: Prior sd of the offset gamma of flagged rows.
        mean_sd: Prior sd of the constant mean.
        noise: Name of the noise hyper-parameter (standard deviation in model space).
        kappa: Name of the amplitude hyper-parameter, or None.
        parent_sd: Spread of the computed parent before it was standardised.
        computed: Name of the computed parent.
    """

    name: str
    terms: tuple[Term, ...]
    prepared: tuple[Prepared, ...]
    edges: tuple[tuple[int, str], ...]
    slope: tuple[float, float]
    offset_sd: float
    mean_sd: float
    noise: str
    kappa: str | None
    parent_sd: float
    computed: str | None = None

    def weight_name(self, term: int) -> str:
        """Name of the hyper-parameter w of a term."""
        return f"{self.name}: w {self.terms[term].label}"

    def ell_names(self, term: int) -> tuple[str, ...]:
        """Names of the relative lengthscales of a term."""
        return tuple(f"{self.name}: ell {name}" for name in self.terms[term].lengthscales)


@dataclass(frozen=True, eq=False)
class JointPrior:
    """All nodes in topological order (parents first)."""

    nodes: tuple[NodePrior, ...]

    def mixing(self, hyper: Hyper, n_sets: int) -> Tensor:
        """The matrix A = (I - R)^-1, shape `S x m x m`."""
        m = len(self.nodes)
        relation = torch.zeros(n_sets, m, m, dtype=torch.float64)
        for p, node in enumerate(self.nodes):
            for parent, name in node.edges:
                relation[:, p, parent] = hyper[name]
        eye = torch.eye(m, dtype=torch.float64)
        return torch.linalg.solve_triangular(eye - relation, eye, upper=False)

    def mean(self, phi: Phi, hyper: Hyper, n_sets: int) -> Tensor:
        """Prior mean of f, shape `S x ... x n x m`."""
        own = []
        for r, node in enumerate(self.nodes):
            known = phi.computed[r]
            if known is None:
                own.append(torch.zeros(phi.terms[r][0].shape[:-1], dtype=torch.float64))
            else:
                c, flag = known
                own.append(torch.where(flag == 0, node.slope[0] * c, 0.0))
        mu = torch.stack(own, -1)
        mixing = self.mixing(hyper, n_sets)
        return torch.einsum("spr,...r->s...p", mixing, mu)

    def pair(self, phi1: Phi, phi2: Phi) -> Pair:
        """Everything about two sets of rows that hyper-parameters do not change."""
        fixed, varied, given = [], [], []
        for r, node in enumerate(self.nodes):
            values, statistics = [], []
            for t, (term, prepared) in enumerate(zip(node.terms, node.prepared, strict=True)):
                found = term.kernel.statistic(prepared, phi1.terms[r][t], phi2.terms[r][t])
                if term.lengthscales:
                    statistics.append(found)
                else:
                    values.append(term.kernel.value(found, None))
            fixed.append(torch.stack(values) if values else torch.zeros(0, 0, 0).double())
            varied.append(tuple(statistics))
            given.append(_given_parent(node, phi1.computed[r], phi2.computed[r]))
        return Pair(tuple(fixed), tuple(varied), tuple(given), phi1.computed, phi2.computed)

    def node_covariance(
        self, r: int, pair: Pair, hyper: Hyper, *, parts: Sequence[int] | None = None
    ) -> Tensor:
        """Covariance k_r of node r's own part, shape `S x ... x n1 x n2`.

        `parts` restricts the sum to some terms, without mean and computed parent.
        """
        node = self.nodes[r]
        chosen = range(len(node.terms)) if parts is None else parts
        total = self._terms(r, pair, hyper, chosen)
        if node.kappa is not None:
            a1 = _amplitude(pair.computed[r], hyper[node.kappa] * node.parent_sd)
            a2 = _amplitude(pair.computed_too[r], hyper[node.kappa] * node.parent_sd)
            total = a1[..., :, None] * total * a2[..., None, :]
        return total if parts is not None else total + pair.given[r]

    def _terms(self, r: int, pair: Pair, hyper: Hyper, chosen: Sequence[int]) -> Tensor:
        """The sum of w^2 k over some terms; those without lengthscales in one product."""
        node, total = self.nodes[r], torch.zeros((), dtype=torch.float64)
        free = [t for t, term in enumerate(node.terms) if not term.lengthscales]
        fixed = [t for t in free if t in chosen]
        if fixed:
            values = pair.fixed[r]
            if len(fixed) < len(free):
                values = values[[free.index(t) for t in fixed]]
            squares = torch.stack([hyper[node.weight_name(t)] for t in fixed], -1).square()
            shape = (*squares.shape[:-1], *values.shape[1:])
            total = (squares @ values.reshape(len(fixed), -1)).reshape(shape)
        varied = [t for t in range(len(node.terms)) if t not in free]
        for t in chosen:
            if t in free:
                continue
            ell = torch.stack([hyper[name] for name in node.ell_names(t)], -1)
            value = node.terms[t].kernel.value(pair.varied[r][varied.index(t)], ell)
            lead = (...,) + (None,) * (value.dim() - 1)
            total = total + hyper[node.weight_name(t)].square()[lead] * value
        return total

    def node_variance(self, r: int, phi: Phi, hyper: Hyper) -> Tensor:
        """The diagonal of `node_covariance`, shape `S x ... x n`."""
        node = self.nodes[r]
        total: Tensor = torch.zeros((), dtype=torch.float64)
        for t, (term, prepared) in enumerate(zip(node.terms, node.prepared, strict=True)):
            diagonal = term.kernel.diagonal(prepared, phi.terms[r][t])
            lead = (...,) + (None,) * diagonal.dim()
            total = total + hyper[node.weight_name(t)].square()[lead] * diagonal
        if node.kappa is not None:
            kappa = hyper[node.kappa] * node.parent_sd
            total = total * _amplitude(phi.computed[r], kappa).square()
        fixed = torch.full(phi.terms[r][0].shape[:-1], node.mean_sd**2, dtype=torch.float64)
        known = phi.computed[r]
        if known is not None:
            c, flag = known
            trusted = (node.slope[1] * c).square()
            fixed = fixed + torch.where(flag == 0, trusted, node.offset_sd**2)
        return total + fixed


def _given_parent(
    node: NodePrior,
    known1: tuple[Tensor, Tensor] | None,
    known2: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """Covariance of the constant mean, the slope and the offsets of a computed parent."""
    out = torch.tensor(node.mean_sd**2, dtype=torch.float64)
    if known1 is None or known2 is None:
        return out
    (c1, b1), (c2, b2) = known1, known2
    u1, u2 = torch.where(b1 == 0, c1, 0.0), torch.where(b2 == 0, c2, 0.0)
    out = out + node.slope[1] ** 2 * u1[..., :, None] * u2[..., None, :]
    alike = (b1[..., :, None] == b2[..., None, :]) & (b1 > 0)[..., :, None]
    return out + node.offset_sd**2 * alike


def _amplitude(known: tuple[Tensor, Tensor] | None, kappa: Tensor) -> Tensor:
    """The factor exp(-kappa c) on the discrepancy, 1 where c is flagged: `S x ... x n`."""
    if known is None:
        return torch.ones((), dtype=torch.float64)
    c, flag = known
    return torch.exp(-kappa[(...,) + (None,) * c.dim()] * torch.where(flag == 0, c, 0.0))


@dataclass(frozen=True, eq=False)
class Conditioned:
    """S Gaussians over k measured cells, factorised.

    Attributes:
        chol: Lower Cholesky factor of K + noise, shape `S x k x k`.
        alpha: (K + noise)^-1 (y - mean), shape `S x k`.
        log_marginal: log p(y | hyper-parameters), shape `S`.
    """

    chol: Tensor
    alpha: Tensor
    log_marginal: Tensor

    def some(self, sets: slice) -> Conditioned:
        """Those of some sets."""
        return Conditioned(self.chol[sets], self.alpha[sets], self.log_marginal[sets])


def cholesky(matrix: Tensor) -> Tensor:
    """Batched Cholesky factor, shape `S x k x k`.

    Only matrices that fail get a jitter of 1e-10, 1e-8, 1e-6 of their mean diagonal, so that
    exact conditioning stays exact; those that still fail are NaN, not an error.
    """
    factor, info = torch.linalg.cholesky_ex(matrix)
    for jitter in JITTERS:
        failed = info > 0
        if not failed.any():
            return factor
        bad = matrix[failed]
        size = torch.diagonal(bad, dim1=-2, dim2=-1).mean(-1)[:, None, None]
        eye = torch.eye(matrix.shape[-1], dtype=matrix.dtype)
        again, again_info = torch.linalg.cholesky_ex(bad + jitter * size * eye)
        factor, info = factor.clone(), info.clone()
        factor[failed], info[failed] = again, again_info
    return torch.where((info > 0)[:, None, None], torch.nan, factor)


def positive_definite(covariance: Tensor, *, scale: Tensor | None = None) -> Tensor:
    """A covariance as it should be but for rounding: symmetric, with a Cholesky factor.

    Look-alikes (equal or nearly equal rows, rows that were measured almost exactly) make a
    covariance singular, and rounding makes it indefinite. Only matrices that have no factor get
    the smallest sufficient multiple of the identity: 1e-14 ... 1e-6 of their scale.

    Args:
        covariance: Shape `... x n x n`.
        scale: Size of the numbers that were subtracted to make each, `...`; its largest diagonal
            element by default.

    Raises:
        ModelError: A matrix is not finite, or has no factor even so.
    """
    symmetric = (covariance + covariance.transpose(-1, -2)).mul_(0.5)
    if scale is None:
        scale = torch.diagonal(symmetric, dim1=-2, dim2=-1).abs().amax(-1)
    out, eye = symmetric, torch.eye(symmetric.shape[-1], dtype=symmetric.dtype)
    for jitter in (1e-14, 1e-12, 1e-10, 1e-8, 1e-6):
        failed = torch.linalg.cholesky_ex(out).info > 0
        if not failed.any():
            return out
        lifted = symmetric + (jitter * scale.clamp(min=1e-300))[..., None, None] * eye
        out = torch.where(failed[..., None, None], lifted, out)
    if (torch.linalg.cholesky_ex(out).info > 0).any():
        raise ModelError(
            "a covariance is not positive definite beyond rounding, or not finite: a kernel is no "
            "covariance function, or features are too large. Check kernels of your own."
        )
    return out


def condition(covariance: Tensor, residual: Tensor) -> Conditioned:
    r"""Factorise ``K`` (shape `S x k x k`, noise included) and solve for ``y - mean``.

    .. math:: \log p = -\tfrac12 r^\top K^{-1} r - \sum_i \log L_{ii} - \tfrac k2 \log 2\pi

    Sets whose matrix is not positive definite get log p = -inf.
    """
    chol = cholesky(covariance)
    white = torch.linalg.solve_triangular(chol, residual[..., None], upper=False)
    alpha = torch.linalg.solve_triangular(chol.transpose(-1, -2), white, upper=True)[..., 0]
    log_det = torch.diagonal(chol, dim1=-2, dim2=-1).log().sum(-1)
    k = residual.shape[-1]
    log_p = -0.5 * white.square().sum((-2, -1)) - log_det - 0.5 * k * math.log(2 * math.pi)
    return Conditioned(chol, alpha, torch.nan_to_num(log_p, nan=-math.inf, neginf=-math.inf))


class LogMarginal(torch.autograd.Function):
    r"""Log p(y) of S Gaussians, with its gradient in closed form.

    .. math:: \frac{\partial \log p}{\partial K} = \tfrac12 (\alpha \alpha^\top - K^{-1}), \qquad
              \frac{\partial \log p}{\partial r} = -\alpha, \qquad \alpha = K^{-1} r

    (Rasmussen and Williams 2006, eq. 5.9), several times cheaper than differentiating the
    factorisation. Where K is not positive definite, log p is -inf and the gradient 0.
    """

    @staticmethod
    def forward(context: Any, covariance: Tensor, residual: Tensor) -> Tensor:
        """Log p, `S`, of covariances `S x k x k` and residuals `S x k`."""
        found = condition(covariance, residual)
        context.save_for_backward(found.chol, found.alpha, found.log_marginal)
        return found.log_marginal

    @staticmethod
    @once_differentiable
    def backward(context: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients with respect to covariance and residual."""
        chol, alpha, log_p = context.saved_tensors
        good, weight = torch.isfinite(log_p), grads[0]
        if not good.all():
            eye = torch.eye(chol.shape[-1], dtype=chol.dtype)
            chol = torch.where(good[:, None, None], chol, eye)
            alpha = torch.where(good[:, None], alpha, 0.0)
            weight = torch.where(good, weight, 0.0)
        precision = torch.cholesky_inverse(chol)
        of_covariance = precision.baddbmm_(
            alpha[:, :, None], alpha[:, None, :], beta=-0.5, alpha=0.5
        ).mul_(weight[:, None, None])
        return of_covariance, -weight[:, None] * alpha
