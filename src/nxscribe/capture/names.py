"""Tango's names: of an attribute, of a property, of its device, of the database that knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from nxscribe.errors import InputError, Problem

_NAME: Final = re.compile(
    r"""(?:tango://)?
        (?:(?P<host>[^/:#]+:\d+)/)?
        (?P<device>[^/:#]+/[^/:#]+/[^/:#]+)/
        (?P<member>[^/#]+)
        (?:/(?P<property>[^/#]+))?
        (?P<suffix>\#dbase=(?:no|yes))?
        (?P<part>\#write)?""",
    re.VERBOSE,
)
DATABASE: Final = "properties of "
"""What the name of a device begins with that is no device but a database."""


@dataclass(frozen=True, slots=True, eq=False)
class TangoName:
    """An attribute or a property of a device, in full. A reader keeps one object for each, and compares them by
    identity, which is quick.
    """

    device: str
    """As a proxy takes it: `tango://host:port/domain/family/member`, in small letters."""
    member: str
    """The attribute's own name, in small letters; of a property the device, perhaps the attribute, and its name."""
    host: str
    """The database's address, `host:port`; for a server without a database its own."""
    full: str
    """`host:port/domain/family/member/attribute`, as it was written."""
    is_write_part: bool = False
    """Whether an attribute's set point is meant, and not what its device measures."""


def parse_name(text: str, default_host: str) -> TangoName:
    """The attribute in `text`, which may begin with the address of a database; else it is the default one's. `#write`
    at its end means the attribute's set point.

    Raises InputError for what is no name, or for one without an address where there is no default.
    """
    found = _NAME.fullmatch(text.strip())
    if not found or found["property"]:
        raise _no_name(text, "attribute", "domain/family/member/attribute")
    host = _host(text, found["host"], default_host)
    suffix = found["suffix"] or ""
    # Several addresses of one database (`a:10000,b:10000`) mean something in TANGO_HOST only.
    address = "" if "," in host else f"tango://{host}/"
    return TangoName(
        device=f"{address}{found['device']}{suffix}".lower(),
        member=found["member"].lower(),
        host=host,
        full=f"{host.split(',')[0]}/{found['device']}/{found['member']}{suffix}{found['part'] or ''}",
        is_write_part=bool(found["part"]),
    )


def parse_property(text: str, default_host: str) -> TangoName:
    """The property in `text`: `domain/family/member/property`, or with the attribute before it where it is one of an
    attribute. Raises InputError as `parse_name` does.
    """
    found = _NAME.fullmatch(text.strip())
    if not found or found["suffix"] or found["part"]:
        raise _no_name(text, "property", "domain/family/member/property or domain/family/member/attribute/property")
    host = _host(text, found["host"], default_host)
    path = "/".join(part for part in (found["device"], found["member"], found["property"]) if part)
    return TangoName(f"{DATABASE}{host}", path.lower(), host, f"{host.split(',')[0]}/{path}")


def _host(text: str, given: str | None, default: str) -> str:
    if given or default:
        return given or default
    raise InputError(
        Problem(
            f"{text} cannot be looked up",
            "it names no Tango database, and TANGO_HOST is not set",
            "set tango.host in the config, or TANGO_HOST",
        )
    )


def _no_name(text: str, what: str, form: str) -> InputError:
    return InputError(
        Problem(
            f"{text!r} is no Tango {what}",
            f"its form is {form}, with host:port/ before it for another database",
            "mend its source in the config",
        )
    )
