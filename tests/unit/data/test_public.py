"""Public files come whole and unchanged, or not at all."""

import hashlib
import os
from pathlib import Path

import pytest

from bayesmat.data import public
from bayesmat.data.public import PUBLIC_FILES, PublicFile, fetch, load
from bayesmat.errors import DataError


def planted(monkeypatch, folder, content, *, sha256=None, url="", missing=None):
    file = PublicFile(
        "toy", url, sha256 or hashlib.sha256(content).hexdigest(), "MIT", "a toy", missing
    )
    monkeypatch.setattr(public, "PUBLIC_FILES", {"toy": file})
    monkeypatch.setenv("BAYESMAT_DATA", str(folder))
    if content is not None:
        (folder / "toy.csv").write_bytes(content)


def test_a_given_file_is_used_and_its_mark_for_no_value_becomes_nan(monkeypatch, tmp_path):
    planted(monkeypatch, tmp_path, b"a,b\n1,-9999\n2,3\n", missing=-9999)
    frame = load("toy")
    assert frame["b"].isna().tolist() == [True, False]
    assert frame.attrs["licence"] == "MIT"


def test_a_given_file_that_is_not_the_pinned_one_is_refused(monkeypatch, tmp_path):
    planted(monkeypatch, tmp_path, b"a\n1\n", sha256="0" * 64)
    with pytest.raises(DataError, match=r"toy\.csv is not the pinned version"):
        fetch("toy")


def test_without_file_and_address_the_error_names_the_folder_variable(monkeypatch, tmp_path):
    planted(monkeypatch, tmp_path, b"")
    (tmp_path / "toy.csv").unlink()
    with pytest.raises(DataError, match="BAYESMAT_DATA"):
        fetch("toy")


def test_a_download_of_the_wrong_content_is_refused(monkeypatch, tmp_path):
    planted(monkeypatch, tmp_path, b"", url="https://example.org/toy.csv")
    (tmp_path / "toy.csv").unlink()

    def refuse(*_):
        raise ValueError("SHA256 hash of downloaded file does not match")

    monkeypatch.setattr(public.pooch, "retrieve", refuse)
    with pytest.raises(DataError, match=r"could not be fetched from https://example.org.*match"):
        fetch("toy")


def test_unknown_names_are_listed():
    with pytest.raises(DataError, match="known: PI1070, Spacier_X_pool"):
        fetch("nothing")


@pytest.mark.parametrize("file", PUBLIC_FILES.values(), ids=str)
def test_addresses_are_pinned_to_a_commit(file):
    assert len(file.sha256) == 64
    if file.url:
        commit = file.url.split("/")[5]
        assert file.url.startswith("https://raw.githubusercontent.com/")
        assert len(commit) == 40
        int(commit, 16)


SIZES = {
    "PI1070": 1077,
    "Spacier_X_pool": 1067,
    "Spacier_y_oracle": 1067,
    "Photoswitch": 405,
    "Photoswitch_dft_comparison": 581,
    "UVVis_Dataset_I": 950,
    "iqspr_pubchem_16674": 16674,
}


@pytest.mark.parametrize(("name", "rows"), SIZES.items())
def test_real_files_have_the_rows_that_are_documented(name, rows):
    folder = os.environ.get("BAYESMAT_DATA", "")
    if not (Path(folder) / f"{name}.csv").exists() or not folder:
        pytest.skip(f"{name}.csv is not in the folder that BAYESMAT_DATA names")
    frame = load(name)
    assert len(frame) == rows
    assert not (frame == -9999).any(axis=None)
