"""What the commands share: options, how their words are read, and how errors are shown."""

from __future__ import annotations

import functools
import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from bayesmat._deferred import Deferred
from bayesmat.errors import BayesmatError, DataError, SurprisingValue

from .wording import as_options

if TYPE_CHECKING:
    from bayesmat import commands
else:
    # Imported when a command runs.
    commands = Deferred("bayesmat.commands")

__all__ = [
    "At", "Batch", "CampaignFile", "ConditionUnits", "FileUnits", "MaterialColumn", "PoolFile",
    "Properties", "TableFile", "Use", "at_of", "goal_of", "numbers_of", "pairs_of", "read_number",
    "read_table", "say", "shows_errors",
]  # fmt: skip

P = ParamSpec("P")

TableFile = Annotated[
    Path, typer.Argument(metavar="TABLE.csv", help="Measurements, one material per row (UTF-8).")
]
CampaignFile = Annotated[
    Path, typer.Argument(metavar="FILE.db", help="Where the campaign keeps its history.")
]
Properties = Annotated[
    list[str] | None,
    typer.Option(
        "--property", "-p", metavar="COLUMN=UNIT",
        help='A measured property: "gap=eV", or "gap=log eV" if it is positive and spans a factor '
        "of three or more. Repeat for several. By default every column with a unit in its heading.",
    ),
]  # fmt: skip
FileUnits = Annotated[
    list[str] | None,
    typer.Option(
        "--file-unit", "-f", metavar="COLUMN=UNIT",
        help='Unit of the numbers in the file where it is another one: with -p "gap=log eV", '
        '-f "gap=hartree" converts. A unit in the heading ("gap \\[hartree]", "Tb (°C)") does the '
        "same.",
    ),
]  # fmt: skip
MaterialColumn = Annotated[
    str | None,
    typer.Option(
        "--material", "-m", metavar="COLUMN",
        help="Column of the materials, by default one called smiles, formula or the like; "
        '"COLUMN:KIND" says what they are: smiles, repeat_unit (polymers, SMILES with two *), '
        "composition, id.",
    ),
]  # fmt: skip
Use = Annotated[
    list[str] | None,
    typer.Option(
        "--use", "-u", metavar="NAME",
        help='What to build on besides fingerprints: "networks" trained on boiling points and the '
        'like ("networks:molecule/full" for others, see `bayesmat zoo list`), or a free estimate '
        "of the first property, such as gap_huckel (an unknown name lists all). Repeat for "
        "several.",
    ),
]  # fmt: skip
ConditionUnits = Annotated[
    list[str] | None,
    typer.Option(
        "--condition", "-c", metavar="COLUMN=UNIT",
        help='A condition of the measurements: "temperature=K", "solvent={}" for categories. '
        "Repeat for several. A table of recipes has conditions and no material.",
    ),
]  # fmt: skip
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at", "-a", metavar="CONDITION=VALUE",
        help='Under which conditions: "temperature=298.15", in the unit of the table, or with '
        'another one, "temperature=25 degC". Repeat for several.',
    ),
]  # fmt: skip
PoolFile = Annotated[
    Path | None,
    typer.Option(
        "--pool", metavar="FILE",
        help="What may be proposed, as CSV or XLSX: materials, conditions or both; other columns "
        "(price, supplier) travel with them. By default molecules are designed.",
    ),
]  # fmt: skip
Batch = Annotated[int, typer.Option(min=1, help="Materials per round.")]


def shows_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Show what bayesmat raises on purpose as a panel, without traceback, and exit with 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("default", SurprisingValue)
                warnings.showwarning = _warned
                command(*args, **kwargs)
        except BayesmatError as error:
            panel = Panel(
                escape(as_options(str(error))), title=type(error).__name__, border_style="red"
            )
            Console(stderr=True).print(panel)
            raise typer.Exit(1) from error

    return wrapped


def _warned(
    message: Warning | str, category: type[Warning], *where: object, **more: object
) -> None:
    """Show a warning without the place in the code that it came from."""
    Console(stderr=True).print(
        f"Warning: {as_options(str(message))}", markup=False, highlight=False, soft_wrap=True
    )


