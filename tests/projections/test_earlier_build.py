"""What an earlier build left: its journal, its export, and the files that it made of them (see README.md there)."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from described import described

from nxscribe.model import now
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import remake
from nxscribe.records import Journal, ProjectionState, Record, check_journal, record_from_json, salvage

HERE = Path(__file__).parent / "earlier_build"
DATA_ROOT = "/srv/id00/data"
"""Where the raw files were."""

ADDED = ("duration", "program_name", "title", "file_modified", "file_size", "sample_crc32", "definition_text")
"""What entries have since: the last part of a path."""
GONE = ("nxscribe/definition",)
"""The definition's text lies beside the entries since, and is linked to as `definition_text`."""
PROGRAM = ("nxscribe/program_version", "program_name")
"""What names the build."""
ADDED_ATTRIBUTES = {"source_units", "copied_state"}
RESPELLED_UNITS = {"photons/s": "counts/s"}
"""How units were spelled, and how most programs read them."""


def exported(data_root: Path) -> Iterator[Record]:
    """The records of the export, as if their raw files had always been below this data root."""
    for line in gzip.decompress((HERE / "export.jsonl.gz").read_bytes()).splitlines():
        yield record_from_json(line.replace(DATA_ROOT.encode(), str(data_root).encode()))


@pytest.fixture
def journal_of_then(tmp_path: Path) -> Path:
    return Path(shutil.copyfile(HERE / "journal.sqlite", tmp_path / "journal.sqlite"))


def test_a_journal_of_an_earlier_build_is_brought_along_whole(journal_of_then: Path) -> None:
    with Journal(journal_of_then) as journal:
        records = [journal.record(summary.id) for summary in reversed(journal.summaries())]
        assert records == list(exported(Path(DATA_ROOT)))
        assert journal.can_shrink
    assert check_journal(journal_of_then) == ()


def test_its_outbox_stands_as_it_did(journal_of_then: Path) -> None:
    with Journal(journal_of_then) as journal:
        assert [(summary.files, summary.reason) for summary in reversed(journal.summaries())] == [
            (ProjectionState.WAITING, ""),
            (ProjectionState.FAILING, "the disk is full"),
            (ProjectionState.SET_ASIDE, "the writer process died by SIGSEGV"),
            (ProjectionState.PENDING, ""),
            (ProjectionState.MADE, ""),
        ]
        tomo, holo, _, scan, _ = [summary.id for summary in reversed(journal.summaries())]
        due = journal.due(now() + timedelta(days=36500))
        assert [(work.record_id, work.attempts) for work in due] == [(tomo, 0), (scan, 0), (holo, 1)]
        for work in due:
            journal.done(work)
        assert [summary.files for summary in journal.summaries()].count(ProjectionState.MADE) == 4


def test_it_is_salvaged_as_it_is_where_no_daemon_has_brought_it_along(journal_of_then: Path, tmp_path: Path) -> None:
    assert salvage(journal_of_then, tmp_path / "new.sqlite").saved == 5
    with closing(Journal(tmp_path / "new.sqlite")) as journal:
        assert [journal.record(summary.id) for summary in reversed(journal.summaries())] == list(
            exported(Path(DATA_ROOT))
        )


def test_an_export_of_an_earlier_build_makes_the_same_files_again(tmp_path: Path) -> None:
    with tarfile.open(HERE / "raw.tar.xz") as tar:
        # As an attribute: Debian 12's Python 3.11.2 has no argument for it, and later ones want it said.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(tmp_path)  # noqa: S202 - our own archive
    before = json.loads(gzip.decompress((HERE / "entries.json.gz").read_bytes()))
    for record in exported(tmp_path):
        written = remake(record, FileSettings(tmp_path))
        assert written.complete
        entry = described(written.master, record.entry)
        now_written = json.loads(json.dumps(entry).replace(str(tmp_path), DATA_ROOT))
        assert unlike(before[record.entry], now_written) == []


def unlike(before: dict[str, list[object]], after: dict[str, list[object]]) -> list[str]:
    """The differences that are not intended."""
    told = [f"{path} is gone" for path in before.keys() - after.keys() if not path.endswith(GONE)]
    told += [f"{path} is new" for path in after.keys() - before.keys() if path.rpartition("/")[2] not in ADDED]
    for path in before.keys() & after.keys():
        if path.endswith(PROGRAM):
            continue
        *then, old = before[path]
        *today, new = after[path]
        if then != today or not (old == new or (isinstance(old, dict) and isinstance(new, dict) and alike(old, new))):
            told.append(f"{path} was {before[path]}, is {after[path]}")
    return sorted(told)


def alike(old: dict[str, object], new: dict[str, object]) -> bool:
    """Whether two sets of attributes differ as intended at most."""
    rest = {name: value for name, value in new.items() if name not in ADDED_ATTRIBUTES or name in old}
    return old.keys() == rest.keys() and all(
        value == old[name] or (name == "units" and value[-1] == [RESPELLED_UNITS.get(old[name][-1][0])])  # type: ignore[index]
        for name, value in rest.items()
    )
