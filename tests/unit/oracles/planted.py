"""Oracles that misbehave on purpose; in a module, so that worker processes can import them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bayesmat.data.properties import Property
from bayesmat.errors import OracleError
from bayesmat.oracles import Evaluation
from tests.unit.oracles.tasks import die, hang


@dataclass(frozen=True)
class Planted:
    """Answers by the material's name."""

    time_limit_s: float | None = 1.0
    digest: str = "planted"
    properties: tuple[Property, ...] = (Property("gap", "eV"),)

    def __call__(self, materials: Sequence[str]) -> tuple[Evaluation, ...]:
        return tuple(self.one(m) for m in materials)

    def one(self, material: str) -> Evaluation:
        if material == "hangs":
            hang()
        if material == "dies":
            die()
        if material == "raises":
            raise ZeroDivisionError("in the oracle")
        if material == "cannot":
            raise OracleError("the program is not installed")
        if material == "infinite":
            return Evaluation(material, {"gap": float("inf")})
        if material == "slow":
            time.sleep(0.4)
        if material == "other":
            return Evaluation("another", {"gap": 1.0})
        return Evaluation(material, {"gap": float(len(material))}, {"gap": 0.1})
