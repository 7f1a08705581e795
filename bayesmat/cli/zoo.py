"""The zoo of source networks at the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bayesmat._deferred import Deferred

from .options import say, shows_errors

if TYPE_CHECKING:
    from bayesmat import commands
else:
    # Imported when a command runs.
    commands = Deferred("bayesmat.commands")

__all__ = ["zoo_app"]

zoo_app = typer.Typer(
    no_args_is_help=True,
    help="Networks that learned plentiful properties: what there is, and to give and take them.",
)

Name = Annotated[str, typer.Argument(help="As `bayesmat zoo list` shows it, or a file.")]


@zoo_app.command("list")
@shows_errors
def list_() -> None:
    """Say which ensembles there are, and which must be trained first."""
    for name, about in commands.zoo_names().items():
        say(f"{name}: {about}")


@zoo_app.command()
@shows_errors
def show(name: Name) -> None:
    """Show the card: what was learned from what, and the errors on held-out materials."""
    Console().print(commands.zoo_card(commands.zoo.load(name)))


@zoo_app.command()
@shows_errors
def build(
    name: Annotated[str, typer.Argument(help="Which, such as molecule/full.")],
    *,
    exclude: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Molecules, a SMILES a line, that must not be learned."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of shapes, weights and the held-out split.")] = 0,
) -> None:
    """Train an ensemble and keep it; an interrupted training goes on where it was."""
    Console().print(commands.zoo_card(commands.zoo_build(name, exclude, seed)))


@zoo_app.command()
@shows_errors
def export(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE.safetensors", help="What to write.")],
) -> None:
    """Write networks and card into one file that can be given to anybody."""
    digest = commands.zoo_export(name, file)
    say(f"Written to {file}. Behind its address: #sha256={digest}")


@zoo_app.command("import")
@shows_errors
def import_(
    source: Annotated[str, typer.Argument(help="A .safetensors file, or ADDRESS#sha256=DIGITS.")],
    name: Annotated[str, typer.Argument(help="What to call it: imported/NAME.")],
) -> None:
    """Take an ensemble into the zoo: it is checked, and nothing of it is executed."""
    commands.zoo.keep(source, name)
    say(f"Taken in as imported/{name}.")
