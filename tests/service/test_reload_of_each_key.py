"""Each key of the config is seen in force after a reload, or the reload is refused because the key needs a restart."""

from __future__ import annotations

import copy
import logging
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from fake_clock import FakeClock
from some_records import ended, some_record

from nxscribe.errors import TriggerRefusedError
from nxscribe.model import Reading, now, texts
from nxscribe.plan import CapturePlan
from nxscribe.projections import FileSettings
from nxscribe.records import EndReason, Record
from nxscribe.service.config import Config
from nxscribe.service.config._schema import FORMS
from nxscribe.service.events import Events
from nxscribe.service.log import LogWriter, configure_logging
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.scan.requests import EndRequest, StartRequest
from nxscribe.service.scribe import Scribe
from nxscribe.sources.kinds.http import HttpSettings

SESSION, OTHER = "sim/nxscribe/1", "sim/nxscribe/2"
BASE: dict[str, Any] = {
    "beamline": "sim",
    "data_root": "data",
    "state_dir": "state",
    "tango": {"host": "localhost:1", "server": "nxscribe/sim", "devices": [SESSION, OTHER]},
    "detectors": {
        "folder": {"files": "{scan}/*.h5", "group": "instrument/folder"},
        "buffer": {"watch": "buffer/*.cbf", "group": "instrument/buffer"},
    },
    "sources": {"a": {"value": 1}, "c": {"value": 2}},
    "techniques": {"tomo": {"definition": "tomo.xml", "sources": {"b": {"value": 3}}}},
}
ENTRY = '<group NX_class="NXentry" groupName="${{entry}}">{}</group>'
TOMO = ENTRY.format("<a>${a}</a><b>${b}</b><c>${c}</c><p>${p}</p>")


