"""Compares an entry with its own definition, and with the missing values that the entry itself lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import h5py

from nxscribe.errors import JournalError, Severity
from nxscribe.model import Definition
from nxscribe.projections.nexus._definition_file import definition_in, has_definition
from nxscribe.projections.nexus._file_resolution import resolve
from nxscribe.projections.nexus._master import CREATOR
from nxscribe.projections.nexus._provenance import ACCOUNT, DEFINITION, FRAMES_ASKED, FRAMES_ASKED_OF
from nxscribe.projections.nexus.raw import FILES
from nxscribe.projections.nexus.validate._definition_nodes import check_nodes
from nxscribe.projections.nexus.validate._entry_context import EntryContext, nx_class, objects, text, texts
from nxscribe.projections.nexus.validate._finding import Check, Finding
from nxscribe.records import EndReason, recorded_definition

_OF_RAW: Final = ("data", "data_file")


def check_account(place: EntryContext) -> Iterator[Finding]:
    """What is missing in an entry of nxscribe: mandatory fields that it lists itself, and what its definition asks for.

    An entry of another program has neither such a list nor a definition, and gives no findings.
    """
    account = place.group.get(ACCOUNT)
    if not isinstance(account, h5py.Group):
        if text(place.group.file.attrs.get("creator")) == CREATOR:
            yield place.find(
                Check.ACCOUNT, f"{place.group.name}/{ACCOUNT}", "it is missing, and nxscribe writes it to every entry",
                "it was removed since", "make the entry again: nxscribe regenerate",
            )  # fmt: skip
        return
    lacking = dict(zip(_list(account, "missing"), _list(account, "missing_reason"), strict=False))
    yield from _lacking(place, lacking)
    yield from _ending(place, account)
    for path, reason in zip(_list(account, "pending"), _list(account, "pending_reason"), strict=False):
        yield _warning(place, path, f"still to come: {reason}")
    definition, problem = _definition(place, account)
    if problem:
        yield place.find(Check.ACCOUNT, f"{account.name}/definition", problem)
    if definition:
        told = {*lacking, *_list(account, "pending")}
        yield from check_nodes(place, definition, told)
    yield from _claim(place)
    yield from _frames(place, {*lacking, *_list(account, "pending")}, _list(account, "warnings"))


def _ending(place: EntryContext, account: h5py.Group) -> Iterator[Finding]:
    """An end reason that is none, and a scan that failed."""
    how = text(account.get("end_reason"))
    if how is not None and how not in set(EndReason):
        yield place.find(
            Check.ACCOUNT, f"{account.name}/end_reason", f"{how!r} is not one of {', '.join(EndReason)}",
            "it was changed since", "make the entry again: nxscribe regenerate",
        )  # fmt: skip
    elif how == EndReason.FAILED:
        why = text(account.get("reason"))
        yield _warning(place, f"{ACCOUNT}/end_reason", f"the scan failed{f': {why}' if why else ''}")


def _frames(place: EntryContext, told: set[str], warnings: list[str]) -> Iterator[Finding]:
    """Detectors that list raw files and show no frames, where the entry itself does not say why."""
    for path, node in objects(place.group):
        if nx_class(node) != "NXdetector" or "data_file" not in node:
            continue
        inside = path.removeprefix(f"{place.group.name}/")
        # A link that leads nowhere is there, and is a finding of its own.
        is_shown = any(name == "data" or name.startswith("data_0") for name in node)
        is_told = any(one.startswith(f"{inside}/") for one in told)
        if not (is_shown or is_told or any(text.startswith(f"{inside}/data: ") for text in warnings)):
            yield place.find(
                Check.RAW, f"{path}/data", "it is neither there nor said to be missing, and raw files are listed",
                "it was removed since the entry was made", "make the entry again: nxscribe regenerate",
            )  # fmt: skip


def _lacking(place: EntryContext, lacking: dict[str, str]) -> Iterator[Finding]:
    expected = expected_to_lack(place)
    for path, reason in lacking.items():
        if not _is_raw(place, path):
            yield _warning(place, path, f"missing: {reason}")
        elif path.startswith(expected):
            yield _warning(place, path, f"raw data that the scan does not have: {reason}", Check.RAW)
        else:
            yield place.find(
                Check.RAW, f"{place.group.name}/{path}", f"raw data are not within reach: {reason}",
                "the files were not as the reason says when the entry was made",
                "see to what the reason says, and make the entry again: nxscribe regenerate",
            )  # fmt: skip


def expected_to_lack(place: EntryContext) -> tuple[str, ...]:
    """The paths from the entry below which raw data may be missing without an error.

    If the scan ended early, these are all paths. Otherwise they are the groups of the detectors that had to take no
    frames.
    """
    account = place.group.get(ACCOUNT)
    if not isinstance(account, h5py.Group) or account.get("end_reason") is None:
        return ()
    if text(account["end_reason"]) != EndReason.FINISHED:
        return ("",)
    if FRAMES_ASKED not in account:
        return ()
    asked = zip(_list(account, FRAMES_ASKED_OF), account[FRAMES_ASKED][()], strict=False)
    return tuple(f"{group}/" for group, count in asked if not count)


def _is_raw(place: EntryContext, path: str) -> bool:
    parts = path.split("/")
    return path.startswith(f"{FILES}/") or any(
        name in _OF_RAW and nx_class(place.group.get("/".join(parts[:depth]))) == "NXdetector"
        for depth, name in enumerate(parts)
        if depth
    )


def _definition(place: EntryContext, account: h5py.Group) -> tuple[Definition | None, str]:
    if not has_definition(account):
        return None, "the entry does not hold the definition it was made with"
    definition = definition_in(account)
    link = account.get(DEFINITION, getlink=True)
    if definition is None and isinstance(link, h5py.ExternalLink) and resolve(link.filename, place.file) is None:
        return None, ""  # a finding about the link
    if definition is None:
        return None, (
            "the definition's text cannot be read, or is not the one whose sha256 stands beside it: one was changed"
        )
    try:
        return recorded_definition(definition), ""
    except JournalError as error:
        return None, f"the definition in the entry cannot be read: {error.problems[0].what}"


def _claim(place: EntryContext) -> Iterator[Finding]:
    """Nabu and nxtomo look for the application definition in an attribute, validators in a field: they must agree."""
    for path, node in objects(place.group):
        if nx_class(node) not in {"NXentry", "NXsubentry"} or "definition" not in node.attrs:
            continue
        by_attribute = text(node.attrs["definition"])
        by_field = text(node["definition"]) if "definition" in node else None
        if by_field != by_attribute:
            yield place.find(
                Check.ACCOUNT, f"{path}/definition",
                f"it is {by_field or 'missing'}, where the attribute definition says {by_attribute}",
                "one of the two was removed or changed since", "make the entry again: nxscribe regenerate",
            )  # fmt: skip


def _warning(place: EntryContext, path: str, what: str, check: Check = Check.ACCOUNT) -> Finding:
    return Finding(check, str(place.file), f"{place.group.name}/{path}", what, severity=Severity.WARNING)


def _list(account: h5py.Group, name: str) -> list[str]:
    found = account.get(name)
    return texts(found) if isinstance(found, h5py.Dataset) else []
