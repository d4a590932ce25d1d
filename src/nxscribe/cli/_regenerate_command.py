"""`nxscribe regenerate`: makes files again from their records, without Tango and without a daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nxscribe.cli._journals import chosen, taken_up
from nxscribe.cli._output import print_line
from nxscribe.cli._problem_view import print_problems
from nxscribe.cli._summing_up import Kind, alike, group_of, some_of
from nxscribe.errors import InputError, NxscribeError, Problem

if TYPE_CHECKING:
    from nxscribe.projections import FileSettings, Written
    from nxscribe.projections.nexus import Changes
    from nxscribe.records import DefinitionText, JournalReader, Record, Summary
    from nxscribe.service.beamline import Beamline
    from nxscribe.service.config import Config


def regenerate(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    records: Annotated[
        list[str] | None, typer.Argument(help="Records, by their ids or the beginnings of these.")
    ] = None,
    proposal: Annotated[str | None, typer.Option("--proposal", "-p", help="All entries of this experiment.")] = None,
    entries: Annotated[str, typer.Option("--entries", "-e", help="Only these: 3-7,12.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every record of the journal.")] = False,
    definition: Annotated[
        Literal["then", "current"],
        typer.Option(help="The definition of the scan's start, or the one that the config names now."),
    ] = "then",
    kind: Annotated[
        str | None,
        typer.Option(help="Have the daemon make this projection of them, a key of `projections` in the config."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Another data root: the files in place stay as they are.")
    ] = None,
    without_raw: Annotated[
        bool, typer.Option("--without-raw", help="Also where raw frames were shown and are not there any more.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and write nothing.")] = False,
    each_change: Annotated[
        bool, typer.Option("--each-change", help="Name each change, also where many are alike.")
    ] = False,
    data_root: Annotated[Path | None, typer.Option(help="Instead of the config's data_root.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Instead of the config's state_dir.")] = None,
) -> None:
    """Make files again from their records. Exit status 1 when any could not be made.

    With `--kind` the daemon does it: at once if it runs, else when it is started. By itself it makes a kind that was
    added to the config only of scans that come later.
    """
    from nxscribe.projections import hdf5_environment

    hdf5_environment.prepare()
    from nxscribe.projections.atomic import make_folder
    from nxscribe.records import JOURNAL_FILE, JournalReader
    from nxscribe.service.beamline import load_beamline

    settings = taken_up(config, data_root, state_dir)
    if kind:
        if output or without_raw or definition == "current" or each_change:
            remedy = "leave out --output, --without-raw, --definition and --each-change"
            raise InputError(Problem("--kind asks the daemon, which makes projections as the config says", "", remedy))
        with JournalReader(settings.state_dir / JOURNAL_FILE) as journal:
            summaries = chosen(journal, records=records, proposal=proposal, entries=entries, everything=everything)
        _ask(settings, kind, summaries, dry_run=dry_run)
        return
    beamline = load_beamline(settings) if definition == "current" else None
    if output and not dry_run:
        make_folder(output.absolute())
    remaker = _Remaker(
        settings,
        beamline,
        file_settings(settings, output),
        dry_run=dry_run,
        without_raw=without_raw,
        each_change=each_change,
    )
    with JournalReader(settings.state_dir / JOURNAL_FILE) as journal:
        summaries = chosen(journal, records=records, proposal=proposal, entries=entries, everything=everything)
        failed = sum(not remaker.told(journal, summary) for summary in summaries)
    made = len(summaries) - failed
    typer.echo(f"{made} {'would be ' if dry_run else ''}made again, {failed} not", err=True)
    if failed:
        raise typer.Exit(1)


def _ask(config: Config, kind: str, summaries: tuple[Summary, ...], *, dry_run: bool) -> None:
    """Have the daemon make the projections of one kind. Raises InputError for a kind that the config does not have."""
    from nxscribe.records import JOURNAL_FILE, Journal

    if kind not in config.projection_kinds:
        has = f"it has {', '.join(config.projection_kinds)}"
        raise InputError(
            Problem(f"the config {config.file} has no projection {kind}", has, "name one of these, or add it first")
        )
    if not dry_run:
        with Journal(config.state_dir / JOURNAL_FILE, claim=False) as journal:
            for summary in summaries:
                journal.requeue(summary.id, (kind,))
    asked = "would be" if dry_run else "is"
    typer.echo(f"the {kind} projection {asked} asked of {len(summaries)} records: the daemon makes it", err=True)


def file_settings(config: Config, data_root: Path | None = None) -> FileSettings:
    """How the daemon of this config writes files; elsewhere, if `data_root` is given."""
    return config.placed(data_root).files.settings


class _Remaker:
    def __init__(
        self,
        config: Config,
        beamline: Beamline | None,
        settings: FileSettings,
        *,
        dry_run: bool,
        without_raw: bool,
        each_change: bool,
    ) -> None:
        self._config, self._beamline, self._settings = config, beamline, settings
        self._dry_run, self._without_raw, self._each_change = dry_run, without_raw, each_change
        self._told: dict[tuple[str, ...], str] = {}
        """The changes that were printed, with the first entry that had them."""

    def told(self, journal: JournalReader, summary: Summary) -> bool:
        """Make the files of one record, print the result, and return whether they were made."""
        from nxscribe.records.record import entry_name

        what = f"{entry_name(summary.number)} of {summary.master}"
        try:
            changes, written = self._made(journal, summary)
        except NxscribeError as error:
            print_problems(error.problems, about=f"{what}: not made")
            return False
        missing = f", {len(written.missing)} values missing" if written and written.missing else ""
        print_line(f"{what}: {'written to ' + str(written.entry_file) if written else 'not written'}{missing}")
        lines = tuple(_lines(changes, each=self._each_change))
        first = self._told.setdefault(lines, what)
        for line in lines if first == what or len(lines) == 1 else (f"the same changes as in {first}",):
            print_line(line, indent=2)
        return True

    def _made(self, journal: JournalReader, summary: Summary) -> tuple[Changes | None, Written | None]:
        from nxscribe.projections.nexus import remake

        while True:
            record, revision = journal.revised(summary.id)
            definition, changes = self._definition(record)
            written = None
            if not self._dry_run:
                written = remake(record, self._settings, definition, without_raw=self._without_raw)
            # A scan that ended meanwhile, and whose files the daemon has made, must not go back to what it was.
            if journal.revised(summary.id)[1] == revision:
                return changes, written

    def _definition(self, record: Record) -> tuple[DefinitionText | None, Changes | None]:
        """The definition to use instead of the one in the record, and what it changes."""
        from nxscribe.projections.nexus import compare
        from nxscribe.records import recorded_definition

        if self._beamline is None:
            return None, None
        technique = record.identity.technique
        if technique not in self._beamline.plans:
            raise InputError(
                Problem(
                    f"the config {self._config.file} has no technique {technique}",
                    "it was removed or renamed since the scan",
                    "add it to the config, or use the definition of then",
                )
            )
        if record.definition.is_lost:
            # There is nothing to compare with.
            return self._beamline.texts[technique], None
        before = recorded_definition(record.definition)
        return self._beamline.texts[technique], compare(record, before, self._beamline.plans[technique].definition)


def _lines(changes: Changes | None, *, each: bool) -> list[str]:
    if changes is None:
        return []
    if not changes:
        return ["as it was: the definition is the same in effect"]
    parts = [
        *(("gained", path, "") for path in changes.gained),
        *(("lost", path, "") for path in changes.lost),
        *(("renamed", before, f" -> {after}") for before, after in changes.renamed),
        *(("changed", path, "") for path in changes.changed),
        *(("unfilled", path, " (this scan did not read it)") for path in changes.unfilled),
    ]
    heaps = alike(parts, lambda part: Kind(group_of(part[1]), part[0]), everything=each)
    lines = [
        f"{what:<8} {path}{rest}" if len(heap) == 1 else f"{what:<8} {some_of([name for _, name, _ in heap])}"
        for heap in heaps
        for what, path, rest in heap[:1]
    ]
    return lines if len(heaps) == len(parts) else [*lines, "--each-change shows each"]
