"""What the doors of the package say was meant, by the kind of argument that they want."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args, get_origin

__all__ = ["meant"]

# By the name of the kind; a kind that is not here is named as it is.
_MEANT: Mapping[str, str] = MappingProxyType(
    {
        "Campaign": "give a campaign, from bm.Campaign.create(...) or bm.Campaign.open(url).",
        "CandidateSource": "wrap a list of materials, candidates=bm.Pool(materials).",
        "CellPredictions": "give predictions, from bm.check.loo(fitted) or bm.check.kfold(...).",
        "CompositeMap": "give a bm.FeatureMap of featurizers, like bm.FeatureMap((bm.ECFP(),)).",
        "Column": "give a column with its units, like bm.Column('eV', unit='hartree').",
        "Computed": "give a computed parent, like bm.Computed('gap_huckel').",
        "Condition": "give a condition with its unit, like bm.Condition('temperature', 'K').",
        "DataFrame": "give a pandas data frame.",
        "Edge": "give an edge from a property, like bm.Edge('gap_pbe').",
        "FeatureMap": "give a feature map, like bm.FeatureMap((bm.ECFP(),)).",
        "Features": "give a feature map, like bm.FeatureMap((bm.ECFP(),)).",
        "Featurizer": "give a featurizer, like bm.ECFP() or bm.features.CheapDescriptors().",
        "Fitted": "give a fit, from bm.fit(prior, table, seed=0).",
        "GenerativePrior": "give a prior, like bm.Transfer('gap') or a bm.program.",
        "HeldOut": "give held-out predictions, from bm.check.kfold(prior, table, seed=0).",
        "Integrator": "give an integrator, like bm.ImportanceIntegrator() or bm.SMCIntegrator().",
        "Iterable": "give a list.",
        "Kernel": "give a kernel, like bm.Matern52() or bm.MinMax().",
        "Layout": "give the layout that made X: fitted.layout, or models.layout_of(prior, table).",
        "Mapping": "give a mapping, like {'name': value}.",
        "MoveRule": "give a move, like bm.HMC().",
        "Node": "give a node, like bm.Node('gap', (term,)); bm.Transfer('gap') makes a graph.",
        "Oracle": "give an oracle, like bm.oracles.XTB() or bm.oracles.TableOracle(table).",
        "Path": "give the name of a file, like 'results.csv'.",
        "Prediction": "give a prediction, from fitted.predict(materials).",
        "Prior": "give a prior, like bm.Transfer('gap') or bm.PropertyGraph(nodes).",
        "Property": "give a property with its unit, like bm.Property('gap', 'eV').",
        "PropertyTable": "give a table, from bm.read_csv(path, ...) or bm.from_frame(frame, ...).",
        "Relevance": "give what bm.check.relevance(fitted) returns.",
        "RestorablePrior": "give the prior that was fitted; one of your own needs restore().",
        "Rule": "give an instance of a rule, such as bm.SpacierRule().",
        "Sequence": "give pairs of row numbers, (train, test), as bm.data.grouped_kfold does.",
        "Sampler": "give a sampler, like bm.NUTS() or bm.SMC().",
        "SmilesNGram": "give a language, like bm.design.SmilesNGram.fit(smiles).",
        "Sources": "give source networks, like sources=bm.zoo.load('molecule/starter').",
        "Tensor": "give a torch tensor, like torch.tensor([[1.0]], dtype=torch.float64).",
        "Term": "give a term, like bm.Term(bm.MinMax(), bm.FeatureMap((bm.ECFP(),)), 'counts').",
        "bool": "give True or False.",
        "float": "give a number, like 0.9.",
        "int": "give a whole number, like 8.",
        "ndarray": "give numbers, like [1.0, 2.5].",
        "str": "give text, like 'gap'.",
    }
)


def meant(kind: object) -> str:
    """What to give where a kind, or what an annotation says, is wanted.

    >>> meant(float), meant(tuple[float, float])
    ('give a number, like 0.9.', 'give 2 values, in brackets.')
    """
    origin, arms = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"give one of {', '.join(map(repr, arms))}."
    if origin is tuple and arms[-1:] != (Ellipsis,):
        return f"give {len(arms)} values, in brackets."
    kind = arms[0] if origin is tuple else origin or kind
    word = getattr(kind, "__name__", str(kind))
    default = f"give {'an' if word[0].lower() in 'aeiou' else 'a'} {word}."
    return _MEANT.get(word, default)
