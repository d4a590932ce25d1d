"""The names of a watched scan: the patterns of the config, filled with values that are read for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nxscribe.capture import Capturer
from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.model import Phase, Reading, local
from nxscribe.plan import CapturePlan, plan_of_values
from nxscribe.service.config import Config
from nxscribe.service.config.watching import BEGUN, TRIGGER_PARAMETER, WatchedTriggerSettings, begun_text, filled
from nxscribe.service.scan.requests import StartRequest


def plan_of_names(config: Config, settings: WatchedTriggerSettings) -> CapturePlan:
    """The plan for the values in the names of a trigger's scans."""
    return plan_of_values(settings.placeholders, config.offered)


def start_of_scan(
    config: Config, settings: WatchedTriggerSettings, plan: CapturePlan, capturer: Capturer, begun: datetime
) -> StartRequest:
    """The start of a scan that begins now. Raises TriggerRefusedError if a value in a name is missing, or is a list."""
    readings: Mapping[str, Reading] = {}
    if plan.named:
        snapshot = capturer.capture(plan, Phase.INITIAL, given={}, had={}, deadline_s=config.limits.deadline_s)
        readings = snapshot.readings
    texts = {BEGUN: begun_text(local(begun))}
    problems: list[Problem] = []
    for name in sorted(plan.named):
        reading = readings[name]
        if reading.value is None or reading.value.shape != ():
            why = reading.error or "it is a list"
            remedy = "correct its source, or give it a default"
            problems.append(Problem(f"${{{name}}}, which is in a name of the scan, has no text", why, remedy))
        else:
            texts[name] = str(reading.value[()]).strip()
    if problems:
        raise TriggerRefusedError(*problems)
    try:
        names = {key: filled(pattern, texts).strip() for key, pattern in settings.patterns.items()}
    except LookupError as error:
        problem = Problem("a name of the scan cannot be made", str(error.args[0]), "correct the pattern in the config")
        raise TriggerRefusedError(problem) from None
    return StartRequest(
        proposal=names["proposal"],
        sample=names["sample"],
        scan=names["scan"],
        technique=names["technique"],
        session=names["session"],
        parameters={TRIGGER_PARAMETER: settings.name},
    )
