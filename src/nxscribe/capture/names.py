"""Tango's names: of an attribute, of its device, of the database that knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nxscribe.errors import InputError, Problem

_NAME = re.compile(
    r"""(?:tango://)?
        (?:(?P<host>[^/:#]+:\d+)/)?
        (?P<device>[^/:#]+/[^/:#]+/[^/:#]+)/
        (?P<member>[^/#]+)
        (?P<suffix>\#dbase=(?:no|yes))?""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, eq=False)
class TangoName:
    """An attribute or a property of a device, in full. A reader keeps one object for each, and compares them by
    identity, which is quick.
    """

    device: str
    """As a proxy takes it: `tango://host:port/domain/family/member`, in small letters."""
    member: str
    """The attribute's or the property's own name, in small letters."""
    host: str
    """The database's address, `host:port`; for a server without a database its own."""
    full: str
    """`host:port/domain/family/member/attribute`, as it was written."""


def parse_name(text: str, default_host: str) -> TangoName:
    """The name in `text`, which may begin with the address of a database; else it is the default one's.

    Raises InputError for what is no name, or for one without an address where there is no default.
    """
    found = _NAME.fullmatch(text.strip())
    if not found:
        raise InputError(
            Problem(
                f"{text!r} is no Tango attribute",
                "its form is domain/family/member/attribute, with host:port/ before it for another database",
                "mend its source in the config",
            )
        )
    host = found["host"] or default_host
    if not host:
        raise InputError(
            Problem(
                f"{text} cannot be looked up",
                "it names no Tango database, and TANGO_HOST is not set",
                "set tango.host in the config, or TANGO_HOST",
            )
        )
    suffix = found["suffix"] or ""
    # Several addresses of one database (`a:10000,b:10000`) mean something in TANGO_HOST only.
    address = "" if "," in host else f"tango://{host}/"
    return TangoName(
        device=f"{address}{found['device']}{suffix}".lower(),
        member=found["member"].lower(),
        host=host,
        full=f"{host.split(',')[0]}/{found['device']}/{found['member']}{suffix}",
    )
