"""A campaign under SIGKILL, many writers, a full disk and damaged files: is anything lost or twice?

`python -m benchmarks.durability [--quick] [--kills 100] [--tells 1000] [--only PART ...]`

Processes suggest, compute (with worker processes), tell, correct, repeat and withdraw, and are
killed at random moments. Every act carries a number of its own, which is written to a list before
it begins and to another when it has returned. Afterwards the history must hold each act that has
returned once, each that has begun at most once, and nothing else; and no worker may be left. Errors
are printed as a user sees them. The exit status counts what went wrong.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import signal
import sqlite3
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import bayesmat as bm
from bayesmat.data.table import Property, PropertyTable
from bayesmat.errors import BayesmatError, SurprisingValue
from bayesmat.oracles.base import Evaluation

CONTEXT = multiprocessing.get_context("forkserver")
MARK = "BAYESMAT_DURABILITY"
IMPORTED = ["bayesmat.explore.campaign", "bayesmat.models.transfer", "bayesmat.models.graph_model"]
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


def killed(url: str, folder: Path, kills: int, seed: int) -> Iterator[str]:
    """Kill actors one after the other, and say what is wrong after each."""
    chance = random.Random(seed)
    names = list(ACTORS)
    dead = Counter()
    for i in range(kills):
        name, who = names[i % len(names)], f"{names[i % len(names)]} {i}"
        args = (name, url, str(folder), who, chance.randrange(2**31))
        process = CONTEXT.Process(target=act_in_process, args=args)
        process.start()
        wait_for(folder / f"{who}.begun", process)
        time.sleep(chance.uniform(0.0, 1.5 if name in ("suggest", "oracle run") else 0.15))
        process.kill()
        process.join()
        dead[name] += process.exitcode == -signal.SIGKILL
        if process.exitcode != -signal.SIGKILL:
            yield f"{who} ended by itself, with status {process.exitcode}"
        yield from (f"{who}: {problem}" for problem in [*inspected(url, folder), *orphans(who)])
    errors = folder / "errors"
    if errors.exists() and errors.read_text():
        yield f"an actor raised:\n{errors.read_text()}"
    print(f"  killed {', '.join(f'{name}: {n}' for name, n in dead.items())}")


def wait_for(path: Path, process) -> None:
    deadline = time.monotonic() + 120
    while process.is_alive() and time.monotonic() < deadline:
        if path.exists() and path.stat().st_size:
            return
        time.sleep(0.005)


def inspected(url: str, folder: Path) -> Iterator[str]:
    """What is wrong with the record."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    (word,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    if word != "ok":
        yield f"the database says {word}"
    campaign = bm.Campaign.open(url)
    events, frame = campaign.events(), campaign.history()
    campaign.table()
    campaign.close()
    asked = frame[frame.origin == "proposed"]
    rounds = asked["round"].value_counts()
    if (len(rounds) and (rounds != BATCH).any()) or list(sorted(rounds.index)) != list(
        range(1, len(rounds) + 1)
    ):
        yield f"rounds are not whole: {rounds.to_dict()}"
    if frame.material.duplicated().any():
        yield "a material stands in the history twice"
    tagged = events[events.note.fillna("").str.contains("/")]
    there = Counter(tagged.drop_duplicates("number").note)
    begun, done = (
        {line for path in folder.glob(f"*.{end}") for line in path.read_text().splitlines()}
        for end in ("begun", "done")
    )
    quiet = ("suggest ", "oracle run ")  # these leave no note
    lost = {tag for tag in done if not tag.startswith(quiet)} - set(there)
    twice = {tag for tag, n in there.items() if n > 1}
    halves = Counter(tag.split(":")[0] for tag in there if " of 5" in tag)
    if torn := {name: n for name, n in halves.items() if n != 5}:
        yield f"sheets of which a part was stored: {torn}"
    for what, tags in (("lost", lost), ("doubled", twice), ("made up", set(there) - begun)):
        if tags:
            yield f"{what}: {sorted(tags)}"
    told = events[(events.kind == "told") & events.note.isna()]
    if told.material.duplicated().any():
        yield f"answered twice: {told.material[told.material.duplicated()].tolist()}"


def orphans(who: str) -> Iterator[str]:
    """Processes of an actor that outlive it by more than five seconds."""
    deadline = time.monotonic() + 5
    while left := list(alive(who)):
        if time.monotonic() > deadline:
            yield f"left alive: {left}"
            for process in left:
                os.kill(process, signal.SIGKILL)
            return
        time.sleep(0.02)


def alive(who: str) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"{MARK}={who}".encode() in (entry / "environ").read_bytes().split(b"\0")
            stopped = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            continue
        if marked and not stopped:
            yield int(entry.name)


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


