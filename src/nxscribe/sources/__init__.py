"""Sources: the kinds of sources that a config can name, and how they are read.

A kind implements `SourceKind`, `Origin` and `Connection` (docs/how-to/add-a-source-kind.md). The function `kinds` gives
all kinds.

- `kinds`: the package with the kinds of nxscribe; other packages add theirs by the entry point `nxscribe.sources`
- `formula`: formulas, computed with units
- `tango`: the package for everything about Tango
"""

from nxscribe.sources._connection import (
    NO_SCAN,
    Address,
    Connection,
    DeferredReadings,
    Endpoint,
    EventsNotReadyError,
    RequestError,
    ScanNames,
    SourceError,
)
from nxscribe.sources._kind import Connector, Item, KnownValues, Origin, SourceKind
from nxscribe.sources._kind_registry import kinds, registry
from nxscribe.sources.kinds.expression import ExpressionSource
from nxscribe.sources.kinds.literal import LiteralSource
from nxscribe.sources.kinds.parameter import ParameterSource
from nxscribe.sources.kinds.tango_attribute import TangoSource
from nxscribe.sources.kinds.tango_property import PropertySource

__all__ = [
    "NO_SCAN",
    "Address",
    "Connection",
    "Connector",
    "DeferredReadings",
    "Endpoint",
    "EventsNotReadyError",
    "ExpressionSource",
    "Item",
    "KnownValues",
    "LiteralSource",
    "Origin",
    "ParameterSource",
    "PropertySource",
    "RequestError",
    "ScanNames",
    "SourceError",
    "SourceKind",
    "TangoSource",
    "kinds",
    "registry",
]