def read_number(text: str) -> float:
    """A number of the command line."""
    try:
        return commands.number(text)
    except DataError as error:
        raise typer.BadParameter(str(error)) from None


def say(line: str) -> None:
    """Print in words of the command line, with all signs: [nH] of a SMILES is no markup."""
    Console().print(as_options(line), markup=False, highlight=False, soft_wrap=True)


def pairs_of(texts: Sequence[str], what: str) -> dict[str, str]:
    """Words of the form NAME=... by name."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, found, value = text.partition("=")
        if not found or not name.strip() or name.strip() in pairs:
            raise typer.BadParameter(f"{text!r}: write NAME=..., each name once", param_hint=what)
        pairs[name.strip()] = value.strip()
    return pairs


def read_table(
    file: Path,
    *,
    material: str | None,
    properties: Sequence[str] | None,
    file_units: Sequence[str] | None,
    conditions: Sequence[str] | None,
) -> commands.PropertyTable:
    """The table of a file; what is not said is found in its headings."""
    wanted, stated = (
        pairs_of(properties or (), "--property"),
        pairs_of(file_units or (), "--file-unit"),
    )
    unknown = sorted(set(stated) - set(wanted))
    if unknown:
        raise typer.BadParameter(
            f"{unknown} are no properties; those are {list(wanted)}", param_hint="--file-unit"
        )
    columns = {n: commands.Column(unit, unit=stated.get(n)) for n, unit in wanted.items()}
    column, kind = _material(material)
    log = logging.getLogger("bayesmat.data")
    level = log.level
    log.setLevel(logging.ERROR)  # what is assumed is said below, in words of the command line
    try:
        table = commands.read_csv(
            file,
            material=column,
            kind=kind,
            properties=columns or None,
            conditions=pairs_of(conditions, "--condition") if conditions else None,
        )
    finally:
        log.setLevel(level)
    for line in table.assumed:
        say(f"Assumed: {line}")
    return table


def _material(text: str | None) -> tuple[str | None, commands.Kind | None]:
    if text is None:
        return None, None
    column, found, kind = text.rpartition(":")
    for known in ("smiles", "repeat_unit", "composition", "id"):
        if found and kind == known:
            return column or None, known
    kinds = ("smiles", "repeat_unit", "composition", "id", "formula", "polymer", "recipe")
    if found and kind.lower() in kinds:
        raise typer.BadParameter(
            f"{text}: the kinds are smiles, repeat_unit (polymers), composition (formulae) and id",
            param_hint="--material",
        )
    return text, None


def at_of(texts: Sequence[str] | None, what: str = "--at") -> dict[str, float | str]:
    """Conditions by name: numbers, and as text categories and numbers with a unit."""
    found: dict[str, float | str] = {}
    for name, text in pairs_of(texts or (), what).items():
        try:
            found[name] = commands.number(text)
        except DataError:
            found[name] = text
    return found


def numbers_of(texts: Sequence[str] | None, what: str) -> dict[str, float]:
    """Numbers by name."""
    return {name: read_number(text) for name, text in pairs_of(texts or (), what).items()}


def goal_of(name: str, text: str, at: Mapping[str, float | str] | None = None) -> commands.Goal:
    """A goal as it is written: 2.0:2.5, 2:, :2, max or min, and @ with its own conditions.

    Conditions that it does not name itself are those of `at`.
    """
    wanted, apart, own = text.partition("@")
    given = re.split(r",(?=[^,=]+=)", own) if apart else []  # "1,4-dioxane" is one word
    where = dict(at or {}) | at_of(given, "--goal")
    if wanted in ("max", "min"):
        return commands.Maximize(name, where) if wanted == "max" else commands.Minimize(name, where)
    low, found, high = wanted.partition(":")
    if not found or not (low or high):
        raise typer.BadParameter(
            f"{name}={text}: write {name}=2.0:2.5, {name}=2:, {name}=:2, {name}=max or {name}=min, "
            "and behind it @CONDITION=VALUE if it is meant under conditions",
            param_hint="--goal",
        )
    if low and high:
        return commands.Within(name, read_number(low), read_number(high), where)
    if low:
        return commands.AtLeast(name, read_number(low), where)
    return commands.AtMost(name, read_number(high), where)
