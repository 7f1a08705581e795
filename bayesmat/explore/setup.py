"""What the command line remembers beside a campaign, to open it with the same parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bayesmat._files import write_atomically, writing
from bayesmat.data.table import PropertyTable
from bayesmat.errors import BayesmatError, CampaignError, DataError
from bayesmat.explore.pool import Pool
from bayesmat.explore.written import jsonable
from bayesmat.features.huckel import COMPUTED
from bayesmat.models.computed import Computed
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.transfer import transfer_node
from bayesmat.oracles.xtb import XTB
from bayesmat.sources import zoo

__all__ = ["Setup"]


@dataclass(frozen=True)
class Setup:
    """What must be remembered beside a campaign's history to rebuild its prior and oracle."""

    properties: tuple[str, ...]
    kind: str
    use: tuple[str, ...]
    oracle: str
    pool: Pool | None = None

    @staticmethod
    def of(table: PropertyTable, use: Sequence[str] | None, oracle: str) -> Setup:
        """For a table; properties with classes are kept in it, and no model predicts them yet."""
        modelled = [p.name for p in table.properties if p.categories is None]
        return Setup(tuple(modelled or table.property_names), table.kind, tuple(use or ()), oracle)

    def prior(self) -> PropertyGraph:
        """The prior; trains or loads source networks if they are used."""
        asked = [name for name in self.use if name.partition(":")[0] == "networks"]
        unknown = [name for name in self.use if name not in asked and name not in COMPUTED]
        if unknown:
            raise DataError(
                f"--use {unknown} is unknown. Use networks, networks:NAME (bayesmat zoo list) or "
                f"{list(COMPUTED)}."
            )
        if len(asked) > 1:
            raise DataError(f"--use names {asked}: give one of them, their weights are learned.")
        named = asked[0].partition(":")[2] if asked else ""
        networks = zoo.load(*([named] if named else [])) if asked else None
        parents = tuple(Computed(name) for name in self.use if name in COMPUTED)
        nodes = (
            transfer_node(
                name,
                sources=networks,
                parents=parents if i == 0 else (),
            )
            for i, name in enumerate(self.properties)
        )
        return PropertyGraph(tuple(nodes))

    def calculator(self) -> XTB | None:
        """The oracle, None for a laboratory."""
        calculators = {"gfn1": XTB("GFN1-xTB"), "gfn2": XTB("GFN2-xTB"), "none": None}
        if self.oracle not in calculators:
            raise DataError(f"--oracle {self.oracle!r} is unknown. Give one of {[*calculators]}.")
        return calculators[self.oracle]

    def using(self, use: Sequence[str] | None) -> Setup:
        """The setup with other things to build on; `None` leaves them."""
        return self if use is None else replace(self, use=tuple(use))

    def choosing(self, pool: Pool | None) -> Setup:
        """The setup with a list to choose from."""
        return replace(self, pool=pool)

    @staticmethod
    def file(campaign: Path) -> Path:
        """Where the setup of a campaign is kept."""
        return campaign.with_name(campaign.name + ".json")

    def write(self, campaign: Path) -> None:
        """Keep the setup beside the campaign: the former one stands until the new one is whole."""
        said = {name: value for name, value in vars(self).items() if name != "pool"}
        if self.pool is not None:
            said["pool"] = jsonable(vars(self.pool))
        file, text = self.file(campaign), json.dumps(said, indent=1) + "\n"
        with writing(file, CampaignError):
            write_atomically(file, text.encode())

    @staticmethod
    def read(campaign: Path) -> Setup:
        """Read the setup of a campaign.

        Raises:
            CampaignError: It is absent or damaged.
        """
        file = Setup.file(campaign)
        try:
            stored = json.loads(file.read_text("utf-8"))
            lists = tuple(stored["properties"]), tuple(stored["use"])
            pool = Pool(**stored["pool"]) if stored.get("pool") else None
            return Setup(lists[0], str(stored["kind"]), lists[1], str(stored["oracle"]), pool)
        except (OSError, ValueError, KeyError, TypeError, BayesmatError) as error:
            raise CampaignError(
                f"{file} should say how the campaign was set up, and cannot be read ({error}). It "
                f"was written beside {campaign} by `campaign create`; put it back, or open the "
                "campaign from Python with its prior."
            ) from error
