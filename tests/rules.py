"""The rules of the house as functions from a source file to its offences.

Each rule takes a `Source` and yields sentences; `tests/test_architecture.py` applies all of them to
the whole package and shows, on planted snippets, that each can fail.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 8

# What every layer may import: how to complain, to show a record as a table, to test libraries.
GROUND = (
    "errors", "_repr", "_arguments", "_bounds", "_counted", "_deferred", "_files", "_meant",
    "_probe", "_version",
)  # fmt: skip
# What a layer may import besides itself and the ground. `design` knows materials, not tables.
LAYERS: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "_repr": frozenset(),
    "_arguments": frozenset(),
    "_bounds": frozenset(),
    "_counted": frozenset(),
    "_deferred": frozenset(),
    "_files": frozenset(),
    "_meant": frozenset(),
    "_probe": frozenset(),
    "_version": frozenset(),
    "data": frozenset(),
    "inference": frozenset(),
    "features": frozenset({"data"}),
    "sources": frozenset({"data", "features"}),
    "models": frozenset({"data", "features", "sources", "inference"}),
    "spectra": frozenset({"data", "features", "sources", "inference", "models"}),
    "check": frozenset({"data", "features", "sources", "inference", "models"}),
    "design": frozenset({"data.materials", "data.cache", "inference"}),
    "oracles": frozenset({"data"}),
    "explore": frozenset(
        {"data", "features", "sources", "inference", "models", "design", "oracles"}
    ),
    "explore.campaign": frozenset({"check"}),
}
# The top of the house, lowest first; each may import what stands before it and every layer.
TOP = ("plots", "pages", "reporting", "checkup", "demo", "commands", "cli", "__init__")

# One file (or one folder) owns each heavy or opinionated library.
OWNERS: dict[str, tuple[str, ...]] = {
    "arviz": ("check.arviz",),
    "chemicals": ("data", "features"),
    "dask": ("oracles.cluster",),
    "distributed": ("oracles.cluster",),
    "matminer": ("features",),
    "matplotlib": ("plots",),
    "openpyxl": ("data.workbook",),
    "phono3py": ("oracles.crystal",),
    "phonopy": ("oracles.crystal",),
    "pint": ("data",),
    "pooch": ("data",),
    "pymatgen": ("data", "features", "oracles.crystal"),
    "pyro.infer": ("inference.nuts",),
    "pyscf": ("oracles.dft",),
    "rdkit": ("data", "features", "design", "oracles", "plots", "reporting"),
    "safetensors": ("sources", "inference.checkpoint", "models.stored"),
    "sevenn": ("oracles.crystal",),
    "skfp": ("features", "design"),
    "sqlalchemy": ("explore.store", "explore._schema"),
    "tblite": ("oracles.xtb",),
    "typer": ("cli",),
}

# Kinds of priors and models: nobody else asks which one something is.
KINDS = {
    "PropertyGraph": "models.graph",
    "GraphModel": "models.graph_model",
    "Program": "models.program",
    "ProgramModel": "models.program_model",
}

FORBIDDEN_CALLS = {
    "hasattr": "ask the type, or declare the field",
    "eval": "never run text",
    "exec": "never run text",
    "print": "log, or let the command line speak",
    "torch.manual_seed": "take a seed and make a torch.Generator",
    "torch.seed": "take a seed and make a torch.Generator",
    "torch.set_default_dtype": "float64 is set at the boundary",
    "torch.load": "weights are stored as safetensors",
    "torch.save": "weights are stored as safetensors",
    "pyro.set_rng_seed": "fork the generator",
    "pyro.util.set_rng_seed": "fork the generator",
}
FORBIDDEN_IMPORTS = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve"})
NUMPY_RANDOM = frozenset({"default_rng", "Generator", "SeedSequence", "PCG64", "BitGenerator"})
STANDARD_RANDOM = frozenset({"Random", "SystemRandom"})


@dataclass(frozen=True)
class Source:
    """One file of the package: its dotted name below the package, and its text."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @property
    def is_package(self) -> bool:
        """Whether this is an `__init__`."""
        return self.name.split(".")[-1] == "__init__"


