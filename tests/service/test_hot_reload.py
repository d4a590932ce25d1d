"""Edits of a beamline's files, saved as editors and tools save them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemons import wait_until
from fake_clock import FakeClock

import nxscribe.runtime.worker_process as worker_process_module
import nxscribe.service.reload.config_store as library_module
import nxscribe.service.reload.watch as watch_module
from nxscribe.errors import InputError
from nxscribe.service.events import Events
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.reload.watch import Watch

ENTRY = '<group NX_class="NXentry" groupName="${{entry}}">{}</group>\n'
CONFIG = """\
beamline: sim
data_root: data
sources: {a: {value: 1}, b: {value: 2}, c: {value: 3}}
techniques: {tomo: {definition: definitions/tomo.xml}, scan: {definition: definitions/scan.xml}}
"""
SOON_S = 15.0  # mostly the start of a process, on a busy machine


class Served(Events):
    """A library under watch, and what was seen of it. The watch's pauses end as a test waits for what comes of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.library = ConfigStore(folder / "sim.yaml", clock=self.clock)
        self.reloads = 0
        self.watch = Watch(self.library, self, self.clock)
        self.watch.start()

    def files_edited(self) -> None:
        self.library.reload()
        self.reloads += 1

    def files_at_rest(self) -> None:
        self.library.keep()

    def fields(self, technique: str = "tomo") -> list[str]:
        return [path for path, _ in self.library.current.plan(technique).definition.root.walk()]

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        def after_a_while() -> object:
            self.clock.advance(0.1)
            return condition()

        wait_until(after_a_while, what)

    def await_fields(self, *paths: str) -> None:
        self.wait_until(lambda: self.fields() == list(paths), f"{paths} are asked for")

    def look_twice(self) -> None:
        """Have the watch look at the files two more times; what it is at does not count."""
        for _ in range(3):
            self.clock.waits.clear()
            self.clock.advance(watch_module._POLL_S)
            wait_until(lambda: watch_module._POLL_S in self.clock.waits, "the watch has looked")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "definitions" / "common").mkdir(parents=True)
    (tmp_path / "sim.yaml").write_text(CONFIG)
    (tmp_path / "definitions" / "common" / "a.xml").write_text(ENTRY.format("<a>${a}</a>"))
    (tmp_path / "definitions" / "tomo.xml").write_text(ENTRY.format('<include file="common/a.xml"/>'))
    (tmp_path / "definitions" / "scan.xml").write_text(ENTRY.format('<include file="common/a.xml"/>'))
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    served = Served(folder)
    assert served.fields() == ["/a"]
    yield served
    served.watch.stop()
    served.library.close()


