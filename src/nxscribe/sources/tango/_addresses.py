"""Addresses in Tango: of an attribute of a device, and of a property in a database."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from nxscribe.errors import InputError, Problem
from nxscribe.model.tango_names import (
    ATTRIBUTE_PATTERN,
    PROPERTY_PATTERN,
    WrittenName,
    device_and_rest,
    in_small_letters,
    parse_tango_name,
    tango_hosts,
)
from nxscribe.sources._connection import Address, Endpoint

ALIAS: Final = "alias in "
"""The beginning of the name of an endpoint that is only known by the alias of one of its attributes."""
PROTOCOL: Final = "tango://"
ATTRIBUTES: Final = "tango"
PROPERTIES: Final = "property"
"""The kinds of sources that have these addresses."""


WRITE: Final = "write"
"""The part of an attribute that is its set point. Without it, the measured value is meant."""


def read_from(address: Address, device: str) -> Address:
    """The address with the device from which it was read, `host:port/domain/family/member`, in its full name."""
    return replace(address, full=f"{device}/{address.full.rpartition('/')[2]}")


def attribute_address(text: str, default_hosts: str) -> Address:
    """The address of an attribute, from any form of its name that docs/reference/tango-names.md describes.

    Args:
        text: The name.
        default_hosts: The database for names without one, in the form of TANGO_HOST. It can be empty.

    Raises InputError for an invalid name, and for a name without a database if there is no default.
    """
    written = _written(text, ATTRIBUTE_PATTERN, "attribute", "domain/family/member/attribute")
    hosts = _hosts(text, written, default_hosts)
    device, rest = device_and_rest(written.path)
    part = WRITE if written.is_write_part else ""
    write = f"#{WRITE}" if part else ""
    full = f"{hosts}/{'/'.join(written.path)}{written.suffix}{write}"
    if not rest:
        alias = in_small_letters(device)
        return Address(Endpoint(ATTRIBUTES, f"{ALIAS}{hosts}/{alias}"), alias, full, part)
    endpoint = Endpoint(ATTRIBUTES, f"{PROTOCOL}{hosts}/{in_small_letters(device)}{written.suffix}")
    return Address(endpoint, in_small_letters(rest[0]), full, part)


def property_address(text: str, default_hosts: str) -> Address:
    """The address of a property of a device (`domain/family/member/property`) or of an attribute
    (`domain/family/member/attribute/property`). Raises InputError like `attribute_address`.
    """
    form = "domain/family/member/property or domain/family/member/attribute/property"
    written = _written(text, PROPERTY_PATTERN, "property", form)
    hosts, path = _hosts(text, written, default_hosts), "/".join(written.path)
    return Address(Endpoint(PROPERTIES, hosts), in_small_letters(path), f"{hosts}/{path}")


def _written(text: str, pattern: str, what: str, form: str) -> WrittenName:
    written = parse_tango_name(text)
    if written is None or not re.fullmatch(pattern, text.strip()):
        raise InputError(
            Problem(
                f"{text!r} is not a Tango {what}",
                f"its form is {form}, with host:port/ before it for another database",
                "correct its source in the config",
            )
        )
    return written


def _hosts(text: str, written: WrittenName, default: str) -> str:
    if written.hosts or default:
        return written.hosts or ",".join(tango_hosts(default))
    raise InputError(
        Problem(
            f"{text} cannot be looked up",
            "it names no Tango database, and TANGO_HOST is not set",
            "set tango.host in the config, or TANGO_HOST",
        )
    )
