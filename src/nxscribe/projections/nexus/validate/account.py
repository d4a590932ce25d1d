"""The entry against its own definition, and what the entry itself says that it lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import h5py

from nxscribe.definitions import parse_definition
from nxscribe.errors import InputError, Severity
from nxscribe.model import Definition, Field, Phase, units
from nxscribe.projections.nexus.account import ACCOUNT
from nxscribe.projections.nexus.raw import FILES
from nxscribe.projections.nexus.validate.finding import Check, Finding
from nxscribe.projections.nexus.validate.place import Place, nx_class, text, texts

_OF_RAW: Final = ("data", "data_file")


def check_account(place: Place) -> Iterator[Finding]:
    """What an entry of nxscribe's lacks, by its own account and by its own definition. Others' entries have neither."""
    account = place.group.get(ACCOUNT)
    if not isinstance(account, h5py.Group):
        return
    lacking = dict(zip(_list(account, "missing"), _list(account, "missing_reason"), strict=False))
    yield from _lacking(place, lacking)
    for path, reason in zip(_list(account, "pending"), _list(account, "pending_reason"), strict=False):
        yield _warning(place, path, f"still to come: {reason}")
    definition, problem = _definition(account)
    if problem:
        yield place.find(Check.ACCOUNT, f"{account.name}/definition", problem)
    if definition:
        yield from _against(place, definition)


def _lacking(place: Place, lacking: dict[str, str]) -> Iterator[Finding]:
    for path, reason in lacking.items():
        if _is_raw(place, path):
            yield place.find(Check.RAW, f"{place.group.name}/{path}", f"raw data are not within reach: {reason}")
        else:
            yield _warning(place, path, f"missing: {reason}")


def _is_raw(place: Place, path: str) -> bool:
    parts = path.split("/")
    return path.startswith(f"{FILES}/") or any(
        name in _OF_RAW and nx_class(place.group.get("/".join(parts[:depth]))) == "NXdetector"
        for depth, name in enumerate(parts)
        if depth
    )


def _definition(account: h5py.Group) -> tuple[Definition | None, str]:
    name, sha256 = text(account.get("definition_name")), text(account.get("definition_sha256"))
    lines = _list(account, "definition")
    if not lines:
        return None, "the entry does not hold the definition it was made with"
    whole = "\n".join(lines)
    if hashlib.sha256(whole.encode()).hexdigest() != sha256:
        return None, "the definition in the entry is not the one whose sha256 stands beside it: one was changed"
    try:
        return parse_definition(name or "", whole), ""
    except InputError as error:
        return None, f"the definition in the entry cannot be read: {error.problems[0].what}"


def _against(place: Place, definition: Definition) -> Iterator[Finding]:
    is_over = "end_time" in place.group
    for path, node in definition.root.walk():
        if not isinstance(node, Field):
            continue
        where = f"{place.group.name}{path}"
        found = place.group.get(path.strip("/"))
        if found is None:
            if node.mandatory and (is_over or node.record is not Phase.FINAL):
                yield place.find(Check.ACCOUNT, where, "the definition calls it mandatory, and it is not there")
            continue
        unit = text(found.attrs.get("units")) or ""
        if not units.fits(unit, node.unit_category):
            yield place.find(
                Check.UNITS, f"{where}@units", f"{unit!r} is no unit of {node.unit_category}, as the definition has it",
                "the source speaks of something else", "look at the source in the config",
            )  # fmt: skip
        elif node.units and not node.unit_category and unit and not units.convertible(unit, node.units):
            yield place.find(Check.UNITS, f"{where}@units", f"{unit!r}, where the definition asks for {node.units!r}")


def _warning(place: Place, path: str, what: str) -> Finding:
    where = f"{place.group.name}/{path}"
    return Finding(Check.ACCOUNT, str(place.file), where, what, severity=Severity.WARNING)


def _list(account: h5py.Group, name: str) -> list[str]:
    found = account.get(name)
    return texts(found) if isinstance(found, h5py.Dataset) else []