def rename_over(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.replace(path)


def truncate_and_write(path: Path, text: str) -> None:
    with path.open("w") as file:
        for part in ("", text[:20], text[20:]):
            file.write(part)
            file.flush()
            time.sleep(0.05)  # the watch sees each of them


def swap_files(path: Path, text: str) -> None:
    """As vim does with `backup`: the old one is moved away, the new one written, the old one removed."""
    swap = path.with_name(f".{path.name}.swp")
    swap.write_bytes(b"b0VIM")
    path.rename(path.with_name(path.name + "~"))
    path.write_text(text)
    path.with_name(path.name + "~").unlink()
    swap.unlink()


def touch_up_in_place(path: Path, text: str) -> None:
    """The same inode, the same length, the time of the last change put back."""
    before = path.stat()
    path.write_text(text.ljust(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("save", [rename_over, truncate_and_write, swap_files, touch_up_in_place])
def test_an_edit_is_in_force_after_its_last_write_by_one_reload(
    served: Served, save: Callable[[Path, str], None]
) -> None:
    save(served.folder / "definitions" / "common" / "a.xml", ENTRY.format("<b>${b}</b>"))
    served.await_fields("/b")
    assert served.fields("scan") == ["/b"]
    served.look_twice()
    assert served.reloads == 1


def test_many_files_that_a_checkout_changes_are_one_edit(served: Served) -> None:
    def git(*words: str) -> None:
        author = ("-c", "user.name=n", "-c", "user.email=e")
        subprocess.run(["git", *author, *words], cwd=served.folder, check=True, capture_output=True)

    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "one")
    served.watch.stop()  # the other branch is made unseen
    served.library.close()
    git("checkout", "-b", "other")
    common = served.folder / "definitions" / "common"
    (common / "a.xml").unlink()
    for number in range(20):
        (common / f"part{number}.xml").write_text(ENTRY.format(f"<f{number}>${{b}}</f{number}>"))
    includes = "".join(f'<include file="common/part{number}.xml"/>' for number in range(20))
    for name in ("tomo", "scan"):
        (served.folder / "definitions" / f"{name}.xml").write_text(ENTRY.format(includes))
    git("add", ".")
    git("commit", "-m", "two")
    git("checkout", "main")
    again = Served(served.folder)
    git("checkout", "other")
    again.await_fields(*(f"/f{number}" for number in range(20)))
    git("checkout", "main")
    again.await_fields("/a")
    again.look_twice()
    assert again.reloads == 2
    again.watch.stop()
    again.library.close()


def test_a_folder_switched_behind_a_symbolic_link_is_seen_though_no_event_tells(folder: Path) -> None:
    shutil.copytree(folder / "definitions", folder / "releases" / "1" / "definitions")
    shutil.copytree(folder / "definitions", folder / "releases" / "2" / "definitions")
    shutil.rmtree(folder / "definitions")
    (folder / "releases" / "2" / "definitions" / "common" / "a.xml").write_text(ENTRY.format("<c>${c}</c>"))
    (folder / "link").mkdir()
    (folder / "link" / "definitions").symlink_to(folder / "releases" / "1" / "definitions")
    (folder / "sim.yaml").write_text(CONFIG.replace("definitions/", "link/definitions/"))
    served = Served(folder)
    (folder / "link" / "new").symlink_to(folder / "releases" / "2" / "definitions")
    (folder / "link" / "new").replace(folder / "link" / "definitions")
    served.await_fields("/c")
    served.watch.stop()
    served.library.close()


BEHIND_A_MOUNT = """\
import sys
from pathlib import Path
from nxscribe.service.events import Events
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.reload.watch import Watch, _FolderEvents

_FolderEvents.on_any_event = lambda *_: print("an event", flush=True)
library = ConfigStore(Path(sys.argv[1]))

class Reload(Events):
    def files_edited(self):
        print(library.reload(), [path for path, _ in library.current.plan("tomo").definition.root.walk()], flush=True)

watch = Watch(library, Reload())
watch.start()
print("watching", flush=True)
sys.stdin.read()
watch.stop()
library.close()
"""


def test_an_edit_made_on_the_other_side_of_a_mount_is_seen_by_looking(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As on NFS, GPFS and FUSE: another computer writes, and no event tells of it."""
    mounted, above = (tmp_path_factory.mktemp(name) for name in ("mounted", "above"))
    mount = f'mount -t overlay overlay -o lowerdir="{folder}:{above}" "{mounted}"'
    namespace = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    if subprocess.run([*namespace, mount], capture_output=True, check=False).returncode:
        pytest.skip("this account may not mount in a namespace of its own")
    child = subprocess.Popen(
        [*namespace, f'{mount} && exec "$@"', "sh", sys.executable, "-c", BEHIND_A_MOUNT, str(mounted / "sim.yaml")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert child.stdout
    assert child.stdout.readline() == "watching\n"
    truncate_and_write(folder / "definitions" / "common" / "a.xml", ENTRY.format("<b>${b}</b>"))
    assert child.stdout.readline() == "() ['/b']\n"
    assert child.communicate(timeout=SOON_S)[0] == ""


def test_a_bad_edit_leaves_the_last_good_set_in_force_until_it_is_mended(served: Served) -> None:
    tomo = served.folder / "definitions" / "tomo.xml"
    tomo.write_text('<group NX_class="NXentry" groupName="${entry}"><include file="common/missing.xml"/></group>')
    served.wait_until(lambda: served.library.problems, "the edit is refused")
    assert served.fields() == ["/a"]
    assert "missing.xml cannot be read" in str(served.library.problems[0])
    # The file that was looked for is watched too, though it is not there.
    (served.folder / "definitions" / "common" / "missing.xml").write_text(ENTRY.format("<b>${b}</b>"))
    served.await_fields("/b")
    assert served.library.problems == ()


def test_a_config_that_is_edited_is_read_again(served: Served) -> None:
    config = served.folder / "sim.yaml"
    config.write_text(CONFIG.replace("value: 1", "value: 7"))
    served.wait_until(lambda: served.reloads, "the config is read")
    assert served.library.current.plan("tomo").sources["a"].origin.fixed == 7


def test_a_setting_that_needs_a_restart_is_refused_and_told(served: Served) -> None:
    config = served.folder / "sim.yaml"
    config.write_text(CONFIG.replace("data_root: data", "data_root: elsewhere"))
    served.wait_until(lambda: served.library.problems, "the edit is refused")
    assert "data_root changed" in str(served.library.problems[0])
    assert served.library.current.config.data_root == served.folder / "data"


def test_there_is_never_a_moment_without_a_whole_set(served: Served) -> None:
    """Both techniques include the same file: a reader who sees them differ has seen half an edit."""
    torn: list[object] = []
    end = threading.Event()

    def read() -> None:
        while not end.wait(0.001):
            beamline = served.library.current
            one, other = (beamline.plan(name).definition.root.children[0].name for name in ("tomo", "scan"))
            if one != other or beamline.texts["tomo"].sha256 != beamline.plan("tomo").definition.sha256:
                torn.append((one, other))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(6):
        letter = "abc"[number % 3]
        (served.folder / "definitions" / "common" / "a.xml").write_text(
            ENTRY.format(f"<{letter}>${{{letter}}}</{letter}>")
        )
        assert served.library.reload() == ()
        assert served.fields() == [f"/{letter}"]
    end.set()
    reader.join()
    assert torn == []


def test_what_an_edit_did_not_change_stays_the_same_object(served: Served) -> None:
    served.library.reload()
    scan = served.library.current.plan("scan")
    (served.folder / "definitions" / "tomo.xml").write_text(ENTRY.format("<b>${b}</b>"))
    assert served.library.reload() == ()
    assert served.fields() == ["/b"]
    assert served.library.current.plan("scan") is scan


def test_a_reader_process_that_died_is_replaced(served: Served) -> None:
    served.library.reload()
    reader = served.library.reader.pid
    assert reader
    os.kill(reader, signal.SIGSTOP)
    answered: list[tuple[object, ...]] = []
    waiting = threading.Thread(target=lambda: answered.append(served.library.reload()))
    waiting.start()
    waiting.join(0.5)  # by then it asks the reader, which cannot answer
    assert waiting.is_alive()
    os.kill(reader, signal.SIGKILL)
    waiting.join()
    assert "reading the definitions failed" in str(answered[0][0])
    assert served.fields() == ["/a"]
    assert served.library.reload() == ()


def test_a_reading_that_hangs_does_not_keep_the_daemon_from_its_end(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.watch.stop()
    monkeypatch.setattr(library_module, "_TURN_S", 0.2)
    monkeypatch.setattr(worker_process_module, "_CLOSE_S", 0.2)
    served.library.reload()
    assert served.library.reader.pid
    os.kill(served.library.reader.pid, signal.SIGSTOP)
    reading = threading.Thread(target=served.library.reload)
    reading.start()
    wait_until(served.library.reader._lock.locked, "it is read")
    with pytest.raises(TimeoutError):
        served.library.keep()
    served.library.close()
    reading.join()


def test_a_set_that_is_bad_from_the_start_is_no_set(folder: Path) -> None:
    (folder / "definitions" / "tomo.xml").write_text("<group")
    with pytest.raises(InputError, match=r"tomo\.xml"):
        ConfigStore(folder / "sim.yaml")
