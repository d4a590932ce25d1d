"""Two daemons, each with a journal of its own, on one experiment: both write into one master, and neither waits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import pytest
from daemons import Daemon, wait_until

from nxscribe.records import JournalReader, check_journal

Pair = tuple[Daemon, Daemon]


@pytest.fixture
def two(make_daemon: Callable[..., Daemon]) -> Callable[[str], Pair]:
    """`two(layout)`: both started."""

    def make(layout: str) -> Pair:
        one, other = (make_daemon(f"files: {{layout: {layout}}}\n") for _ in range(2))
        other.config.write_text(other.config.read_text().replace(str(other.data), str(one.data)))
        return one.start(), other.start()

    return make


def scan(daemon: Daemon, name: str) -> str:
    """The entry, as it was answered at the end."""
    daemon.start_scan(scan=name)
    return str(daemon.end_scan()["entry"])


def shown(master: Path) -> dict[str, str]:
    with h5py.File(master) as file:
        return {name: str(file[name]["title"].asstr()[()]).removeprefix("phantom - ") for name in file}


def kept(daemon: Daemon) -> dict[str, str]:
    """The entries of its own journal."""
    with JournalReader(daemon.state / "journal.sqlite") as reader:
        return {f"entry_{one.number:04d}": one.identity.scan for one in reader.summaries()}


def test_scans_in_turn_get_numbers_in_turn(two: Callable[[str], Pair]) -> None:
    daemons = two("linked")
    for number in range(1, 7):
        daemon = daemons[number % 2]
        assert scan(daemon, f"s{number}") == f"entry_{number:04d}"
        daemon.await_files()
    assert not any(daemon.events("entry renumbered") for daemon in daemons)


@pytest.mark.parametrize("layout", ["linked", "single"])
def test_scans_at_once_are_all_in_the_master_once(two: Callable[[str], Pair], layout: str) -> None:
    daemons = two(layout)

    def scan_on(daemon: Daemon, name: str) -> None:
        for number in range(8):
            scan(daemon, f"{name}{number}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(scan_on, daemons, ("a", "b")))
    for daemon in daemons:
        daemon.await_files()
    there = shown(daemons[0].master)
    assert Counter(there.values()) == {f"{name}{number}": 1 for name in "ab" for number in range(8)}
    assert there == kept(daemons[0]) | kept(daemons[1])
    for daemon in daemons:
        assert check_journal(daemon.state / "journal.sqlite") == ()
        assert daemon.proxy.troubles == ()
        assert daemon.events("file not written") == []


@pytest.mark.parametrize("layout", ["linked", "single"])
def test_a_scan_whose_number_was_taken_gets_another_and_says_so_everywhere(
    two: Callable[[str], Pair], layout: str
) -> None:
    one, other = two(layout)
    away = one.data.with_name("away")
    one.data.rename(away)
    # Neither sees what the other has begun.
    assert one.start_scan(scan="a1")["entry"] == "entry_0001"
    assert other.start_scan(scan="b1")["entry"] == "entry_0001"
    assert other.end_scan()["entry"] == "entry_0001"
    away.rename(one.data)
    one.await_files()
    other.await_files()
    wait_until(lambda: any(daemon.events("entry renumbered") for daemon in (one, other)), "it is told")
    first, second = sorted((one, other), key=lambda daemon: len(daemon.events("entry renumbered")))
    (line,) = second.events("entry renumbered")
    assert (line["before"], line["entry"]) == ("entry_0001", "entry_0002")
    assert (first.proxy.entry, second.proxy.entry) == ("entry_0001", "entry_0002")
    assert second.proxy.lastFile.endswith("entry_0002.h5" if layout == "linked" else "ma2210-sim.h5")
    answer = one.end_scan()
    assert answer["entry"] == one.proxy.entry
    one.await_files()
    with h5py.File(one.master) as file:
        assert set(file) == {"entry_0001", "entry_0002"}
        assert file["entry_0002/nxscribe/notes"].asstr()[0].startswith("entry_0002 was entry_0001 at first")
        assert "notes" not in file["entry_0001/nxscribe"]
        assert all(file[name]["nxscribe/end_reason"].asstr()[()] == "finished" for name in file)
    assert shown(one.master) == kept(one) | kept(other)
    assert json.loads(second.proxy.StartScan(second.request(scan="next")))["entry"] == "entry_0003"