class Parts(Events):
    """The parts of a daemon that a reload has to reach. Their threads stand still, so that nothing comes between."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir()
        (folder / "tomo.xml").write_text(TOMO)
        (folder / "other.xml").write_text(TOMO.replace("<c>${c}</c>", ""))
        (folder / "more.xml").write_text(ENTRY.format("<more>${a}</more>"))
        self.write({})
        # Not on standard error: its thread may write there while no test's output is being captured.
        self._file = (folder / "log").open("wb")
        self._log = LogWriter(self._file.fileno())
        self.scribe = Scribe(ConfigStore(folder / "sim.yaml"))
        self.scribe.listen(self)
        self.session = self.scribe.sessions[SESSION]
        self.captured: tuple[CapturePlan, dict[str, Any]]
        self.was_open = False
        capturer, capture = self.session._instruments.capturer, self.session._instruments.capturer.capture

        def noting(plan: CapturePlan, *arguments: Any, **named: Any) -> Any:
            self.captured = plan, named
            return capture(plan, *arguments, **named)

        capturer.capture = noting  # type: ignore[method-assign]

    def config_in_force(self, config: Config) -> None:
        configure_logging(self._log, config.logging.format, config.logging.level, config.beamline)

    def close(self) -> None:
        self.scribe._library.close()
        self.scribe._reader.close()
        self.scribe._journal.close()
        self._log.flush()
        self._file.close()

    def write(self, edits: dict[str, Any]) -> None:
        """Write the config with other values at some places of it (`files.master`)."""
        config = copy.deepcopy(BASE)
        for place, value in edits.items():
            *above, key = place.split(".")
            form = config
            for step in above:
                form = form.setdefault(step, {})
            form[key] = value
        (self.folder / "sim.yaml").write_text(yaml.safe_dump(config))

    def start(self) -> Record:
        self.session.start(StartRequest("ma1", "smp", "s1", "tomo"))
        assert self.session.open_record
        return self.scribe._journal.record(self.session.open_record)

    def scan(self) -> Record:
        """The record of a whole scan."""
        record = self.start()
        self.session.end(EndRequest())
        return self.scribe._journal.record(record.id)

    def is_refused(self, *, second: bool) -> bool:
        """Whether a start is refused; the second is one while a scan is open."""
        try:
            if second:
                self.start()
            self.start()
        except TriggerRefusedError:
            return True
        finally:
            if self.session.open_record:
                self.session.end(EndRequest())
        return False

    def takes(self, technique: str) -> bool:
        """Whether a scan of the technique can be recorded."""
        try:
            return bool(self.scribe.beamline.technique(technique))
        except TriggerRefusedError:
            return False

    def log_line(self) -> str:
        """How a line of the log looks."""
        lines: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LogWriter, "error", lambda _, line: lines.append(line))
            structlog.get_logger().error("something")
        return lines[0]

    @property
    def plan(self) -> CapturePlan:
        """What a scan's capture is given."""
        self.scan()
        return self.captured[0]

    @property
    def capture(self) -> dict[str, Any]:
        """With which limits and orders the capture at a scan's end is called."""
        self.scan()
        return self.captured[1]

    @property
    def writer(self) -> FileSettings:
        """What the writer process is told with its next job."""
        return self.scribe._projectors["nexus"].worker._settings().files

    @property
    def http(self) -> HttpSettings:
        """What the reader's sources of the kind `http` are given."""
        settings = self.scribe._reader._settings["http"]
        assert isinstance(settings, HttpSettings)
        return settings

    def watched(self, *values: str) -> Record | None:
        """The record of a scan that the watched trigger `cam` makes when its attribute has these values in turn, and
        others at last; None if it begins none. `was_open` says whether it was open before those others.
        """
        before = self.scribe._journal.summaries(limit=1)
        trigger = self.scribe.watched.by_name["cam"]
        trigger._clock = clock = FakeClock()
        trigger._looked_at = math.inf  # it reads nothing by itself
        for value in (*values, "anything"):
            self.was_open = any(session.open_record for session in self.scribe.sessions.values())
            trigger.hear(Reading("sim/gone/camera/acq_status", now(), texts(value)))
            trigger.turn()
        clock.advance(1000.0)
        trigger.wake()
        trigger.turn()
        newest = self.scribe._journal.summaries(limit=1)
        return self.scribe._journal.record(newest[0].id) if newest != before else None

    def watched_scan(self, *values: str) -> Record:
        record = self.watched(*values)
        assert record
        return record

    def initial(self, name: str) -> Any:
        """The value of a placeholder at a scan's start, or why there is none."""
        reading = self.scan().initial.readings[name]
        return reading.error or (reading.value.tolist() if reading.value is not None else None)

    def search(self, detector: str) -> Any:
        return next((search for search in self.scan().searches if search.detector == detector), None)

    def is_kept(self, *, days: float) -> bool:
        """Whether the housekeeper leaves a record of that age in the journal."""
        journal = self.scribe._journal
        old = replace(some_record(), start_time=now() - timedelta(days=days))
        old = journal.begin(old)
        journal.update(replace(ended(old), end_time=now() - timedelta(days=days)))
        journal.begin(some_record())
        for work in journal.due(now()):
            journal.done(work)
        self.scribe._journal_keeper._retain()
        return old.id in {summary.id for summary in journal.summaries()}

    def archives(self) -> bool:
        """Whether what leaves the journal comes into the folder `kept`."""
        self.is_kept(days=9)
        return any(self.folder.glob("kept/*"))

    def shrinks(self) -> bool:
        """Whether the housekeeper makes a journal smaller of which some is unused."""
        journal = self.scribe._journal
        one = journal.begin(some_record(values=3000, proposal="ma9"))
        journal.remove([one.id])
        before = journal.unused_share()
        assert before > 0
        self.scribe._journal_keeper._shrink()
        return journal.unused_share() < before

    def closes_lost(self) -> bool:
        """Whether the housekeeper closes a scan of 30 h that no session has."""
        lost = self.scribe._journal.begin(replace(some_record(), start_time=now() - timedelta(hours=30)))
        self.scribe._housekeeper._close_the_lost()
        return not self.scribe._journal.record(lost.id).is_open


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    before = structlog.get_config()
    parts = Parts(tmp_path_factory.mktemp("beamline"))
    yield parts
    parts.close()
    structlog.configure(**before)


