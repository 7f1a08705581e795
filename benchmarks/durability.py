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
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import bayesmat as bm
from benchmarks.actors import (
    ACTORS,
    BATCH,
    MARK,
    PARTS,
    act_in_process,
    expect,
    expect_quietly,
    fill,
    fresh,
    opened,
    read_only,
    truth,
    write_many,
)

CONTEXT = multiprocessing.get_context("forkserver")


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
    CONTEXT.set_forkserver_preload(["benchmarks.actors"])
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
