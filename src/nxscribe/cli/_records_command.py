"""`nxscribe records`: shows, checks, exports and imports the records of a journal.

None of these needs a daemon, and none disturbs one.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer

from nxscribe.cli._journals import Where, journal_path, taken_up, tell_damage, the_one
from nxscribe.cli._output import width_of_output
from nxscribe.cli._problem_view import print_problems
from nxscribe.errors import InputError, JournalError, Problem

if TYPE_CHECKING:
    from rich.console import Console

    from nxscribe.records import JournalReader

app = typer.Typer(help="Look into the journal of records, and carry records from one to another.", no_args_is_help=True)

_Proposal = Annotated[str | None, typer.Option("--proposal", "-p", help="Only this experiment's.")]
_PIPE_WIDTH = 200
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_records(
    where: Where,
    proposal: _Proposal = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the newest first.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """List the records, the newest first, and how their files stand."""
    from nxscribe.cli._records_view import summary_json, summary_view

    with _reader(where) as journal:
        summaries = journal.summaries(proposal=proposal, limit=limit, on_damage=tell_damage)
    if as_json:
        for summary in summaries:
            typer.echo(summary_json(summary))
    else:
        console = _console()
        console.print(summary_view(summaries, console.width), soft_wrap=True)


@app.command()
def show(
    where: Where,
    record: Annotated[
        str, typer.Argument(help="The record's id, or as much of its beginning as is unique; by default the newest.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Name each missing value.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Show all that is known of one scan."""
    from nxscribe.cli._records_view import record_view
    from nxscribe.records import record_to_json

    with _reader(where) as journal:
        found = journal.record(the_one(journal, record).id)
        standings = journal.standings(found.id)
    if as_json:
        typer.echo(record_to_json(found).decode())
    else:
        console = _console()
        console.print(record_view(found, console.width, standings, everything=everything), soft_wrap=True)


@app.command()
def export(
    where: Where,
    record: Annotated[list[str] | None, typer.Argument(help="Ids or their beginnings; by default all records.")] = None,
    proposal: _Proposal = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new file; by default standard output.")
    ] = None,
) -> None:
    """Write records as JSON Lines, oldest first: one record a line, exact in every value."""
    from nxscribe.records import record_to_json

    with _reader(where) as journal, _writable(output) as stream:
        summaries = (
            [the_one(journal, beginning) for beginning in record]
            if record
            else reversed(journal.summaries(proposal=proposal, on_damage=tell_damage))
        )
        damaged = 0
        for summary in summaries:
            try:
                found = journal.record(summary.id)
            except JournalError as error:
                # The others are whole, and may be all that is left of the journal soon.
                tell_damage(error)
                damaged += 1
                continue
            stream.write(record_to_json(found) + b"\n")
            if found.definition.is_lost:
                typer.secho(f"record {found.id} has lost its definition, and is exported without", fg="red", err=True)
                damaged += 1
    if damaged:
        raise typer.Exit(1)


@app.command("import")
def import_records(
    where: Where,
    source: Annotated[Path, typer.Argument(help="What `export` or the archive has, .gz too; - for standard input.")],
) -> None:
    """Put exported records into a journal. One that is there already, and is the same, is passed over."""
    from nxscribe.records import Journal, JournalReader, record_from_json

    path = journal_path(where)
    added = known = 0
    with _readable(source) as lines, Journal(path, claim=not path.exists()) as journal, JournalReader(path) as reader:
        ids = {summary.id for summary in reader.summaries(on_damage=tell_damage)}
        for number, line in enumerate(lines, 1):
            try:
                record = record_from_json(line)
                if record.id in ids and reader.record(record.id) == record:
                    known += 1
                    continue
                journal.add(record)
            except JournalError as error:
                raise JournalError(
                    Problem(f"line {number} of {source} was not imported, {added} before it were"), *error.problems
                ) from error
            added += 1
    typer.echo(f"{added} imported, {known} there already", err=True)


@app.command()
def retain(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML), whose `records` give the rule.")],
) -> None:
    """Archive and remove records by the config's rule, now. The daemon does it once a day."""
    from nxscribe.model import now
    from nxscribe.records import Journal
    from nxscribe.service.upkeep.retention import retain as apply

    path = journal_path(config)
    settings = taken_up(config)
    with Journal(path, claim=False, projections=settings.projection_kinds) as journal:
        done = apply(journal, settings.retention, now())
    typer.echo(f"{done.removed} removed{f', now in {done.archive}' if done.archive else ''}", err=True)


@app.command()
def check(where: Where) -> None:
    """Check the journal: its pages, its references, every checksum. Exit status 1 when anything is wrong."""
    from nxscribe.records import check_journal

    path = journal_path(where)
    problems = check_journal(path)
    print_problems(problems)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{path} is sound", err=True)


@app.command()
def salvage(
    where: Where,
    target: Annotated[Path, typer.Argument(help="The new journal, which must not exist.")],
) -> None:
    """Copy every sound record of a damaged journal into a new one. Exit status 1 when any was lost."""
    from nxscribe.records import salvage as save

    result = save(journal_path(where), target)
    for record, reason in result.lost.items():
        typer.secho(f"lost: record {record}: {reason}", fg="red", err=True)
    for record in result.without_definition:
        typer.secho(f"saved without its definition: record {record}", fg="yellow", err=True)
    if not result.is_listing_whole:
        typer.secho(
            "the list of records is damaged: there may have been more than were found,"
            " and some that were removed may have come back",
            fg="red",
            err=True,
        )
    typer.echo(f"{result.saved} saved in {target}, {len(result.lost)} lost", err=True)
    if result.lost or result.without_definition or not result.is_listing_whole:
        raise typer.Exit(1)


def _console() -> Console:
    from rich.console import Console

    # A pipe has no width: nothing needs folding there.
    return Console(width=width_of_output() or _PIPE_WIDTH, highlight=False)


def _reader(where: Path) -> JournalReader:
    from nxscribe.records import JournalReader

    return JournalReader(journal_path(where))


@contextmanager
def _writable(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with _told(path), path.open("xb") as stream:
        yield stream


@contextmanager
def _readable(path: Path) -> Iterator[BinaryIO]:
    if path == Path("-"):
        yield sys.stdin.buffer
        return
    with _told(path), path.open("rb") as file:
        yield cast(BinaryIO, gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(Problem(f"cannot use {path}", str(error), "name another file")) from error
