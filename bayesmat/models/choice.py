"""The terms that a node has where its user names none: by kind of material, by conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bayesmat.data.table import Condition, Property, PropertyTable
from bayesmat.data.units import is_temperature
from bayesmat.errors import ModelError
from bayesmat.features.base import Featurizer
from bayesmat.features.composition import ElementStatistics
from bayesmat.features.conditions import ConditionMap
from bayesmat.features.label import Label
from bayesmat.features.molecule import ECFP
from bayesmat.features.polymer import RepeatUnitECFP
from bayesmat.models.kernels import ARD, Exchangeable, Kernel, Linear, Matern52, MinMax, Term
from bayesmat.models.product import Factor, product
from bayesmat.sources.embedding import CompositeMap, FeatureMap, Features

__all__ = ["Choice", "condition_maps"]

_KINDS: Mapping[str, tuple[Kernel, Featurizer, str]] = MappingProxyType(
    {
        "smiles": (MinMax(), ECFP(), "fingerprints"),
        "repeat_unit": (MinMax(), RepeatUnitECFP(), "fingerprints"),
        "composition": (Matern52(standardise=True), ElementStatistics(), "composition"),
        "id": (Exchangeable(), Label(), "samples"),
    }
)


@dataclass(frozen=True)
class Choice:
    r"""Terms for a table, with m(x) a kernel of the material and c one of the conditions.

    .. math:: k = w_m^2 m + w_l^2 t \cdot t' + w_c^2 c + w_s^2\, m\, (t \cdot t') + w_p^2\, m\, c

    The first term is what materials are on average, the next two what conditions do to all of them
    (a line in the continuous ones t, and a curve), the last two what they do to each: a slope and a
    curve of its own, alike for materials that are alike. c is a product of one smooth kernel for
    each continuous condition and an exchangeable one for each with categories. Recipes have c
    alone, with one ARD kernel over all continuous conditions.

    Attributes:
        layers: Feature maps of source networks.
        fingerprints: A count fingerprint in place of what suits the kind of material.
        descriptors: Named descriptors besides.
        conditions: How conditions are read; those of the table by default (`condition_maps`).
    """

    layers: tuple[FeatureMap, ...] = ()
    fingerprints: Featurizer | None = None
    descriptors: Featurizer | None = None
    conditions: tuple[ConditionMap, ...] | None = None

    @property
    def plain(self) -> tuple[Term, ...]:
        """The terms for molecules without conditions: those of a node that has not seen a table."""
        return self.terms("smiles")

    def __call__(self, property: str, table: PropertyTable) -> tuple[Term, ...]:
        """The terms of a property of a table.

        Raises:
            ModelError: There is nothing to read.
        """
        maps = self.conditions
        known = [c.name for c in table.conditions]
        if unknown := [m.condition for m in maps or () if m.condition not in known]:
            raise ModelError(
                f"{property!r} reads the conditions {unknown}, the table has "
                f"{known or 'no conditions'}: name them as the table does."
            )
        if maps is None:
            found = [p for p in table.properties if p.name == property]
            maps = condition_maps(table.conditions, found[0] if found else Property(property))
        given = {
            "sources": self.layers or None, "fingerprints": self.fingerprints,
            "descriptors": self.descriptors,
        }  # fmt: skip
        if table.kind == "recipe" and (
            idle := [name for name, part in given.items() if part is not None]
        ):
            raise ModelError(
                f"{property!r} is given {idle}, which describe materials, and the table holds "
                "recipes, which have none: leave them out, or name the column of materials when "
                "the table is read."
            )
        first: dict[str, Term] = {}
        for term in self.terms(table.kind, maps, table.conditions):
            first.setdefault(term.label, term)  # descriptors may be those of the kind of material
        if not first:
            raise ModelError(
                f"{property!r} has nothing to read: the table holds recipes, and no condition is "
                "named. Leave `conditions` out, or name some."
            )
        return tuple(first.values())

    def terms(
        self, kind: str, maps: tuple[ConditionMap, ...] = (), columns: tuple[Condition, ...] = ()
    ) -> tuple[Term, ...]:
        """The terms for a kind of material under conditions that are read through `maps`."""
        classes = {c.name for c in columns if c.categories is not None}
        smooth = tuple(m for m in maps if m.condition not in classes)
        coded = tuple(m for m in maps if m.condition in classes)
        if kind == "recipe":
            return _recipe_terms(smooth, coded)
        material = self._material(kind)
        terms = [Term(*material), *self._other_terms()]
        factors = _factors(smooth, coded)
        if not factors:
            return tuple(terms)
        line = (Linear(standardise=True), CompositeMap(smooth, "conditions")) if smooth else None
        if line is not None:
            terms.append(Term(*line, "conditions"))
        terms.append(_term(factors))
        if line is not None:
            terms.append(product(material[:2], line, group="conditions"))
        terms.append(product(material[:2], *factors, group="conditions"))
        return tuple(terms)

    def _material(self, kind: str) -> tuple[Kernel, Features, str]:
        """Kernel, features and group of the material's own term."""
        if self.fingerprints is not None:
            return MinMax(), FeatureMap((self.fingerprints,)), "fingerprints"
        kernel, featurizer, group = _KINDS[kind]
        return kernel, FeatureMap((featurizer,)), group

    def _other_terms(self) -> list[Term]:
        terms = []
        if self.layers:
            layers = CompositeMap(self.layers, "source networks")
            terms += [Term(Linear(), layers, "networks"), Term(Matern52(), layers, "networks")]
        if self.descriptors is not None:
            named = FeatureMap((self.descriptors,))
            terms += [
                Term(Linear(standardise=True), named, "descriptors"),
                Term(Matern52(standardise=True), named, "descriptors"),
            ]
        return terms


def condition_maps(conditions: Sequence[Condition], prop: Property) -> tuple[ConditionMap, ...]:
    """How conditions are read where nobody says: temperatures as 1/T for a property on a log scale.

    There, Arrhenius, van 't Hoff and Clausius-Clapeyron are lines.

    >>> T = (Condition("temperature", "degC"),)
    >>> [m.label for m in condition_maps(T, Property("Pvap", "Pa", "log"))]
    ['1/temperature']
    >>> [m.label for m in condition_maps(T, Property("Cp", "J/mol/K"))]
    ['temperature']
    """
    return tuple(
        ConditionMap(
            c.name, "1/T" if prop.scale == "log" and c.unit and is_temperature(c.unit) else None
        )
        for c in conditions
    )


def _factors(smooth: tuple[ConditionMap, ...], coded: tuple[ConditionMap, ...]) -> list[Factor]:
    one: list[Factor] = [(Matern52(standardise=True, ell_sd=1.0), m) for m in smooth]
    return [*one, *((Exchangeable(), m) for m in coded)]


def _term(factors: list[Factor]) -> Term:
    """One factor alone is a term, several a product."""
    if len(factors) > 1:
        return product(*factors, group="conditions")
    kernel, features = factors[0]
    return Term(kernel, features, "conditions")


def _recipe_terms(
    smooth: tuple[ConditionMap, ...], coded: tuple[ConditionMap, ...]
) -> tuple[Term, ...]:
    """One curve over all continuous conditions, a level for each category, and a curve for each."""
    classes: list[Factor] = [(Exchangeable(), m) for m in coded]
    terms = []
    if smooth:
        curve = ARD(), CompositeMap(smooth, "conditions")
        terms.append(Term(*curve, "conditions", weight=1.0, weight_sd=0.75))
        terms += [product(curve, *classes, group="conditions")] if classes else []
    return tuple([*terms, _term(classes)]) if classes else tuple(terms)
