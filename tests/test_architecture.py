"""The architecture holds: direction of dependence, ownership, sizes, manners.

The rules are functions in `tests/rules.py`. Each is applied to every file of the package, and each
is seen to fail on a planted snippet.
"""

import re
from pathlib import Path

import pytest

from tests.rules import RULES, Source, imports, is_under, sizes

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "bayesmat"
PRIVATE_FOLDERS = {".git", ".venv", "site", "demo_out", "dist", "build", "node_modules"}
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cff", ".ipynb", ".json", ".csv"}
MACHINE_PATH = re.compile(r"(?<![\w.:/~$})*-])/(?:home|root|Users|tmp|work|mnt|opt)/\w")


def sources() -> list[Source]:
    """Every file of the package but the doctest fixture."""
    paths = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "conftest.py")
    return [
        Source(".".join(p.relative_to(PACKAGE).with_suffix("").parts), p.read_text("utf-8"))
        for p in paths
    ]


def is_private(path: Path) -> bool:
    """Whether a path lies in a folder that make or a tool created."""
    parts = path.relative_to(ROOT).parts
    return any(part in PRIVATE_FOLDERS or part.endswith("_cache") for part in parts)


@pytest.mark.parametrize("rule", RULES)
def test_package_obeys(rule: str) -> None:
    offences = [
        f"{source.name}: {offence}" for source in sources() for offence in RULES[rule](source)
    ]
    assert not offences, "\n" + "\n".join(offences)


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "examples"])
def test_other_python_stays_small(folder: str) -> None:
    offences = [
        f"{path.relative_to(ROOT)}: {offence}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for offence in sizes(Source(path.stem, path.read_text("utf-8")))
    ]
    assert not offences, "\n" + "\n".join(offences)


def test_no_path_of_a_machine() -> None:
    offences = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in sorted(ROOT.rglob("*"))
        if path.suffix in TEXT and path.is_file() and not is_private(path)
        for line in path.read_text("utf-8").splitlines()
        if MACHINE_PATH.search(line)
    ]
    assert not offences, "\n" + "\n".join(offences)


def test_tests_mirror_the_package() -> None:
    unit = ROOT / "tests" / "unit"
    tests = {
        path.relative_to(unit).parent / path.stem.removeprefix("test_")
        for path in unit.rglob("test_*.py")
    }
    modules = {
        path.relative_to(PACKAGE).with_suffix("")
        for path in PACKAGE.rglob("*.py")
        if path.stem not in {"__init__", "__main__", "conftest"}
    }
    imported = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name, _ in imports(Source(path.stem, path.read_text("utf-8")))
    }
    untested = sorted(
        str(module)
        for module in modules
        if not module.name.startswith("_")
        and not any(covers(test, module) for test in tests)
        and not any(is_under(name, (".".join(("bayesmat", *module.parts)),)) for name in imported)
    )
    homeless = sorted(str(t) for t in tests if not any(covers(t, m) for m in modules))
    assert not untested, f"modules that no test names or imports: {untested}"
    assert not homeless, f"test files without a module: {homeless}"


def covers(test: Path, module: Path) -> bool:
    """Whether `test_<module>.py` or `test_<module>_<aspect>.py` in the same folder."""
    name = module.name.removeprefix("_")
    same = test.name == name or test.name.startswith(f"{name}_")
    return same and test.parent == module.parent


