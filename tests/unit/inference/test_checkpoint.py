"""A run killed half-way continues; a file of another run is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bayesmat.errors import InferenceError
from bayesmat.inference.checkpoint import Checkpoint


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    file = Checkpoint.of(tmp_path / "new" / "run.safetensors", "settings", 0)
    assert file.load() is None
    file.save({"a": torch.arange(3.0).double()}, {"stage": 2, "bfmi": float("nan")})
    loaded = file.load()
    assert loaded is not None
    tensors, record = loaded
    assert torch.equal(tensors["a"], torch.arange(3.0).double())
    assert record["stage"] == 2
    assert [p.name for p in file.path.parent.iterdir()] == ["run.safetensors"]


def test_parts_have_files_beside_the_whole(tmp_path: Path) -> None:
    file = Checkpoint.of(tmp_path / "run.safetensors", 0)
    assert file.part("chain-1").path == tmp_path / "run-chain-1.safetensors"
    assert file.part("chain-1").key == file.key


def test_every_entry_of_the_data_counts() -> None:
    """The repr of a tensor shows four digits, and of a long one six entries."""
    x = torch.randn(2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = x.clone()
    y[1000] += 1e-9
    variants = [
        (x,),
        (y,),
        (("digest", x),),
        (("digest", y),),
        (x.reshape(1000, 2),),
        (x[:1000], x[1000:]),
        (x.float(),),
        ("ab", "c"),
        ("a", "bc"),
        (None,),
    ]
    keys = [Checkpoint.of("f", *parts).key for parts in variants]
    assert len(set(keys)) == len(keys)
    assert Checkpoint.of("f", ("digest", x)).key == Checkpoint.of("g", ("digest", x.clone())).key


def test_another_run_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    Checkpoint.of(path, 0).save({"a": torch.zeros(1)}, {})
    with pytest.raises(InferenceError, match=r"run\.safetensors belongs to another run .*delete"):
        Checkpoint.of(path, 1).load()
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"\x00" * 64):
        path.write_bytes(damaged)
        with pytest.raises(InferenceError, match=r"not a readable checkpoint .*delete it to start"):
            Checkpoint.of(path, 0).load()


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(InferenceError, match="not a readable checkpoint"):
        Checkpoint.of(path, 0).load()
