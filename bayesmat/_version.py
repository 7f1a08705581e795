"""Versions of the installed distribution, and of the packages that numbers may depend on."""

from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "bayesmat", "botorch", "numpy", "pyro-ppl", "rdkit", "scikit-fingerprints", "tblite", "torch",
)  # fmt: skip

try:
    __version__ = version("bayesmat")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"


def versions() -> dict[str, str]:
    """Versions of the packages that numbers may depend on: recorded, not compared."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
