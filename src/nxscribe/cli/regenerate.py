"""`nxscribe regenerate`: make files again from their records, with no Tango and no daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nxscribe.cli.journals import chosen
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
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Another data root: the files in place stay as they are.")
    ] = None,
    without_raw: Annotated[
        bool, typer.Option("--without-raw", help="Also where raw frames were shown and are not there any more.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and write nothing.")] = False,
    data_root: Annotated[Path | None, typer.Option(help="Instead of the config's data_root.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Instead of the config's state_dir.")] = None,
) -> None:
    """Make files again from their records. Exit status 1 when any could not be made."""
    from nxscribe.records import JOURNAL_FILE, JournalReader
    from nxscribe.service.beamline import load_beamline
    from nxscribe.service.config import load_config

    settings = load_config(config).placed(data_root, state_dir)
    beamline = load_beamline(settings) if definition == "current" else None
    if output and not dry_run:
        output.mkdir(parents=True, exist_ok=True)
    remaker = _Remaker(
        settings,
        beamline,
        file_settings(settings, output),
        dry_run=dry_run,
        without_raw=without_raw,
    )
    with JournalReader(settings.state_dir / JOURNAL_FILE) as journal:
        summaries = chosen(journal, records=records, proposal=proposal, entries=entries, everything=everything)
        failed = sum(not remaker.told(journal, summary) for summary in summaries)
    made = len(summaries) - failed
    typer.echo(f"{made} {'would be ' if dry_run else ''}made again, {failed} not", err=True)
    if failed:
        raise typer.Exit(1)


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
    ) -> None:
        self._config, self._beamline, self._settings = config, beamline, settings
        self._dry_run, self._without_raw = dry_run, without_raw

    def told(self, journal: JournalReader, summary: Summary) -> bool:
        """Make one record's files and say what came of it; whether they were made."""
        from nxscribe.records.record import entry_name

        what = f"{entry_name(summary.number)} of {summary.master}"
        try:
            changes, written = self._made(journal, summary)
        except NxscribeError as error:
            typer.secho(f"{what}: not made: {error}", fg="red", err=True)
            return False
        missing = f", {len(written.missing)} values missing" if written and written.missing else ""
        typer.echo(f"{what}: {'written to ' + str(written.entry_file) if written else 'not written'}{missing}")
        for line in _lines(changes):
            typer.echo(f"  {line}")
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
        """The definition to be used instead of the record's own, and what it changes."""
        from nxscribe.definitions import parse_definition
        from nxscribe.projections.nexus import compare

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
        before = parse_definition(record.definition.name, record.definition.text)
        return self._beamline.texts[technique], compare(record, before, self._beamline.plans[technique].definition)


def _lines(changes: Changes | None) -> list[str]:
    if changes is None:
        return []
    if not changes:
        return ["as it was: the definition is the same in effect"]
    return [
        *(f"gained   {path}" for path in changes.gained),
        *(f"lost     {path}" for path in changes.lost),
        *(f"renamed  {before} -> {after}" for before, after in changes.renamed),
        *(f"changed  {path}" for path in changes.changed),
        *(f"unfilled {path} (this scan did not read it)" for path in changes.unfilled),
    ]
