"""`nxscribe fsck`: compares the files with the journal, reports differences, and mends them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nxscribe.cli._journals import taken_up
from nxscribe.cli._problem_view import print_problems
from nxscribe.cli._regenerate_command import file_settings
from nxscribe.errors import JournalError, NxscribeError, Problem

if TYPE_CHECKING:
    from nxscribe.projections import FileSettings
    from nxscribe.records import JournalReader, Summary


def fsck(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    proposal: Annotated[str | None, typer.Option("--proposal", "-p", help="Only this experiment.")] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Make again what is missing, damaged or otherwise wrong.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not compare values and attributes.")] = False,
    data_root: Annotated[Path | None, typer.Option(help="Instead of the config's data_root.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Instead of the config's state_dir.")] = None,
) -> None:
    """Compare the files with the journal. Exit status 1 when anything is wrong and was not mended.

    A daemon may be running. Entries that it has still to write are told, and count as wrong only if they fail.
    """
    from nxscribe.projections import hdf5_environment

    hdf5_environment.prepare()
    from nxscribe.records import JOURNAL_FILE, check_journal

    settings = taken_up(config, data_root, state_dir)
    path = settings.state_dir / JOURNAL_FILE
    problems = check_journal(path)
    print_problems(problems)
    with _reader(path, problems) as journal:
        summaries = tuple(reversed(journal.summaries(proposal=proposal, on_damage=lambda _: None)))
        checker = _Checker(journal, file_settings(settings), path, mend=mend, quick=quick)
        for summary in summaries:
            checker.check(summary)
        for version, count in sorted(checker.versions.items()):
            typer.echo(f"note: {_of_version(count, version)}", err=True)
        # Last, when what was damaged has come back: entries that nobody accounts for.
        for line in unaccounted(settings.data_root, summaries):
            typer.secho(f"note: {line}", fg="yellow", err=True)
    typer.echo(
        f"{len(summaries)} records: {checker.good} good, {checker.due} due, {checker.mended} mended,"
        f" {checker.wrong} wrong; journal {'damaged' if problems else 'sound'}",
        err=True,
    )
    if problems or checker.wrong:
        raise typer.Exit(1)


def _reader(path: Path, problems: Iterable[Problem]) -> JournalReader:
    """Open the journal. Ends the command if it cannot be opened and the reason was reported already."""
    from nxscribe.records import JournalReader

    try:
        return JournalReader(path)
    except JournalError as error:
        if set(error.problems) <= set(problems):
            raise typer.Exit(1) from None
        raise


def _of_version(count: int, version: str) -> str:
    entries = "1 entry was" if count == 1 else f"{count} entries were"
    return (
        f"{entries} written by nxscribe {version}: the readings alone were compared;"
        " `nxscribe regenerate` writes entries as this version does"
    )


def unaccounted(data_root: Path, summaries: Iterable[Summary]) -> list[str]:
    """Describes the entries that the master files of these records show, and that have no record."""
    from nxscribe.projections.nexus import unknown_entries
    from nxscribe.records.record import entry_name

    known: dict[str, set[str]] = defaultdict(set)
    for summary in summaries:
        known[summary.master].add(entry_name(summary.number))
    return [
        f"{data_root / master} shows {', '.join(unknown)}, of which this journal has no record"
        for master, entries in known.items()
        if (unknown := unknown_entries(data_root / master, entries))
    ]


class _Checker:
    """Compares the files with each record, and counts the results."""

    def __init__(self, journal: JournalReader, settings: FileSettings, path: Path, *, mend: bool, quick: bool) -> None:
        self._journal, self._settings, self._path = journal, settings, path
        self._mend, self._quick = mend, quick
        self.good = self.due = self.mended = self.wrong = 0
        self.versions: Counter[str] = Counter()
        """For each other version of nxscribe, how many of the good entries it wrote."""

    def check(self, summary: Summary) -> None:
        from nxscribe.projections.nexus import inspect_entry, version_of
        from nxscribe.records import ProjectionState
        from nxscribe.records.record import entry_name

        what = f"{entry_name(summary.number)} of {summary.master}"
        if summary.files in {ProjectionState.WAITING, ProjectionState.PENDING}:
            self.due += 1
            typer.echo(f"{what}: due: the daemon makes it")
            return
        try:
            record, revision = self._journal.revised(summary.id)
        except JournalError:
            self.wrong += 1  # told by the journal's own check
            return
        found = inspect_entry(record, self._settings, quick=self._quick)
        if summary.files is not ProjectionState.MADE:
            found = (f"{summary.files}: {summary.reason}", *found)
        if not found:
            self.good += 1
            if not self._quick and (version := version_of(record, self._settings)):
                self.versions[version] += 1
            return
        if self._journal.revised(summary.id)[1] != revision:
            self.due += 1  # It changed while it was looked at.
            return
        for line in found:
            typer.secho(f"{what}: {line}", fg="red", err=True)
        if self._mend and self._mended(summary, what, revision):
            self.mended += 1
        else:
            self.wrong += 1

    def _mended(self, summary: Summary, what: str, revision: int) -> bool:
        from nxscribe.projections.nexus import belongs_to_another, inspect_entry
        from nxscribe.projections.nexus import mend as mend_files

        record = self._journal.record(summary.id)
        if belongs_to_another(record, self._settings):
            typer.secho(f"{what}: not mended: its place is another's, which is not touched", fg="red", err=True)
            return False
        try:
            mend_files(record, self._settings)
            left = inspect_entry(record, self._settings, quick=self._quick)
            if not left:
                self._take_off(summary, revision)
        except NxscribeError as error:
            print_problems(error.problems, about=f"{what}: not mended")
            return False
        for line in left:
            typer.secho(f"{what}: not mended: {line}", fg="red", err=True)
        if not left:
            typer.echo(f"{what}: mended")
        return not left

    def _take_off(self, summary: Summary, revision: int) -> None:
        """Take the record off the outbox: its files are made now."""
        from nxscribe.records import Journal, ProjectionState, Work
        from nxscribe.records.record import entry_name

        if summary.files is not ProjectionState.MADE:
            with Journal(self._path, claim=False) as journal:
                entry = entry_name(summary.number)
                journal.done(Work(summary.id, revision, entry, summary.master, summary.session, 0, ""))
