"""A problem with the line that it speaks of, and a caret beneath the place."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from nxscribe.cli._problem_view import excerpt
from nxscribe.definitions import load_definition
from nxscribe.errors import InputError, Location

HEAD = '<group NX_class="NXentry" groupName="${entry}">'


def marked(path: Path, line: str, wrong: str, width: int = 80) -> tuple[str, str]:
    """What of a line is shown, and what stands above the caret, for the place at which `wrong` begins."""
    path.write_text(f"first\n{line}\nlast\n", "utf-8")
    text, caret = excerpt(Location(str(path), 2, line.index(wrong) + 1), width)
    assert max(cell_len(text), cell_len(caret)) <= width
    before = ""
    while cell_len(before) < caret.index("^"):
        before = text[: len(before) + 1]
    assert cell_len(before) == caret.index("^")
    return text, text[len(before) :]


def test_the_caret_stands_beneath_the_place(tmp_path: Path) -> None:
    assert marked(tmp_path / "f", "  <b>${b</b>", "${b") == ("    2 |   <b>${b</b>", "${b</b>")


@pytest.mark.parametrize("before", ["\t\t", "\tµ", "日本語 ", "e\u0301 ", "\x1b[31m", "\u200b", "🔬 "])
def test_it_does_so_behind_letters_of_all_widths(tmp_path: Path, before: str) -> None:
    text, at = marked(tmp_path / "f", f"{before}<b>${{b</b>", "${b")
    assert at == "${b</b>"
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("before", [0, 1, 30, 75, 500])
@pytest.mark.parametrize("behind", [0, 1, 30, 75, 500])
@pytest.mark.parametrize("letter", ["a", "語"])
def test_a_long_line_is_cut_around_the_place(tmp_path: Path, width: int, before: int, behind: int, letter: str) -> None:
    text, at = marked(tmp_path / "f", f"{letter * before}!{letter * behind}", "!", width)
    assert at.startswith("!")
    assert ("…" in text) == (cell_len(letter) * (before + behind) + 1 > width - len("    2 | "))


def test_the_place_behind_the_end_of_a_line_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("abc")
    assert excerpt(Location(str(tmp_path / "f"), 1, 4), 80) == ["    1 | abc", "      |    ^"]


@pytest.mark.parametrize("place", [Location("gone", 1, 1), Location(__file__, 100_000, 1), Location(__file__), None])
def test_a_place_that_is_not_there_has_no_line(place: Location | None) -> None:
    assert excerpt(place, 80) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-15"])
def test_the_line_is_read_in_the_encoding_of_the_file(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "f.xml"
    declared = "" if encoding.startswith("utf-8") else f'<?xml version="1.0" encoding="{encoding}"?>'
    path.write_bytes(f'{declared}{HEAD}<é units="µm">${{b</é></group>'.encode(encoding))
    with pytest.raises(InputError) as caught:
        load_definition("f", path)
    problem = next(one for one in caught.value.problems if "not closed" in one.what)
    line, caret = excerpt(problem.location, 200)
    assert line[caret.index("^") :] == "${b</é></group>"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<a NAPItype='NX_FLAOT'>${a}</a>", "NX_FLAOT"),
        ("<a\n\tunits = 'mm'\n\tunit='mm'>${a}</a>", "unit='mm'"),
        ("<a>\n  line &amp; ${b}\n  and ${c</a>", "${c"),
        ("<link groupName='l' ref='there'/>", "there"),
        ("<a>\n\n   {a}</a>", "{a}"),
    ],
)
def test_the_place_is_that_of_the_very_words(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "f.xml"
    path.write_text(f"{HEAD}\n{text}</group>")
    try:
        problems = load_definition("f", path).warnings
    except InputError as error:
        problems = error.problems
    lines = [excerpt(problem.location, 200) for problem in problems]
    assert any(line[caret.index("^") :].startswith(wrong) for line, caret in lines)


def on_a_terminal(folder: Path, columns: int) -> str:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "nxscribe", "check", "id.yaml"]
    environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    subprocess.run(words, cwd=folder, env=environment, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    told = os.read(ours, 100_000).decode()
    os.close(ours)
    return told


def test_a_terminal_gets_words_whole_and_a_pipe_gets_a_line_each(tmp_path: Path) -> None:
    folder = tmp_path / ("a-long-name-of-a-folder-" * 4)
    folder.mkdir()
    (folder / "id.yaml").write_text(
        f"beamline: id\ndata_root: .\ntechniques: {{t: {{definition: {folder}/gone.xml}}}}\n"
    )
    told = on_a_terminal(folder, 60).splitlines()
    assert not [line for line in told if len(line) > 60 and str(folder) not in line]
    assert told[0].startswith("id.yaml:3:")
    words = [sys.executable, "-m", "nxscribe", "check", "id.yaml"]
    piped = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False).stdout
    assert piped.splitlines()[0].startswith("id.yaml:3:30: error: gone.xml cannot be read; no such file or directory")
    assert "\x1b" not in piped
