from . import check as check
from . import data as data
from . import design as design
from . import features as features
from . import oracles as oracles
from . import plots as plots
from .check import relevance as relevance
from .check import to_arviz as to_arviz
from .checkup import Checkup as Checkup
from .checkup import doctor as doctor
from .data import Column as Column
from .data import Condition as Condition
from .data import Observations as Observations
from .data import Property as Property
from .data import PropertyTable as PropertyTable
from .data import Rows as Rows
from .data import from_frame as from_frame
from .data import read_csv as read_csv
from .data import to_csv as to_csv
from .errors import BayesmatError as BayesmatError
from .explore.campaign import Campaign as Campaign
from .explore.candidates import MoleculeDesign as MoleculeDesign
from .explore.goals import AtLeast as AtLeast
from .explore.goals import AtMost as AtMost
from .explore.goals import Maximize as Maximize
from .explore.goals import Minimize as Minimize
from .explore.goals import Within as Within
from .explore.improvement import ImprovementRule as ImprovementRule
from .explore.pool import Pool as Pool
from .explore.pools import read_pool as read_pool
from .explore.select import ExpectedDistanceRule as ExpectedDistanceRule
from .explore.select import LiteralSpacierRule as LiteralSpacierRule
from .explore.select import ProbabilityRule as ProbabilityRule
from .explore.select import SpacierRule as SpacierRule
from .explore.space import ConditionSpace as ConditionSpace
from .features import ECFP as ECFP
from .features import ConditionMap as ConditionMap
from .inference.grid import Grid as Grid
from .inference.grid import SMCIntegrator as SMCIntegrator
from .inference.importance import ImportanceIntegrator as ImportanceIntegrator
from .inference.laplace import Laplace as Laplace
from .inference.moves import HMC as HMC
from .inference.nuts import NUTS as NUTS
from .inference.population import SMC as SMC
from .inference.pyro_program import noncentred as noncentred
from .models.base import Fitted as Fitted
from .models.base import fit as fit
from .models.computed import Computed as Computed
from .models.descriptors import DescriptorGP as DescriptorGP
from .models.graph import Edge as Edge
from .models.graph import Node as Node
from .models.graph import PropertyGraph as PropertyGraph
from .models.kernels import ARD as ARD
from .models.kernels import Exchangeable as Exchangeable
from .models.kernels import Linear as Linear
from .models.kernels import Matern52 as Matern52
from .models.kernels import MinMax as MinMax
from .models.kernels import Term as Term
from .models.prediction import Prediction as Prediction
from .models.product import product as product
from .models.program import Program as Program
from .models.program import program as program
from .models.saved import load_fit as load_fit
from .models.transfer import Transfer as Transfer
from .reporting import report as report
from .sources import FeatureMap as FeatureMap
from .sources import zoo as zoo

__version__: str

__all__ = [
    "ARD",
    "ECFP",
    "HMC",
    "NUTS",
    "SMC",
    "AtLeast",
    "AtMost",
    "BayesmatError",
    "Campaign",
    "Checkup",
    "Column",
    "Computed",
    "Condition",
    "ConditionMap",
    "ConditionSpace",
    "DescriptorGP",
    "Edge",
    "Exchangeable",
    "ExpectedDistanceRule",
    "FeatureMap",
    "Fitted",
    "Grid",
    "ImportanceIntegrator",
    "ImprovementRule",
    "Laplace",
    "Linear",
    "LiteralSpacierRule",
    "Matern52",
    "Maximize",
    "MinMax",
    "Minimize",
    "MoleculeDesign",
    "Node",
    "Observations",
    "Pool",
    "Prediction",
    "ProbabilityRule",
    "Program",
    "Property",
    "PropertyGraph",
    "PropertyTable",
    "Rows",
    "SMCIntegrator",
    "SpacierRule",
    "Term",
    "Transfer",
    "Within",
    "check",
    "data",
    "design",
    "doctor",
    "features",
    "fit",
    "from_frame",
    "load_fit",
    "noncentred",
    "oracles",
    "plots",
    "product",
    "program",
    "read_csv",
    "read_pool",
    "relevance",
    "report",
    "to_arviz",
    "to_csv",
    "zoo",
]
