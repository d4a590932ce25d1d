"""What is wrong with the watched triggers of a config, beyond the types of their keys."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from nxscribe.definitions.diagnostics import nearest
from nxscribe.definitions.yaml_positions import YamlNode
from nxscribe.errors import Location, Problem
from nxscribe.service.config._partial_config import Omitted
from nxscribe.service.config._settings import Config
from nxscribe.service.config.watching import (
    BEGUN,
    TRIGGER_PARAMETER,
    Wanted,
    WatchedTriggerSettings,
    comparison_flaw,
    part_flaw,
    parts_in,
)

_CONDITIONS: Final = ("running", "failed", "aborted")


def watched_problems(config: Config, document: YamlNode, whole: YamlNode, omitted: Omitted) -> Iterator[Problem]:
    """The errors of all watched triggers.

    Args:
        config: All of a config that is right.
        document: The file without its mistakes, for the places of errors.
        whole: The file as it was written.
        omitted: What would be in the config if all of it were.
    """
    known = {BEGUN, *config.offered}
    for trigger in config.watched_triggers.values():
        place = ("watched_triggers", trigger.name)
        yield from _device_problems(config, place, document)
        yield from _condition_problems(trigger, place, document)
        yield from _technique_problems(config, trigger, document.at((*place, "technique")), omitted)
        yield from _path_problems(config, trigger, place, whole)
        for key, pattern in trigger.patterns.items():
            for name, part in parts_in(pattern):
                where = document.at((*place, key))
                if name not in known and not any(fnmatchcase(name, one) for one in omitted.placeholders):
                    yield _unknown_placeholder(trigger, key, name, known, where)
                if flaw := part_flaw(part):
                    what = f"the {key} of the watched trigger {trigger.name} cannot be used: {flaw}"
                    yield Problem(what, "", "write `/` and a number behind the name, or nothing", where)


def _device_problems(config: Config, place: tuple[str, ...], document: YamlNode) -> Iterator[Problem]:
    node = document.find((*place, "device"))
    device = str(node.value) if node and node.value else ""
    if device and device.casefold() not in map(str.casefold, config.tango.devices):
        near = nearest(device, config.tango.devices)
        yield Problem(
            f"the device {device} of the watched trigger {place[-1]} is not one of tango.devices",
            "misspelt, or removed",
            f"did you mean {near}?" if near else f"use {', '.join(config.tango.devices)}",
            document.at((*place, "device")),
        )


def _condition_problems(
    trigger: WatchedTriggerSettings, place: tuple[str, ...], document: YamlNode
) -> Iterator[Problem]:
    values: dict[str, tuple[Wanted, ...]] = {
        "running": trigger.running,
        "failed": trigger.failed,
        "aborted": trigger.aborted,
    }
    if not trigger.running:
        why, remedy = "no value begins a scan", "write a value, such as Running"
        where = document.at((*place, "running"))
        yield Problem(f"`running` of the watched trigger {trigger.name} is empty", why, remedy, where)
    for key in _CONDITIONS:
        for wanted in values[key]:
            if flaw := comparison_flaw(wanted):
                yield Problem(
                    f"`{key}` of the watched trigger {trigger.name} has the comparison {wanted!r}: {flaw}",
                    "numbers alone can be compared",
                    'write one such as "> 0.5"',
                    document.at((*place, key)),
                )


def _technique_problems(
    config: Config, trigger: WatchedTriggerSettings, where: Location, omitted: Omitted
) -> Iterator[Problem]:
    """A technique without placeholders that is unknown would have every scan refused."""
    asked = trigger.patterns["technique"]
    if omitted.techniques or config.default_technique or any(parts_in(asked)):
        return
    names = {word.casefold() for name, one in config.techniques.items() for word in (name, *one.aliases)}
    if asked.strip().casefold() not in names:
        near = nearest(asked, list(config.techniques))
        told = f"the technique {asked!r} of" if asked else "the technique is absent from"
        yield Problem(
            f"{told} the watched trigger {trigger.name}" + (" is not there" if asked else ""),
            "misspelt, or removed" if asked else "the config has no default_technique",
            f"did you mean {near}?" if near else f"use {', '.join(config.techniques)}",
            where,
        )


def _path_problems(
    config: Config, trigger: WatchedTriggerSettings, place: tuple[str, ...], whole: YamlNode
) -> Iterator[Problem]:
    """What paths of files contain that no scan of the trigger has: every scan would be refused."""
    written = whole.find((*place, "session"))
    # One that is written in a wrong form is told already.
    is_told = written and str(written.value or "").strip()
    if "session" in config.files.named and not (trigger.patterns["session"].strip() or is_told):
        yield Problem(
            f"the session is absent from the watched trigger {trigger.name}",
            "a path of its scans' files contains {session}",
            "add `session`, or remove {session} from the pattern of the files",
            whole.at((*place, "session")),
        )
    for name in sorted(config.files.parameters - {TRIGGER_PARAMETER}):
        yield Problem(
            f"the watched trigger {trigger.name} gives no parameter {name!r}",
            f"a path of its scans' files contains it, and they have the parameter {TRIGGER_PARAMETER!r} alone",
            f"remove {{{name}}} from the pattern of the files",
            whole.at(place),
        )


def _unknown_placeholder(
    trigger: WatchedTriggerSettings, key: str, name: str, known: set[str], where: Location
) -> Problem:
    near = nearest(name, sorted(known))
    return Problem(
        f"the {key} of the watched trigger {trigger.name} needs ${{{name}}}, which has no source",
        "only the shared sources and the attributes of cameras can be in it",
        f"did you mean ${{{near}}}?" if near else "add it to `sources`",
        where,
    )
