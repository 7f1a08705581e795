"""Tables of boiling points, or drawn from their prior, and how they are examined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesmat.check.doctor import Examination, examine
from bayesmat.data.table import Property, PropertyTable
from bayesmat.features import ECFP
from bayesmat.inference.grid import Grid, SMCIntegrator
from bayesmat.models.base import fit, layout_of
from bayesmat.models.graph import Node, PropertyGraph
from bayesmat.models.kernels import Matern52, MinMax, Term
from bayesmat.models.program import Program
from bayesmat.sources.embedding import FeatureMap
from tests.unit.models.helpers import space

# Boiling points at 101 kPa in K.
BOILING = {
    "CCC": 231.0, "CCCC": 272.7, "CCCCC": 309.2, "CCCCCC": 341.9, "CCCCCCC": 371.6,
    "CCCCCCCC": 398.8, "CCCCCCCCC": 424.0, "CCCCCCCCCC": 447.3, "C1CCCC1": 322.4,
    "C1CCCCC1": 353.9, "CO": 337.8, "CCO": 351.4, "CCCO": 370.3, "CC(C)O": 355.4,
    "CCCCO": 390.9, "CCCCCO": 411.1, "CCCCCCO": 430.2, "CC(C)=O": 329.2, "CCC(C)=O": 352.7,
    "CCCC(C)=O": 375.4, "CCC(=O)CC": 375.1, "CCCCC(C)=O": 400.8, "c1ccccc1": 353.2,
    "Cc1ccccc1": 383.8, "CCc1ccccc1": 409.3, "Cc1ccccc1C": 417.6, "C=Cc1ccccc1": 418.3,
    "Oc1ccccc1": 455.0, "Nc1ccccc1": 457.3, "Clc1ccccc1": 404.9, "CC(=O)O": 391.1,
    "CCC(=O)O": 414.3, "CCCC(=O)O": 436.4, "CCOC(C)=O": 350.2, "CCCOC(C)=O": 374.7,
    "CCCCOC(C)=O": 399.2, "CCOCC": 307.8, "CCCOCCC": 363.2, "C1CCOC1": 339.1,
    "c1ccncc1": 388.4, "CCCCN": 350.2, "CCCCCN": 377.6, "CC#N": 354.8, "CCC#N": 370.3,
    "ClC(Cl)Cl": 334.3, "CCCCCl": 351.6, "CCCCCCl": 381.5, "CCCCBr": 374.8,
}  # fmt: skip


def boiling(**changed: float) -> PropertyTable:
    values = np.array(list((BOILING | changed).values()))[:, None]
    return PropertyTable(tuple(BOILING), "smiles", (Property("Tb", "K"),), values)


def similar(name: str = "Tb") -> PropertyGraph:
    fingerprints = FeatureMap((ECFP(size=512),))
    term = Term(MinMax(), fingerprints, "fingerprints", weight=1.5, weight_sd=0.5)
    return PropertyGraph((Node(name, (term,), noise_sd=0.5),), Grid(n=1024))


def examined(table: PropertyTable, prior: PropertyGraph | Program) -> Examination:
    return examine(fit(prior, table, seed=0, explain=False))


def verdicts(found: Examination, topic: str) -> set[str]:
    return {finding.verdict for finding in found.about(topic)}


def well_specified(seed: int, n: int = 40) -> tuple[PropertyGraph, PropertyTable]:
    """A prior, and a table that was drawn from it."""
    term = (Term(Matern52(), space(), "smooth", weight=1.0, weight_sd=0.5),)
    prior = PropertyGraph((Node("a", term, noise=0.2, noise_sd=0.5),), SMCIntegrator())
    rng = np.random.default_rng(seed)
    keys = tuple(f"{u:.3f} {v:.3f}" for u, v in rng.uniform(-2, 2, (n, 2)))
    empty = PropertyTable(keys, "id", (Property("a", "K"),), np.zeros((n, 1)))
    layout = layout_of(prior, empty)
    draws = prior.sample(layout(keys), 1, layout=layout, seed=seed)
    y = draws.f[0, :, 0].numpy() + float(draws.noise_sd) * rng.normal(size=n)
    return prior, replace(empty, values=y[:, None])
