"""An oracle that misbehaves on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass

from bayesmat.data.properties import Property
from bayesmat.errors import OracleError
from bayesmat.oracles import Evaluation


@dataclass(frozen=True)
class Planted:
    """Answers by the material's name."""

    time_limit_s: float | None = 1.0
    digest: str = "planted"
    properties: tuple[Property, ...] = (Property("gap", "eV"),)

    def __call__(self, materials: Sequence[str]) -> tuple[Evaluation, ...]:
        return tuple(self.one(m) for m in materials)

    def one(self, material: str) -> Evaluation:
        if material == "raises":
            raise ZeroDivisionError("in the oracle")
        if material == "cannot":
            raise OracleError("the program is not installed")
        if material == "infinite":
            return Evaluation(material, {"gap": float("inf")})
        if material == "other":
            return Evaluation("another", {"gap": 1.0})
        return Evaluation(material, {"gap": float(len(material))}, {"gap": 0.1})
