"""No command ends in a trace back for what its user did: each says what is wrong, and names the file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest
from experiments import Experiment, make_experiment

from nxscribe.cli._app import app
from nxscribe.cli._ending import FAULT, INTERRUPTED, ended

UNSERVED = "127.0.0.1:1"
"""Where no Tango database answers."""

# --- what may be wrong with a file that is read ---


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _unreadable(path: Path) -> None:
    path.write_bytes(b"beamline: id16a\n")
    path.chmod(0)


def _in_a_closed_folder(path: Path) -> None:
    """`path` becomes a link into a folder that its user may not enter."""
    closed = path.parent / "closed"
    closed.mkdir()
    (closed / path.name).write_bytes(b"beamline: id16a\n")
    path.symlink_to(closed / path.name)
    closed.chmod(0)


def _empty_hdf5(path: Path) -> None:
    h5py.File(path, "w").close()


def _foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE things (name TEXT)")
    database.close()


IN_PLACE_OF_A_FILE: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: path,
    "a folder": Path.mkdir,
    "an empty file": Path.touch,
    "bytes": lambda path: path.write_bytes(bytes(range(256)) * 20),
    "text": lambda path: path.write_text("Dear colleague,\n\tsee {below}: [\n"),
    "a list": lambda path: path.write_text("- a\n- b\n"),
    "a number": lambda path: path.write_text("3\n"),
    "another definition language": lambda path: path.write_text("<html><body>no</body></html>"),
    "an empty HDF5 file": _empty_hdf5,
    "the head of an HDF5 file": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n"),
    "a foreign database": _foreign_database,
    "a link to nothing": _dangling,
    "a link to itself": _circle,
    "an unreadable file": _unreadable,
    "a file in a closed folder": _in_a_closed_folder,
}
READING = {
    "check": ["check", "{yaml}"],
    "preview": ["preview", "{yaml}"],
    "preview live": ["preview", "{yaml}", "--live"],
    "run": ["run", "{yaml}"],
    "convert xml": ["convert", "{xml}"],
    "convert yaml": ["convert", "{yaml}"],
    "records list": ["records", "list", "{yaml}"],
    "records list of a journal": ["records", "list", "{sqlite}"],
    "records show": ["records", "show", "{sqlite}"],
    "records export": ["records", "export", "{sqlite}"],
    "records import": ["records", "import", "journal", "{jsonl}"],
    "records import of what is compressed": ["records", "import", "journal", "{gz}"],
    "records import into it": ["records", "import", "{sqlite}", "good.jsonl"],
    "records check": ["records", "check", "{sqlite}"],
    "records salvage": ["records", "salvage", "{sqlite}", "saved.sqlite"],
    "records retain": ["records", "retain", "{yaml}"],
    "regenerate": ["regenerate", "{yaml}", "--all"],
    "fsck": ["fsck", "{yaml}"],
    "pack": ["pack", "{h5}", "packed.h5"],
    "validate": ["validate", "{h5}"],
}
HARMLESS = {
    ("records import", "an empty file"): "nothing to import",
    ("records import of what is compressed", "an empty file"): "nothing to import",
    ("records import into it", "nothing"): "a new journal",
    ("pack", "an empty HDF5 file"): "an experiment without scans",
    ("records import into it", "a link to nothing"): "a new journal",
    ("records import into it", "a folder"): "a state folder, where a new journal begins",
}
IN_ALL = [(command, mistake) for command in READING for mistake in IN_PLACE_OF_A_FILE]

as_ordinary_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything: `make test-user` runs it")


class Terminal:
    """Where one types: the folder, and what came of the last command."""

    def __init__(self, folder: Path, output: pytest.CaptureFixture[str]) -> None:
        self.folder, self._output = folder, output
        self.told = ""

    def type(self, *words: object) -> int:
        """Run a command as `nxscribe` does. Returns the exit status."""
        self._output.readouterr()
        status = ended(lambda: app([str(word) for word in words], prog_name="nxscribe"))
        self.told = "".join(self._output.readouterr())
        return status


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")  # no message is folded
    monkeypatch.setenv("TANGO_HOST", UNSERVED)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield Terminal(tmp_path, capsys)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for path in tmp_path.rglob("*"):  # so that pytest can clean up
        if not path.is_symlink() and path.is_dir():
            path.chmod(0o755)


@pytest.fixture
def experiment(terminal: Terminal) -> Experiment:
    return make_experiment(terminal.folder)


@pytest.mark.parametrize(("command", "mistake"), IN_ALL, ids=[" - ".join(one) for one in IN_ALL])
def test_a_file_that_is_none_is_named(command: str, mistake: str, terminal: Terminal) -> None:
    if os.geteuid() == 0 and mistake in {"an unreadable file", "a file in a closed folder"}:
        pytest.skip("root may read everything: `make test-user` runs it")
    words, named = [], Path("named")
    for word in READING[command]:
        if word.startswith("{"):
            named = Path(f"named.{word.strip('{}')}")
            IN_PLACE_OF_A_FILE[mistake](named)
        words.append(str(named) if word.startswith("{") else word)
    Path("good.jsonl").touch()
    status = terminal.type(*words)
    if (command, mistake) in HARMLESS:
        assert status == 0, terminal.told
        return
    assert status in {1, 2}, f"{status}: {terminal.told}"
    assert "named" in terminal.told
    assert "Traceback" not in terminal.told


# --- a place in a file that is read ---

SHOWING_THE_LINE = {
    "check": ["check", "id16a.yaml"],
    "preview": ["preview", "id16a.yaml", "-t", "tomo"],
    "preview live": ["preview", "id16a.yaml", "-t", "tomo", "--live"],
    "run": ["run", "id16a.yaml"],
    "convert": ["convert", "tomo.xml"],
    "regenerate with the current definition": ["regenerate", "id16a.yaml", "--all", "--definition", "current"],
}


@pytest.mark.parametrize("command", SHOWING_THE_LINE)
def test_each_command_shows_the_line_that_is_wrong_and_where(
    command: str, experiment: Experiment, terminal: Terminal
) -> None:
    definition = experiment.config.with_name("tomo.xml")
    definition.write_text(definition.read_text() + "\n  <speed>{</sped>")
    assert terminal.type(*SHOWING_THE_LINE[command]) in {1, 2}
    _, _, behind = terminal.told.partition("tomo.xml:")
    number = behind.partition(":")[0]
    shown = next(line for line in behind.splitlines() if line.lstrip().startswith(f"{number} |"))
    caret = behind.splitlines()[behind.splitlines().index(shown) + 1]
    assert caret.strip().endswith("^")
    assert caret.index("^") < len(shown)


def test_a_config_that_every_command_reads_is_shown_by_its_line(experiment: Experiment, terminal: Terminal) -> None:
    with experiment.config.open("a") as config:
        config.write("colour: red\n")
    for words in (["records", "list"], ["records", "check"], ["records", "retain"], ["fsck"], ["regenerate", "--all"]):
        assert terminal.type(*words, experiment.config) == 1
        assert "| colour: red\n" in terminal.told, (words, terminal.told)


def test_a_problem_is_told_where_the_folder_that_one_is_in_was_removed(
    experiment: Experiment, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = terminal.folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    experiment.config.write_text("colour: red\n")
    assert terminal.type("fsck", experiment.config) == 1
    assert "colour" in terminal.told


# --- what may be wrong with a place that is written to ---


def _full(_: Path) -> str:
    return "/dev/full"


def _no_folder(path: Path) -> str:
    path.write_text("a file")
    return f"{path}/new"


def _read_only(path: Path) -> str:
    path.mkdir()
    path.chmod(0o555)
    return f"{path}/new"


def _there(path: Path) -> str:
    path.write_text("precious")
    return str(path)


def _a_folder(path: Path) -> str:
    path.mkdir()
    return str(path)


IN_PLACE_OF_A_TARGET: dict[str, Callable[[Path], str]] = {
    "a file as folder": _no_folder,
    "a read-only folder": _read_only,
    "a file that is there": _there,
    "a folder": _a_folder,
    "a folder that is not there": lambda path: f"{path}/deep/new",
    "a full disk": _full,
    "a name too long": lambda path: f"{path}{'x' * 300}",
}
WRITING = {
    "convert": ["convert", "tomo.xml", "-o", "{}.yaml"],
    "records export": ["records", "export", "id16a.yaml", "-o", "{}"],
    "records salvage": ["records", "salvage", "id16a.yaml", "{}"],
    "records import": ["records", "import", "{}", "one.jsonl"],
    "regenerate": ["regenerate", "id16a.yaml", "--all", "-o", "{}"],
    "pack": ["pack", "data/ma2210/id16a/ma2210-id16a.h5", "{}"],
    "demo": ["demo", "-o", "{}"],
}
TO_ALL = [(command, mistake) for command in WRITING for mistake in IN_PLACE_OF_A_TARGET]
POSSIBLE = {
    ("convert", "a file that is there"),
    ("convert", "a folder"),  # the ending makes another name of it
    ("pack", "a folder that is not there"),
    ("regenerate", "a folder"),
    ("regenerate", "a folder that is not there"),
    ("demo", "a folder"),
    ("demo", "a folder that is not there"),
    ("records import", "a folder"),
    ("records import", "a folder that is not there"),
    ("records salvage", "a folder that is not there"),
}


@pytest.mark.parametrize(("command", "mistake"), TO_ALL, ids=[" - ".join(one) for one in TO_ALL])
def test_a_place_that_takes_nothing_is_named(
    command: str, mistake: str, experiment: Experiment, terminal: Terminal
) -> None:
    if (command, mistake) in POSSIBLE:
        pytest.skip("that can be done")
    if os.geteuid() == 0 and mistake == "a read-only folder":
        pytest.skip("root may write everywhere: `make test-user` runs it")
    if command == "convert" and mistake == "a full disk":
        Path("full.yaml").symlink_to("/dev/full")
        target = "full"
    else:
        target = IN_PLACE_OF_A_TARGET[mistake](Path("target"))
    terminal.type("records", "export", experiment.config, "-o", "one.jsonl")
    status = terminal.type(*(word.format(target) for word in WRITING[command]))
    assert status in {1, 2}, f"{status}: {terminal.told}"
    assert target.partition("/new")[0][:30] in terminal.told
    if mistake == "a file that is there":
        assert Path("target").read_text() == "precious"


# --- what may be wrong with options ---

WRONG_WORDS = [
    ["nonsense"],
    ["check"],
    ["check", "id16a.yaml", "--colour"],
    ["preview", "id16a.yaml", "--technique", "sculpture"],
    ["run", "id16a.yaml", "--log-format", "poem"],
    ["run", "id16a.yaml"],
    ["convert", "tomo.xml", "-o", "tomo.json"],
    ["convert", "tomo.xml", "-o", "tomo.xml"],
    ["records", "list", "id16a.yaml", "--limit", "0"],
    ["records", "show", "id16a.yaml", "nobody"],
    ["records", "export", "id16a.yaml", "nobody"],
    ["records", "import", "id16a.yaml", "nowhere.jsonl.gz"],
    ["regenerate", "id16a.yaml"],
    ["regenerate", "id16a.yaml", "nobody"],
    ["regenerate", "id16a.yaml", "--all", "--entries", "two"],
    ["regenerate", "id16a.yaml", "--all", "--entries", "7-²"],
    ["regenerate", "id16a.yaml", "--all", "--definition", "past"],
    ["regenerate", "id16a.yaml", "--all", "--state-dir", "nowhere"],
    ["fsck", "id16a.yaml", "--state-dir", "tomo.xml"],
    ["validate", "data/ma2210/id16a/ma2210-id16a.h5", "--entry", "entry_0099", "--own-only"],
    ["demo", "-t", "sculpture"],
    ["scan", "status"],
    ["scan", "status", "-d", "id16a/nxscribe/main"],
    ["scan", "status", "-d", "no device"],
    ["scan", "status", "-d", "größe/a/b"],
    ["scan", "status", "-d", ""],
    ["scan", "reload", "-d", "id16a/nxscribe/main"],
    ["scan", "abort", "-d", "id16a/nxscribe/main"],
    ["scan", "end", "-d", "id16a/nxscribe/main"],
    ["scan", "end", "-d", "id16a/nxscribe/main", "-p", "gap"],
    ["scan", "end", "-d", "id16a/nxscribe/main", "-f", "/data/file"],
    ["scan", "start", "ma2210", "bone", "scan1", "-d", "id16a/nxscribe/main", "-t", "tomo"],
    ["status", "-d", "tango://nowhere.invalid:10000/a/b/c"],
]


@pytest.mark.parametrize("words", WRONG_WORDS, ids=" ".join)
def test_words_that_mean_nothing_are_told(words: list[str], experiment: Experiment, terminal: Terminal) -> None:
    assert experiment
    status = terminal.type(*words)
    assert status in {1, 2}, f"{status}: {terminal.told}"
    assert terminal.told.strip()
    assert "Traceback" not in terminal.told


def test_a_live_check_names_the_database_that_does_not_answer(experiment: Experiment, terminal: Terminal) -> None:
    with experiment.config.open("a") as config:
        config.write("sources: {sx: sim/motor/sx/position}\n")
    status = terminal.type("check", experiment.config, "--live")
    assert status in {0, 1}, terminal.told
    assert "sim/motor/sx" in terminal.told


@as_ordinary_user
def test_a_journal_that_may_not_be_read_is_named(experiment: Experiment, terminal: Terminal) -> None:
    experiment.journal.parent.chmod(0)
    for words in (["records", "list"], ["records", "check"], ["fsck"], ["regenerate", "--all"], ["records", "retain"]):
        assert terminal.type(*words, experiment.config) == 1, terminal.told
        assert str(experiment.journal) in terminal.told
    experiment.journal.parent.chmod(0o755)
    experiment.journal.chmod(0)
    for words in (["records", "list"], ["records", "check"], ["fsck"], ["regenerate", "--all"], ["records", "retain"]):
        assert terminal.type(*words, experiment.config) == 1, terminal.told
        assert str(experiment.journal) in terminal.told


def test_a_journal_that_another_keeps_locked_is_named(experiment: Experiment, terminal: Terminal) -> None:
    terminal.type("records", "export", experiment.config, "-o", "one.jsonl")
    lines = Path("one.jsonl").read_text().replace(experiment.records[0].id, "4" * 36)
    Path("one.jsonl").write_text(lines)
    with sqlite3.connect(experiment.journal, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        status = terminal.type("records", "import", experiment.config, "one.jsonl")
    other.close()
    assert status == 1
    assert str(experiment.journal) in terminal.told


# --- what may be wrong with the output, or come from the terminal ---

PRINTING = [
    ["--help"],
    ["check", "id16a.yaml", "--json"],
    ["preview", "id16a.yaml"],
    ["convert", "tomo.xml"],
    ["records", "list", "id16a.yaml"],
    ["records", "show", "id16a.yaml"],
    ["records", "export", "id16a.yaml"],
    ["regenerate", "id16a.yaml", "--all", "--dry-run"],
    ["validate", "data/ma2210/id16a/ma2210-id16a.h5", "--own-only"],
]
NXSCRIBE = [sys.executable, "-m", "nxscribe"]


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_error(words: list[str], experiment: Experiment) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*NXSCRIBE, *words], cwd=experiment.folder, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode in {0, 1}


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_an_output_on_a_full_disk_is_told(words: list[str], experiment: Experiment) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*NXSCRIBE, *words], cwd=experiment.folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == 1


def test_ctrl_c_ends_a_command_quietly(experiment: Experiment) -> None:
    words = ["records", "import", "other/journal.sqlite", "-"]
    with subprocess.Popen(
        [*NXSCRIBE, *words],
        cwd=experiment.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        while not (experiment.folder / "other/journal.sqlite").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == INTERRUPTED, errors
    assert b"Traceback" not in output + errors


def _fail() -> None:
    raise LookupError("the cat")


def test_a_fault_of_ours_is_short_and_its_trace_back_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert ended(_fail) == FAULT
    told = capsys.readouterr().err
    (kept,) = tmp_path.iterdir()
    assert "LookupError: the cat" in told
    assert "Traceback" not in told
    assert str(kept) in told
    assert "_fail" in kept.read_text()


def test_a_trace_back_is_printed_for_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("NXSCRIBE_DEBUG", "1")
    assert ended(_fail) == FAULT
    assert "Traceback" in capsys.readouterr().err


def test_a_command_that_is_done_waits_for_no_thread_that_hangs_in_a_device() -> None:
    hanging = "threading.Thread(target=time.sleep, args=(1000,)).start()"
    program = f"import sys, threading, time; from nxscribe.cli import main; {hanging}; sys.argv[1:] = ['-h']; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert "Usage" in done.stdout
