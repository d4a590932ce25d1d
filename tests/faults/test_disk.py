"""What can happen to the disks of a running daemon: triggers go on being answered, files come when they can."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import fickle_disk
import h5py
import numpy as np
import pytest
import tango
from crashes import MORTAL
from daemons import Daemon, wait_until
from namespaces import start_behind, start_in_namespace, within, writer_of, writers_of
from typer.testing import CliRunner

from nxscribe.cli._app import app
from nxscribe.model import now
from nxscribe.records import JournalReader

NAMESPACE = ("unshare", "--mount", "--map-root-user")


@pytest.fixture(scope="session")
def may_mount(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("mount")
    if (
        not shutil.which("unshare")
        or subprocess.run(
            [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("this account may not mount in a namespace of its own")


@pytest.fixture(scope="session")
def may_mount_fuse(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, mountpoint = tmp_path_factory.mktemp("behind"), tmp_path_factory.mktemp("fuse")
    mood = folder / "mood"
    mood.write_text("good")
    command = [*NAMESPACE, sys.executable, fickle_disk.__file__, folder, mountpoint, mood, "true"]
    if (
        not shutil.which("unshare")
        or not os.access("/dev/fuse", os.R_OK | os.W_OK)
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("this account may not mount file systems of its own making")


def scan(daemon: Daemon, name: str) -> None:
    daemon.start_scan(scan=name)
    daemon.end_scan()


def trouble_and_recovery(daemon: Daemon, go_bad: Callable[[], object], go_good: Callable[[], object], why: str) -> None:
    """The story of every fault of the data root: seen, answered through, told with its reason, drained."""
    scan(daemon, "before")
    daemon.await_files()
    go_bad()
    scan(daemon, "meanwhile")
    wait_until(lambda: daemon.proxy.troubles, "the trouble is shown")
    assert why in daemon.proxy.troubles[0]
    assert daemon.proxy.state() == tango.DevState.ALARM
    assert daemon.proxy.filesWaiting == 1
    scan(daemon, "more")
    wait_until(lambda: daemon.proxy.filesWaiting == 2, "both wait")
    shown = json.loads(CliRunner().invoke(app, ["status", "--device", daemon.devices[0], "--json"]).stdout)
    assert shown["filesWaiting"] == 2
    assert why in shown["troubles"][0]
    assert any(why in line["reason"] and line["retry_at"] for line in daemon.await_events("file not written"))
    go_good()
    wait_until(lambda: daemon.proxy.filesWaiting == 0, "they are written by themselves", 60)
    assert daemon.proxy.state() == tango.DevState.ON


def titles(master: Path) -> list[str]:
    with h5py.File(master) as file:
        return [str(file[name]["title"].asstr()[()]) for name in sorted(file)]


ALL = ["phantom - before", "phantom - meanwhile", "phantom - more"]


@pytest.mark.usefixtures("may_mount")
def test_a_full_disk(make_daemon) -> None:
    daemon = make_daemon()
    start_in_namespace(daemon, daemon.data)
    trouble_and_recovery(
        daemon,
        lambda: within(daemon, f"cat /dev/zero > {daemon.data}/ballast || true"),
        lambda: within(daemon, f"rm {daemon.data}/ballast"),
        "No space left on device",
    )


@pytest.mark.usefixtures("may_mount")
def test_a_disk_that_becomes_read_only(make_daemon) -> None:
    daemon = make_daemon()
    start_in_namespace(daemon, daemon.data)
    trouble_and_recovery(
        daemon,
        lambda: within(daemon, f"mount -o remount,bind,ro {daemon.data}"),
        lambda: within(daemon, f"mount -o remount,bind,rw {daemon.data}"),
        "Read-only file system",
    )


def test_a_data_root_that_is_gone_for_a_while(make_daemon) -> None:
    daemon = make_daemon().start()
    away = daemon.data.with_name("away")
    trouble_and_recovery(
        daemon, lambda: daemon.data.rename(away), lambda: away.rename(daemon.data), "is not there; not mounted"
    )
    assert titles(daemon.master) == ALL


@pytest.fixture
def omniorb_folder() -> Iterator[str]:
    """A folder for the UNIX sockets of omniORB, short enough for the address of a socket. Its own one bears the name
    of the user: in a namespace without user names all are `nobody`, and the real `nobody` may have made it.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield f"{folder}/omniorb"


