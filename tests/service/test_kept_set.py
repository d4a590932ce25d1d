"""The last good set survives the daemon: a start on broken files serves what was in force before."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fake_clock import FakeClock

from nxscribe.errors import InputError
from nxscribe.service.reload._last_good_set import KEPT, recall
from nxscribe.service.reload.config_store import ConfigStore

ENTRY = '<group NX_class="NXentry" groupName="${{entry}}">{}</group>\n'
CONFIG = """\
beamline: sim
data_root: data
state_dir: state
sources: {a: {value: 1}}
techniques: {tomo: {definition: definitions/tomo.xml}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "definitions" / "common").mkdir(parents=True)
    (tmp_path / "sim.yaml").write_text(CONFIG)
    (tmp_path / "definitions" / "common" / "a.xml").write_text(ENTRY.format("<a>${a}</a>"))
    (tmp_path / "definitions" / "tomo.xml").write_text(ENTRY.format('<include file="common/a.xml"/>'))
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[], ConfigStore]]:
    made: list[ConfigStore] = []

    def start(**options: Any) -> ConfigStore:
        made.append(ConfigStore(folder / "sim.yaml", **options))
        return made[-1]

    yield start
    for library in made:
        library.close()


@pytest.fixture
def served(start) -> ConfigStore:
    """A first run, whose set is kept."""
    library = start()
    library.keep()
    return library


def fields(library: ConfigStore) -> list[str]:
    return [path for path, _ in library.current.plan("tomo").definition.root.walk()]


def break_definition(folder: Path) -> None:
    (folder / "definitions" / "tomo.xml").write_text("<group")


def break_include(folder: Path) -> None:
    (folder / "definitions" / "common" / "a.xml").unlink()


def break_config(folder: Path) -> None:
    (folder / "sim.yaml").write_text(CONFIG + "sources: 3\n")


def break_config_at_its_top(folder: Path) -> None:
    (folder / "sim.yaml").write_text(CONFIG.replace("sim", '"sim', 1))


def break_encoding(folder: Path) -> None:
    (folder / "sim.yaml").write_bytes(b"# \xb5m\n" + CONFIG.encode())


def break_all(folder: Path) -> None:
    """What else the config says of folders is as wrong as the rest of it."""
    break_definition(folder)
    (folder / "sim.yaml").write_text(CONFIG.replace("data_root: data", "data_root: other\ntango: {host: 3}"))


