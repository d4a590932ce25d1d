"""Paths of a config: relative to its file, with `~` and `$NAME` as in a shell.

Both depend on the user and the environment of the program that reads the config, so that the daemon, `fsck` and
`regenerate` may each find another folder. Therefore they are allowed, and there is a warning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nxscribe.definitions.yaml_positions import YamlNode
from nxscribe.errors import Problem, Severity

_VARIABLE: Final = re.compile(r"\$(\w+|\{\w+\})", re.ASCII)
_ROOTS: Final = ("files", "roots", "*")
_PLACES: Final = (
    ("data_root",),
    ("state_dir",),
    ("records", "archive"),
    _ROOTS,
    ("detectors", "*", "files"),
    ("detectors", "*", "watch"),
    ("techniques", "*", "definition"),
    ("techniques", "*", "additions", "*"),
)
_BELOW_THE_DATA_ROOT: Final = (("files", "master"), ("files", "scan_directory"))


def absolute_path(config: Path, text: str) -> Path:
    """The absolute path of a path that is written in the config at `config`."""
    return Path(os.path.normpath(config.absolute().parent / expanded(text)))


def expanded(text: str) -> str:
    """The text with `~` and `$NAME` replaced. Unknown names stay."""
    return os.path.expanduser(os.path.expandvars(text))  # noqa: PTH111 - a pattern is no Path


def path_problems(document: YamlNode) -> Iterator[Problem]:
    """Warn of paths that depend on the user or the environment. A path with an unknown name is an error."""
    for path, node in document.walk():
        if not isinstance(node.value, str):
            continue
        key = ".".join(map(str, path))
        if _fits(path, _ROOTS) and set(node.value) == {"/"}:
            yield Problem(
                f"{key} is the root of the file system",
                "it would open every file of this machine to who may trigger",
                "name the folders in which the control system's files lie",
                node.within(0),
            )
        if not depends_on_user(node.value):
            continue
        if any(_fits(path, place) for place in _BELOW_THE_DATA_ROOT):
            yield Problem(
                f"{key} begins with ~ or holds a variable: {node.value!r}",
                "files are laid out below data_root, and names of the scan stand in braces",
                "write it with fixed names and {proposal}, {beamline}, {sample}, {scan}, {technique}",
                node.within(0),
            )
        elif any(_fits(path, place) for place in _PLACES):
            yield _problem(key, node)


def _problem(key: str, node: YamlNode) -> Problem:
    written = str(node.value)
    meant = expanded(written)
    if depends_on_user(meant):
        return Problem(
            f"{key} cannot be found: {written!r}",
            "a variable in it is not set here, or the user in it is not known",
            "write the path out, as in /data/visitor",
            node.within(0),
        )
    return Problem(
        f"{key} depends on who runs nxscribe: {written!r}",
        f"it is {meant} here; the daemon's user and environment may give another one",
        f"write {meant}, or what the daemon shall use",
        node.within(0),
        Severity.WARNING,
    )


def depends_on_user(text: str) -> bool:
    """Whether a path begins with `~` or contains a variable."""
    return text.startswith("~") or _VARIABLE.search(text) is not None


def _fits(path: tuple[str | int, ...], place: tuple[str, ...]) -> bool:
    return len(path) == len(place) and all(wanted in ("*", step) for step, wanted in zip(path, place, strict=True))
