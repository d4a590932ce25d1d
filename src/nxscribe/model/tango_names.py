"""How Tango names are written: hosts, devices, attributes and properties, in the forms that Tango's own clients take.

`:`, `/` and `#` are reserved: they separate the parts of a name. Other letters may stand in it, and spaces
between words. Tango compares names without regard to the case of the letters A to Z, and of no others (cppTango,
MultiAttribute).
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import Final

from nxscribe.errors import InputError, Problem


def _either_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


_HOST: Final = r"[\w.-]+:\d+"
_SCHEME: Final = rf"({_either_case('tango')}:)?(//)?"
_PART: Final = r"[^\s/#:]+( +[^\s/#:]+)*"
_ALIAS: Final = r"[^\s/#:,]+"
_DEVICE: Final = rf"{_PART}/{_PART}/{_PART}"
_WITH_DATABASE: Final = rf"(#{_either_case('dbase')}={_either_case('yes')})?"
_WITHOUT_DATABASE: Final = rf"#{_either_case('dbase')}={_either_case('no')}"
_WRITE: Final = "(#write)?"


def _names(of_device: str, below: str = "") -> str:
    """The patterns of names of devices and aliases in a database, and of devices without a database."""
    in_database = rf"({_HOST}(,{_HOST})*/)?({of_device}){_WITH_DATABASE}"
    return rf"^{_SCHEME}({in_database}|{_HOST}/{_DEVICE}{below}{_WITHOUT_DATABASE})"


# In the common part of the regular expressions of Python, of Rust (pydantic) and of JSON Schema.
HOSTS_PATTERN: Final = rf"^{_SCHEME}{_HOST}( *, *{_HOST})*/?$"
DEVICE_PATTERN: Final = rf"{_names(f'{_DEVICE}|{_ALIAS}')}$"
ATTRIBUTE_PATTERN: Final = rf"{_names(f'({_DEVICE}|{_ALIAS})/{_PART}|{_ALIAS}', f'/{_PART}')}{_WRITE}$"
PROPERTY_PATTERN: Final = rf"^{_SCHEME}({_HOST}(,{_HOST})*/)?({_DEVICE}|{_ALIAS})/{_PART}(/{_PART})?$"

_SCHEME_ALONE: Final = r"^(?:tango:(?!\d+(?:[ ,/]|$)))?(?://)?"
"""A scheme that is not the name of a host: a host can have the name `tango`, too."""
_NAME: Final = re.compile(
    rf"""{_SCHEME_ALONE}
        (?:(?P<hosts>{_HOST}(?:,{_HOST})*)/)?
        (?P<path>[^:\#]+?)
        (?P<dbase>\#dbase=(?:yes|no))?
        (?P<write>\#write)?""",
    re.VERBOSE | re.IGNORECASE,
)
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_OF_A_DEVICE: Final = 3
"""The parts of a device's name."""


@dataclass(frozen=True, slots=True)
class WrittenName:
    """The parts of a name, as they were written."""

    hosts: str
    """The addresses of one database, `host:port`, separated by commas; empty if the name has none."""
    path: tuple[str, ...]
    """The parts after the addresses, which slashes separate."""
    has_database: bool
    is_write_part: bool

    @property
    def suffix(self) -> str:
        """The suffix that marks a device without a database, or nothing."""
        return "" if self.has_database else "#dbase=no"


def parse_tango_name(text: str) -> WrittenName | None:
    """The parts of a name; None for a text that has none. The patterns tell if they are valid for an attribute."""
    found = _NAME.fullmatch(text.strip())
    if found is None:
        return None
    return WrittenName(
        hosts=in_small_letters(found["hosts"] or ""),
        path=tuple(found["path"].split("/")),
        has_database=in_small_letters(found["dbase"] or "") != "#dbase=no",
        is_write_part=bool(found["write"]),
    )


def tango_hosts(text: str) -> tuple[str, ...]:
    """The addresses of one database, each `host:port`, from a text in the form of `TANGO_HOST`.

    Spaces around commas are allowed. Raises InputError for any other text.
    """
    written = text.strip()
    if not re.fullmatch(HOSTS_PATTERN, written):
        raise InputError(
            Problem(
                f"{text!r} is not the address of a Tango database",
                "its form is host:port, or host1:port,host2:port where several servers share one database",
                "correct tango.host in the config, or TANGO_HOST",
            )
        )
    return tuple(re.findall(_HOST, re.sub(_SCHEME_ALONE, "", in_small_letters(written))))


def attribute_of(device: str, attribute: str) -> str:
    """The full name of an attribute of a device. The device can be written in any form."""
    name, mark, modifier = device.strip().partition("#")
    return f"{name}/{attribute}{mark}{modifier}"


def device_and_rest(path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Split a path into the name or the alias of a device, and the rest."""
    length = _OF_A_DEVICE if len(path) > _OF_A_DEVICE else 1
    return "/".join(path[:length]), path[length:]


def in_small_letters(name: str) -> str:
    """A name in the form in which Tango compares names."""
    return name.translate(_LOWER)