@pytest.mark.parametrize(
    "damage",
    [break_definition, break_include, break_config, break_config_at_its_top, break_encoding, break_all],
)
def test_a_start_on_broken_files_serves_what_was_in_force(
    served: ConfigStore, start, folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    again = start()
    assert fields(again) == ["/a"]
    assert again.current.config == served.current.config
    assert again.current.texts == served.current.texts
    assert again.problems
    assert datetime.fromisoformat(again.kept_since).tzinfo
    # It is not kept anew: the next start finds it, too.
    again.keep()
    assert fields(start()) == ["/a"]


def test_a_good_edit_takes_its_place(served: ConfigStore, start, folder: Path) -> None:
    break_definition(folder)
    again = start()
    assert again.reload() == again.problems
    assert again.problems
    (folder / "definitions" / "tomo.xml").write_text(ENTRY.format("<b>${a}</b>"))
    assert again.edited()
    assert again.reload() == ()
    assert again.problems == ()
    assert fields(again) == ["/b"]
    again.keep()
    break_definition(folder)
    assert fields(start()) == ["/b"]


def test_a_set_is_kept_only_after_it_was_in_force_for_a_while(start, folder: Path) -> None:
    clock = FakeClock()
    library = start(clock=clock)
    library.keep()
    (folder / "definitions" / "tomo.xml").write_text(ENTRY.format("<b>${a}</b>"))
    assert library.reload() == ()
    break_definition(folder)
    library.keep(after_s=1.0)
    assert fields(start()) == ["/a"]
    clock.advance(1.0)
    library.keep(after_s=1.0)
    assert fields(start()) == ["/b"]


def test_what_was_refused_is_not_kept(served: ConfigStore, start, folder: Path) -> None:
    (folder / "sim.yaml").write_text(CONFIG.replace("data_root: data", "data_root: other"))
    assert served.reload()
    served.keep()
    break_config(folder)
    assert start().current.config.data_root == folder / "data"


def test_a_first_start_on_broken_files_is_refused_with_every_problem(start, folder: Path) -> None:
    break_all(folder)
    with pytest.raises(InputError) as refused:
        start()
    told = str(refused.value)
    assert "tango.host" in told
    assert "last good set" not in told


def test_the_folder_that_the_command_line_names_counts(start, folder: Path, tmp_path: Path) -> None:
    start(state_dir=tmp_path / "elsewhere").keep()
    break_definition(folder)
    with pytest.raises(InputError):
        start()
    again = start(state_dir=tmp_path / "elsewhere", data_root=tmp_path / "x")
    assert again.current.config.state_dir == tmp_path / "elsewhere"
    assert again.current.config.data_root == tmp_path / "x"


def test_a_state_folder_that_moved_is_the_one_that_counts(served: ConfigStore, start, folder: Path) -> None:
    (folder / "state").rename(folder / "moved")
    (folder / "sim.yaml").write_text(CONFIG.replace("state_dir: state", "state_dir: moved") + "x: 1\n")
    assert start().current.config.state_dir == folder / "moved"


def test_a_symbolic_link_is_the_file_that_it_was(start, folder: Path) -> None:
    (folder / "definitions" / "link.xml").symlink_to("common/a.xml")
    (folder / "definitions" / "tomo.xml").write_text(
        ENTRY.format('<include file="common/a.xml"/><include file="link.xml"/>')
    )
    first = start()
    first.keep()
    shutil.rmtree(folder / "definitions")
    again = start()
    assert fields(again) == ["/a"]
    assert again.current.texts == first.current.texts


def test_a_clock_before_the_first_time_that_zip_knows_keeps_it_all_the_same(
    start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    start().keep()
    break_definition(folder)
    assert fields(start()) == ["/a"]


def test_a_file_name_that_is_not_utf_8_is_told_as_any_other_failure(start, folder: Path) -> None:
    name = os.fsdecode(b"\xb5m")
    (folder / name).mkdir()
    for file in ("sim.yaml", "definitions"):
        (folder / file).rename(folder / name / file)
    library = ConfigStore(folder / name / "sim.yaml")
    with pytest.raises(OSError, match="surrogates not allowed"):
        library.keep()


@pytest.mark.parametrize("bit", range(8))
def test_a_bit_that_flips_anywhere_makes_it_of_no_use_or_changes_nothing_and_breaks_no_start(
    served: ConfigStore, folder: Path, bit: int
) -> None:
    whole = (folder / "state" / KEPT).read_bytes()
    for place in range(bit, len(whole), 8):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        (folder / "state" / KEPT).write_bytes(flipped)
        with contextlib.suppress(InputError):
            recall(folder / "state", folder / "sim.yaml")


def rewrite(folder: Path, **changes: object) -> None:
    with zipfile.ZipFile(folder / "state" / KEPT) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["kept.json"] = json.dumps(json.loads(members["kept.json"]) | changes).encode()
    with zipfile.ZipFile(folder / "state" / KEPT, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def other_format(folder: Path) -> None:
    rewrite(folder, format=99)


def other_config(folder: Path) -> None:
    rewrite(folder, config="/etc/nxscribe/other.yaml")


def no_account(folder: Path) -> None:
    rewrite(folder, files=None)


def cut_short(folder: Path) -> None:
    kept = folder / "state" / KEPT
    kept.write_bytes(kept.read_bytes()[:300])


def not_good_any_more(folder: Path) -> None:
    """As a stricter version of nxscribe finds."""
    with zipfile.ZipFile(folder / "state" / KEPT, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(f"files{folder}/definitions/tomo.xml", "<group/>")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (other_format, "wrote it in another way"),
        (other_config, "it is of another config"),
        (no_account, "it cannot be read"),
        (cut_short, "it cannot be read"),
        (not_good_any_more, "this version of nxscribe refuses it"),
    ],
)
def test_what_was_kept_and_is_of_no_use_is_told_beside_the_problems(
    served: ConfigStore, start, folder: Path, damage: Callable[[Path], None], reason: str
) -> None:
    break_definition(folder)
    damage(folder)
    with pytest.raises(InputError) as refused:
        start()
    *problems, last = refused.value.problems
    assert "tomo.xml" in str(problems[0])
    assert reason in str(last)
