"""`nxscribe records`: look into a journal, take records out of it and put them into another.

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
from rich.console import Console

from nxscribe.cli.journals import Where, journal_path, the_one
from nxscribe.errors import InputError, JournalError, Problem

if TYPE_CHECKING:
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
    from nxscribe.cli.records_view import summary_json, summary_table

    with _reader(where) as journal:
        summaries = journal.summaries(proposal=proposal, limit=limit)
    if as_json:
        for summary in summaries:
            typer.echo(summary_json(summary))
    else:
        _console().print(summary_table(summaries))


@app.command()
def show(
    where: Where,
    record: Annotated[
        str, typer.Argument(help="The record's id, or as much of its beginning as is unique; by default the newest.")
    ] = "",
    as_json: _AsJson = False,
) -> None:
    """Show all that is known of one scan."""
    from nxscribe.cli.records_view import record_view
    from nxscribe.records import record_to_json

    with _reader(where) as journal:
        found = journal.record(the_one(journal, record).id)
    if as_json:
        typer.echo(record_to_json(found).decode())
    else:
        _console().print(record_view(found))


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
            else reversed(journal.summaries(proposal=proposal))
        )
        for summary in summaries:
            stream.write(record_to_json(journal.record(summary.id)) + b"\n")


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
        ids = {summary.id for summary in reader.summaries()}
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
    from nxscribe.service.config import load_config
    from nxscribe.service.retention import retain as apply

    path = journal_path(config)
    with Journal(path, claim=False) as journal:
        done = apply(journal, load_config(config).retention, now(), may_vacuum=False)
    typer.echo(f"{done.removed} removed{f', now in {done.archive}' if done.archive else ''}", err=True)


@app.command()
def check(where: Where) -> None:
    """Check the journal: its pages, its references, every checksum. Exit status 1 when anything is wrong."""
    from nxscribe.records import check_journal

    path = journal_path(where)
    problems = check_journal(path)
    for problem in problems:
        typer.secho(str(problem), fg="red", err=True)
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
    if not result.is_listing_whole:
        typer.secho("the list of records is damaged: there may have been more than were found", fg="red", err=True)
    typer.echo(f"{result.saved} saved in {target}, {len(result.lost)} lost", err=True)
    if result.lost or not result.is_listing_whole:
        raise typer.Exit(1)


def _console() -> Console:
    # A pipe has no width: nothing needs folding there.
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)


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
