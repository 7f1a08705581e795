"""What an examination of a fit found: one finding per topic, in words."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from bayesmat._arguments import settle
from bayesmat.errors import DataError

__all__ = ["Finding", "Verdict"]

Verdict = Literal["bad", "look", "unknown", "fine"]
_WIDTH = 96
_COLOURS = {"bad": "#d55e00", "look": "#b37700", "unknown": "#5b6168", "fine": "#00735a"}


@dataclass(frozen=True)
class Finding:
    """One thing that an examination found, or did not find.

    Attributes:
        topic: What was examined ("unit slip", "calibration" ...).
        verdict: "bad" (mend it), "look" (judge it), "unknown" (could not be judged) or "fine".
        what: What was seen, with figures.
        why: Why it matters; empty where fine.
        do: What to do; empty where fine.
        rows: Rows of the table concerned, counted from 0.
        materials: Materials concerned.

    Raises:
        DataError: An unknown verdict.
    """

    topic: str
    verdict: Verdict
    what: str
    why: str = ""
    do: str = ""
    rows: tuple[int, ...] = ()
    materials: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        settle(self)
        if self.verdict not in get_args(Verdict):
            raise DataError(f"verdict {self.verdict!r} is none of {get_args(Verdict)}.")

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.topic}: {self.what}", self.why, self.do) if part)


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, in the order given within a verdict."""
    order = get_args(Verdict)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.verdict)))


def summed_up(subject: str, findings: Sequence[Finding]) -> str:
    """One sentence: how many findings of each verdict."""
    counts = [(v, sum(f.verdict == v for f in findings)) for v in get_args(Verdict)]
    words = {"look": "to look at", "unknown": "not judged"}
    told = ", ".join(f"{n} {words.get(v, v)}" for v, n in counts if n)
    return f"{subject}: {told or 'nothing examined'}."


def as_text(heading: str, findings: Sequence[Finding]) -> str:
    """A page of text: a heading, what is not fine with its reasons, and what is fine."""
    return "\n".join([*_wrapped(heading, ""), *_body(findings)])


def _body(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.verdict == "fine":
            continue
        label = f"{finding.verdict.upper():8}"
        yield ""
        yield from _wrapped(f"{finding.topic}: {finding.what}", label)
        if finding.why:
            yield from _wrapped(f"Why it matters: {finding.why}", " " * 8)
        if finding.do:
            yield from _wrapped(f"What to do: {finding.do}", " " * 8)
    fine = [finding for finding in findings if finding.verdict == "fine"]
    if fine:
        yield ""
    for finding in fine:
        yield from _wrapped(f"{finding.topic}: {finding.what}", "FINE    ")


def as_table(findings: Sequence[Finding]) -> str:
    """The findings as an HTML table: verdict, topic, what, why and what to do."""
    return f"<table>{''.join(map(_row, findings))}</table>"


def _row(finding: Finding) -> str:
    style = (
        f"color:{_COLOURS[finding.verdict]};font-weight:600;vertical-align:top;white-space:nowrap;"
    )
    cell = "text-align:left;vertical-align:top"
    more = "".join(
        f"<br><i>{title}</i> {html.escape(text)}"
        for title, text in (("Why it matters:", finding.why), ("What to do:", finding.do))
        if text
    )
    return (
        f'<tr><td style="{style}text-align:left">{finding.verdict}</td>'
        f'<td style="{cell};white-space:nowrap"><b>{html.escape(finding.topic)}</b></td>'
        f'<td style="{cell}">{html.escape(finding.what)}{more}</td></tr>'
    )


def _wrapped(text: str, label: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=label, subsequent_indent=" " * len(label),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def listed(names: Iterable[object], most: int = 4) -> str:
    """A few names and how many more there are."""
    every = list(dict.fromkeys(map(str, names)))
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest
