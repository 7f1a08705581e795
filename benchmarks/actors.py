"""Who suggests, computes, tells, corrects and reads sheets in the benchmark of durability.

In a module of its own, so that processes can import it.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import bayesmat as bm
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import BayesmatError, SurprisingValue
from bayesmat.oracles.base import Evaluation

MARK = "BAYESMAT_DURABILITY"
POOL = bm.Pool(tuple(f"m{i}" for i in range(100_000)))
BATCH = 4


def truth(material: str) -> float:
    """What an honest measurement gives."""
    return 300.0 + float(np.sin(int(material[1:]))) * 20.0


@dataclass(frozen=True)
class Slow:
    """An oracle that takes a while, so that it is killed at work."""

    nap_s: float = 0.05
    properties: tuple[Property, ...] = (Property("Tm", "K"),)
    digest: str = "slow oracle"
    time_limit_s: float | None = 30.0

    def __call__(self, materials: list[str]) -> tuple[Evaluation, ...]:
        time.sleep(self.nap_s)
        return tuple(Evaluation(m, {"Tm": truth(m)}, cost_s=self.nap_s) for m in materials)


@dataclass(frozen=True)
class AnyRule:
    """The first candidates from a place that the seed says: what is tested is the record."""

    name: str = "any"

    def __call__(self, fitted, candidates, goals, batch, *, seed, round):
        first = random.Random(seed).randrange(len(candidates.rows) - batch)
        return bm.explore.Selection(tuple(range(first, first + batch)), (0.0,) * batch, {})


@dataclass(frozen=True)
class Few:
    """Some hundred of the pool at a time."""

    digest: str = "few"

    def __call__(self, fitted, goals, *, exclude, seed):
        chosen = random.Random(seed).sample(POOL.materials, 100)
        rows = bm.Rows(tuple(m for m in chosen if m not in exclude))
        return bm.explore.Candidates(rows)


PARTS = {"candidates": Few(), "rule": AnyRule()}


def prior() -> bm.Transfer:
    return bm.Transfer("Tm")


def create(url: str) -> None:
    """A campaign with eight start materials that are in no pool."""
    names = tuple(f"m{200_000 + i}" for i in range(8))
    values = np.array([[truth(name)] for name in names])
    table = PropertyTable(names, "id", (Property("Tm", "K"),), values)
    bm.Campaign.create(
        url, table, prior(), goals=[bm.AtLeast("Tm", 310.0)], oracle=Slow(), **PARTS
    ).close()


def opened(url: str) -> bm.Campaign:
    return bm.Campaign.open(url, prior=prior(), oracle=Slow(), **PARTS)


class Acts:
    """Numbers of acts, on disk before they begin and after they have returned."""

    def __init__(self, folder: Path, who: str) -> None:
        self._begun = (folder / f"{who}.begun").open("a")
        self._done = (folder / f"{who}.done").open("a")
        self._who, self._next = who, 0

    def __call__(self, act: Callable[[str], object]) -> None:
        self.together(1, lambda tags: act(tags[0]))

    def together(self, n: int, act: Callable[[list[str]], object]) -> None:
        """Acts that happen all or not at all."""
        tags = [f"{self._who}/{self._next}" + f":{i} of {n}" * (n > 1) for i in range(n)]
        self._next += 1
        self._write(self._begun, tags)
        act(tags)
        self._write(self._done, tags)

    def close(self) -> None:
        self._begun.close()
        self._done.close()

    @staticmethod
    def _write(file, tags: list[str]) -> None:
        file.write("".join(f"{tag}\n" for tag in tags))
        file.flush()


def suggesting(url: str, acts: Acts, chance: random.Random) -> None:
    campaign = opened(url)
    while True:
        acts(lambda tag: campaign.suggest(BATCH))


def running(url: str, acts: Acts, chance: random.Random) -> None:
    campaign = opened(url)
    while True:
        rounds = campaign.status().rounds + 1
        acts(lambda tag, n=rounds: campaign.run(n, BATCH, workers=2, progress=False))


def telling(url: str, acts: Acts, chance: random.Random) -> None:
    campaign = bm.Campaign.open(url)
    while True:
        material = f"m{chance.randrange(300_000, 10**9)}"
        acts(lambda tag, m=material: campaign.tell(m, {"Tm": truth(m)}, note=tag))
        acts(lambda tag, m=material: campaign.tell(m, {"Tm": 300.0}, replicate=True, note=tag))


def correcting(url: str, acts: Acts, chance: random.Random) -> None:
    campaign = bm.Campaign.open(url)
    material = f"m{chance.randrange(10**9, 10**10)}"
    acts(lambda tag: campaign.tell(material, {"Tm": truth(material)}, note=tag))
    while True:
        value = chance.uniform(250.0, 350.0)
        acts(lambda tag, v=value: campaign.correct(material, {"Tm": v}, reason=tag))
        acts(lambda tag: campaign.withdraw(material, reason=tag))
        acts(lambda tag, v=value: campaign.tell(material, {"Tm": v}, note=tag))


def importing(url: str, acts: Acts, chance: random.Random) -> None:
    """Sheets of five rows that nobody had asked for, under the headings of the campaign's own."""
    campaign = bm.Campaign.open(url)
    path = Path(url.removeprefix("sqlite:///")).with_name("sheet.csv")

    def read(tags: list[str]) -> None:
        rows = [f",m{chance.randrange(10**10, 10**11)},300,{tag}" for tag in tags]
        path.write_text("\n".join(["key,material (id),Tm [K],note", *rows]) + "\n")
        campaign.read_sheet(path)

    while True:
        acts.together(5, read)


