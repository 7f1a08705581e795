"""What a laboratory tells a campaign at the command line: events are added, none is changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayesmat._deferred import Deferred

from .campaign import campaign_app
from .options import At, CampaignFile, at_of, numbers_of, pairs_of, read_number, say, shows_errors

if TYPE_CHECKING:
    from bayesmat import commands
else:
    # Imported when a command runs.
    commands = Deferred("bayesmat.commands")

__all__ = ["tell"]

Material = Annotated[
    str,
    typer.Argument(
        help="A material in any spelling, or a proposed one's name; '-' for recipes, with --at."
    ),
]
Values = Annotated[
    list[str] | None, typer.Argument(metavar="[PROPERTY=VALUE...]", help='Such as "gap=2.31".')
]
Sds = Annotated[
    list[str] | None,
    typer.Option("--sd", metavar="PROPERTY=SD", help="Standard deviation, if known."),
]
Reason = Annotated[str, typer.Option(help="Who says so, and why: for the report.")]
Number = Annotated[
    int | None, typer.Option("--number", min=1, help="Which of several replicates, from 1.")
]


@campaign_app.command()
@shows_errors
def tell(
    file: CampaignFile,
    material: Material,
    values: Values = None,
    *,
    at: At = None,
    sds: Sds = None,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", metavar="PROPERTY=UNIT", help="Unit of a value in another one."),
    ] = None,
    replicate: Annotated[bool, typer.Option(help="It was measured again.")] = False,
    note: Annotated[str | None, typer.Option(help="A remark that stays with it.")] = None,
    failed: Annotated[
        str | None, typer.Option(metavar="REASON", help="It could not be measured, and why.")
    ] = None,
) -> None:
    """Record what was measured, proposed or not, or why it could not be."""
    if bool(values) == (failed is not None):
        raise typer.BadParameter("give either PROPERTY=VALUE or --failed REASON")
    told, spreads = _values(file, values), numbers_of(sds, "--sd")
    campaign = commands.opened(file)
    key, conditions = _asked(material, at)
    said = None
    if failed is not None:
        campaign.fail(key, failed, conditions=conditions)
    else:
        said = commands.quietly(
            lambda: campaign.tell(
                key, told, spreads, conditions=conditions, note=note,
                units=pairs_of(unit or (), "--unit"), replicate=replicate,
            )
        )  # fmt: skip
    say(commands.stored(campaign, "failed" if failed is not None else "told"))
    _close(campaign, said)


@campaign_app.command()
@shows_errors
def correct(
    file: CampaignFile,
    material: Material,
    values: Values,
    reason: Reason,
    *,
    at: At = None,
    sds: Sds = None,
    number: Number = None,
) -> None:
    """Put values in place of mistyped ones; the old ones stay visible in the history."""
    told, spreads = _values(file, values), numbers_of(sds, "--sd")
    campaign = commands.opened(file)
    key, conditions = _asked(material, at)
    said = commands.quietly(
        lambda: campaign.correct(
            key, told, spreads, reason=reason, conditions=conditions,
            replicate=number,
        )
    )  # fmt: skip
    say(commands.stored(campaign, "corrected"))
    _close(campaign, said)


@campaign_app.command()
@shows_errors
def withdraw(
    file: CampaignFile,
    material: Material,
    reason: Reason,
    *,
    at: At = None,
    properties: Annotated[
        list[str] | None, typer.Option("--property", "-p", help="Which; by default all.")
    ] = None,
    number: Number = None,
) -> None:
    """Take back values that are not to be believed, or a failure."""
    campaign = commands.opened(file)
    key, conditions = _asked(material, at)
    campaign.withdraw(
        key, reason=reason, properties=properties, conditions=conditions, replicate=number
    )
    _close(campaign, commands.stored(campaign, "withdrawn"))


@campaign_app.command()
@shows_errors
def retry(
    file: CampaignFile,
    materials: Annotated[
        list[str] | None, typer.Argument(help="Which; by default all that failed.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A remark that stays with them.")] = None,
    at: At = None,
) -> None:
    """Let materials that failed wait for a result again, once what was broken is mended."""
    campaign = commands.opened(file)
    keys = campaign.retry(materials or None, conditions=at_of(at) or None, note=note)
    wait = "waits" if len(keys) == 1 else "wait"
    names = commands.names_by_key(campaign)
    said = "; ".join(commands.named(key, names[key]) for key in keys)
    _close(campaign, f"{len(keys)} {wait} again: {said or 'none'}.")


@campaign_app.command("note")
@shows_errors
def remark(
    file: CampaignFile,
    words: Annotated[str, typer.Argument(help="The remark.")],
    about: Annotated[str | None, typer.Option(help="A material that it is about.")] = None,
    at: At = None,
) -> None:
    """Add a remark to the history, about a material or about the campaign."""
    campaign = commands.opened(file)
    key, conditions = _asked(about or "-", at)
    campaign.note(words, key, conditions=conditions)
    campaign.close()
    say("Noted.")


@campaign_app.command()
@shows_errors
def sheet(
    file: CampaignFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A .xlsx or .csv file.")],
    round: Annotated[int | None, typer.Option(min=1, help="Only what waits of this round.")] = None,
) -> None:
    """Write what waits for a result as a sheet for the laboratory to fill."""
    campaign = commands.opened(file)
    campaign.sheet(out, round)
    campaign.close()
    say(f"Written to {out}. Fill it, then: bayesmat campaign read {file} {out}")


@campaign_app.command()
@shows_errors
def read(
    file: CampaignFile,
    sheet: Annotated[Path, typer.Argument(metavar="SHEET", help="The filled sheet.")],
    page: Annotated[str | None, typer.Option(help="Sheet of a workbook with several.")] = None,
) -> None:
    """Store what a laboratory wrote into a sheet: everything, or nothing if a cell is wrong."""
    campaign = commands.opened(file)
    found = commands.quietly(lambda: campaign.read_sheet(sheet, page))
    _close(campaign, str(found))


def _asked(material: str, at: list[str] | None) -> tuple[str | None, dict[str, float | str] | None]:
    return None if material == "-" else material, at_of(at) or None


def _values(file: Path, texts: list[str] | None) -> dict[str, float | str]:
    """Numbers; as text the names of classes, and numbers with a unit."""
    words = pairs_of(texts or (), "value")
    classes = commands.classes_of(file)
    return {
        n: word if n in classes or " " in word else read_number(word) for n, word in words.items()
    }


def _close(campaign: commands.Campaign, said: object) -> None:
    if said:
        say(str(said))
    say(str(campaign.status()))
    campaign.close()
