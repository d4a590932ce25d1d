"""A second kind of projection, as an operator turns it on under a running daemon."""

from __future__ import annotations

import json

import pytest
from daemons import START_S, Daemon, wait_until


@pytest.fixture
def with_json(daemon: Daemon) -> Daemon:
    """A daemon whose config got the kind `json` while it ran."""
    daemon.config.write_text(daemon.config.read_text() + "projections: {json: {indent: 0}}\n")
    daemon.proxy.Reload()
    return daemon


def test_each_scan_gets_a_json_file_beside_its_entry_and_the_device_tells_how_each_kind_stands(
    with_json: Daemon,
) -> None:
    started = with_json.start_scan()
    with_json.end_scan()
    path = with_json.entry_file().with_name(f"{started['entry']}.json")

    def is_ended() -> bool:
        return path.exists() and json.loads(path.read_text())["record"]["end_reason"] == "finished"

    wait_until(is_ended, "the file holds the end of the scan", START_S)
    made = "0 waiting, 0 pending, 0 failing, 0 set aside"
    queues = [f"nexus: {made}", f"json: {made}"]
    wait_until(lambda: list(with_json.proxy.projections) == queues, "the device says that both are made", START_S)
    assert with_json.proxy.filesWaiting == 0
    record = json.loads(path.read_text())["record"]
    assert record["id"] == started["record"]
    assert record["initial"]["readings"]["energy"]["unit"] == "keV"
