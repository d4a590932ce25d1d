"""The connections of one reader to Tango: to devices for attributes, and to databases for properties."""

from __future__ import annotations

import tango

from nxscribe.sources._connection import Address, Connection, Endpoint
from nxscribe.sources._kind import Connector
from nxscribe.sources.tango._addresses import ALIAS, attribute_address, property_address
from nxscribe.sources.tango._alias_connection import AliasConnection
from nxscribe.sources.tango._attribute_connection import AttributeConnection
from nxscribe.sources.tango._configuration_events import ConfigurationFollower
from nxscribe.sources.tango._property_connection import PropertyConnection


def default_host(host: str = "") -> str:
    """The database for names without a database, in the form of TANGO_HOST; if `host` is empty, that of TANGO_HOST."""
    return host or str(tango.ApiUtil.get_env_var("TANGO_HOST") or "")


class AttributeConnector(Connector):
    """Connections to devices. One thread follows the units and labels of all of them."""

    def __init__(self, host: str = "") -> None:
        """`host` is the Tango database for names without a database."""
        self._host = default_host(host)
        self.follower = ConfigurationFollower()
        self.threads = (self.follower.thread,)

    def address(self, name: str) -> Address:
        """The attribute of that name. Raises InputError for an invalid name."""
        return attribute_address(name, self._host)

    def connect(self, endpoint: Endpoint) -> Connection:
        """The connection to a device, or to the attribute that has an alias."""
        kind = AliasConnection if endpoint.name.startswith(ALIAS) else AttributeConnection
        return kind(endpoint.name, self.follower)

    def close(self) -> None:
        """End the thread that follows units and labels."""
        self.follower.close()


class PropertyConnector(Connector):
    """Connections to databases."""

    def __init__(self, host: str = "") -> None:
        """`host` is the Tango database for names without a database."""
        self._host = default_host(host)

    def address(self, name: str) -> Address:
        """The property of that name. Raises InputError for an invalid name."""
        return property_address(name, self._host)

    def connect(self, endpoint: Endpoint) -> Connection:
        """The connection to a database."""
        return PropertyConnection(endpoint.name)