@dataclass
class Applied:
    """A change of a key that is seen in force."""

    edits: dict[str, Any]
    seen: Callable[[Parts], Any]
    expected: Any
    given: dict[str, Any] = field(default_factory=dict)
    """What the config says besides, before the change and after it."""


def of_source(key: str, place: str, name: str) -> dict[str, Applied]:
    """The keys of a source, each changed in that of one placeholder."""
    gone = "sim/gone/dcm/energy"
    one = {"value": 1}

    def applied(source: dict[str, Any], seen: Callable[[Parts], Any], expected: object) -> Applied:
        return Applied({place: source}, seen, expected)

    return {
        f"{key}.tango": applied({"tango": gone}, lambda parts: gone in str(parts.initial(name)), expected=True),
        f"{key}.property": applied({"property": gone}, lambda parts: gone in str(parts.initial(name)), expected=True),
        f"{key}.value": applied({"value": 7}, lambda parts: parts.initial(name), 7),
        f"{key}.parameter": applied(
            {"parameter": "other"}, lambda parts: "parameter other" in str(parts.initial(name)), expected=True
        ),
        f"{key}.expression": applied({"expression": "4 * ${c}"}, lambda parts: parts.initial(name), 8),
        f"{key}.epics": applied(
            {"epics": "gone:energy"}, lambda parts: parts.plan.sources[name].origin.in_words(), "gone:energy"
        ),
        f"{key}.http.url": Applied(
            {f"{place}.http.url": "http://localhost:2/x"},
            lambda parts: "localhost:2" in str(parts.initial(name)),
            expected=True,
            given={place: {"http": {"url": "http://localhost:1/x"}}, "http": {"hosts": ["localhost:1", "localhost:2"]}},
        ),
        f"{key}.http.path": Applied(
            {f"{place}.http.path": "titel"},
            lambda parts: parts.plan.sources[name].origin.in_words(),
            "http://localhost:1/x titel",
            given={
                place: {"http": {"url": "http://localhost:1/x", "path": "title"}},
                "http": {"hosts": ["localhost:1"]},
            },
        ),
        f"{key}.unit": applied({**one, "unit": "mm"}, lambda parts: parts.scan().initial.readings[name].unit, "mm"),
        f"{key}.timeout_s": applied({**one, "timeout_s": 0.25}, lambda parts: parts.plan.sources[name].timeout_s, 0.25),
        f"{key}.max_age_s": applied(
            {"tango": gone, "max_age_s": 9.0},
            lambda parts: gone in "".join(parts.scribe._reader.kept_fresh),
            expected=True,
        ),
        f"{key}.default": applied({"parameter": "other", "default": 8}, lambda parts: parts.initial(name), "8"),
        f"{key}.mandatory": applied({**one, "mandatory": True}, lambda parts: parts.scan().mandatory, (name,)),
    }


NEEDS_RESTART = {
    "beamline": "other",
    "data_root": "elsewhere",
    "state_dir": "elsewhere",
    "time_zone": "Asia/Tokyo",
    "tango.host": "localhost:2",
    "tango.server": "nxscribe/other",
    "tango.devices": [SESSION],
    "files.layout": "single",
}
WATCHED = {
    "attribute": "sim/gone/camera/acq_status",
    "running": "Running",
    "proposal": "ma1",
    "sample": "smp",
    "scan": "watched",
    "session": "s1",
    "technique": "tomo",
}


