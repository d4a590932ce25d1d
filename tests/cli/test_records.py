from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from some_records import ended, some_record
from typer.testing import CliRunner, Result

from nxscribe.cli._records_command import app
from nxscribe.cli._records_view import record_view
from nxscribe.errors import JournalError, NxscribeError
from nxscribe.model import Reading, now
from nxscribe.records import Journal, Record, record_from_json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def records(path: Path) -> list[Record]:
    """Three: made, waiting, open."""
    with Journal(path) as journal:
        drafts = [
            some_record(proposal=proposal, scan=scan) for proposal, scan in (("ma1", "a"), ("ma2", "b"), ("ma1", "c"))
        ]
        begun = [journal.begin(draft) for draft in drafts]
        for record in begun[:2]:
            journal.update(ended(record))
        journal.done(journal.due(now())[0])
        return [journal.record(record.id) for record in begun]


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_list_shows_the_newest_first_and_how_their_files_stand(records: list[Record], path: Path) -> None:
    lines = run("list", path).stdout.splitlines()
    assert [line.split()[-1] for line in lines[1:]] == [record.id[:8] for record in reversed(records)]
    assert [line.split()[-2] for line in lines[1:]] == ["waiting", "waiting", "made"]
    assert "bone - c" in lines[1]
    assert "open" in lines[1]


def test_list_and_show_tell_how_each_kind_of_projection_stands(path: Path) -> None:
    with Journal(path, projections=("nexus", "sidecar")) as journal:
        journal.begin(some_record())
        journal.failed(journal.due(now(), kind="sidecar")[0], "no room", None)
    assert "waiting; sidecar set aside: no room" in run("list", path).stdout
    shown = run("show", path).stdout
    assert re.search(r"files +waiting", shown)
    assert re.search(r"sidecar +set aside: no room", shown)
    (line,) = run("list", path, "--json").stdout.splitlines()
    assert json.loads(line)["projections"]["sidecar"]["state"] == "set aside"


