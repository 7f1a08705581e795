"""A deferred module is not imported by what others do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bayesmat._deferred import Deferred


def test_the_command_line_and_the_library_can_be_imported_in_any_order() -> None:
    """Importing torch looks at every module there is, and must not import commands half-way."""
    code = "import bayesmat.cli; from bayesmat.explore import campaign"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_unknown() -> None:
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = Deferred("math").nothing_of_the_kind
