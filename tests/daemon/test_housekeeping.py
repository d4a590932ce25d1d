from __future__ import annotations

import gzip
import json

from daemons import Daemon, wait_until

from nxscribe.records import JournalReader

RULE = """\
records: {keep_days: 0.000001, archive: archive, vacuum_percent: 1}
"""


def test_records_past_their_time_are_archived_and_the_journal_made_smaller(make_daemon):
    daemon: Daemon = make_daemon().start()
    for number in range(4):
        daemon.start_scan(scan=f"a{number}", parameters={"exposure": list(range(3000))})
        daemon.end_scan()
    daemon.await_files()
    daemon.stop()
    journal = daemon.state / "journal.sqlite"
    before = journal.stat().st_size
    text = daemon.config.read_text().replace("limits: {", "limits: {scan_hours: 0.001, ")
    daemon.config.write_text(text + RULE)
    daemon.start()
    (line,) = wait_until(lambda: daemon.events("journal tidied"), "it is done")
    assert line["removed"] == 3
    wait_until(lambda: daemon.events("journal made smaller"), "its room is given back")
    with JournalReader(journal) as reader:
        assert [one.identity.scan for one in reader.summaries()] == ["a3"]
    (archive,) = daemon.config.with_name("archive").iterdir()
    lines = gzip.decompress(archive.read_bytes()).splitlines()
    assert [json.loads(line)["record"]["identity"]["scan"] for line in lines] == ["a0", "a1", "a2"]
    assert daemon.start_scan(scan="a4")["entry"] == "entry_0005"
    daemon.stop()
    assert journal.stat().st_size < before