PLANTED = {
    "direction": [
        ("data.table", "from bayesmat.models.base import fit"),
        ("data.table", "import bayesmat.models"),
        ("data.table", "from bayesmat import fit"),
        ("design.sampler", "from bayesmat.data.table import PropertyTable"),
        ("design.sampler", "from bayesmat.models import base"),
        ("oracles.xtb", "from bayesmat.features.base import Layout"),
        ("explore.goals", "from bayesmat.check import domain"),
        ("plots", "from bayesmat.reporting import report"),
        ("plots.style", "from bayesmat.reporting import report"),
        ("errors", "from bayesmat.data.table import PropertyTable"),
        ("_repr", "from bayesmat.data.table import PropertyTable"),
        ("models.base", "from ..explore import goals"),
    ],
    "ownership": [
        ("oracles.base", "import tblite.interface"),
        ("explore.campaign", "from sqlalchemy import select"),
        ("models.graph", "from rdkit import Chem"),
        ("models.program", "from pyro.infer import MCMC"),
        ("reporting", "import matplotlib.pyplot as plt"),
    ],
    "import_place": [
        ("data.io", "def f():\n    import json"),
        ("models.base", "from ..data import table"),
    ],
    "sizes": [
        ("data.io", "x = 1\n" * 401),
        ("data.io", "def f():\n" + "    x = 1\n" * 60),
        ("data.io", "class A:\n    def f(self, a, b, c, d, *, e, f, g, h, i): ..."),
    ],
    "swallowed_keywords": [
        ("data.io", "def read(path, **options): ..."),
        ("data.io", "class A:\n    def __init__(self, **kwargs): ..."),
    ],
    "docstrings": [
        ("data.io", "x = 1"),
        ("data.io", '"""Module."""\ndef read(): ...'),
        ("data.io", '"""Module."""\nclass A:\n    """A."""\n    def read(self): ...'),
        ("data.io", '"""Module."""\n__all__ = ["read"]\ndef read(): ...'),
    ],
    "forbidden": [
        ("data.io", "hasattr(x, 'y')"),
        ("data.io", "eval('1')"),
        ("data.io", "import pickle"),
        ("data.io", "from joblib import dump"),
        ("data.io", "print(1)"),
        ("data.io", "assert x"),
        ("data.io", "torch.manual_seed(0)"),
        ("data.io", "np.random.seed(0)"),
        ("data.io", "np.random.normal()"),
        ("data.io", "random.shuffle(x)"),
        ("data.io", "pyro.set_rng_seed(0)"),
    ],
    "exports": [("data.__init__", '"""Data."""')],
    "seeds": [
        ("data.io", "f(seed=seed + 1)"),
        ("data.io", "f(self.seed + i)"),
        ("data.io", "f(7919 * pool_seed)"),
        ("data.io", "seed += 1"),
    ],
    "type_tests": [
        ("check.ppc", "isinstance(model, GraphModel)"),
        ("checkup", "isinstance(model, graph_model.GraphModel | ProgramModel)"),
        ("models.graph", "isinstance(prior, (Program, PropertyGraph))"),
    ],
}

INNOCENT = {
    "direction": [
        ("explore.campaign", "from bayesmat.check import domain"),
        ("models.base", "from bayesmat.data.table import PropertyTable"),
        ("models.base", "from .kernels import tanimoto"),
        ("models.base", "from bayesmat.errors import BayesmatError"),
        ("cli", "from bayesmat.reporting import report"),
        ("plots.posterior", "from .style import Chart"),
        ("design.sampler", "from bayesmat._repr import table"),
        ("__init__", "from bayesmat.models import fit"),
        ("data.__init__", "from .table import Property"),
    ],
    "ownership": [("inference.nuts", "from pyro.infer import MCMC"), ("data.table", "import pyro")],
    "import_place": [("models.base", "from . import kernels")],
    "sizes": [("data.io", 'def f():\n    """' + "long\n" * 80 + '"""\n' + "    x = 1\n" * 59)],
    "swallowed_keywords": [
        ("data.io", "def _read(**options): ..."),
        ("data.io", "def f():\n    def wrapped(**options): ..."),
        ("data.io", "class A(Model):\n    @override\n    def f(self, X, **kwargs): ..."),
    ],
    "docstrings": [
        ("data.io", '"""Module."""\ndef _read(): ...'),
        ("data.io", '"""Module."""\n__all__ = ["f"]\ndef helper(): ...'),
        ("data._raw", '"""Module."""\ndef read(): ...'),
    ],
    "forbidden": [
        ("data.io", "model.eval()"),
        ("data.io", "np.random.default_rng(0).normal()"),
        ("data.io", "generator = torch.Generator().manual_seed(0)"),
    ],
    "exports": [("data.__init__", "__all__ = []"), ("data.io", "x = 1")],
    "seeds": [("data.io", "f(spawn(seed, 'moves'))"), ("data.io", "seeds + [1]")],
    "type_tests": [
        ("models.program", "isinstance(found, Program)"),
        ("check.ppc", "isinstance(prior, GenerativePrior)"),
    ],
}


@pytest.mark.parametrize(
    ("rule", "name", "text"), [(r, n, t) for r, planted in PLANTED.items() for n, t in planted]
)
def test_rule_finds_the_planted_offence(rule: str, name: str, text: str) -> None:
    assert list(RULES[rule](Source(name, text)))


@pytest.mark.parametrize(
    ("rule", "name", "text"), [(r, n, t) for r, innocent in INNOCENT.items() for n, t in innocent]
)
def test_rule_accepts_the_innocent(rule: str, name: str, text: str) -> None:
    assert not list(RULES[rule](Source(name, text)))


def test_every_rule_has_a_planted_and_an_innocent_snippet() -> None:
    assert set(PLANTED) == set(RULES) == set(INNOCENT)


@pytest.mark.parametrize("text", ["open('{}/me/x.csv')", "{}/x", "data: {}/x"])
def test_machine_path_is_recognised(text: str) -> None:
    for folder in ("home", "root", "Users"):
        assert MACHINE_PATH.search(text.format(f"/{folder}"))


@pytest.mark.parametrize("text", ["https://a.org/home/x", "$(BIN)/opt/x", "tests/work/x", "~/x"])
def test_other_paths_are_not(text: str) -> None:
    assert not MACHINE_PATH.search(text)
