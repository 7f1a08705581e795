"""Accounts typed by hand, and a reader of pages."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from bayesmat.data.table import Condition, Property
from bayesmat.explore.account import Account, Call, Forecast, Target

GAP = Property("gap", "eV", "log")
SMILES = ("O=C1c2ccccc2-c2ccccc21", "c1ccc2ccccc2c1", "O=c1c2ccccc2sc2ccccc12", "CCO")
FOUND = (2.25, 2.9, 2.4, math.nan)
SMALL = Target(Property("loss", "mm"), sign=-1)
X = (Condition("x", ""), Condition("pressing_time", "min"))


def region() -> Account:
    calls = []
    for i, (smiles, value) in enumerate(zip(SMILES, FOUND, strict=True)):
        done = math.isfinite(value)
        forecast = Forecast.from_interval((2.0, 2.4, 2.8), GAP, value=value)
        failure = None if done else "embedding failed: <no conformer>"
        values = {"gap": value} if done else {}
        calls.append(Call(i // 2 + 1, smiles, {"gap": forecast}, values, failure, 0.5, 0.3))
    return Account(
        "smiles",
        (Target(GAP, 2.0, 2.5),),
        tuple(calls),
        start={"gap": [4.0, 9.0]},
        temporary={"gap": {1: (2.4, 3.0)}},
        fit_lines=("gap: networks explain <half>.",),
        shares={"networks": np.linspace(0.2, 0.6, 20)},
        base_rate=0.02,
        notes=("A GFN1 orbital gap, not an optical gap.",),
        provenance={"seed": "7"},
    )


def recipes() -> Account:
    """Two rounds of recipes, the second better than the start; one waits."""
    calls = []
    for i, value in enumerate((3.0, 0.5, math.nan)):
        done = math.isfinite(value)
        forecast = Forecast.from_interval((0.0, 1.0, 2.0), SMALL.prop, value=value)
        calls.append(
            Call(
                i // 2 + 1, f"x={i}", {"loss": forecast}, {"loss": value} if done else {},
                conditions={"x": float(i), "pressing_time": 10.0 * i},
                reason=f"Nearest measured: recipe <{i}>.",
                columns={"batch": f"B{i}"},
            )
        )  # fmt: skip
    return Account("recipe", (SMALL,), tuple(calls), start={"loss": [2.0, 4.0]}, conditions=X)


def laboratory() -> Account:
    at = {"x": 1.5, "pressing_time": 20.0}
    forecast = Forecast.from_interval((300.0, 320.0, 340.0), Property("Tm", "K"))
    told = {"state": "told", "conditions": at}
    calls = (
        Call(1, "CCO, x", {"Tm": forecast}, {"Tm": 3980.0}, structure="CCO", **told),
        Call(1, "CCN, x", {"Tm": forecast}, {"Tm": 310.0}, structure="CCN", corrections=1,
             replicates={"Tm": 2}, scatter={"Tm": 1.5}, notes="digits swapped", **told),
        Call(1, "CC, x", {"Tm": forecast}, failure="decomposed: brown", structure="CC",
             state="failed", conditions=at),
        Call(1, "CCC, x", {"Tm": forecast}, structure="CCC", state="withdrawn", conditions=at),
        Call(1, "CCF, x", {"Tm": forecast}, structure="CCF", state="pending", conditions=at),
    )  # fmt: skip
    event = {"time": pd.Timestamp("2026-01-02 03:04"), "material": "CCN, x",
             "round": 1, "property": "Tm", "sd": math.nan, "replicate": 1}  # fmt: skip
    other = {"time": pd.Timestamp("2026-01-05 06:07"), "note": None}
    retried = other | {"material": "CC, x", "round": 1}
    events = [
        retried | {"kind": "failed", "note": "bottle <empty>"},
        retried | {"kind": "retried", "note": "a new bottle"},
        retried | {"kind": "failed", "note": "decomposed: brown"},
        other | {"kind": "told", "material": "CO, x", "property": "Tm", "value": 311.0},
        other | {"kind": "corrected", "material": "CS, x", "property": "Tm", "value": 288.0},
        event | {"kind": "told", "value": 301.0, "was": math.nan, "note": None},
        event | {"kind": "corrected", "value": 310.0, "was": 301.0, "note": "digits <swapped>"},
    ]
    frame = pd.DataFrame(events).assign(number=range(len(events)))
    return Account(
        "smiles", (Target(Property("Tm", "K"), 305.0, 330.0),), calls, conditions=X, events=frame,
        has_oracle=False,
        unasked=(
            Call(0, "CO, x", {}, {"Tm": 311.0}, structure="CO", **told),
            Call(-1, "CS, x", {}, {"Tm": 288.0}, structure="CS", **told),
        ),
        known=(Call(-1, "CCl, x", {}, {"Tm": 290.0}, structure="CCl", **told),),
        start={"Tm": [290.0, 288.0]},
        surprises=("Tm of CCO: 3980 K, predicted 300 to 340 K (90%). 398 K?",),
    )  # fmt: skip


class Reader(HTMLParser):
    """Collects text, addresses and unclosed tags."""

    VOID = frozenset({"meta", "img", "br", "link", "rect", "line", "circle", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader
