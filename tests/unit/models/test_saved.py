"""Fits that were saved: what is refused, and what the doctor says of a loaded one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import bayesmat as bm
from bayesmat._version import versions
from bayesmat.checkup import doctor
from bayesmat.errors import ArgumentError, ModelError
from bayesmat.inference.grid import Grid
from bayesmat.models import stored
from bayesmat.models.base import Fitted
from bayesmat.models.graph import PropertyGraph
from bayesmat.models.model import PropertyModel
from bayesmat.models.saved import load_fit
from tests.unit.models.fits import KINDS, lines
from tests.unit.models.helpers import chain_graph


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return KINDS["graph by grid"]()


@pytest.fixture
def path(fitted: Fitted, tmp_path: Path) -> Path:
    fitted.save(tmp_path / "fit.safetensors")
    return tmp_path / "fit.safetensors"


@pytest.mark.parametrize("kind", ["graph by grid", "program by Laplace"])
def test_the_doctor_says_the_same_of_a_loaded_fit(kind: str, tmp_path: Path) -> None:
    fitted = KINDS[kind]()
    fitted.save(str(tmp_path / "new folder" / "fit"))
    loaded = bm.load_fit(str(tmp_path / "new folder" / "fit"), fitted.prior)
    assert str(doctor(loaded, seed=0)) == str(doctor(fitted, seed=0))


def test_networks_stay_with_the_prior(tmp_path: Path) -> None:
    fitted = KINDS["transfer"]()
    fitted.save(tmp_path / "fit")
    networks = [f.embedding.network for f in fitted.prior.features if f.embedding]
    weights = {tuple(w.shape) for network in networks for w in network.parameters() if w.dim() == 2}
    assert weights
    with safe_open(tmp_path / "fit", framework="pt") as file:
        assert weights.isdisjoint({tuple(file.get_slice(k).get_shape()) for k in file.keys()})


def test_another_prior_is_refused_with_what_differs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = (PropertyGraph(chain_graph(2).nodes, Grid(n=65, n_particles=8)), lines)
    for other in others:
        with pytest.raises(
            ModelError, match=r"fit of the prior '\w+' for \['p0', 'p1'\].*the same v"
        ):
            load_fit(path, other)
    monkeypatch.setattr("bayesmat.models.saved.versions", lambda: {**versions(), "torch": "9"})
    with pytest.raises(ModelError, match=r"saved with torch 2\.\S+ \(now 9\)\. Give the prior"):
        load_fit(path, others[0])


def test_swapped_and_missing_arguments_are_named(path: Path, fitted: Fitted) -> None:
    with pytest.raises(ArgumentError, match=r"path is .*PropertyGraph.*give the name of a file"):
        load_fit(fitted.prior, path)  # type: ignore[arg-type]
    with pytest.raises(
        ArgumentError, match=r"prior is 'prior'.*that was fitted.*needs restore\(\)"
    ):
        load_fit(path, "prior")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"path is 3.*give the name of a file"):
        fitted.save(3)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"no saved fit .*nowhere: fitted\.save\(path\) writes"):
        load_fit(path.with_name("nowhere"), fitted.prior)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_half_a_file_is_refused(path: Path, fitted: Fitted, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=r"only a part of one .*or fit again"):
        load_fit(path, fitted.prior)


def test_a_changed_number_is_noticed(path: Path, fitted: Fitted) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    with pytest.raises(ModelError, match="not what was written there"):
        load_fit(path, fitted.prior)
    path.write_bytes(
        content.replace(b"graph by", b"GRAPH by").replace(b"grid of 64", b"grid of 46")
    )
    with pytest.raises(ModelError, match="not what was written there"):
        load_fit(path, fitted.prior)


def test_other_tensors_and_later_formats_are_told_apart(
    path: Path, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file({"w": torch.ones(2)}, path.with_name("network"))
    with pytest.raises(ModelError, match="holds tensors but no fit"):
        load_fit(path.with_name("network"), fitted.prior)
    monkeypatch.setattr(stored, "FORMAT", 2)
    fitted.save(path)
    monkeypatch.undo()
    with pytest.raises(
        ModelError, match=r"format '2' of another bayesmat; this one reads 1\. Install"
    ):
        load_fit(path, fitted.prior)


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"record": "Path", "fields": {"mapping": []}},
        {"record": "Scale", "fields": {"mapping": [["log", False], ["loc", 0.0], ["sd", 1.0]]}},
        {"record": "StoredFit", "fields": {"mapping": [["digest", "x"]]}},
        {"tensor": "17"},
    ],
)
def test_what_no_fit_was_written_as_is_refused(path: Path, fitted: Fitted, content: object) -> None:
    text = json.dumps(content)
    about = {"bayesmat_fit": "1", "content": text, "sha256": stored._hash(text, {})}
    save_file({}, path, about)
    with pytest.raises(ModelError, match=r"cannot read .*install the version that wrote it"):
        load_fit(path, fitted.prior)


def test_a_failed_save_leaves_what_was_there(
    path: Path, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(
            ModelError, match=r"\(No space left on device\); what was there is as it"
        ):
            fitted.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with pytest.raises(ModelError, match=r"cannot be written .*Name a file in a folder"):
        fitted.save(path.parent)
    replace(fitted, report=replace(fitted.report, n_cells=1)).save(path)
    assert load_fit(path, fitted.prior).report.n_cells == 1


def test_a_model_that_does_not_say_how_is_not_saved(fitted: Fitted, tmp_path: Path) -> None:
    class Silent(type(fitted.model)):  # type: ignore[misc]
        state = PropertyModel.state

    model = Silent(fitted.model.problem, fitted.model.hyper_posterior)
    with pytest.raises(ModelError, match=r"a Silent cannot be saved.*state\(\).*restore\(\)"):
        replace(fitted, model=model).save(tmp_path / "fit")
    assert not list(tmp_path.iterdir())
