"""A Tango attribute, or a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from nxscribe.model.tango_names import ATTRIBUTE_PATTERN
from nxscribe.sources._kind import Connector, Origin, SourceKind


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


_Attribute = Annotated[str, Field(pattern=ATTRIBUTE_PATTERN)]
_Attributes = Annotated[
    list[_Attribute],
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": ATTRIBUTE_PATTERN},
                {"type": "array", "items": {"type": "string", "pattern": ATTRIBUTE_PATTERN}},
            ]
        }
    ),
]


@dataclass(frozen=True, slots=True)
class TangoSource(Origin):
    """One or several Tango attributes. Several make an array, or a space-separated text for NX_CHAR."""

    kind: ClassVar[str] = "tango"

    attributes: tuple[str, ...]
    """The names, in any form that Tango accepts, such as `domain/family/member/attribute`."""
    is_list: bool = False
    """Whether the config wrote a list: a list of one attribute still makes an array of one."""

    def in_words(self) -> str:
        """The attribute's name, or a list of names."""
        return f"[{', '.join(self.attributes)}]" if self.is_list else self.attributes[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes' names."""
        return self.attributes

    @property
    def members(self) -> tuple[TangoSource, ...]:
        """Each attribute of a list."""
        return tuple(TangoSource((attribute,)) for attribute in self.attributes) if self.is_list else ()


class TangoKind(SourceKind):
    """Tango attributes."""

    key = "tango"
    rank = 1
    annotation = _Attributes
    description = (
        "A Tango attribute, `domain/family/member/attribute`, or a list of them, which makes an array (a "
        "space-separated text where the field is of type NX_CHAR). `host:port/` before it reaches a foreign database, "
        "`#write` after it means the set point. Aliases and all other forms are told in [Tango names](tango-names.md)."
    )
    synonyms = ("source", "attribute", "attr", "address")
    patterns: ClassVar[Mapping[str, str]] = {
        ATTRIBUTE_PATTERN: "a Tango attribute: `domain/family/member/attribute`, with `host:port/` before it for a "
        "foreign database; a fixed text is written `{value: …}`"
    }
    plural = "Tango attributes"
    keeps_fresh = True
    section = "tango"

    def origin(self, given: Any, written: object) -> TangoSource:  # noqa: ANN401 - declared by SourceKind
        """One attribute, or a list where a list is written."""
        return TangoSource(tuple(given), is_list=isinstance(written, list))

    def settings(self, section: BaseModel | None, config: Path) -> str | None:
        """The Tango database that is used for names without a database."""
        del config
        host = getattr(section, "host", None)
        return host if isinstance(host, str) else None

    def connector(self, settings: object) -> Connector:
        """Connections to devices, and to attributes that have an alias."""
        from nxscribe.sources.tango.connectors import AttributeConnector  # noqa: PLC0415 - Tango is needed here alone

        return AttributeConnector(settings if isinstance(settings, str) else "")