def layer_of(name: str) -> str:
    """The sub-package or top-level module a dotted name belongs to."""
    return name.split(".")[0]


def imports(source: Source) -> Iterator[tuple[str, int]]:
    """Every imported name, absolute, with its line; `from a import b` gives `a.b`."""
    here = source.name.split(".")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ["bayesmat", *here[: len(here) - node.level]] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{stem}.{alias.name}", node.lineno) for alias in node.names)


def is_under(name: str, roots: frozenset[str] | tuple[str, ...]) -> bool:
    """Whether a dotted name is one of the roots or lies below one."""
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def direction(source: Source) -> Iterator[str]:
    """Imports point downward only."""
    layer = layer_of(source.name)
    if layer in TOP:
        allowed = frozenset(LAYERS) | frozenset(TOP[: TOP.index(layer)])
    else:
        allowed = LAYERS.get(layer, frozenset()) | LAYERS.get(source.name, frozenset())
    allowed |= {*GROUND, layer}
    for name, line in imports(source):
        if name.split(".")[0] != "bayesmat":
            continue
        inner = name.removeprefix("bayesmat").lstrip(".")
        if not is_under(inner, allowed):
            yield f"line {line}: {layer} may not import {name}"


def ownership(source: Source) -> Iterator[str]:
    """A heavy library is imported by its owner only."""
    for name, line in imports(source):
        for library, owners in OWNERS.items():
            if is_under(name, (library,)) and not is_under(source.name, owners):
                yield f"line {line}: {library} belongs to {', '.join(owners)}"


def import_place(source: Source) -> Iterator[str]:
    """Imports stand at the top; relative inside a sub-package, absolute across."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = (n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom))
            yield from (f"line {n.lineno}: import inside {node.name}" for n in inner)
        if isinstance(node, ast.ImportFrom) and node.level > 1:
            yield f"line {node.lineno}: relative import that leaves the sub-package"


def sizes(source: Source) -> Iterator[str]:
    """Files, functions (without their docstring) and signatures stay small."""
    n_lines = len(source.text.splitlines())
    if n_lines > MAX_FILE_LINES:
        yield f"{n_lines} lines, at most {MAX_FILE_LINES}"
    for node in functions(source.tree):
        n_lines = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring_lines(node)
        if n_lines > MAX_FUNCTION_LINES:
            yield f"line {node.lineno}: {node.name} has {n_lines} lines"
        n_parameters = len(parameters(node))
        is_command = source.name.split(".")[0] == "cli"  # whose parameters are its options
        if n_parameters > MAX_PARAMETERS and not is_command:
            yield f"line {node.lineno}: {node.name} takes {n_parameters} parameters"


def swallowed_keywords(source: Source) -> Iterator[str]:
    """No public signature takes `**kwargs`: a misspelt keyword must be an error.

    A method marked `@override` keeps the signature of the library's class it stands in for.
    """
    inner = {
        id(node)
        for outer in functions(source.tree)
        for node in functions(outer)
        if node is not outer
    }
    for node in functions(source.tree):
        if node.args.kwarg is None or id(node) in inner or has_decorator(node, {"override"}):
            continue
        if is_public(node.name) or is_magic(node.name):
            yield f"line {node.lineno}: {node.name} takes **{node.args.kwarg.arg}"


def docstrings(source: Source) -> Iterator[str]:
    """Modules and their public functions, classes and methods explain themselves.

    At the top of a module, public is what `__all__` lists; without one, what has no underscore.
    """
    if ast.get_docstring(source.tree) is None:
        yield "no module docstring"
    if not is_public(source.name.split(".")[-1]) and not source.is_package:
        return
    listed = exported(source)
    tops = [
        node
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and (is_public(node.name) if listed is None else node.name in listed)
    ]
    bodies = [tops, *(node.body for node in tops if isinstance(node, ast.ClassDef))]
    for body in bodies:
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or not is_public(node.name):
                continue
            # The docstring of an overload, override or setter stands elsewhere.
            elsewhere = has_decorator(node, {"overload", "override", "setter"})
            if ast.get_docstring(node) is None and not elsewhere:
                yield f"line {node.lineno}: {node.name} has no docstring"


def forbidden(source: Source) -> Iterator[str]:
    """No `hasattr`, `eval`, pickle, print, `assert` or global random state."""
    for name, line in imports(source):
        if layer_of(name) in FORBIDDEN_IMPORTS:
            yield f"line {line}: {name} executes what it reads"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert vanishes under -O; raise an error of the tree"
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        if called in FORBIDDEN_CALLS:
            yield f"line {node.lineno}: {called}: {FORBIDDEN_CALLS[called]}"
        parent, _, function = called.rpartition(".")
        if parent in {"np.random", "numpy.random"} and function not in NUMPY_RANDOM:
            yield f"line {node.lineno}: {called} uses the global generator"
        if parent == "random" and function not in STANDARD_RANDOM:
            yield f"line {node.lineno}: {called} uses the global generator"


def seeds(source: Source) -> Iterator[str]:
    """Streams of random numbers are made by `spawn`, never by arithmetic on a seed."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.BinOp | ast.AugAssign):
            sides = [node.target] if isinstance(node, ast.AugAssign) else [node.left, node.right]
            for side in sides:
                name = dotted(side).split(".")[-1]
                if name == "seed" or name.endswith("_seed"):
                    yield f"line {node.lineno}: arithmetic on {name}; neighbours repeat each other"


