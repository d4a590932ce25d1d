"""A log that cannot be written costs nobody anything but its lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
import structlog
from daemons import wait_until

import nxscribe.service.log as log_module
from nxscribe.service.config import LogFormat
from nxscribe.service.log import LogWriter, configure_logging


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The ends to read and to write; the test may close the first."""
    read, write = os.pipe()
    yield read, write
    os.close(write)


@pytest.fixture(autouse=True)
def _structlog_as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_lines_come_in_their_order(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    for number in range(100):
        writer.info(f"line {number}")
    writer.flush()
    assert os.read(pipe[0], 65536).decode().splitlines() == [f"line {number}" for number in range(100)]


def test_a_reader_that_is_gone_is_told_and_its_return_tells_what_was_lost() -> None:
    read, write = os.pipe()
    writer = LogWriter(write)
    os.close(read)
    writer.info("one")
    writer.info("two")
    wait_until(lambda: "Broken pipe" in writer.trouble, "the trouble is told")
    writer.flush()
    read, other = os.pipe()
    os.dup2(other, write)
    writer.info("three")
    writer.flush()
    assert os.read(read, 1000).decode() == "three\n2 lines of the log before this one were lost\n"
    assert writer.trouble == ""


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_each_line_tells_its_time_in_the_beamlines_zone_with_its_offset(
    log_format: LogFormat, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nxscribe.model.times._Zone.used", timezone(timedelta(hours=9)))
    writer = LogWriter(pipe[1])
    configure_logging(writer, log_format, "info", "sim")
    structlog.get_logger().info("one")
    writer.flush()
    line = os.read(pipe[0], 1000).decode()
    text = json.loads(line)["timestamp"] if log_format is LogFormat.JSON else line.split()[0]
    told = datetime.fromisoformat(text)
    assert told.utcoffset() == timedelta(hours=9)
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_full_disk_is_told() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(full)
    writer.info("one")
    wait_until(lambda: "No space left" in writer.trouble, "the trouble is told")


def test_a_reader_that_does_not_read_holds_up_nobody(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(log_module, "_WAITING", 10)
    writer = LogWriter(pipe[1])
    for _ in range(30):
        writer.info("x" * 50_000)  # the third fills the pipe, and the thread hangs
    wait_until(lambda: "does not answer" in writer.trouble, "the trouble is told")
    writer.flush(0.01)
    os.close(pipe[0])


def test_a_value_that_cannot_be_shown_costs_the_rest_of_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    lines: list[str] = []
    monkeypatch.setattr(LogWriter, "info", lambda _, line: lines.append(line))
    writer = LogWriter(os.open(os.devnull, os.O_WRONLY))
    for log_format in LogFormat:
        configure_logging(writer, log_format, "info", "sim")
        structlog.get_logger().info("file written", entry=Odd())
        structlog.get_logger().info("undecodable", name="\udcff")
    assert [line for line in lines if "could not be shown" in line] == [
        "file written (the rest of this line could not be shown: RuntimeError)"
    ] * 2
    assert json.loads(lines[3])["name"] == "\udcff"


def test_the_level_and_the_form_of_lines_can_change_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(LogWriter, "info", lambda _, line: lines.append(line))
    writer = LogWriter(os.open(os.devnull, os.O_WRONLY))
    log = structlog.get_logger()
    for log_format, level in ((LogFormat.CONSOLE, "info"), (LogFormat.JSON, "info"), (LogFormat.JSON, "error")):
        configure_logging(writer, log_format, level, "sim")
        log.info("something")
    assert len(lines) == 2
    assert not lines[0].startswith("{")
    assert json.loads(lines[1])["event"] == "something"
