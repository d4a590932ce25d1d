"""The base classes of a kind of source.

A kind is one module with two classes. An `Origin` has the content of one source of the config. A `SourceKind` has the
key of the config, makes origins, and connects to the endpoints that they name. docs/how-to/add-a-source-kind.md shows
how to write one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol

from pydantic import BaseModel

from nxscribe.errors import Problem
from nxscribe.model import Reading
from nxscribe.sources._combined import combined
from nxscribe.sources._connection import Address, Connection, Endpoint

if TYPE_CHECKING:
    # It costs the log's library, which a command that only checks a config need not load.
    from nxscribe.runtime import SupervisedThread


class Item(NamedTuple):
    """One name to read, as it is in the config."""

    kind: str
    """The key of the kind of source."""
    name: str


@dataclass(frozen=True, slots=True)
class KnownValues:
    """The values that an origin without a connection can use."""

    given: Mapping[str, Reading]
    """The built-in values and the parameters of the trigger, by name."""
    readings: Mapping[str, Reading]
    """The readings so far, by placeholder. Operands come before the origins that need them."""
    lacking: dict[str, str] = field(default_factory=dict)
    """For each placeholder that could not be computed: why a value is missing, also through other operands."""


class Origin(ABC):
    """Where a value comes from, as one source of the config says. Origins are compared, hashed and pickled."""

    __slots__ = ()

    kind: ClassVar[str]
    """The key of the kind of source."""
    converts_to_unit: ClassVar[bool] = False
    """Whether the value is converted to `unit` of the source. Otherwise `unit` replaces the unit that was read."""

    @abstractmethod
    def in_words(self) -> str:
        """A description of the origin for previews."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that have to be read, in the form that `Connector.address` of its kind accepts."""
        return ()

    @property
    def is_list(self) -> bool:
        """Whether the value is an array of all readings, also if there is only one."""
        return False

    @property
    def members(self) -> tuple[Origin, ...]:
        """The members of a list, each as an origin."""
        return ()

    @property
    def operands(self) -> tuple[str, ...]:
        """The placeholders from which it is computed."""
        return ()

    @property
    def fixed(self) -> object | None:
        """The value, if it is written in the config: a text, a number, or a tuple of these."""
        return None

    def problem(self, placeholder: str) -> Problem | None:
        """What is wrong with the origin, as far as this is known without other sources."""
        del placeholder
        return None

    def converted(self, reading: Reading) -> Reading:
        """Convert the reading of one of its names."""
        return reading

    def resolve(self, placeholder: str, unit: str, known: KnownValues) -> Reading:
        """The value of an origin that reads nothing.

        Args:
            placeholder: The placeholder that gets the value.
            unit: The unit of the source; empty if there is none.
            known: The values that can be used.
        """
        raise NotImplementedError

    @property
    def items(self) -> tuple[Item, ...]:
        """What has to be read for it."""
        kind = self.kind
        return tuple([Item(kind, name) for name in self.names])

    def value(self, readings: Sequence[Reading]) -> Reading:
        """The value, from the readings of its names."""
        made = [self.converted(reading) for reading in readings]
        return combined(made) if self.is_list else made[0]


class Connector(Protocol):
    """The connections of one reader to the endpoints of one kind. A class that derives from it has the defaults."""

    threads: Iterable[SupervisedThread] = ()
    """Threads that the connections share. The reader has them supervised; the connector starts and stops them."""

    def address(self, name: str) -> Address:
        """The address of a name of an origin. Raises InputError for an invalid name."""

    def connect(self, endpoint: Endpoint) -> Connection:
        """The connection to an endpoint. It connects at its first use, in the worker thread."""

    def close(self) -> None:
        """Release what the connections share, before they are closed. By default that is nothing."""
        return  # mypy takes an empty body for an abstract method


class SourceKind(ABC):
    """A kind of source."""

    key: ClassVar[str]
    """The key of the kind in a source of the config."""
    rank: ClassVar[int] = 100
    """The place of the key in the documentation and in messages. The lowest comes first."""
    annotation: ClassVar[Any]
    """The type of the key's value as a pydantic annotation: a type, or a model of several keys."""
    description: ClassVar[str]
    """The description of the key for the reference."""
    plural: ClassVar[str] = ""
    """The name of several sources in messages: `Tango attributes`."""
    synonyms: ClassVar[tuple[str, ...]] = ()
    """Other words that people use instead of the key."""
    patterns: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The patterns in `annotation`, with a description of each for messages."""
    keeps_fresh: ClassVar[bool] = False
    """Whether a source of this kind can have `max_age_s`."""
    section: ClassVar[str] = ""
    """The section of the config with the settings of the kind; empty if there is none."""
    section_form: ClassVar[type[BaseModel] | None] = None
    """The form of this section, if no other part of nxscribe defines it."""
    peer: ClassVar[str] = "device"
    """The name of the other end in messages: `device`, `server`."""

    @abstractmethod
    def origin(self, given: Any, written: object) -> Origin:  # noqa: ANN401 - what `annotation` makes of the config
        """Make the origin of a source.

        Args:
            given: The value of the key, as pydantic gives it.
            written: The same value as it is written in the file.
        """

    def flaw(self, written: object) -> Problem | None:
        """What is wrong with the value of the key, if `annotation` cannot check it."""
        del written
        return None

    def settings(self, section: BaseModel | None, config: Path) -> object:
        """Its settings, comparable, from its section of the config at `config`. None where it has no section."""
        del config
        return section

    def check(self, origin: Origin, settings: object) -> Iterator[Problem]:
        """What is wrong with an origin, as far as this is known without reading it, such as a missing library.

        Args:
            origin: An origin of this kind.
            settings: The result of `settings`.
        """
        del origin, settings
        return iter(())

    def connector(self, settings: object) -> Connector:
        """Make the connector. Raises NotImplementedError for a kind that reads nothing.

        Args:
            settings: The result of `settings`; None for the defaults.
        """
        raise NotImplementedError


GROUP: Final = "nxscribe.sources"
"""The group of entry points with which other packages add kinds."""
