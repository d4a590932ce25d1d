"""What stands where a config or a definition should, and is none: told in bounded time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nxscribe.service.check.examine import examine

CONFIG = "beamline: a\ndata_root: data\ntechniques: {tomo: {definition: tomo.xml}}\n"
ENTRY = '<group NX_class="NXentry" groupName="${{entry}}">{}</group>'


def hostile(path: Path, kind: str) -> None:
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device without end":
        path.symlink_to("/dev/zero")
    elif kind == "link to itself":
        path.symlink_to(path)
    else:
        with path.open("wb") as file:
            file.truncate(100_000_000)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device without end", "link to itself", "100 MB"])
@pytest.mark.parametrize("name", ["a.yaml", "tomo.xml"])
def test_what_is_no_text_file_is_told(tmp_path: Path, name: str, kind: str) -> None:
    if name != "a.yaml":
        (tmp_path / "a.yaml").write_text(CONFIG)
    hostile(tmp_path / name, kind)
    [problem] = examine(tmp_path / "a.yaml").problems
    assert name in str(problem)
    assert any(words in str(problem) for words in ("cannot be read", "has more than"))


@pytest.mark.parametrize(
    ("definition", "config"),
    [
        (ENTRY.format('<a units="9**9**9**9**9">${a}</a>'), "sources: {a: {value: 1, unit: 9^9^9^9^9}}"),
        (ENTRY.format("<a>${a}</a>"), "sources: {a: {expression: 9**9**9**9**9}}"),
        (ENTRY.format("<a>${a}</a>"), "sources: {b: {value: 3}, a: {expression: '\"x\" * 999999999'}}"),
        (ENTRY.format("<a>${a}</a>"), "sources: {a: {expression: " + "(" * 900 + "1" + ")" * 900 + "}}"),
        (ENTRY.format("<a>1</a>" * 20_000), ""),
        (ENTRY.format("<a>" + "${" * 500_000 + "</a>"), ""),
    ],
    ids=["unit", "formula", "text", "parentheses", "siblings", "placeholders"],
)
def test_what_would_take_all_time_or_memory_does_not(tmp_path: Path, definition: str, config: str) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG + config)
    (tmp_path / "tomo.xml").write_text(definition)
    words = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9,) * 2); import nxscribe.__main__"
    done = subprocess.run(
        [sys.executable, "-c", words, "check", "a.yaml"], cwd=tmp_path, timeout=100, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(os.environ.get("PYTHONPATH", ".")).resolve())},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    assert b"errors" in done.stderr or b"error," in done.stderr
