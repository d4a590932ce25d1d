"""Where a placeholder's value comes from, as the config says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from nxscribe.errors import Location


@dataclass(frozen=True, slots=True)
class TangoSource:
    """One or several Tango attributes. Several make an array, or a space-separated text for NX_CHAR."""

    attributes: tuple[str, ...]
    """Full names: `domain/family/member/attribute`, with `host:port/` before it for a foreign database."""
    is_list: bool = False
    """Whether the config wrote a list: a list of one attribute still makes an array of one."""


@dataclass(frozen=True, slots=True)
class PropertySource:
    """A property of a Tango device, from the database: `domain/family/member/property`."""

    name: str


@dataclass(frozen=True, slots=True)
class LiteralSource:
    """A value written in the config itself."""

    value: str | int | float | bool | tuple[str, ...] | tuple[int | float, ...]


@dataclass(frozen=True, slots=True)
class ParameterSource:
    """A parameter of the trigger under another name than the placeholder's own."""

    name: str


@dataclass(frozen=True, slots=True)
class ExpressionSource:
    """A formula over other placeholders."""

    expression: str


Origin: TypeAlias = TangoSource | PropertySource | LiteralSource | ParameterSource | ExpressionSource


@dataclass(frozen=True, slots=True)
class Source:
    """An origin with the rules that go with it."""

    origin: Origin
    unit: str = ""
    """The origin's unit where it says none itself, or says a wrong one; empty: as it says."""
    timeout_s: float | None = None
    max_age_s: float | None = None
    default: str | None = None
    mandatory: bool = False
    location: Location | None = None
    """Where in the config it stands."""