def test_show_tells_how_often_and_when_a_file_failed_and_when_it_is_tried_again(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin(some_record())
        retry_at = now() + timedelta(minutes=1)
        journal.failed(journal.due(now())[0], "no room", retry_at)
        moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S+"
        assert re.search(rf"files +failing: no room; 1 attempt failed, at {moment}; next", run("show", path).stdout)
        journal.failed(journal.due(retry_at)[0], "no room", None)
        shown = run("show", path).stdout
        assert re.search(rf"files +set aside: no room; 2 attempts failed, the last one at {moment}\n", shown)
        (line,) = run("list", path, "--json").stdout.splitlines()
        assert json.loads(line)["projections"]["nexus"]["attempts"] == 2


def test_list_can_be_narrowed_and_be_json(records: list[Record], path: Path) -> None:
    lines = run("list", path, "--proposal", "ma1", "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [records[2].id, records[0].id]
    assert json.loads(run("list", path, "-n", 1, "--json").stdout)["files"] == "waiting"


def test_show_gives_the_values_and_what_is_missing_and_why(records: list[Record], path: Path) -> None:
    text = run("show", path, records[0].id[:8]).stdout
    assert "entry_0001 in ma1/id16a/ma1-id16a.h5" in text
    assert "bone - a (tomo, ma1 on id16a)" in text
    assert "8.414709848" in text
    assert "localhost:10000/id16a/motor/m000/position" in text
    assert "tomo_%04d.edf, 1500 files from number 0" in " ".join(text.split())
    assert "the daemon was restarted during the scan" in text
    assert "no answer in 0.5 s" in text.split("missing")[-1]


def test_show_without_an_id_shows_the_newest(records: list[Record], path: Path) -> None:
    assert record_from_json(run("show", path, "--json").stdout) == records[2]


def test_the_state_folder_stands_for_the_journal_in_it(records: list[Record], path: Path) -> None:
    assert record_from_json(run("show", path.parent, "--json").stdout) == records[2]


def test_the_config_stands_for_its_journal(records: list[Record], path: Path) -> None:
    config = path.parent / "id16a.yaml"
    config.write_text(
        f"beamline: id16a\ndata_root: {path.parent}\nstate_dir: {path.parent}\n"
        "tango: {host: 'localhost:10000'}\ntechniques: {tomo: {definition: tomo.xml}}\n"
    )
    assert record_from_json(run("show", config, "--json").stdout) == records[2]


def test_what_export_writes_import_puts_back_exactly(records: list[Record], path: Path, tmp_path: Path) -> None:
    lines = tmp_path / "records.jsonl"
    run("export", path, "-o", lines)
    assert [record_from_json(line) for line in lines.read_bytes().splitlines()] == records
    target = tmp_path / "other" / "journal.sqlite"
    assert "3 imported" in run("import", target, lines).stderr
    assert run("export", target).stdout_bytes == lines.read_bytes()
    assert "0 imported, 3 there already" in run("import", target, "-", stdin=lines.read_bytes()).stderr


def test_export_can_be_narrowed(records: list[Record], path: Path) -> None:
    def exported(*arguments: str) -> list[str]:
        return [record_from_json(line).id for line in run("export", path, *arguments).stdout_bytes.splitlines()]

    assert exported("--proposal", "ma1") == [records[0].id, records[2].id]
    assert exported(records[1].id[:10]) == [records[1].id]


def test_export_overwrites_nothing(records: list[Record], path: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    with pytest.raises(NxscribeError, match=r"cannot use .*precious"):
        run("export", path, "-o", tmp_path / "precious")
    assert records
    assert (tmp_path / "precious").read_text() == "data"


def test_import_says_which_line_is_wrong_and_keeps_what_went_before(
    records: list[Record], path: Path, tmp_path: Path
) -> None:
    lines = run("export", path).stdout_bytes.splitlines()
    target = tmp_path / "other.sqlite"
    with pytest.raises(JournalError, match="line 2 of - was not imported, 1 before it were"):
        run("import", target, "-", stdin=b"\n".join([lines[0], b"nonsense", lines[2]]))
    assert [json.loads(line)["id"] for line in run("list", target, "--json").stdout.splitlines()] == [records[0].id]


def test_import_refuses_a_record_that_differs_from_the_one_that_is_there(records: list[Record], path: Path) -> None:
    changed = run("export", path).stdout_bytes.splitlines()[0].replace(b"bone", b"wood")
    with pytest.raises(JournalError, match=f"record {records[0].id} is there already"):
        run("import", path, "-", stdin=changed)


@pytest.mark.parametrize(("named", "why"), [("x", "no record begins with it"), ("", "no scan was started")])
def test_a_record_that_is_not_there_is_told(path: Path, named: str, why: str) -> None:
    Journal(path).close()
    with pytest.raises(NxscribeError, match=why):
        run("show", path, named)


def test_check_is_silent_on_success_but_for_one_line(records: list[Record], path: Path) -> None:
    result = run("check", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{path} is sound\n"
    assert records


def test_check_and_salvage_tell_what_is_damaged_and_exit_with_1(
    records: list[Record], path: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE part SET payload = zeroblob(100) WHERE record = 2 AND name = 'final'")
    result = run("check", path)
    assert result.exit_code == 1
    assert records[1].id in result.stderr
    result = run("salvage", path, tmp_path / "saved.sqlite")
    assert result.exit_code == 1
    assert "2 saved" in result.stderr
    assert f"lost: record {records[1].id}" in result.stderr
    assert run("check", tmp_path / "saved.sqlite").exit_code == 0


def spoil(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


@pytest.mark.parametrize("column", ["start_time", "end_time", "end_reason", "number"])
def test_every_command_goes_on_around_a_damaged_row_of_the_list_and_names_it(
    records: list[Record], path: Path, tmp_path: Path, column: str
) -> None:
    spoil(path, f"UPDATE record SET {column} = '20x6' WHERE position = 2")  # noqa: S608 - our own words
    damaged = f"record {records[1].id} in the journal {path} is listed wrongly"
    listed = run("list", path, "--json")
    assert damaged in listed.stderr
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == [record.id for record in records[::-1]]
    assert record_from_json(run("show", path, records[1].id, "--json").stdout) == records[1]
    exported = run("export", path)
    assert damaged in exported.stderr
    assert [record_from_json(line) for line in exported.stdout_bytes.splitlines()] == records
    assert damaged in run("check", path).stderr
    assert run("salvage", path, tmp_path / "saved.sqlite").exit_code == 0
    assert run("check", tmp_path / "saved.sqlite").exit_code == 0


def test_export_writes_the_sound_records_around_a_damaged_one_and_exits_with_1(
    records: list[Record], path: Path
) -> None:
    spoil(path, "UPDATE part SET payload = zeroblob(100) WHERE record = 2 AND name = 'final'")
    result = run("export", path)
    assert result.exit_code == 1
    assert f"record {records[1].id}" in result.stderr
    assert [record_from_json(line) for line in result.stdout_bytes.splitlines()] == [records[0], records[2]]


def test_records_without_their_definition_are_saved_and_told(records: list[Record], path: Path, tmp_path: Path) -> None:
    spoil(path, "DELETE FROM definition")
    result = run("salvage", path, tmp_path / "saved.sqlite")
    assert result.exit_code == 1
    assert "3 saved" in result.stderr
    assert f"saved without its definition: record {records[0].id}" in result.stderr
    assert "has lost its definition" in run("export", tmp_path / "saved.sqlite").stderr


@pytest.mark.parametrize("columns", [80, 120])
def test_no_name_and_no_path_is_broken_on_a_narrow_terminal(records: list[Record], columns: int) -> None:
    source = f"tango-host.example.org:20000/{'a-long-domain' * 4}/family/member/attribute"
    folder = f"/data/visitor/{'a-long-proposal' * 6}"
    record = records[0]
    initial = replace(record.initial, readings={"gap": Reading(source, now(), np.asarray(0.1 + 0.2))})
    lines = record_lines(replace(record, directory=folder, initial=initial), columns)
    assert any(source in line for line in lines)
    assert any(folder in line for line in lines)
    assert any(line.split()[:2] == ["gap", "0.3"] for line in lines)


def record_lines(record: Record, columns: int) -> list[str]:
    console = Console(width=columns, file=StringIO(), record=True)
    console.print(record_view(record, columns), soft_wrap=True)
    return console.export_text().splitlines()
