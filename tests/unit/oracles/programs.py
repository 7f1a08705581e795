"""A task that waits for a program; apart from the others, whose module is imported at once."""

import os
import sys

from bayesmat.data.properties import Property
from bayesmat.oracles import CommandOracle


def wait_for_a_program(path: str) -> None:
    """Write the numbers of this process and of a program that an oracle waits for."""
    words = f"open({path!r}, 'w').write(f'{os.getpid()} {{os.getpid()}}\\n')"
    command = (sys.executable, "-c", f"import os, time; {words}; time.sleep(60)")
    CommandOracle(command, (Property("gap", "eV"),), "1", time_limit_s=60.0)(["C"])
