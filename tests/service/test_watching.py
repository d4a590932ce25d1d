"""The config of watched triggers: conditions, patterns of names, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from nxscribe.model import Reading, now, texts
from nxscribe.service.check.examine import examine
from nxscribe.service.config import load_config
from nxscribe.service.config.watching import Level, Wanted, WatchedTriggerSettings, filled

TRIGGER: dict[str, Any] = {
    "attribute": "id00/limaccds/pco/acq_status",
    "running": "Running",
    "proposal": "${proposal_now}",
    "sample": "${pco.saving_directory/-1}",
    "scan": "${pco.saving_prefix}${begun}",
    "technique": "CT",
}
CONFIG: dict[str, Any] = {
    "beamline": "id00",
    "data_root": ".",
    "sources": {"proposal_now": "id00/session/1/proposal"},
    "detectors": {"pco": {"device": "id00/limaccds/pco", "group": "instrument/pco"}},
    "techniques": {"tomo": {"definition": "tomo.xml", "aliases": ["ct"]}},
}
DEFINITION = (
    '<group NX_class="NXentry" groupName="${entry}"><group NX_class="NXinstrument" groupName="instrument">'
    '<group NX_class="NXdetector" groupName="pco"/></group></group>'
)


def write(folder: Path, config: dict[str, Any] = CONFIG, **keys: Any) -> Path:
    (folder / "tomo.xml").write_text(DEFINITION)
    trigger = {key: value for key, value in {**TRIGGER, **keys}.items() if value is not None}
    (folder / "id00.yaml").write_text(yaml.safe_dump({**config, "watched_triggers": {"cam": trigger}}))
    return folder / "id00.yaml"


def loaded(folder: Path, **keys: Any) -> WatchedTriggerSettings:
    return load_config(write(folder, **keys)).watched_triggers["cam"]


def reading(value: object, **details: int) -> Reading:
    return Reading("a", now(), texts(value) if isinstance(value, str) else np.asarray(value), details=details)


@pytest.mark.parametrize(
    ("value", "running"),
    [
        (reading("Running"), ["Running", "Exposing"]),
        (reading("RUNNING "), "running"),  # a Door's state
        (reading("ACQUIRING", enum_value=3), 3),
        (reading("ACQUIRING", enum_value=3), "> 2"),
        (reading(np.int16(1)), 1),
        (reading(np.int16(1)), "1"),
        (reading(np.bool_(1)), True),
        (reading(0.75), "> 0.5"),
        (reading(0.5), ["<= 0.5"]),
        (reading(2.0), "!= 0"),
    ],
)
def test_a_condition_holds(value: Reading, running: Wanted | list[Wanted], tmp_path: Path) -> None:
    assert loaded(tmp_path, running=running).level(value) is Level.RUNNING


@pytest.mark.parametrize(
    ("value", "running"),
    [
        (reading("Ready"), "Running"),
        (reading("ACQUIRING", enum_value=3), 4),
        (reading(np.bool_(0)), True),
        (reading(2), "Running"),
        (reading(float("nan")), "> 0.5"),
        (reading("Ready"), "!= 0"),
    ],
)
def test_with_any_other_value_the_scan_has_finished(
    value: Reading, running: Wanted | list[Wanted], tmp_path: Path
) -> None:
    assert loaded(tmp_path, running=running).level(value) is Level.FINISHED


def test_values_say_that_a_scan_failed_or_was_aborted(tmp_path: Path) -> None:
    settings = loaded(tmp_path, failed=["Fault", "Error"], aborted="Aborted")
    assert [settings.level(reading(value)) for value in ("fault", "Aborted")] == [Level.FAILED, Level.ABORTED]


def test_a_list_or_no_value_says_nothing(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert settings.level(reading([1, 2])) is Level.UNKNOWN
    assert settings.level(Reading("a", now(), error="its device is away")) is Level.UNKNOWN


def test_a_pattern_takes_whole_texts_and_parts_of_paths() -> None:
    known = {"folder": "/data/visitor/ma1/id00/bone", "prefix": "b_"}
    assert filled("${folder/-1}-${folder/2}_${prefix}x${folder/0}", known) == "bone-ma1_b_xdata"
    with pytest.raises(LookupError, match=r"\$\{folder/9\}.*has 5 parts"):
        filled("${folder/9}", known)


def test_the_config_of_the_reference_is_right_and_its_sources_are_used(tmp_path: Path) -> None:
    assert examine(write(tmp_path)).problems == ()


def test_the_first_device_has_the_scans_unless_another_is_named(tmp_path: Path) -> None:
    assert loaded(tmp_path).device == "id00/nxscribe/main"
    assert loaded(tmp_path, device="ID00/nxscribe/Main").device == "id00/nxscribe/main"


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"attribute": "acq_status#x y"}, "is not a Tango attribute"),
        ({"running": None}, "watched_triggers.cam lacks the key `running`"),
        ({"running": []}, "`running` of the watched trigger cam is empty"),
        (
            {"failed": "> much"},
            "`failed` of the watched trigger cam has the comparison '> much': 'much' is not a number",
        ),
        ({"device": "id00/nxscribe/mian"}, "is not one of tango.devices; misspelt, or removed; did you mean id00/nx"),
        ({"proposal": "${proposal_nwo}"}, "needs ${proposal_nwo}, which has no source; only the shared sources and"),
        ({"sample": "${pco.saving_directory/last}"}, "'last' is not the number of a part, such as -1 for the last"),
        ({"technique": "tom"}, "the technique 'tom' of the watched trigger cam is not there"),
        ({"technique": None}, "the technique is absent from the watched trigger cam; the config has no default_techni"),
        ({"proposal": ""}, "watched_triggers.cam.proposal is ''"),
        ({"gap": 3}, "unknown key `gap` in watched_triggers.cam; did you mean `gap_s`?"),
    ],
)
def test_each_mistake_is_told_once_at_its_place(keys: dict[str, Any], what: str, tmp_path: Path) -> None:
    (problem,) = (one for one in examine(write(tmp_path, **keys)).problems if "is not used" not in one.what)
    assert what in problem.explanation
    assert problem.location
    assert problem.location.line > 1


@pytest.mark.parametrize(
    ("attribute", "watched_by"),
    [
        ("ID00/limaccds/PCO/Acq_Status", ("cam",)),
        ("tango://db:10000/id00/limaccds/pco/acq_status", ("cam",)),
        ("id00/limaccds/pco/acq_status#dbase=yes", ("cam",)),
        ("id00/limaccds/pco2/acq_status", ()),
        ("id00/limaccds/pco/State", ()),
    ],
)
def test_a_camera_knows_who_watches_it_in_whatever_way_its_name_is_written(
    attribute: str, watched_by: tuple[str, ...], tmp_path: Path
) -> None:
    assert load_config(write(tmp_path, attribute=attribute)).detectors["pco"].watched_by == watched_by


@pytest.mark.parametrize(
    ("files", "keys", "what"),
    [
        (
            {"scan_directory": "{proposal}/{session}/{scan}"},
            {"session": " "},
            "the session is absent from the watched trigger cam; a path of its scans' files contains {session}",
        ),
        ({"scan_directory": "{proposal}/{session}/{scan}"}, {"session": "20261101"}, ""),
        # A number is told as one, and not as a session that is absent.
        (
            {"scan_directory": "{proposal}/{session}/{scan}"},
            {"session": 20261101},
            "session should be a text, not 20261101",
        ),
        (
            {"scan_directory": "{proposal}/{visit}/{scan}", "parameters": ["visit"]},
            {},
            "the watched trigger cam gives no parameter 'visit'; a path of its scans' files contains it, and they have",
        ),
        ({"scan_directory": "{proposal}/{watchedTrigger}/{scan}", "parameters": ["watchedTrigger"]}, {}, ""),
    ],
)
def test_paths_that_no_scan_of_the_trigger_could_have_are_told_at_its_place(
    files: dict[str, Any], keys: dict[str, Any], what: str, tmp_path: Path
) -> None:
    config = {**CONFIG, "files": files}
    path = write(tmp_path, config, **keys)
    found = [one for one in examine(path).problems if "is not used" not in one.what]
    assert [what in one.explanation for one in found] == [True] * bool(what)
    lines = path.read_text().splitlines()
    places = [lines[one.location.line - 1].strip() for one in found if one.location]
    assert places == [f"session: {keys['session']!r}" if keys else "attribute: id00/limaccds/pco/acq_status"] * len(
        found
    )