def of_watched(**keys: tuple[object, Callable[[Parts], Any], object]) -> dict[str, Applied]:
    """The keys of a watched trigger: the new value of each, how it is seen, and what is expected."""
    return {
        f"watched_triggers.*.{key}": Applied(
            {"watched_triggers": {"cam": {**WATCHED, key: value}}},
            seen,
            expected,
            given={
                "watched_triggers": {"cam": WATCHED},
                "techniques.xrf": {"definition": "other.xml"},
                "files.scan_directory": "{session}/{scan}",
            },
        )
        for key, (value, seen, expected) in keys.items()
    }


CAMERA = {"detectors.camera": {"device": "sim/gone/camera", "group": "instrument/camera"}}
APPLIED: dict[str, Applied] = {
    "files.master": Applied({"files.master": "{scan}.h5"}, lambda parts: parts.scan().master, "s1.h5"),
    "files.scan_directory": Applied(
        {"files.scan_directory": "{scan}/x"}, lambda parts: Path(parts.scan().directory).name, "x"
    ),
    "files.parameters": Applied(
        {"files.parameters": ["cell"], "files.scan_directory": "{cell}/{scan}"},
        lambda parts: parts.is_refused(second=False),
        expected=True,
    ),
    "files.roots": Applied({"files.roots": ["/buffer"]}, lambda parts: "/buffer" in parts.scan().roots, expected=True),
    "files.mode": Applied({"files.mode": "0440"}, lambda parts: parts.writer.ownership.complete, 0o440),
    "files.growing_mode": Applied({"files.growing_mode": "0660"}, lambda parts: parts.writer.ownership.growing, 0o660),
    "files.folder_mode": Applied({"files.folder_mode": "2750"}, lambda parts: parts.writer.ownership.folder, 0o2750),
    "files.group": Applied({"files.group": "users"}, lambda parts: parts.writer.ownership.group, "users"),
    "files.copy_frames_mb": Applied({"files.copy_frames_mb": 3.0}, lambda parts: parts.writer.copied_bytes, 3_000_000),
    "limits.deadline_s": Applied({"limits.deadline_s": 1.25}, lambda parts: parts.capture["deadline_s"], 1.25),
    "limits.attribute_timeout_s": Applied(
        {"limits.attribute_timeout_s": 0.5}, lambda parts: parts.plan.sources["a"].timeout_s, 0.5
    ),
    "limits.write_timeout_s": Applied({"limits.write_timeout_s": 20.0}, lambda parts: parts.writer.timeout_s, 20.0),
    "limits.scan_hours": Applied({"limits.scan_hours": 24.0}, Parts.closes_lost, expected=True),
    "limits.raw_hours": Applied({"limits.raw_hours": 1.0}, lambda parts: parts.writer.raw_hours, 1.0),
    "on_start_while_running": Applied(
        {"on_start_while_running": "interrupt"}, lambda parts: not parts.is_refused(second=True), expected=True
    ),
    "on_missing_mandatory": Applied(
        {"on_missing_mandatory": "refuse"},
        lambda parts: parts.is_refused(second=False),
        expected=True,
        given={"sources.a": {"parameter": "other", "mandatory": True}},
    ),
    "afresh_at_end": Applied({"afresh_at_end": True}, lambda parts: parts.capture["afresh"], expected=True),
    "watched_triggers": Applied(
        {"watched_triggers": {}},
        lambda parts: list(parts.scribe.watched.by_name),
        [],
        given={"watched_triggers": {"cam": WATCHED}},
    ),
    **of_watched(
        attribute=(
            "sim/gone/other/acq_status",
            lambda parts: "sim/gone/other/acq_status" in "".join(parts.scribe.kept_fresh),
            True,
        ),
        device=(OTHER, lambda parts: parts.watched_scan("Running").session, OTHER),
        running=(["Running", "Exposing"], lambda parts: bool(parts.watched("Exposing")), True),
        failed=("Fault", lambda parts: parts.watched_scan("Running", "Fault").end_reason, EndReason.FAILED),
        aborted=("Fault", lambda parts: parts.watched_scan("Running", "Fault").end_reason, EndReason.ABORTED),
        proposal=("ma2", lambda parts: parts.watched_scan("Running").identity.proposal, "ma2"),
        sample=("bone", lambda parts: parts.watched_scan("Running").identity.sample, "bone"),
        scan=("other", lambda parts: parts.watched_scan("Running").identity.scan, "other"),
        session=("s2", lambda parts: parts.watched_scan("Running").identity.session, "s2"),
        technique=("xrf", lambda parts: parts.watched_scan("Running").identity.technique, "xrf"),
        min_length_s=(5.0, lambda parts: bool(parts.watched("Running")), False),
        gap_s=(5.0, lambda parts: bool(parts.watched_scan("Running", "Ready")) and parts.was_open, True),
        poll_s=(3.0, lambda parts: set(parts.scribe.watched.max_ages.values()), {6.0}),
    ),
    "detectors": Applied({"detectors": {}}, lambda parts: parts.scan().detectors, {}),
    "detectors.*.device": Applied(
        {"detectors.camera.device": "sim/gone/other"},
        lambda parts: any("sim/gone/other" in name for _, name in parts.plan.items),
        expected=True,
        given=CAMERA,
    ),
    "detectors.*.files": Applied(
        {"detectors.folder.files": "{scan}/*.cbf"}, lambda parts: parts.search("folder").pattern, "*.cbf"
    ),
    "detectors.*.watch": Applied(
        {"detectors.buffer.watch": "buffer/*.edf"}, lambda parts: parts.search("buffer").pattern, "*.edf"
    ),
    "detectors.*.techniques": Applied(
        {"detectors.folder.techniques": ["xrf"]},
        lambda parts: parts.search("folder"),
        None,
        given={"techniques.xrf": {"definition": "other.xml"}},
    ),
    "detectors.*.group": Applied(
        {"detectors.folder.group": "instrument/x"}, lambda parts: parts.scan().detectors["folder"], "instrument/x"
    ),
    "detectors.*.dataset": Applied(
        {"detectors.folder.dataset": "/frames"}, lambda parts: parts.search("folder").dataset, "/frames"
    ),
    "detectors.*.checksum": Applied(
        {"detectors.folder.checksum": "sha256"}, lambda parts: parts.scan().checksums, ("folder",)
    ),
    "detectors.*.frames": Applied({"detectors.folder.frames": 12}, lambda parts: parts.scan().frames.get("folder"), 12),
    "sources": Applied({"sources.p": {"value": 5}}, lambda parts: parts.initial("p"), 5),
    **of_source("sources.*", "sources.a", "a"),
    "parameters": Applied(
        {"parameters": ["p"]},
        lambda parts: any("${p}" in str(one) for one in parts.scribe.beamline.warnings),
        expected=False,
    ),
    "techniques": Applied(
        {"techniques.xrf": {"definition": "other.xml"}},
        lambda parts: sorted(parts.scribe.beamline.plans),
        ["tomo", "xrf"],
    ),
    "techniques.*.definition": Applied(
        {"techniques.tomo.definition": "other.xml"},
        lambda parts: "${c}" in parts.scan().definition.text,
        expected=False,
    ),
    "techniques.*.additions": Applied(
        {"techniques.tomo.additions": ["more.xml"]},
        lambda parts: "<more" in parts.scan().definition.text,
        expected=True,
    ),
    "techniques.*.aliases": Applied(
        {"techniques.tomo.aliases": ["CT"]}, lambda parts: parts.takes("ct"), expected=True
    ),
    "default_technique": Applied({"default_technique": "tomo"}, lambda parts: parts.takes("XAS"), expected=True),
    "techniques.*.sources": Applied({"techniques.tomo.sources.p": {"value": 6}}, lambda parts: parts.initial("p"), 6),
    **of_source("techniques.*.sources.*", "techniques.tomo.sources.b", "b"),
    "techniques.*.parameters": Applied(
        {"techniques.tomo.parameters": ["p"]},
        lambda parts: any("${p}" in str(one) for one in parts.scribe.beamline.warnings),
        expected=False,
    ),
    "projections.json.indent": Applied(
        {"projections.json": {"indent": 4}},
        lambda parts: parts.scribe._projectors["json"].worker._settings().form.indent,  # type: ignore[attr-defined]
        4,
        given={"projections.json": {}},
    ),
    "records.keep_days": Applied({"records.keep_days": 3.0}, lambda parts: parts.is_kept(days=5), expected=False),
    "records.archive": Applied(
        {"records.archive": "kept"}, Parts.archives, expected=True, given={"records.keep_days": 3.0}
    ),
    "records.vacuum_percent": Applied(
        {"records.vacuum_percent": 0.001}, Parts.shrinks, expected=True, given={"records.vacuum_percent": 100.0}
    ),
    "http.hosts": Applied({"http.hosts": ["one.eu", "two.eu"]}, lambda parts: parts.http.hosts, ("one.eu", "two.eu")),
    "http.token_files": Applied(
        {"http.token_files": {"one.eu": "token"}}, lambda parts: bool(parts.http.token_file("one.eu")), expected=True
    ),
    "http.max_kb": Applied({"http.max_kb": 3.0}, lambda parts: parts.http.max_bytes, 3000),
    "logging.level": Applied(
        {"logging.level": "error"}, lambda _: structlog.get_logger().is_enabled_for(logging.INFO), expected=False
    ),
    "logging.format": Applied(
        {"logging.format": "json"}, lambda parts: parts.log_line().startswith("{"), expected=True
    ),
}


