import multiprocessing
from dataclasses import dataclass, field

import pytest
import torch

from bayesmat.errors import FeatureError
from bayesmat.features import Cached, CheapDescriptors, FeatureCache


@dataclass(frozen=True)
class Spy:
    """Counts which materials it was asked for."""

    asked: list = field(default_factory=list)
    id: str = "spy"
    names: tuple = ("length", "first")

    def __call__(self, materials):
        self.asked.extend(materials)
        rows = [[float(len(m)), float(ord(m[0]))] for m in materials]
        return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), 2)


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "deep" / "features.sqlite")


def test_a_row_is_computed_once(cache):
    spy = Spy()
    cached = Cached(spy, cache)
    first = cached(["CCO", "C", "CCO"])
    again = Cached(spy, FeatureCache(cache.path))(["C", "CCO", "N"])
    assert spy.asked == ["CCO", "C", "N"]
    assert first.tolist() == [[3, 67], [1, 67], [3, 67]]
    assert again.tolist() == [[1, 67], [3, 67], [1, 78]]
    assert len(cache) == 3


def test_ids_do_not_share_rows(cache):
    Cached(Spy(), cache)(["CCO"])
    other = Spy(id="other")
    Cached(other, cache)(["CCO"])
    assert other.asked == ["CCO"]
    cache.clear("other")
    assert len(cache) == 1
    cache.clear()
    assert len(cache) == 0


def test_numbers_survive_to_the_last_bit(cache):
    materials = ["CCO", "c1ccccc1O"]
    Cached(CheapDescriptors(), cache)(materials)
    assert torch.equal(Cached(CheapDescriptors(), cache)(materials), CheapDescriptors()(materials))


def test_more_materials_than_one_statement_holds(cache):
    materials = [f"m{i}" for i in range(1203)]
    cached = Cached(Spy(), cache)
    assert torch.equal(cached(materials), cached(materials[::-1]).flip(0))
    assert len(cache) == 1203


def test_a_row_of_the_wrong_width_is_computed_again(cache):
    cache.put("spy", {"CCO": [1.0]})
    spy = Spy()
    assert Cached(spy, cache)(["CCO"]).tolist() == [[3, 67]]


def test_a_failing_material_leaves_no_row(cache):
    with pytest.raises(FeatureError):
        Cached(CheapDescriptors(), cache)(["CCO", "C1CC"])
    assert len(cache) == 0


def _fill(path, start):
    cached = Cached(Spy(), FeatureCache(path))
    for block in range(10):
        cached([f"m{i}" for i in range(start + block * 10, start + block * 10 + 40)])


def test_two_processes_write_at_once_and_lose_nothing(cache):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_fill, args=(cache.path, s)) for s in (0, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(cache) == 180
    assert len(cache.get("spy", [f"m{i}" for i in range(180)])) == 180
