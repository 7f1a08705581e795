"""Where bayesmat keeps what it can always compute or download again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from bayesmat._files import writing

__all__ = ["cache_dir"]


def cache_dir() -> Path:
    """Folder of cached features, networks and downloads, created on first use.

    The environment variable `BAYESMAT_CACHE` names it; without it, the platform's user cache is
    used. Everything below it may be deleted at any time: nothing there is a record of a campaign.

    Returns:
        The folder, which exists.
    """
    named = os.environ.get("BAYESMAT_CACHE", "").strip()
    folder = Path(named).expanduser() if named else platformdirs.user_cache_path("bayesmat")
    with writing(folder / "file"):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