def test_a_permission_that_is_taken_away(make_daemon, omniorb_folder: str) -> None:
    daemon = make_daemon()
    # Without any power over files that are not its own, also where the tests run as root.
    start_behind(daemon, ["env", f"ORBunixTransportDirectory={omniorb_folder}", "unshare", "--user"])
    folder = daemon.master.parent
    entries = folder / "ma2210-sim_entries"

    def set_mode(mode: int) -> None:
        for place in (entries, folder):
            place.chmod(mode)

    trouble_and_recovery(daemon, lambda: set_mode(0o555), lambda: set_mode(0o755), "Permission denied")
    assert titles(daemon.master) == ALL


def test_a_master_that_is_replaced_by_another_programs_file(make_daemon) -> None:
    daemon = make_daemon().start()

    def replace() -> None:
        daemon.master.rename(daemon.master.with_suffix(".ours"))
        with h5py.File(daemon.master, "w") as file:
            file["mine"] = 1

    def put_back() -> None:
        with h5py.File(daemon.master) as file:
            assert list(file) == ["mine"]
        daemon.master.with_suffix(".ours").replace(daemon.master)

    trouble_and_recovery(daemon, replace, put_back, "was made by another program")
    assert titles(daemon.master) == ALL


def test_a_master_that_is_damaged(make_daemon) -> None:
    daemon = make_daemon().start()
    trouble_and_recovery(
        daemon,
        lambda: daemon.master.write_bytes(b"this was an HDF5 file"),
        lambda: daemon.master.rename(daemon.master.with_suffix(".damaged")),
        "cannot be opened",
    )
    assert titles(daemon.master) == ALL


def attempts(daemon: Daemon) -> int:
    """How often the oldest file that waits was tried."""
    with JournalReader(daemon.state / "journal.sqlite") as reader:
        return reader.due(now() + timedelta(minutes=2))[0].attempts


@contextmanager
def fickle(daemon: Daemon, at_first: str = "good") -> Iterator[Callable[[str], object]]:
    """Start the daemon on a data root whose mood can be set. It shows the folder `behind`."""
    behind, mood = daemon.data.with_name("behind"), daemon.data.with_name("mood")
    behind.mkdir()
    mood.write_text(at_first)
    command = [*NAMESPACE, sys.executable, fickle_disk.__file__, behind, daemon.data, mood]
    start_behind(daemon, list(map(str, command)))
    try:
        yield mood.write_text
    finally:
        mood.write_text("good")


@pytest.mark.usefixtures("may_mount_fuse")
@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("quota", "Disk quota exceeded; make room, or ask for a larger quota"),
        ("stale", "Stale file handle; mount the file system again"),
    ],
)
def test_a_file_server_that_fails(make_daemon, mood: str, why: str) -> None:
    daemon = make_daemon()
    with fickle(daemon) as set_mood:
        trouble_and_recovery(daemon, lambda: set_mood(mood), lambda: set_mood("good"), why)
    assert titles(daemon.data.with_name("behind") / daemon.master.relative_to(daemon.data)) == ALL


@pytest.mark.usefixtures("may_mount_fuse")
def test_a_daemon_starts_and_answers_while_the_file_server_hangs(make_daemon) -> None:
    daemon = make_daemon()
    with fickle(daemon, "hang") as set_mood:
        assert daemon.start_scan(scan="before")["dead_time_s"] < 5
        daemon.end_scan()
        assert daemon.proxy.filesWaiting == 1
        set_mood("good")
        daemon.await_files()
    assert titles(daemon.data.with_name("behind") / daemon.master.relative_to(daemon.data)) == ALL[:1]


