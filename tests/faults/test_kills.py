"""Daemon and writer killed at any instant and at named points, on a real control system: nothing answered is lost.

`NXSCRIBE_KILLS=500 pytest tests/faults/test_kills.py -m soak` runs as long as one likes.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from crashes import DAEMON_POINTS, WRITER_POINTS, Crashes

from nxscribe.projections import Layout

A_CHECK_EACH = 10
SHORT, LONG = 30, int(os.environ.get("NXSCRIBE_KILLS", "500"))
SHARES = {Layout.LINKED: 0.7, Layout.SINGLE: 0.3}
"""Of the kills."""
ENOUGH_FOR_ALL = 300
"""From so many kills on, each named point is come to."""


def kill_and_check(folder: Path, energy: str, kills: int, seed: int, layout: Layout) -> Crashes:
    """A third of the kills meets the daemon, a half the writer, the rest both."""
    with Crashes(folder, f"k{os.getpid()}x{time.monotonic_ns():x}", energy, seed, layout) as crashes:
        for number in range(kills):
            (crashes.kill_daemon, crashes.kill_writer, crashes.kill_writer, crashes.kill_both, crashes.kill_daemon,
             crashes.kill_writer)[number % 6]()  # fmt: skip
            if number % A_CHECK_EACH == A_CHECK_EACH - 1:
                crashes.check()
                crashes.next_experiment()
        crashes.check(thoroughly=True)
        looked, faults = crashes.seen_by_the_witness()
        assert faults == []
        assert looked > kills
        total = sum(crashes.kills.values())
        sys.stdout.write(
            f"\n{total} kills, {len(crashes.scans)} scans, {looked} looks, {crashes.set_aside} set aside\n"
        )
        sys.stdout.writelines(f"  {often:4} {kind}\n" for kind, often in sorted(crashes.kills.items()))
    return crashes


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("layout", list(Layout))
def test_nothing_answered_is_lost_and_no_file_is_unreadable_however_it_is_killed(
    tmp_path: Path, energy: str, layout: Layout
) -> None:
    kills = round(SHORT * SHARES[layout])
    crashes = kill_and_check(tmp_path, energy, kills, time.time_ns() % 10**6, layout)
    assert sum(crashes.kills.values()) == kills


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("layout", list(Layout))
def test_the_same_for_hours(tmp_path: Path, energy: str, layout: Layout) -> None:
    crashes = kill_and_check(tmp_path, energy, round(LONG * SHARES[layout]), 1, layout)
    points = {f"daemon {point}" for point in DAEMON_POINTS} | {f"writer {point}" for point in WRITER_POINTS[layout]}
    assert LONG < ENOUGH_FOR_ALL or points <= crashes.kills.keys()


@pytest.mark.parametrize(
    ("at", "number"),
    # The third commit is that of the tables, after two looks at the version.
    [
        ("create journal after", 1),
        ("create journal after", 5),
        ("commit journal before", 3),
        ("commit journal after", 3),
    ],
)
def test_a_kill_while_the_journal_is_made_leaves_none_or_a_good_one(
    tmp_path: Path, energy: str, at: str, number: int
) -> None:
    crashes = Crashes(tmp_path, f"m{os.getpid()}x{time.monotonic_ns():x}", energy, seed=1)
    crashes.order.write_text(f"daemon {at} {number}")
    try:
        with pytest.raises(AssertionError):
            crashes.start()
        assert not crashes.order.exists()
    finally:
        crashes.end_daemon()
    with crashes:
        crashes.step()
        crashes.check()
