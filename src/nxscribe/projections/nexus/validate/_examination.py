"""Checks one master file: one entry after the other, each in the file that contains it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import h5py

from nxscribe.errors import Severity
from nxscribe.projections.nexus._file_resolution import is_there, resolve
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus.validate._defaults import check_chain, check_plots
from nxscribe.projections.nexus.validate._definition_checks import check_account
from nxscribe.projections.nexus.validate._definition_lines import definition_lines
from nxscribe.projections.nexus.validate._entry_context import EntryContext, master_of, nx_class, text
from nxscribe.projections.nexus.validate._external_validators import Case, case_of, judge
from nxscribe.projections.nexus.validate._finding import Check, Finding, Report
from nxscribe.projections.nexus.validate._frame_counts import check_frame_counts
from nxscribe.projections.nexus.validate._frame_order import check_frame_order
from nxscribe.projections.nexus.validate._frame_sources import check_sources
from nxscribe.projections.nexus.validate._linking import check_links
from nxscribe.projections.nexus.validate._master_file import check_entry_links, check_root
from nxscribe.projections.nexus.validate._notation import check_root_times, check_values
from nxscribe.projections.nexus.validate._numbers import check_numbers
from nxscribe.projections.nexus.validate._origin import check_origin
from nxscribe.projections.nexus.validate._per_frame import check_per_frame
from nxscribe.projections.nexus.validate._raw_files import check_raw_files

_OWN = (
    check_links,
    check_sources,
    check_raw_files,
    check_origin,
    check_plots,
    check_values,
    check_numbers,
    check_per_frame,
    check_frame_counts,
    check_frame_order,
    check_account,
)


def validate(master: Path, *, with_others: bool = True, only: Collection[str] = ()) -> Report:
    """Check a master file and everything that it links to. Errors of a file are findings, and raise nothing.

    Args:
        master: The master file.
        with_others: Whether to call nexusformat and pynxtools as well, which takes some seconds for each entry.
        only: The names of the entries to check. Empty: all.
    """
    master = master.absolute()
    entries: list[str] = []
    findings: list[Finding] = []
    cases: list[Case] = []
    try:
        with open_to_read(master) as file:
            findings += _root(file, str(master))
            findings += check_entry_links(file, master)
            entries += [name for name in file if not only or name in only]
            for name in sorted(set(only) - set(entries)):
                findings.append(Finding(Check.FILE, str(master), f"/{name}", "the entry does not exist"))
            for name in entries:
                findings += _entry(file, master, name, cases)
            if not entries and not only:
                findings.append(Finding(Check.FILE, str(master), "/", "it has no entry"))
    except OSError as error:
        why = "it is damaged, or no HDF5 file" if is_there(master) else "it is not there"
        why = "this user may not read it" if isinstance(error, PermissionError) else why
        findings.append(Finding(Check.FILE, str(master), "/", "it cannot be opened", f"{why}: {error}"))
    if with_others:
        for case in cases:
            findings += map(case.lines.located, judge(case))
    return Report(str(master), tuple(entries), tuple(dict.fromkeys(findings)))


def _root(file: h5py.File, name: str) -> Iterator[Finding]:
    yield from check_root(file, name)
    yield from check_root_times(file, name)
    yield from check_chain(file, name)


def _entry(file: h5py.File, master: Path, name: str, cases: list[Case]) -> Iterator[Finding]:
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.ExternalLink):
        yield from _examine(EntryContext(master_of(master), master, name, file), file.get(name), cases)
        return
    path = resolve(link.filename, master)
    where = f"/{name}"
    if path is None:
        what = f"the entry's file {link.filename} is not there"
        yield Finding(Check.LINKS, str(master), where, what, "moved or deleted", "make it again: nxscribe regenerate")
        return
    try:
        with open_to_read(path) as opened:
            if link.path not in opened:
                yield Finding(Check.LINKS, str(master), where, f"{path} has no {link.path}")
                return
            yield from _root(opened, str(path))
            yield from _examine(EntryContext(master, path, name, opened), opened[link.path], cases)
    except OSError as error:
        what = f"the entry's file {path} cannot be opened"
        yield Finding(Check.LINKS, str(master), where, what, str(error), "make it again: nxscribe regenerate")


def _examine(place: EntryContext, node: object, cases: list[Case]) -> Iterator[Finding]:
    if not isinstance(node, h5py.Group) or nx_class(node) != "NXentry":
        what = "the groups of a file are entries, and this is not one"
        yield Finding(Check.FILE, str(place.file), f"/{place.name}", what, severity=Severity.ERROR)
        return
    there = EntryContext(place.master, place.file, place.name, node)
    lines = definition_lines(there)
    yield from map(lines.located, _own_findings(there))
    cases.append(case_of(there, lines))


def _own_findings(there: EntryContext) -> Iterator[Finding]:
    node = there.group
    if text(node.get("title")) is None:
        yield there.find(Check.FILE, f"{node.name}/title", "the entry has no title")
    for check in _OWN:
        try:
            yield from check(there)
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            what = f"it cannot be examined: {check.__name__}: {error}"
            yield there.find(Check.FILE, node.name, what, "the file is damaged", "make it again: nxscribe regenerate")
