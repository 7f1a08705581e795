"""Public data files: pinned addresses, checksums, licences."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pooch

from bayesmat.errors import DataError

from .cache import cache_dir

__all__ = ["PUBLIC_FILES", "PublicFile", "fetch", "load"]


@dataclass(frozen=True)
class PublicFile:
    """A public file: pinned address, SHA-256, licence and the number that means "no value"."""

    name: str
    url: str
    sha256: str
    licence: str
    what: str
    missing: float | None = None

    @property
    def filename(self) -> str:
        """Name of the file in the data folder."""
        return f"{self.name}.csv"


_RAW = "https://raw.githubusercontent.com"
_SPACIER = f"{_RAW}/s-nanjo/Spacier/8e412879101e1594c53c14a7d138a0cda8264047/spacier/data"
_FILES = (
    PublicFile(
        "PI1070",
        f"{_RAW}/RadonPy/RadonPy/648c9a492808339c9bb7ad2c1137e5a7b07614ca/data/PI1070.csv",
        "4ee41d526db3d03eb5b83010672b4e63a4d51a114871a2187ca7fd57d30556a4",
        "BSD-3-Clause",
        "1,077 polymers with molecular-dynamics properties",
    ),
    PublicFile(
        "Spacier_X_pool",
        f"{_SPACIER}/X_pool.csv",
        "95445266c1f4273b65dd73a5e842c3183fe1f2ea660d3b50b495d51e3575254e",
        "BSD-3-Clause",
        "force-field descriptors of 1,067 polymers",
    ),
    PublicFile(
        "Spacier_y_oracle",
        f"{_SPACIER}/y_oracle.csv",
        "26b18fdb0b25b7e322985fed3cba5a08d3347a2a36a49a450ccec08cfbe36f03",
        "BSD-3-Clause",
        "molecular-dynamics properties of the same polymers; failed runs are NaN",
        missing=-9999,
    ),
    PublicFile(
        "Photoswitch",
        f"{_RAW}/leojklarner/gauche/3380401387873e826a81454ab22ab452dca41ae9"
        "/gauche/datasets/property_prediction/Photoswitch.csv",
        "4d18321fea3618acd4d7910f5e2a6e4da20640dfcfc43e939e60a96baf78ed09",
        "MIT",
        "405 azo dyes with measured and computed transition wavelengths (nm)",
    ),
    PublicFile(
        "Photoswitch_dft_comparison",
        f"{_RAW}/Ryan-Rhys/The-Photoswitch-Dataset/e30d68287d7803bc0199604e2693ef50b5ee6b3b"
        "/dataset/dft_comparison.csv",
        "a2a9883dcd9bb7d6a2c8c6c825df2cb2059de82b3374cc430cd87bc899da95d5",
        "MIT",
        "experiment, PBE0 and CAM-B3LYP wavelengths by solvent",
    ),
    PublicFile(
        "UVVis_Dataset_I",
        f"{_RAW}/yoshida-lab/XenonPy/4b62835b6c05ae24538c4c0501c8600a44b09dca"
        "/samples/data/Dataset_I.csv",
        "65ae78d7c6a32092842bcc5210eaeaa9b8d41e57575cfbae304d774de2fe79a7",
        "BSD-3-Clause",
        "950 absorption spectra of 949 molecules at 181 wavelengths",
    ),
    PublicFile(
        "iqspr_pubchem_16674",
        "",
        "efbe6a71b8ff1ae791b79bc860dd69df3e16ab073c13ec09ffe20f482f44ed8c",
        "MIT",
        "16,674 PubChem molecules: energy (kJ/mol), gap (eV); from qspr.data.rda of iqspr",
    ),
)
PUBLIC_FILES: Mapping[str, PublicFile] = MappingProxyType({f.name: f for f in _FILES})


def fetch_url(url: str, sha256: str) -> Path:
    """A file of the web in the cache, checked against its SHA-256.

    Raises:
        DataError: It cannot be had, or is another file.
    """
    name = f"{sha256[:16]}-{Path(urlsplit(url).path).name}"
    try:
        path = pooch.retrieve(url, f"sha256:{sha256}", name, cache_dir() / "downloads")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{url} could not be fetched: {error}. Without a network, get the file and name it."
        ) from error
    return Path(path)


def fetch(name: str) -> Path:
    """Path of a public file, checked against its SHA-256; downloaded when needed.

    A folder named by the environment variable `BAYESMAT_DATA` is looked at first, then the
    cache, then the pinned address.

    Args:
        name: One of `PUBLIC_FILES`.

    Returns:
        The file.

    Raises:
        DataError: Unknown name, wrong checksum, or the file can be had nowhere.
    """
    if name not in PUBLIC_FILES:
        raise DataError(f"{name!r} is not a known public file; known: {', '.join(PUBLIC_FILES)}.")
    file = PUBLIC_FILES[name]
    folder = os.environ.get("BAYESMAT_DATA", "").strip()
    given = Path(folder).expanduser() / file.filename if folder else None
    if given is not None and given.exists():
        if pooch.file_hash(str(given)) != file.sha256:
            raise DataError(
                f"{given} is not the pinned version of {name} (its SHA-256 is not {file.sha256}), "
                "so results would not be comparable; replace or remove it."
            )
        return given
    if not file.url:
        raise DataError(
            f"{file.filename} ({file.what}) has no address as CSV; put the converted file into a "
            "folder and name that folder in BAYESMAT_DATA."
        )
    try:
        path = pooch.retrieve(
            file.url, f"sha256:{file.sha256}", file.filename, cache_dir() / "downloads"
        )
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file.filename} could not be fetched from {file.url}: {error}. Without a network, "
            "put it into a folder and name that folder in BAYESMAT_DATA."
        ) from error
    return Path(path)


def load(name: str) -> pd.DataFrame:
    """A public file as a frame, as published, with its "no value" mark read as NaN.

    Licence and content are in `frame.attrs`. Make a `PropertyTable` of it with
    `bayesmat.data.io.from_frame`.
    """
    file = PUBLIC_FILES.get(name)
    frame = pd.read_csv(fetch(name))
    if file is not None:
        frame.attrs = {"licence": file.licence, "url": file.url, "what": file.what}
        if file.missing is not None:
            frame = frame.replace(file.missing, np.nan)
    return frame