# What is killed; an actor never returns.
ACTORS: Mapping[str, Callable[[str, Acts, random.Random], None]] = {
    "suggest": suggesting,
    "oracle run": running,
    "tell": telling,
    "correct": correcting,
    "import": importing,
}


def act_in_process(name: str, url: str, folder: str, who: str, seed: int) -> None:
    warnings.simplefilter("ignore", SurprisingValue)
    os.environ[MARK] = who
    sys.stderr = (Path(folder) / "errors").open("a")  # a traceback here is a finding
    ACTORS[name](url, Acts(Path(folder), who), random.Random(seed))


def fresh(where: Path, name: str) -> tuple[str, Path]:
    folder = where / name
    folder.mkdir()
    url = f"sqlite:///{folder / 'c.db'}"
    create(url)
    return url, folder


def write_many(url: str, folder: str, who: str, tells: int) -> None:
    acts, campaign = Acts(Path(folder), who), bm.Campaign.open(url)
    for i in range(tells):
        mine, common = f"m{abs(hash(who)) % 10**6 * 10**6 + i}", f"m{300_000 + i // 10}"
        if i % 10:
            acts(lambda tag, m=mine: campaign.tell(m, {"Tm": 300.0}, note=tag))
            continue
        try:  # one of the writers is the first to tell of it
            acts(lambda tag, m=common: campaign.tell(m, {"Tm": 300.0}, note=tag))
        except BayesmatError:
            acts(lambda tag, m=common: campaign.tell(m, {"Tm": 300.0}, replicate=True, note=tag))


def fill(url: str, folder: str, room: int) -> None:
    """Tell until the disk is full, then say what was said and go on when there is room."""
    acts, campaign = Acts(Path(folder), "full"), bm.Campaign.open(url)
    path = Path(url.removeprefix("sqlite:///"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, resource.RLIM_INFINITY))
    try:
        for i in range(10**5):
            acts(lambda tag, m=f"m{400_000 + i}": campaign.tell(m, {"Tm": 300.0}, note=tag))
    except BayesmatError as error:
        print(f"  full disk, after {i} tells: {str(error)[:230]}")
    else:
        raise SystemExit("the disk was never full")
    whole = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_FSIZE, whole)
    acts(lambda tag: campaign.tell("m399999", {"Tm": 300.0}, note=tag))


def expect(what: str, act: Callable[[], object], *words: str) -> Iterator[str]:
    """An error of ours that says what is wrong."""
    try:
        act()
    except BayesmatError as error:
        said = str(error)
        print(f"  {what}: {said[:200]}")
        if lacking := [word for word in words if word not in said]:
            yield f"{what}: the error does not say {lacking}"
    except Exception as error:
        yield f"{what}: a raw {type(error).__name__}: {error}"
    else:
        yield f"{what}: no error"


def read_only(url: str) -> None:
    """As somebody who may only read."""
    if os.getuid() == 0:
        os.setuid(65534)

    def tell() -> None:
        campaign = bm.Campaign.open(url)
        campaign.tell("m5", {"Tm": 300.0})

    problems = list(expect("read-only file", tell, "written"))
    for problem in problems:
        print(problem)
    raise SystemExit(len(problems))


def expect_quietly(act: Callable[[], object], word: str) -> Iterator[str]:
    try:
        act()
    except BayesmatError as error:
        if word not in str(error):
            yield f"the error does not say {word!r}: {error}"
    except Exception as error:
        yield f"a raw {type(error).__name__}: {error}"
    else:
        yield "no error"
