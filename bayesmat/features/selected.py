"""Some columns of a featurizer, chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from bayesmat._arguments import names, settle
from bayesmat.errors import FeatureError

from .base import Featurizer

__all__ = ["Selected"]


@dataclass(frozen=True)
class Selected:
    """Named columns of another featurizer: the descriptors one has decided on.

    It computes all of them and keeps some, so it saves hyper-parameters, not time.

    Args:
        featurizer: Any featurizer.
        chosen: Names of its columns, in the order wanted.

    Raises:
        FeatureError: A name is not among its columns, or appears twice.

    >>> from bayesmat.features import CheapDescriptors
    >>> Selected(CheapDescriptors(), ("rings", "n_O"))(["OC1CC1"]).tolist()
    [[1.0, 1.0]]
    """

    featurizer: Featurizer
    chosen: tuple[str, ...]

    def __post_init__(self) -> None:
        settle(self)
        object.__setattr__(self, "chosen", tuple(self.chosen))
        unknown = [name for name in self.chosen if name not in self.featurizer.names]
        if unknown or not self.chosen or len(set(self.chosen)) < len(self.chosen):
            raise FeatureError(
                f"cannot select {list(self.chosen)} of {self.featurizer.id}: {unknown} are not "
                f"among its {len(self.featurizer.names)} columns, such as "
                f"{list(self.featurizer.names[:5])}; name at least one, each once."
            )

    @property
    def id(self) -> str:
        """Identifies the function: same id, same numbers."""
        return f"selected({','.join(self.chosen)})@{self.featurizer.id}"

    @property
    def names(self) -> tuple[str, ...]:
        """The chosen names."""
        return self.chosen

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """The chosen columns of `n` materials: `n x d`."""
        materials = names(materials, "materials")
        at = [self.featurizer.names.index(name) for name in self.chosen]
        return self.featurizer(materials)[:, at]
