"""What one read asks of Tango. A scan asks what the one before it asked, so a question is put together once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from nxscribe.capture.names import TangoName, parse_name, parse_property
from nxscribe.errors import InputError

NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Question:
    """Attributes and properties by the texts that name them, and sorted by device."""

    attributes: Mapping[str, TangoName]
    properties: Mapping[str, TangoName]
    wrong_attributes: Mapping[str, str]
    """The texts that name none, with the reason."""
    wrong_properties: Mapping[str, str]
    by_device: Mapping[str, tuple[TangoName, ...]]
    """Each device's part of both."""
    timeouts: Mapping[TangoName, float]
    """Attributes with a limit of their own, in seconds."""
    max_ages: Mapping[str, Mapping[TangoName, float]]
    """By device the attributes that need not be asked for while what is remembered of them is so young, in seconds."""


class Names:
    """The one object for each attribute and property, however it is spelled."""

    def __init__(self, host: str) -> None:
        """`host` is the Tango database (`host:port`) of names without one; it may be empty."""
        self._host = host
        self._attributes: dict[str, TangoName] = {}
        self._properties: dict[str, TangoName] = {}
        self._names: dict[tuple[str, str, bool], TangoName] = {}

    def attribute(self, text: str) -> TangoName:
        """The attribute of that name. Raises InputError for what is none."""
        name = self._attributes.get(text)
        if name is None:
            name = self._attributes[text] = self._one(parse_name(text, self._host))
        return name

    def question(
        self,
        attributes: Iterable[str],
        properties: Iterable[str],
        timeouts: Mapping[str, float],
        max_ages: Mapping[str, float],
    ) -> Question:
        """What is to be asked for these, with the seconds that some have, or may be old."""
        known, wrong = _sorted_out(attributes, self.attribute)
        known_properties, wrong_properties = _sorted_out(properties, self._property)
        by_device: dict[str, dict[TangoName, None]] = defaultdict(dict)
        for name in (*known.values(), *known_properties.values()):
            by_device[name.device][name] = None
        least: dict[TangoName, float] = {}
        for text, name in known.items():
            # One attribute may be spelled in two ways: who asks for the younger value decides.
            age_s = max_ages.get(text, 0.0)
            least[name] = min(age_s, least.get(name, age_s))
        ages: dict[str, dict[TangoName, float]] = defaultdict(dict)
        for name, age_s in least.items():
            if age_s:
                ages[name.device][name] = age_s
        return Question(
            known,
            known_properties,
            wrong,
            wrong_properties,
            {device: tuple(names) for device, names in by_device.items()},
            {known[text]: seconds for text, seconds in timeouts.items() if text in known},
            ages,
        )

    def _property(self, text: str) -> TangoName:
        name = self._properties.get(text)
        if name is None:
            name = self._properties[text] = self._one(parse_property(text, self._host))
        return name

    def _one(self, name: TangoName) -> TangoName:
        return self._names.setdefault((name.device, name.member, name.is_write_part), name)


def _sorted_out(texts: Iterable[str], parse: Callable[[str], TangoName]) -> tuple[dict[str, TangoName], dict[str, str]]:
    """The names, and why each text is wrong that is none."""
    names: dict[str, TangoName] = {}
    wrong: dict[str, str] = {}
    for text in texts:
        try:
            names[text] = parse(text)
        except InputError as error:
            wrong[text] = error.problems[0].explanation
    return names, wrong