@pytest.mark.usefixtures("may_mount_fuse")
def test_a_file_server_that_hangs_sets_no_record_aside_and_gathers_no_processes(make_daemon) -> None:
    daemon = make_daemon()
    daemon.config.write_text(daemon.config.read_text().replace("write_timeout_s: 20", "write_timeout_s: 0.3"))
    with fickle(daemon) as set_mood:
        scan(daemon, "before")
        daemon.await_files()
        set_mood("hang")
        scan(daemon, "meanwhile")
        wait_until(lambda: attempts(daemon) >= 3, "it was tried as often as crashes are")
        assert daemon.proxy.filesWaiting == 1
        assert daemon.proxy.state() == tango.DevState.ALARM
        assert "does not answer" in daemon.proxy.troubles[0]
        reasons = [line["reason"] for line in daemon.events("file not written")]
        assert any("a file system holds it" in reason for reason in reasons)
        assert len(reasons) == len(set(reasons)), "one is told again and again"
        assert len(writers_of(daemon)) == 1
        set_mood("good")
        daemon.await_files()
        assert daemon.stop() == 0


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "replaced by an older copy"])
def test_a_master_that_someone_took_away_comes_back_whole_with_the_next_scan(make_daemon, is_deleted) -> None:
    daemon = make_daemon().start()
    scan(daemon, "before")
    daemon.await_files()
    older = daemon.master.read_bytes()
    scan(daemon, "meanwhile")
    daemon.await_files()
    daemon.master.unlink()
    if not is_deleted:
        daemon.master.write_bytes(older)
    scan(daemon, "more")
    daemon.await_files()
    assert titles(daemon.master) == ALL
    assert daemon.events("the master lacks entries") == []


def test_a_single_master_that_is_deleted_is_told_and_mended_by_hand(make_daemon) -> None:
    daemon = make_daemon("files: {layout: single}\n").start()
    scan(daemon, "before")
    daemon.await_files()
    daemon.master.unlink()
    scan(daemon, "meanwhile")
    daemon.await_files()
    (line,) = daemon.await_events("the master lacks entries")
    assert (line["entries"], line["remedy"]) == (1, "`nxscribe fsck CONFIG --mend` makes them again")
    assert CliRunner().invoke(app, ["fsck", str(daemon.config), "--mend"]).exit_code == 0
    assert titles(daemon.master) == ALL[:2]


def test_no_file_descriptor_is_left(make_daemon) -> None:
    daemon = make_daemon().start()
    writer: list[int] = []

    def limit(pid: int, spare: int | None) -> None:
        hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        used = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
        free = next(number for number in count() if number not in used)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard if spare is None else free + spare, hard))

    proxy = daemon.proxy

    def go_bad() -> None:
        writer.append(writer_of(daemon))
        # A connection or two of Tango's are left to the daemon, and nothing to the writer.
        limit(daemon.process.pid, 2)
        limit(writer[0], 0)

    trouble_and_recovery(
        daemon, go_bad, lambda: (limit(daemon.process.pid, None), limit(writer[0], None)), "Too many open files"
    )
    assert proxy.state() == tango.DevState.ON
    assert titles(daemon.master) == ALL


def test_a_writer_that_hangs_is_replaced(make_daemon) -> None:
    daemon = make_daemon()
    daemon.config.write_text(daemon.config.read_text().replace("write_timeout_s: 20", "write_timeout_s: 1"))
    daemon.start()
    scan(daemon, "before")
    daemon.await_files()
    os.kill(writer_of(daemon), signal.SIGSTOP)
    scan(daemon, "meanwhile")
    wait_until(lambda: any("hung" in line["reason"] for line in daemon.await_events("file not written")), "it is seen")
    wait_until(lambda: daemon.proxy.filesWaiting == 0, "another writes it", 60)
    assert titles(daemon.master) == ALL[:2]


@pytest.mark.parametrize(
    ("role", "said"), [("writer", "died by SIGKILL"), ("spinner", "hung while writing")], ids=["crashes", "hangs"]
)
def test_a_record_over_which_the_writer_fails_again_and_again_is_set_aside_and_the_others_go_on(
    make_daemon, role: str, said: str
) -> None:
    daemon = make_daemon()
    daemon.config.write_text(daemon.config.read_text().replace("write_timeout_s: 20", "write_timeout_s: 1"))
    order = daemon.config.with_name("death")
    path = ":".join([str(MORTAL), os.environ.get("PYTHONPATH", "")])
    daemon.start(PYTHONPATH=path, NXSCRIBE_TEST_DEATH=str(order))

    def die_once() -> None:
        order.write_text(f"{role} open entry after 1")
        wait_until(lambda: not order.exists(), "the writer comes to it", 60)

    daemon.start_scan(scan="before")
    die_once()
    die_once()
    die_once()
    wait_until(lambda: any("set aside" in line for line in daemon.proxy.troubles), "it is told")
    assert said in daemon.await_events("record set aside")[0]["reason"]
    assert daemon.proxy.state() == tango.DevState.RUNNING
    # The end is a new state of the record: it is tried again.
    daemon.end_scan()
    scan(daemon, "meanwhile")
    daemon.await_files()
    assert titles(daemon.master) == ALL[:2]