def test_each_key_of_the_config_has_an_example_here() -> None:
    keys = {(*place, key) for place, form in FORMS.items() for key in form.model_fields}
    assert {".".join(key) for key in keys - FORMS.keys()} == APPLIED.keys() | NEEDS_RESTART.keys()


@pytest.mark.parametrize("key", APPLIED)
def test_a_reload_puts_the_key_in_force(parts: Parts, key: str) -> None:
    change = APPLIED[key]
    parts.write(change.given)
    assert parts.scribe.reload() == ()
    assert change.seen(parts) != change.expected
    parts.write({**change.given, **change.edits})
    assert parts.scribe.reload() == ()
    assert change.seen(parts) == change.expected


@pytest.mark.parametrize("key", NEEDS_RESTART)
def test_a_reload_with_a_change_of_the_key_is_refused_with_its_name(parts: Parts, key: str) -> None:
    parts.write({})
    assert parts.scribe.reload() == ()
    before = parts.scribe.beamline
    parts.write({key: NEEDS_RESTART[key], "afresh_at_end": True})
    [problem] = parts.scribe.reload()
    assert f"{key} changed" in str(problem)
    assert "restart the daemon" in str(problem)
    assert parts.scribe.beamline is before


def test_a_kind_of_projection_that_the_config_asks_for_is_made_from_then_on_and_no_more_when_it_is_gone(
    parts: Parts,
) -> None:
    parts.write({"projections.json": {}})
    assert parts.scribe.reload() == ()
    assert set(parts.scribe._journal.standings(parts.scan().id)) == {"nexus", "json"}
    assert set(parts.scribe._projectors) == {"nexus", "json"}
    assert parts.scribe.projection_queues[1].startswith("json: 1 waiting")
    parts.write({})
    assert parts.scribe.reload() == ()
    assert set(parts.scribe._journal.standings(parts.scan().id)) == {"nexus"}
    assert set(parts.scribe._projectors) == {"nexus"}
    assert len(parts.scribe.projection_queues) == 1


def test_the_documentation_names_the_keys_that_need_a_restart() -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "definitions.md"
    text = " ".join(page.read_text("utf-8").split())
    [told] = re.findall(r"These keys alone are kept for the life of the daemon:(.*?)\. ", text)
    assert set(re.findall(r"`([\w.]+)`", told)) == NEEDS_RESTART.keys()
