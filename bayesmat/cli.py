"""The command line: predict from a table, and run a campaign, without writing Python."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, ParamSpec

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from bayesmat._deferred import Deferred
from bayesmat._files import writing
from bayesmat._version import __version__
from bayesmat.errors import BayesmatError, DataError

if TYPE_CHECKING:
    from bayesmat import commands
else:
    # Imported when a command runs.
    commands = Deferred("bayesmat.commands")

__all__ = ["app", "main"]

P = ParamSpec("P")

app = typer.Typer(
    name="bayesmat",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Predict properties of materials from few measurements, and choose the next experiment.",
)
campaign_app = typer.Typer(
    no_args_is_help=True,
    help="A search that proposes materials, is told results, and forgets nothing.",
)
app.add_typer(campaign_app, name="campaign")

TableFile = Annotated[
    Path, typer.Argument(metavar="TABLE.csv", help="Measurements, one material per row (UTF-8).")
]
CampaignFile = Annotated[
    Path, typer.Argument(metavar="FILE.db", help="Where the campaign keeps its history.")
]
Properties = Annotated[
    list[str],
    typer.Option(
        "--property", "-p", metavar="COLUMN=UNIT",
        help='A measured property: "gap=eV", or "gap=log eV" if it is positive and spans a factor '
        "of three or more. Repeat for several.",
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
    str,
    typer.Option(
        "--material", "-m", metavar="COLUMN",
        help='Column of SMILES; "COLUMN:repeat_unit" for polymers (SMILES with two *).',
    ),
]  # fmt: skip
Use = Annotated[
    list[str] | None,
    typer.Option(
        "--use", "-u", metavar="NAME",
        help='What to build on besides fingerprints: "networks" trained on boiling points and the '
        "like (the first use trains them, a minute or two), or a free estimate of the first "
        "property, such as gap_huckel (an unknown name lists all). Repeat for several.",
    ),
]  # fmt: skip
Batch = Annotated[int, typer.Option(min=1, help="Materials per round.")]


def _shows_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Show what bayesmat raises on purpose as a panel, without traceback, and exit with 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BayesmatError as error:
            said = commands.as_options(str(error))
            panel = Panel(escape(said), title=type(error).__name__, border_style="red")
            Console(stderr=True).print(panel)
            raise typer.Exit(1) from error

    return wrapped


def _number(text: str) -> float:
    try:
        return commands.number(text)
    except DataError as error:
        raise typer.BadParameter(str(error)) from None


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if show_version:
        Console().print(f"bayesmat {__version__}", highlight=False)
        raise typer.Exit


@app.command()
@_shows_errors
def predict(
    table: TableFile,
    materials: Annotated[list[str], typer.Argument(metavar="SMILES...", help="What to predict.")],
    *,
    properties: Properties,
    file_units: FileUnits = None,
    material: MaterialColumn = "smiles",
    use: Use = None,
    out: Annotated[Path | None, typer.Option(help="Also write the predictions as CSV.")] = None,
    explain: Annotated[bool, typer.Option(help="Say what each part of the model is worth.")] = True,
) -> None:
    """Predict properties of materials, with 90% intervals, from a table of measurements.

    Example: bayesmat predict gaps.csv "c1ccc2ccccc2c1" -p "gap=log eV" -m smiles
    """
    units, (column, kind) = _columns(properties, file_units), _column(material)
    data = commands.read_csv(table, material=column, kind=kind, properties=units)
    setup = commands.Setup(data.property_names, kind, tuple(use or ()), "none")
    fitted = commands.fit(setup.prior(), data, seed=0, explain=explain)
    prediction = fitted.predict(materials)
    console = Console()
    console.print(Panel(escape(str(fitted.report)), title="What the model learned"))
    console.print(commands.shown(prediction))
    if out is not None:
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            prediction.to_frame().to_csv(out, index=False)
        console.print(f"Written to {out}.")


@campaign_app.command()
@_shows_errors
def create(
    file: CampaignFile,
    table: TableFile,
    *,
    properties: Properties,
    goals: Annotated[
        list[str],
        typer.Option(
            "--goal", "-g", metavar="GOAL",
            help='"gap=2.0:2.5" (between), "gap=2:" (at least), "gap=:2" (at most), "gap=max" or '
            '"gap=min", in the units given. Repeat for several.',
        ),
    ],
    file_units: FileUnits = None,
    material: MaterialColumn = "smiles",
    use: Use = None,
    oracle: Annotated[
        str, typer.Option(help='"gfn1" or "gfn2" compute gaps with xTB; "none": a laboratory.')
    ] = "none",
) -> None:  # fmt: skip
    """Start a campaign: what is known, what is wanted, and who answers.

    Example: bayesmat campaign create gap.db gaps.csv -p "gap=log eV" -g gap=2.0:2.5
    -u gap_huckel -u networks --oracle gfn1
    """
    units, (column, kind) = _columns(properties, file_units), _column(material)
    if kind != "smiles":
        raise typer.BadParameter(
            "a campaign here designs molecules; one of polymers needs a list to choose from: in "
            "Python, bm.Campaign.create(..., candidates=bm.Pool(repeat_units))",
            param_hint="--material",
        )
    wanted = [_goal(name, text) for name, text in _pairs(goals, "--goal").items()]
    data = commands.read_csv(table, material=column, kind=kind, properties=units)
    setup = commands.Setup(data.property_names, kind, tuple(use or ()), oracle)
    calculator, prior = setup.calculator(), setup.prior()
    campaign = commands.Campaign.create(
        commands.url_of(file), data, prior, goals=wanted, oracle=calculator
    )
    setup.write(file)
    campaign.close()
    step = "run" if calculator is not None else "suggest"
    words = f"Campaign {file} starts from {data.n_rows} materials."
    _say(f"{words} Next: bayesmat campaign {step} {file}")


@campaign_app.command()
@_shows_errors
def suggest(file: CampaignFile, batch: Batch = 8) -> None:
    """Propose the next materials to make or compute; the proposal is stored."""
    campaign = commands.reopened(file)
    proposal = campaign.suggest(batch)
    campaign.close()
    title = f"Round {proposal.round}"
    Console().print(commands.shown(proposal.prediction, proposal.probability, title))
    _say(f"Then: bayesmat campaign tell {file} SMILES PROPERTY=VALUE")


@campaign_app.command()
@_shows_errors
def tell(
    file: CampaignFile,
    material: Annotated[str, typer.Argument(help="A proposed material, in any spelling.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="PROPERTY=VALUE...", help='Such as "gap=2.31".')
    ] = None,
    *,
    sds: Annotated[
        list[str] | None,
        typer.Option("--sd", metavar="PROPERTY=SD", help="Standard deviation, if known."),
    ] = None,
    failed: Annotated[
        str | None, typer.Option(metavar="REASON", help="It could not be measured, and why.")
    ] = None,
) -> None:
    """Record what was measured on a proposed material, or why it could not be."""
    if bool(values) == (failed is not None):
        raise typer.BadParameter("give either PROPERTY=VALUE or --failed REASON")
    numbers, spreads = _numbers(values, "value"), _numbers(sds, "--sd")
    campaign = commands.opened(file)
    if failed is not None:
        campaign.fail(material, failed)
    else:
        campaign.tell(material, numbers, spreads)
    _say(str(campaign.status()))
    campaign.close()


@campaign_app.command()
@_shows_errors
def run(
    file: CampaignFile,
    rounds: Annotated[int, typer.Option(min=1, help="Total, earlier rounds included.")] = 5,
    batch: Batch = 8,
    workers: Annotated[int, typer.Option(min=0, help="Processes that compute.")] = 2,
) -> None:
    """Suggest and compute, round after round; interrupt it and run it again, nothing is lost."""
    campaign = commands.reopened(file)
    status = campaign.run(rounds, batch, workers=workers)
    campaign.close()
    _say(str(status))


@campaign_app.command("carry-over")
@_shows_errors
def carry_over(
    file: CampaignFile,
    reason: Annotated[str, typer.Option(help="Who carries it over, and why: for the report.")],
    use: Use = None,
) -> None:
    """Go on after an upgrade that changed numbers, or with other --use; all that is known stays."""
    commands.opened(file).close()
    setup = commands.Setup.read(file).using(use)
    prior, oracle = setup.prior(), setup.calculator()
    campaign = commands.Campaign.carry_over(
        commands.url_of(file), prior=prior, reason=reason, oracle=oracle
    )
    setup.write(file)
    changes = campaign.carry_overs()
    campaign.close()
    _say(str(changes[-1]) if changes else "Nothing differs: the campaign goes on.")


@campaign_app.command()
@_shows_errors
def status(file: CampaignFile) -> None:
    """Say where the campaign stands, and what waits for a result."""
    campaign = commands.opened(file)
    state = campaign.status()
    _say(str(state))
    if state.rounds:
        for line in commands.summary(commands.account_of(campaign)):
            _say(line)
    for material in state.pending:
        _say(f"  waits: {material}")
    campaign.close()


@campaign_app.command("report")
@_shows_errors
def campaign_report(
    file: CampaignFile,
    out: Annotated[Path, typer.Option(help="Where to write.")] = Path("report.html"),
    learning_curves: Annotated[
        Path | None, typer.Option(help="Precomputed learning curves (JSON) to show beside.")
    ] = None,
) -> None:
    """Write the campaign as one web page that can be sent to anybody."""
    campaign = commands.opened(file)
    commands.report(campaign, out, learning_curves=learning_curves)
    campaign.close()
    _say(f"Written to {out}.")


@app.command("demo")
@_shows_errors
def demonstrate(
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("demo_out"),
    *,
    lower: Annotated[
        float, typer.Option(parser=_number, metavar="EV", help="Lower end of the wanted gap, eV.")
    ] = 2.0,
    upper: Annotated[
        float, typer.Option(parser=_number, metavar="EV", help="Upper end of the wanted gap, eV.")
    ] = 2.5,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of the search.")] = 5,
    batch: Batch = 8,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seeds the search.")] = 0,
) -> None:
    """Design molecules with a small orbital gap, from a table to a report, with real xTB.

    Interrupted with Ctrl-C, it goes on where it stopped when started again.
    """
    settings = commands.Demo(out, lower, upper, rounds, batch, seed)
    console = Console(highlight=False, soft_wrap=True)
    try:
        commands.demo(settings, lambda line: console.print(escape(line)))
    except KeyboardInterrupt:
        console.print("Stopped; every result so far is stored. Run the same command to go on.")
        raise typer.Exit(130) from None


def main() -> None:
    """Run the command line."""
    app()


def _say(line: str) -> None:
    """Print as it stands: [nH] of a SMILES is no markup."""
    Console().print(line, markup=False, highlight=False, soft_wrap=True)


def _pairs(texts: Sequence[str], what: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, found, value = text.partition("=")
        if not found or not name.strip() or name.strip() in pairs:
            raise typer.BadParameter(f"{text!r}: write NAME=..., each name once", param_hint=what)
        pairs[name.strip()] = value.strip()
    return pairs


def _columns(
    properties: Sequence[str], file_units: Sequence[str] | None
) -> dict[str, commands.Column]:
    """Columns of measured properties, with the unit of the file where one is stated."""
    wanted, stated = _pairs(properties, "--property"), _pairs(file_units or (), "--file-unit")
    unknown = sorted(set(stated) - set(wanted))
    if unknown:
        raise typer.BadParameter(
            f"{unknown} are no properties; those are {list(wanted)}", param_hint="--file-unit"
        )
    return {name: commands.Column(unit, unit=stated.get(name)) for name, unit in wanted.items()}


def _column(text: str) -> tuple[str, Literal["smiles", "repeat_unit"]]:
    column, found, kind = text.rpartition(":")
    if found and kind in ("smiles", "repeat_unit"):
        return column, "repeat_unit" if kind == "repeat_unit" else "smiles"
    known = ("smiles", "repeat_unit", "composition", "formula", "id", "polymer")
    if found and kind.lower() in known:
        raise typer.BadParameter(
            f"{text}: the kinds here are smiles and repeat_unit (polymers); for formulae use "
            "bm.read_csv(..., kind=...) and bm.DescriptorGP in Python",
            param_hint="--material",
        )
    return text, "smiles"


def _numbers(texts: Sequence[str] | None, what: str) -> dict[str, float]:
    return {name: _number(text) for name, text in _pairs(texts or (), what).items()}


def _goal(name: str, text: str) -> commands.Goal:
    if text in ("max", "min"):
        return commands.Maximize(name) if text == "max" else commands.Minimize(name)
    low, found, high = text.partition(":")
    if not found or not (low or high):
        raise typer.BadParameter(
            f"{name}={text}: write {name}=2.0:2.5, {name}=2:, {name}=:2, {name}=max or {name}=min",
            param_hint="--goal",
        )
    if low and high:
        return commands.Within(name, _number(low), _number(high))
    return commands.AtLeast(name, _number(low)) if low else commands.AtMost(name, _number(high))
