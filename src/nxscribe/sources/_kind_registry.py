"""All kinds of sources: those of nxscribe, and those that other packages add by an entry point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from types import MappingProxyType

from nxscribe.errors import Problem, Severity
from nxscribe.sources import kinds as own
from nxscribe.sources._kind import GROUP, SourceKind


@dataclass(frozen=True, slots=True)
class Registry:
    """All kinds by their keys, and what is wrong with those that could not be added."""

    kinds: Mapping[str, SourceKind]
    problems: tuple[Problem, ...] = ()


@cache
def registry() -> Registry:
    """The registry of this process. It does not change: a package that is installed later needs a new process."""
    found = {kind.key: kind for kind in sorted(_own(), key=lambda kind: (kind.rank, kind.key))}
    problems: list[Problem] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        try:
            kind = _loaded(entry)
            if kind.key in found:
                raise ValueError(f"there is a kind `{kind.key}` already")
            found[kind.key] = kind
        except Exception as error:  # noqa: BLE001 - whatever another package does, it costs its own kind alone
            problems.append(_not_added(entry, error))
    return Registry(MappingProxyType(found), tuple(problems))


def kinds() -> Mapping[str, SourceKind]:
    """All kinds by their keys."""
    return registry().kinds


def _own() -> Iterator[SourceKind]:
    """One object of each kind that a module of nxscribe defines."""
    for module in iter_modules(own.__path__, f"{own.__name__}."):
        for found in vars(import_module(module.name)).values():
            if isinstance(found, type) and issubclass(found, SourceKind) and found.__module__ == module.name:
                yield found()


def _loaded(entry: EntryPoint) -> SourceKind:
    found = entry.load()
    kind = found() if isinstance(found, type) else found
    if not isinstance(kind, SourceKind):
        raise TypeError(f"{entry.value} is not a SourceKind")
    return kind


def _not_added(entry: EntryPoint, error: Exception) -> Problem:
    package = entry.dist.name if entry.dist else "?"
    return Problem(
        f"the kind of sources `{entry.name}` of the package {package} cannot be used",
        f"{type(error).__name__}: {error}",
        "install another version of that package, or remove it",
        severity=Severity.WARNING,
    )
