"""`import bayesmat` is light, offers what its stub lists, and a first fit is silent."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import bayesmat as bm
from bayesmat import cli, commands

HEAVY = (
    "arviz", "botorch", "gpytorch", "matplotlib", "numpy", "pandas", "pint", "pymatgen", "pyro",
    "rdkit", "scipy", "skfp", "sqlalchemy", "tblite", "torch",
)  # fmt: skip
FIRST_FIT = """
import bayesmat as bm
from pandas import DataFrame
materials = ["C" * n + "O" for n in range(1, 9)]
rows = DataFrame({"smiles": materials, "y": [0.1 * n + 0.01 * (n % 3) for n in range(8)]})
table = bm.from_frame(rows, material="smiles", properties={"y": "eV"})
fitted = bm.fit(bm.Transfer("y"), table, seed=0)
fitted.predict("CCCO")
bm.doctor(fitted)
"""


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("name", bm.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(bm, name).__doc__
    assert name in dir(bm)


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Trnasfer"):
        _ = bm.Trnasfer


def test_the_version_is_that_of_the_distribution() -> None:
    assert bm.__version__.split(".")[0].isdigit()
    assert bm.report is sys.modules["bayesmat.reporting"].report


@pytest.mark.parametrize("module", ["bayesmat", "bayesmat.cli"])
def test_heavy_libraries_wait_until_they_are_needed(module: str) -> None:
    code = f"import sys, time, {module}; print(time.process_time(), *sys.modules)"
    seconds, *modules = _run("-c", code).stdout.split()
    assert not set(HEAVY) & set(modules)
    # Asked are 1.5 s for the import and 0.5 s for the help; 0.1 and 0.3 s are usual.
    assert float(seconds) < 1.5


def test_help_needs_no_heavy_library() -> None:
    code = (
        "import sys; from bayesmat.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    words = _run("-c", code).stdout.split()
    assert "campaign" in words
    assert not set(HEAVY) & set(words)


def test_a_first_fit_warns_of_nothing() -> None:
    assert "arning" not in _run("-c", FIRST_FIT).stderr


def test_the_command_line_uses_what_commands_offers() -> None:
    files = Path(cli.__file__).parent.glob("*.py")
    used = {n for f in files for n in re.findall(r"\bcommands\.(\w+)", f.read_text("utf-8"))}
    assert used == set(commands.__all__)
    assert used <= set(vars(commands))
