"""What this machine has against a config: paths that depend on who reads them, folders, the readers' group."""

from __future__ import annotations

import grp
import os
import tempfile
from pathlib import Path

import pytest

from nxscribe.errors import InputError, Severity
from nxscribe.service.check.examine import examine
from nxscribe.service.config import load_config
from nxscribe.service.config._state_dir import probable_state_dir

DEFINITION = '<group NX_class="NXentry" groupName="${entry}"><title>${sampleName}</title></group>'
NOBODY = 65534


def config(folder: Path, text: str) -> Path:
    (folder / "tomo.xml").write_text(DEFINITION)
    path = folder / "bl.yaml"
    path.write_text(f"beamline: bl\ntechniques: {{tomo: {{definition: tomo.xml}}}}\n{text}\n")
    return path


def told(path: Path) -> list[str]:
    return [str(problem).removeprefix(f"{path}:") for problem in examine(path, here=True).problems]


def as_nobody(path: Path) -> str:
    """The words of `check`, run by a user who may do next to nothing."""
    # Forked, for the interpreter may lie where that user cannot go.
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        os.write(theirs, "\n".join(told(path)).encode())
        os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    with os.fdopen(ours, encoding="utf-8") as pipe:
        return pipe.read()


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """One that any user can reach."""
    top = Path(tempfile.gettempdir())
    for folder in (tmp_path, *tmp_path.parents):
        if folder != top and folder.is_relative_to(top):
            folder.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("text", ["~/frames", "$PLACE/frames", "${PLACE}/frames"])
def test_a_path_as_in_a_shell_is_understood_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PLACE", str(tmp_path))
    (tmp_path / "frames").mkdir()
    path = config(tmp_path, f"data_root: '{text}'\nstate_dir: '{text}'")
    loaded = load_config(path)
    assert loaded.data_root == loaded.state_dir == probable_state_dir(path) == tmp_path / "frames"
    assert [problem.severity for problem in loaded.warnings] == [Severity.WARNING] * 2
    first, second = told(path)
    assert first.startswith(f"3:13: warning: data_root depends on who runs nxscribe: {text!r}; it is {tmp_path}/frames")
    assert second.startswith("4:13: warning: state_dir depends on who runs nxscribe")


@pytest.mark.parametrize(
    "line",
    [
        "data_root: ~no_such_user/data",
        "data_root: $NO_SUCH_VARIABLE/data",
        "data_root: .\nrecords: {archive: '${NO_SUCH_VARIABLE}'}",
        "data_root: .\nfiles: {master: '~/{proposal}.h5'}",
        "data_root: .\nfiles: {scan_directory: $HOME/x}",
        "data_root: .\ndetectors: {pco: {watch: $NO_SUCH_VARIABLE/*.cbf, group: instrument/detector}}",
    ],
)
def test_a_path_that_means_nothing_here_is_refused(tmp_path: Path, line: str) -> None:
    path = config(tmp_path, line)
    with pytest.raises(InputError):
        load_config(path)


def test_following_the_remedy_ends_the_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = config(tmp_path, "data_root: ~/.")
    [problem] = examine(path, here=True).problems
    config(tmp_path, f"data_root: {problem.remedy.removeprefix('write ').split(',')[0]}")
    assert told(path) == []


def test_a_data_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = config(tmp_path, f"data_root: {tmp_path}/visitors")
    [problem] = told(path)
    assert problem.startswith(f"3:12: warning: data_root {tmp_path}/visitors is not there; nxscribe would make it")
    (tmp_path / "visitors").mkdir()
    assert told(path) == []
    (tmp_path / "visitors").rmdir()
    (tmp_path / "visitors").touch()
    assert "is not a folder" in told(path)[0]


def test_a_folder_just_beside_the_config_is_made_without_a_word(tmp_path: Path) -> None:
    assert told(config(tmp_path, "data_root: data")) == []
    assert "is not there" in told(config(tmp_path, "data_root: data/visitors"))[0]


def test_elsewhere_folders_are_left_out(tmp_path: Path) -> None:
    assert examine(config(tmp_path, f"data_root: {tmp_path}/visitors")).problems == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_folders_that_the_user_may_not_write_are_told(open_folder: Path) -> None:
    for name in ("data", "state"):
        (open_folder / name).mkdir(mode=0o755)
    found = as_nobody(config(open_folder, "data_root: data\nstate_dir: state/bl"))
    assert f"data_root {open_folder}/data cannot be written by the user nobody" in found
    assert f"state_dir {open_folder}/state/bl cannot be made by the user nobody" in found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_looks_with_the_eyes_of_the_daemons_user(open_folder: Path) -> None:
    for name in ("data", "state"):
        (open_folder / name).mkdir(mode=0o755)
    path = config(open_folder, "data_root: data\nstate_dir: state")
    assert told(path) == []
    os.chown(open_folder / "state", NOBODY, NOBODY)
    [problem] = told(path)
    assert f"data_root {open_folder}/data cannot be written by the user nobody" in problem
    os.chown(open_folder / "data", NOBODY, NOBODY)
    assert told(path) == []


def test_a_group_that_is_not_known_is_told(tmp_path: Path) -> None:
    [problem] = told(config(tmp_path, "data_root: .\nfiles: {group: no-such-group}"))
    assert problem.startswith("4:16: warning: the group no-such-group of files.group is not known here")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_group_of_others_is_told(open_folder: Path) -> None:
    name = grp.getgrgid(os.getegid()).gr_name
    (open_folder / "data").mkdir()
    os.chown(open_folder / "data", NOBODY, NOBODY)
    path = config(open_folder, f"data_root: data\nfiles: {{group: {name}}}")
    assert f"the user nobody is not in the group {name} of files.group" in as_nobody(path)
    assert told(path) == []