def type_tests(source: Source) -> Iterator[str]:
    """Priors and models answer questions (`models.model`); only their own file asks their type."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted(node.func) in {"isinstance", "issubclass"}:
            names = {dotted(n).split(".")[-1] for kind in node.args[1:] for n in ast.walk(kind)}
            for name in sorted(names & set(KINDS)):
                if source.name != KINDS[name]:
                    yield f"line {node.lineno}: asks for {name}; let the model answer instead"


def exports(source: Source) -> Iterator[str]:
    """Every `__init__` says what is public."""
    if source.is_package and exported(source) is None:
        yield "no __all__"


RULES: dict[str, Callable[[Source], Iterator[str]]] = {
    "direction": direction,
    "ownership": ownership,
    "import_place": import_place,
    "sizes": sizes,
    "swallowed_keywords": swallowed_keywords,
    "docstrings": docstrings,
    "forbidden": forbidden,
    "exports": exports,
    "seeds": seeds,
    "type_tests": type_tests,
}


def exported(source: Source) -> frozenset[str] | None:
    """The names in `__all__`, or None where there is none."""
    for node in source.tree.body:
        if not isinstance(node, ast.Assign):
            continue
        if "__all__" in {dotted(n) for target in node.targets for n in ast.walk(target)}:
            return frozenset(
                str(n.value) for n in ast.walk(node.value) if isinstance(n, ast.Constant)
            )
    return None


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The names of the parameters, without `self` and `cls`."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [a.arg for a in every if a.arg not in {"self", "cls"}]


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The number of lines the docstring takes."""
    if ast.get_docstring(node) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def is_public(name: str) -> bool:
    """Whether a name is offered to users."""
    return not name.startswith("_")


def is_magic(name: str) -> bool:
    """Whether a name is one of Python's own."""
    return name.startswith("__") and name.endswith("__")


def has_decorator(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, names: set[str]
) -> bool:
    """Whether one of the decorators carries one of the names."""
    return any(dotted(d).split(".")[-1] in names for d in node.decorator_list)


def dotted(node: ast.AST) -> str:
    """The dotted name of an expression, empty where it has none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        parent = dotted(node.value)
        return f"{parent}.{node.attr}" if parent else ""
    return ""
