"""Campaigns at the command line: made, asked, told by an oracle or a laboratory, reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bayesmat._deferred import Deferred

from .options import (
    At,
    Batch,
    CampaignFile,
    ConditionUnits,
    FileUnits,
    MaterialColumn,
    PoolFile,
    Properties,
    TableFile,
    Use,
    at_of,
    goal_of,
    pairs_of,
    read_table,
    say,
    shows_errors,
)  # fmt: skip

if TYPE_CHECKING:
    from bayesmat import commands
else:
    # Imported when a command runs.
    commands = Deferred("bayesmat.commands")

__all__ = ["campaign_app"]

campaign_app = typer.Typer(
    no_args_is_help=True,
    help="A search that proposes materials, is told results, and forgets nothing.",
)


@campaign_app.command()
@shows_errors
def create(
    file: CampaignFile,
    table: TableFile,
    *,
    goals: Annotated[
        list[str],
        typer.Option(
            "--goal", "-g", metavar="GOAL",
            help='"gap=2.0:2.5" (between), "gap=2:" (at least), "gap=:2" (at most), "gap=max" or '
            '"gap=min", in the units given; "viscosity=1:2@temperature=25 degC" says under which '
            "conditions it is meant (several: a comma between them), as --at does for all goals. "
            "Repeat for several.",
        ),
    ],
    at: At = None,
    pool: PoolFile = None,
    properties: Properties = None,
    file_units: FileUnits = None,
    conditions: ConditionUnits = None,
    material: MaterialColumn = None,
    use: Use = None,
    oracle: Annotated[
        str, typer.Option(help='"gfn1" or "gfn2" compute gaps with xTB; "none": a laboratory.')
    ] = "none",
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seeds every round.")] = 0,
) -> None:  # fmt: skip
    """Start a campaign: what is known, what is wanted, and who answers.

    Example: bayesmat campaign create gap.db gaps.csv -p "gap=log eV" -g gap=2.0:2.5
    -u gap_huckel -u networks --oracle gfn1
    """
    wanted = [goal_of(n, text, at_of(at)) for n, text in pairs_of(goals, "--goal").items()]
    data = read_table(
        table, material=material, properties=properties, file_units=file_units,
        conditions=conditions,
    )  # fmt: skip
    wanted = list(commands.with_numbers(wanted, data.rows))
    under = commands.at_of(wanted)
    if data.kind != "smiles" and pool is None:
        raise typer.BadParameter(
            f"only molecules are designed, and the table holds rows of kind {data.kind}: say what "
            "may be chosen",
            param_hint="--pool",
        )
    setup = commands.Setup.of(data, use, oracle)
    setup = setup.choosing(None if pool is None else commands.pool_for(pool, data, under))
    calculator, prior = setup.calculator(), setup.prior()
    campaign = commands.Campaign.create(
        commands.url_of(file), data, prior, goals=wanted, oracle=calculator,
        candidates=setup.pool, seed=seed,
    )  # fmt: skip
    setup.write(file)
    campaign.close()
    step = "run" if calculator is not None else "suggest"
    what = "recipes" if data.kind == "recipe" else "rows" if data.conditions else "materials"
    words = f"Campaign {file} starts from {data.n_rows} {what}."
    say(f"{words} Next: bayesmat campaign {step} {file}")


@campaign_app.command()
@shows_errors
def suggest(
    file: CampaignFile,
    batch: Batch = 8,
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="Also write all that waits as a sheet to fill, .xlsx or .csv."),
    ] = None,
    use: Use = None,
    pool: PoolFile = None,
) -> None:
    """Propose the next materials to make or compute; the proposal is stored.

    --use and --pool are for a campaign that was made in Python.
    """
    campaign = commands.reopened(file, use, pool)
    proposal = campaign.suggest(batch)
    title = f"Round {proposal.round}"
    stated = proposal.probability if proposal.is_bounded else None
    Console().print(commands.shown(proposal.prediction, stated, title, proposal.names))
    if proposal.aim:
        say(proposal.aim)
    keys = map(commands.named, proposal.rows.keys, proposal.names)
    for key, reason in zip(keys, commands.reasons_of(proposal), strict=False):
        say(f"  {key}: {reason}")
    if out is not None:
        campaign.sheet(out)
        say(f"Written to {out}. Fill it, then: bayesmat campaign read {file} {out}")
    else:
        row = "RECIPE" if campaign.start.kind == "recipe" else "MATERIAL"
        say(f"Then: bayesmat campaign tell {file} {row} PROPERTY=VALUE")
    campaign.close()


@campaign_app.command()
@shows_errors
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
    say(str(status))


@campaign_app.command("carry-over")
@shows_errors
def carry_over(
    file: CampaignFile,
    reason: Annotated[str, typer.Option(help="Who carries it over, and why: for the report.")],
    use: Use = None,
    pool: PoolFile = None,
) -> None:
    """Go on after an upgrade that changed numbers, or with other --use or --pool.

    All that is known stays.
    """
    setup = commands.setup_of(file, use, pool)
    prior, oracle = setup.prior(), setup.calculator()
    campaign = commands.Campaign.carry_over(
        commands.url_of(file), prior=prior, reason=reason, oracle=oracle, candidates=setup.pool
    )
    setup.write(file)
    changes = campaign.carry_overs()
    campaign.close()
    say(str(changes[-1]) if changes else "Nothing differs: the campaign goes on.")


@campaign_app.command()
@shows_errors
def status(file: CampaignFile) -> None:
    """Say where the campaign stands, and what waits for a result."""
    campaign = commands.opened(file)
    state = campaign.status()
    whole = commands.summary(commands.account_of(campaign)) if state.rounds else (str(state),)
    for line in whole:
        say(line)
    names = commands.names_by_key(campaign)
    for material in state.pending:
        say(f"  waits: {commands.named(material, names[material])}")
    campaign.close()


@campaign_app.command()
@shows_errors
def export(
    file: CampaignFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A .csv, .xlsx or .json file.")],
    what: Annotated[
        str,
        typer.Option(
            help='"history" (a row for each material, with the columns of the pool), "events" '
            '(all that happened) or "table" (all measurements, as read_csv reads them).'
        ),
    ] = "history",
) -> None:
    """Write what the campaign knows to a file."""
    campaign = commands.opened(file)
    if what == "table":
        commands.to_csv(campaign.table(), out)
    elif what in ("history", "events"):
        frame = commands.history_of(campaign) if what == "history" else campaign.events()
        commands.write_frame(frame, out)
    else:
        raise typer.BadParameter("say history, events or table", param_hint="--what")
    campaign.close()
    say(f"Written to {out}.")


@campaign_app.command("doctor")
@shows_errors
def examine(file: CampaignFile, use: Use = None, pool: PoolFile = None) -> None:
    """Examine the measurements and the model for what is likely wrong, such as a mistyped value."""
    campaign = commands.reopened(file, use, pool)
    say(str(commands.doctor(campaign)))
    campaign.close()


@campaign_app.command("report")
@shows_errors
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
    say(f"Written to {out}.")