@pytest.mark.parametrize("role", ["writer", "spinner"])
def test_a_record_whose_raw_files_crash_the_writer_or_keep_it_for_ever_is_written_without_their_frames(
    make_daemon, role: str
) -> None:
    daemon = make_daemon("detectors: {cam: {files: 'cam_*.h5', group: instrument/detector01}}\n")
    daemon.config.write_text(daemon.config.read_text().replace("write_timeout_s: 20", "write_timeout_s: 1"))
    order = daemon.config.with_name("death")
    path = ":".join([str(MORTAL), os.environ.get("PYTHONPATH", "")])
    daemon.start(PYTHONPATH=path, NXSCRIBE_TEST_DEATH=str(order))
    daemon.start_scan(scan="before", parameters={"at_start": 7})
    daemon.await_files()
    raw = daemon.data / "cam_1.h5"
    with h5py.File(raw, "w") as file:
        file["entry/data"] = np.arange(40, dtype="u2").reshape(2, 4, 5)
    order.write_text(f"{role} look raw before 1")
    daemon.end_scan(parameters={"at_end": 8}, files={"cam": [str(raw)]})
    for _ in range(3):
        wait_until(lambda: not order.exists(), "the writer looks into it", 60)
        order.write_text(f"{role} look raw before 1")
    daemon.await_files()
    assert order.exists(), "the last attempt has not looked into the raw file"
    order.unlink()
    with h5py.File(daemon.master) as file:
        entry = file["entry_0001"]
        control = entry["instrument/control"]
        assert (control["at_start"][()], control["at_end"][()]) == (7, 8)
        assert "instrument/detector01/data" not in entry
        assert entry["instrument/detector01/data_file/file_name"].asstr()[0].endswith("cam_1.h5")
        reasons = dict(zip(entry["nxscribe/missing"].asstr(), entry["nxscribe/missing_reason"].asstr(), strict=True))
    assert "at the last of 3 attempts, while the frames of cam were linked" in reasons["instrument/detector01/data"]
    (line,) = daemon.await_events("file written without raw frames")
    assert line["entry"] == "entry_0001"
    assert daemon.events("record set aside") == []


@pytest.mark.usefixtures("may_mount")
def test_the_journals_own_disk_is_full(make_daemon) -> None:
    daemon = make_daemon()
    start_in_namespace(daemon, daemon.state)
    daemon.start_scan(scan="before")
    within(daemon, f"cat /dev/zero > {daemon.state}/ballast || true")
    with refused("the disk is full"):
        for _ in range(100):
            daemon.proxy.SetParameters('{"between": 1, "note": "' + "x" * 10_000 + '"}')
    with refused("the disk is full"):
        daemon.end_scan()
    assert daemon.proxy.state() == tango.DevState.RUNNING
    assert any("was refused" in line and "the disk is full" in line for line in daemon.proxy.troubles)
    within(daemon, f"rm {daemon.state}/ballast")
    assert daemon.end_scan()["end_reason"] == "finished"
    scan(daemon, "meanwhile")
    daemon.await_files()
    assert titles(daemon.master) == ALL[:2]


@contextmanager
def refused(why: str):
    with pytest.raises(tango.DevFailed) as caught:
        yield
    assert caught.value.args[0].reason == "NXSCRIBE_JournalUnusable"
    assert why in caught.value.args[0].desc


def test_what_was_set_aside_is_mended_by_hand(make_daemon) -> None:
    daemon = make_daemon()
    order = daemon.config.with_name("death")
    path = ":".join([str(MORTAL), os.environ.get("PYTHONPATH", "")])
    daemon.start(PYTHONPATH=path, NXSCRIBE_TEST_DEATH=str(order))
    scan(daemon, "before")
    for _ in range(3):
        order.write_text("writer open entry after 1")
        wait_until(lambda: not order.exists() or not daemon.proxy.filesWaiting, "the writer dies", 60)
    order.unlink(missing_ok=True)
    wait_until(lambda: daemon.proxy.filesWaiting == 0, "it is set aside, or made")
    assert CliRunner().invoke(app, ["fsck", str(daemon.config), "--mend"]).exit_code == 0
    with JournalReader(daemon.state / "journal.sqlite") as reader:
        assert reader.queue().set_aside == 0
    assert titles(daemon.master) == ALL[:1]
