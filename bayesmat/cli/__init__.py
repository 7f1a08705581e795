"""The command line: predict from a table, and run a campaign, without writing Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from bayesmat._deferred import Deferred
from bayesmat._version import __version__

from .campaign import campaign_app
from .laboratory import tell as tell
from .options import (
    At,
    Batch,
    ConditionUnits,
    FileUnits,
    MaterialColumn,
    Properties,
    TableFile,
    Use,
    at_of,
    read_number,
    read_table,
    shows_errors,
)  # fmt: skip
from .zoo import zoo_app

if TYPE_CHECKING:
    from bayesmat import commands
else:
    # Imported when a command runs.
    commands = Deferred("bayesmat.commands")

__all__ = ["app", "main"]

app = typer.Typer(
    name="bayesmat",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Predict properties of materials from few measurements, and choose the next experiment.",
)
app.add_typer(campaign_app, name="campaign")
app.add_typer(zoo_app, name="zoo")


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if show_version:
        Console().print(f"bayesmat {__version__}", highlight=False)
        raise typer.Exit


@app.command()
@shows_errors
def predict(
    table: TableFile,
    materials: Annotated[
        list[str] | None, typer.Argument(metavar="[MATERIAL...]", help="What to predict.")
    ] = None,
    *,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE",
            help="CSV or XLSX of what to predict: materials, conditions or both.",
        ),
    ] = None,
    at: At = None,
    properties: Properties = None,
    file_units: FileUnits = None,
    conditions: ConditionUnits = None,
    material: MaterialColumn = None,
    use: Use = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write the predictions, as .csv or .xlsx.")
    ] = None,
    explain: Annotated[bool, typer.Option(help="Say what each part of the model is worth.")] = True,
) -> None:  # fmt: skip
    """Predict properties of materials, with 90% intervals, from a table of measurements.

    Example: bayesmat predict gaps.csv "c1ccc2ccccc2c1" -p "gap=log eV" -m smiles
    """
    if not (materials or source or at):
        raise typer.BadParameter("say what to predict: materials, --from FILE, or --at for recipes")
    data = read_table(
        table, material=material, properties=properties, file_units=file_units,
        conditions=conditions,
    )  # fmt: skip
    rows, notes = commands.asked(data, materials or None, at_of(at), source)
    setup = commands.Setup.of(data, use, "none")
    fitted = commands.fit(setup.prior(), data, seed=0, explain=explain)
    prediction = fitted.predict(rows)
    console = Console()
    console.print(Panel(escape(str(fitted.report)), title="What the model learned"))
    names = commands.names_of(notes, len(rows))
    console.print(commands.shown(prediction, names=names))
    if out is not None:
        commands.write_frame(commands.beside(prediction.to_frame(), notes), out)
        console.print(f"Written to {out}.")


@app.command("demo")
@shows_errors
def demonstrate(
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("demo_out"),
    *,
    lower: Annotated[
        float,
        typer.Option(parser=read_number, metavar="EV", help="Lower end of the wanted gap, eV."),
    ] = 2.0,
    upper: Annotated[
        float,
        typer.Option(parser=read_number, metavar="EV", help="Upper end of the wanted gap, eV."),
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