def written_at_once(url: str, folder: Path, tells: int) -> Iterator[str]:
    """Four writers, some of whose tells are about the same materials."""
    start = time.monotonic()
    names = [f"writer {i}" for i in range(4)]
    writers = [CONTEXT.Process(target=write_many, args=(url, str(folder), n, tells)) for n in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        if writer.exitcode:
            yield f"a writer ended with status {writer.exitcode}"
    seconds = time.monotonic() - start
    yield from inspected(url, folder)
    campaign = bm.Campaign.open(url)
    n = sum(campaign.events().kind == "told")
    campaign.close()
    if n != 4 * tells:
        yield f"{n} tells of {4 * tells} are there"
    print(f"  4 writers x {tells} tells: {n} events, {seconds:.0f} s ({1000 * seconds / n:.1f} ms)")


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


def on_a_full_disk(url: str, folder: Path) -> Iterator[str]:
    for room in (0, 50_000, 300_000):
        process = CONTEXT.Process(target=fill, args=(url, str(folder), room))
        process.start()
        process.join()
        if process.exitcode:
            yield f"on a full disk: status {process.exitcode}"
        yield from inspected(url, folder)
        begun, done = ((folder / f"full.{end}").read_text().split() for end in ("begun", "done"))
        campaign = bm.Campaign.open(url)
        there = set(campaign.events().note)
        campaign.close()
        if wrong := (set(begun) - set(done)) & there:
            yield f"on a full disk: stored, though it was said that it was not: {sorted(wrong)}"
        url, folder = fresh(folder.parent, f"full {room}")


def fresh(where: Path, name: str) -> tuple[str, Path]:
    folder = where / name
    folder.mkdir()
    url = f"sqlite:///{folder / 'c.db'}"
    create(url)
    return url, folder


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


def refused(where: Path, cuts: int, seed: int) -> Iterator[str]:
    """Files that cannot be used, and parts that are others."""
    url, folder = fresh(where, "refused")
    campaign = opened(url)
    for _ in range(3):
        for material in campaign.suggest(BATCH).materials:
            campaign.tell(material, {"Tm": truth(material)})
    campaign.close()
    path = folder / "c.db"
    whole = path.read_bytes()
    chance = random.Random(seed)
    for length in sorted(chance.randrange(1, len(whole)) for _ in range(cuts)):
        path.write_bytes(whole[:length])
        found = list(expect_quietly(lambda: bm.Campaign.open(url).history(), "damaged"))
        yield from (f"cut off after {length} of {len(whole)}: {problem}" for problem in found)
    print(f"  cut off at {cuts} places: each is said to be damaged")
    path.write_bytes(b"material,Tm\nCCO,300\n" * 50)
    yield from expect("text file", lambda: bm.Campaign.open(url), "no database")
    path.write_bytes(whole)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO schema_version VALUES (99, '9.9', '2030-01-01 00:00:00')")
    connection.commit()
    connection.close()
    yield from expect("newer version", lambda: bm.Campaign.open(url), "version 99", "newer")
    path.write_bytes(whole)
    other = bm.Transfer("Tm", fingerprints=bm.features.ECFP())
    yield from expect(
        "prior changed", lambda: bm.Campaign.open(url, prior=other, **PARTS), "carry_over"
    )
    yield from to_others(url, folder)


def to_others(url: str, folder: Path) -> Iterator[str]:
    """A file that may be read, by a process that may not write."""
    for beside in folder.glob("c.db-*"):
        beside.unlink()
    (folder / "c.db").chmod(0o444)
    folder.chmod(0o555)
    folder.parent.chmod(0o755)
    process = CONTEXT.Process(target=read_only, args=(url,))
    process.start()
    process.join()
    folder.chmod(0o755)
    if process.exitcode:
        yield f"read-only file: {process.exitcode} problems"


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


def main() -> None:
    """Try everything, and exit with the number of problems."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ("kills", "writers", "disk", "files")
    parser.add_argument("--quick", action="store_true", help="10 kills, 4 x 25 tells, 10 cuts")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--tells", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=parts, default=parts)
    chosen = parser.parse_args()
    kills, tells, cuts = chosen.kills, chosen.tells, 200
    if chosen.quick:
        kills, tells, cuts = 10, 25, 10
    CONTEXT.set_forkserver_preload(IMPORTED)
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        if "kills" in chosen.only:
            problems += killed(*fresh(where, "kills"), kills, chosen.seed)
        if "writers" in chosen.only:
            problems += written_at_once(*fresh(where, "writers"), tells)
        if "disk" in chosen.only:
            problems += on_a_full_disk(*fresh(where, "disk"))
        if "files" in chosen.only:
            problems += refused(where, cuts, chosen.seed)
    for problem in problems:
        print(f"PROBLEM {problem}")
    print("nothing lost, nothing doubled" if not problems else f"{len(problems)} problems")
    sys.exit(len(problems))


if __name__ == "__main__":
    main()
