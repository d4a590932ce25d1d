"""SIGKILL at any instant: what was acknowledged is there, and nothing else is."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import begin_records
import die_at_each_statement
import pytest
from some_records import some_record

from nxscribe.records import Journal, JournalReader, check_journal


def killed_while_it_scans(path: Path, chance: random.Random) -> list[str]:
    """What a process said that was killed at a random instant within its first scans."""
    with subprocess.Popen(
        [sys.executable, begin_records.__file__, path, "150"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    ) as child:
        assert child.stdout
        said = [child.stdout.readline()]
        said += [child.stdout.readline() for _ in range(chance.randrange(30))]
        # A commit takes about a millisecond: the instant falls anywhere in one, or between two.
        time.sleep(chance.random() * 0.005)
        child.kill()
        said += child.stdout.readlines()
        assert child.wait() == -signal.SIGKILL
    # A line that was cut off was never read as an answer.
    return [line for line in said if line.endswith("\n")]


def check_what_is_there(path: Path, said: Iterable[str], kills: int) -> None:
    begun = {words[1]: int(words[2]) for words in map(str.split, said) if words[0] == "begun"}
    closed = {words[1] for words in map(str.split, said) if words[0] == "ended"}
    assert check_journal(path) == ()
    with JournalReader(path) as reader:
        there = {summary.id: summary for summary in reader.summaries()}
        assert begun.items() <= {id_: summary.number for id_, summary in there.items()}.items()
        assert closed <= {id_ for id_, summary in there.items() if summary.end_reason}
        assert sorted(summary.number for summary in there.values()) == list(range(1, len(there) + 1))
        # At each kill one commit may have been done and not yet been said.
        assert len(there) <= len(begun) + kills
        for id_ in there:
            reader.record(id_)


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_after_kill_9_at_any_instant_every_acknowledged_record_is_there(path: Path, kills: int) -> None:
    chance = random.Random(kills)  # noqa: S311 - no secret
    said: list[str] = []
    for _ in range(kills):
        said += killed_while_it_scans(path, chance)
    check_what_is_there(path, said, kills)
    with Journal(path) as journal:
        assert journal.begin(some_record()).number == len(journal.summaries())


def test_after_kill_9_before_any_statement_the_journal_is_whole(tmp_path: Path) -> None:
    program = subprocess.run(
        [sys.executable, die_at_each_statement.__file__, tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        check=True,
    )
    lives = program.stdout.split("life ")[1:]
    for life in lives:
        number, *said, end = life.splitlines()
        path = tmp_path / f"{number}.sqlite"
        Journal(path).close()
        check_what_is_there(path, said, kills=1)
        assert (end == "lived") == (life is lives[-1])
    # Creation, migration, and each step of four commits.
    assert len(lives) > 50
    assert [line.split()[0] for line in said] == ["begun", "ended"] * 2
