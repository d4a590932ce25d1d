"""Checks a config against this computer: folders that do not exist or are not writable, and a group that is missing."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nxscribe.definitions.text import read_bounded
from nxscribe.definitions.yaml_positions import YamlNode, load_yaml
from nxscribe.errors import InputError, Location, Problem, Severity
from nxscribe.service.config import Config
from nxscribe.service.config.paths import depends_on_user, expanded

_ANSWER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _User:
    """Whose rights are looked at."""

    name: str
    number: int
    groups: frozenset[int]
    is_present: bool
    """Whether it is the user of this process."""

    def may_write(self, folder: Path) -> bool:
        """Whether the user can create files in a folder."""
        if self.is_present:
            return os.access(folder, os.W_OK | os.X_OK, effective_ids=True)
        # Only the kernel knows all that counts: access lists, mounts, other machines' exports.
        test = ["test", "-w", str(folder), "-a", "-x", str(folder)]
        done = subprocess.run(  # noqa: S603 - a fixed program; the folder is one argument
            test, user=self.number, extra_groups=self.groups, timeout=_ANSWER_S, check=False
        )  # fmt: skip
        return done.returncode == 0


def examine_places(config: Config) -> tuple[Problem, ...]:
    """Warnings for this computer, checked as the user of the daemon if it is known, otherwise as the present user.

    Root may write anywhere, so that nothing could be learnt as root: the owner of the state folder is the daemon's
    user then. Raises nothing.
    """
    document = _document(config.file)
    user = _daemon_user(config.state_dir)
    return (*_folders(config, user, document), *_group(config, user, document))


def _folders(config: Config, user: _User, document: YamlNode) -> Iterator[Problem]:
    places = {"data_root": config.data_root, "state_dir": config.state_dir}
    for key, folder in places.items():
        written = document.find((key,))
        if written is None or not isinstance(written.value, str):
            continue  # the state folder of the unit, which systemd makes; or a mistake that is told already
        if depends_on_user(expanded(written.value)):
            continue  # it is told already that the folder cannot be found
        location = written.within(0)
        try:
            existing = next(one for one in (folder, *folder.parents) if one.exists())
            may_write = user.may_write(existing)
        except (OSError, subprocess.SubprocessError) as error:
            yield _warning(f"{key} {folder} cannot be looked at", str(error), "see whether its disk answers", location)
            continue
        if not existing.is_dir():
            yield _warning(f"{key} {folder} is not a folder", f"{existing} is a file", "name a folder", location)
        elif not may_write:
            what = f"{key} {folder} cannot be {'written' if existing == folder else 'made'} by the user {user.name}"
            yield _warning(what, f"{existing} belongs to {_owner(existing)}", f"{_remedy(existing, user)}", location)
        elif existing != folder and not (existing == folder.parent and not Path(expanded(written.value)).is_absolute()):
            # A folder just beside the config is made without a word.
            yield _warning(
                f"{key} {folder} is not there",
                f"nxscribe would make it in {existing}: perhaps a disk is not mounted, or the name is misspelt",
                f"correct it, or make it: mkdir -p {folder}",
                location,
            )


def _remedy(folder: Path, user: _User) -> str:
    if user.is_present:
        return (
            f"let {user.name} write to {folder}; if the daemon runs as another user, check as that one: "
            "sudo -u nxscribe nxscribe check …"
        )
    return f"let {user.name}, the owner of the state folder, write to {folder}"


def _group(config: Config, user: _User, document: YamlNode) -> Iterator[Problem]:
    name = config.files.ownership.group
    if name is None:
        return
    node = document.find(("files", "group"))
    location = node.within(0) if node else Location(str(config.file))
    try:
        number = int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        yield _warning(
            f"the group {name} of files.group is not known here",
            "no file could be given to it, and so none be written",
            f"name another one, or make it: groupadd {name}",
            location,
        )
        return
    if user.number != 0 and number not in user.groups:
        yield _warning(
            f"the user {user.name} is not in the group {name} of files.group",
            "only members of a group, and root, may give files to it",
            f"add the daemon's user to it (in its unit: SupplementaryGroups={name}), and restart the daemon",
            location,
        )


def _daemon_user(state_dir: Path) -> _User:
    number = os.geteuid()
    if number == 0:
        try:
            owner = state_dir.stat().st_uid
        except OSError:
            owner = 0
        if owner:
            try:
                known = pwd.getpwuid(owner)
            except KeyError:
                return _User(f"number {owner}", owner, frozenset(), is_present=False)
            return _User(
                known.pw_name, owner, frozenset(os.getgrouplist(known.pw_name, known.pw_gid)), is_present=False
            )
    return _User(_user_name(number), number, frozenset((*os.getgroups(), os.getegid())), is_present=True)


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"number {number}"


def _owner(folder: Path) -> str:
    return f"{_user_name(folder.stat().st_uid)}, mode {folder.stat().st_mode & 0o7777:04o}"


def _document(file: Path) -> YamlNode:
    try:
        return load_yaml(read_bounded(file), str(file))
    except (InputError, OSError):
        return YamlNode({}, Location(str(file)))


def _warning(what: str, why: str, remedy: str, location: Location) -> Problem:
    return Problem(what, why, remedy, location, Severity.WARNING)
