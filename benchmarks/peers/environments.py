"""Build the virtual environment of a peer once and run scripts in it.

`python -m benchmarks.peers.environments xenonpy` builds one and says where it is.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayesmat.data.cache import cache_dir

_log = logging.getLogger(__name__)


class PeerError(RuntimeError):
    """A peer cannot be installed or run here; the message says why."""


@dataclass(frozen=True)
class Peer:
    """What to install and which interpreters can run it.

    Attributes:
        name: Folder of the environment.
        requirements: Pinned packages.
        pythons: Versions that it runs on, best first.
        probe: Statement that must run after installation.
    """

    name: str
    requirements: tuple[str, ...]
    pythons: tuple[str, ...]
    probe: str

    @property
    def folder(self) -> Path:
        """Where the environment is or will be."""
        return cache_dir() / "peers" / self.name

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    @property
    def is_built(self) -> bool:
        """Whether the environment was built to the end."""
        return (self.folder / "built").exists()


PEERS = {
    "xenonpy": Peer(
        name="xenonpy-0.6.7",
        requirements=(
            "xenonpy==0.6.7",
            "pandas==1.5.3",
            "numpy==1.26.4",
            "rdkit==2023.9.6",
            "scipy==1.13.1",
            "scikit-learn==1.6.1",
            "torch==2.8.0",
        ),
        pythons=("3.9",),
        probe="from xenonpy.inverse.iqspr import NGram",
    ),
    "baybe": Peer(
        name="baybe-0.15.0",
        requirements=("baybe==0.15.0", "botorch==0.18.1", "gpytorch==1.15.2", "torch==2.13.0"),
        pythons=("3.11",),
        probe="import baybe",
    ),
}


def build(peer: Peer) -> Path:
    """Return the peer's interpreter, building its environment first if needed (minutes).

    Raises:
        PeerError: No interpreter fits, or the installation fails.
    """
    if peer.is_built:
        return peer.python
    interpreter = next(_interpreters(peer.pythons), None)
    if interpreter is None:
        raise PeerError(
            f"{peer.name} needs Python {' or '.join(peer.pythons)}, which was found neither on "
            "the PATH nor in pyenv; install it and run again"
        )
    shutil.rmtree(peer.folder, ignore_errors=True)
    _log.info("building %s with %s in %s", peer.name, interpreter, peer.folder)
    _call(peer, interpreter, "-m", "venv", str(peer.folder))
    quiet = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _call(peer, str(peer.python), *quiet, *peer.requirements)
    _call(peer, str(peer.python), "-W", "ignore", "-c", peer.probe)
    (peer.folder / "built").write_text("\n".join(peer.requirements) + "\n")
    return peer.python


def run(peer: Peer, script: Path, question: dict[str, Any], *, time_limit_s: float) -> Any:
    """Run a script in the peer's environment: JSON on its stdin, JSON on its last line.

    Raises:
        PeerError: It cannot be built, fails, or takes too long.
    """
    text = _call(
        peer, str(build(peer)), "-W", "ignore", str(script),
        stdin=json.dumps(question), time_limit_s=time_limit_s,
    )  # fmt: skip
    return json.loads(text.strip().splitlines()[-1])


def _interpreters(versions: tuple[str, ...]) -> Iterator[str]:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in versions:
        found = [str(p / "bin" / "python") for p in sorted(root.glob(f"{version}.*"))]
        on_path = shutil.which(f"python{version}")
        for candidate in [*found, *([on_path] if on_path else [])]:
            code = "import sys; print('%d.%d' % sys.version_info[:2])"
            answer = subprocess.run([candidate, "-c", code], capture_output=True, text=True)
            if answer.returncode == 0 and answer.stdout.strip() == version:
                yield candidate


def _call(peer: Peer, *command: str, stdin: str = "", time_limit_s: float | None = None) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=environment,
            timeout=time_limit_s,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"{peer.name} took longer than {time_limit_s} s") from error
    if done.returncode != 0:
        raise PeerError(f"{peer.name}: {' '.join(command[:5])} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def main() -> None:
    """Build one peer's environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=sorted(PEERS))
    logging.basicConfig(level=logging.INFO)
    print(build(PEERS[parser.parse_args().peer]))


if __name__ == "__main__":
    main()
