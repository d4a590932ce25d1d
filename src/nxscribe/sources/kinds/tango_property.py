"""A property of a Tango device or of an attribute, from the Tango database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from nxscribe.model.tango_names import PROPERTY_PATTERN
from nxscribe.sources._kind import Connector, Origin, SourceKind
from nxscribe.sources.kinds.tango_attribute import TangoKind


@dataclass(frozen=True, slots=True)
class PropertySource(Origin):
    """A property of a Tango device, from the database, named in any form of Tango's."""

    kind: ClassVar[str] = "property"

    name: str

    def in_words(self) -> str:
        """The property's name."""
        return f"property {self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """The property's name."""
        return (self.name,)


class PropertyKind(SourceKind):
    """Properties of Tango devices and attributes."""

    key = "property"
    rank = 2
    annotation = Annotated[str, Field(pattern=PROPERTY_PATTERN)]
    description = (
        "A property of a Tango device, from its database: `domain/family/member/property`; or of an attribute: "
        "`domain/family/member/attribute/property`, where `__value` is the memorized value."
    )
    patterns: ClassVar[Mapping[str, str]] = {
        PROPERTY_PATTERN: "a property: `domain/family/member/property`, or `domain/family/member/attribute/property`"
    }
    section = "tango"

    def origin(self, given: Any, written: object) -> PropertySource:  # noqa: ANN401 - declared by SourceKind
        """The property of that name."""
        del written
        return PropertySource(given)

    def settings(self, section: BaseModel | None, config: Path) -> str | None:
        """The Tango database that is used for names without a database."""
        return TangoKind().settings(section, config)

    def connector(self, settings: object) -> Connector:
        """Connections to databases."""
        from nxscribe.sources.tango.connectors import PropertyConnector  # noqa: PLC0415 - Tango is needed here alone

        return PropertyConnector(settings if isinstance(settings, str) else "")
