"""Objects of other HDF5 files that a control system names, to be linked to in the entry: `/path/file.h5::/1.1`.

Nothing here looks at a disk, because a trigger must not wait for a file system that hangs. The writer of the entry
checks where symbolic links lead.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from nxscribe.errors import Severity
from nxscribe.model import plain
from nxscribe.model.node_names import LONGEST_PART, node_name_problem, unseen_character
from nxscribe.records import LINK_SEPARATOR

_LONGEST_QUOTE = 80


def is_within(path: str, roots: Collection[str]) -> bool:
    """Whether a plain absolute path is in one of the folders, by its text. The root of the file system is none."""
    folders = (root.rstrip("/") for root in roots)
    return any(path.startswith(f"{folder}/") for folder in folders if folder)


def named_objects(
    links: Mapping[str, str], directory: str, roots: Collection[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The targets that can be used, by the name of the link, and what is to be told of them and of the others.

    Args:
        links: As they were sent: a file, `::`, and a path in the file. Without a path, the whole file is meant.
        directory: The folder of the scan, where relative names begin.
        roots: The folders in which files may lie.
    """
    usable: dict[str, str] = {}
    told: list[str] = []
    for name, target in links.items():
        file, separator, inside = target.rpartition(LINK_SEPARATOR)
        if not separator:
            file, inside = target, ""
        path = plain(os.path.join(directory, file))  # noqa: PTH118 - texts, as the record has them
        if fault := _name_fault(name) or _fault(file, inside, path):
            told.append(f"the link {_quoted(name)} is left out: {fault}")
            continue
        usable[name] = f"{path}{LINK_SEPARATOR}/{inside.strip('/')}"
        if not is_within(path, roots):
            told.append(f"the link {_quoted(name)} leads to {_quoted(path)}, which {by_name_outside(roots)}")
    return usable, tuple(told)


def by_name_outside(roots: Collection[str]) -> str:
    """What is to be told of a file that the control system named, and that is in none of the folders by its text."""
    return (
        f"lies by its name outside the folders that the config allows, {', '.join(roots)}: the writer opens it only if "
        f"it really lies inside"
    )


def _name_fault(name: str) -> str:
    problem = node_name_problem(name)
    return problem.what if problem and problem.severity is Severity.ERROR else ""


def _fault(file: str, inside: str, path: str) -> str:
    if not file.strip() or file.endswith("/"):
        return "it names no file"
    if unseen := unseen_character(f"{file}{inside}"):
        return f"its target holds {unseen}"
    if max(len(part.encode()) for part in path.split("/")) > LONGEST_PART:
        return f"its file has a part of more than {LONGEST_PART} bytes"
    return ""


def _quoted(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]!r}..."
