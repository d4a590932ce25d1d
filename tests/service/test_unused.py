"""What a config says that no definition takes up."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxscribe.service.check.examine import examine

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <gap>${undulator_gap}</gap>
  <group NX_class="NXinstrument" groupName="instrument">
    <group NX_class="NXdetector" groupName="pilatus"><exposure>${exposure_time}</exposure></group>
  </group>
</group>
"""
CONFIG = "beamline: bl\ndata_root: .\ntechniques: {saxs: {definition: saxs.xml}}\n"


def told(folder: Path, text: str) -> list[str]:
    (folder / "saxs.xml").write_text(DEFINITION)
    (folder / "bl.yaml").write_text(CONFIG + text)
    return [str(one).partition("bl.yaml:")[2] for one in examine(folder / "bl.yaml").problems if "saxs" not in str(one)]


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ("[undulator_gab, exposure_time]", "4:14: warning: the parameter `undulator_gab` is not used; no definition"),
        ("[undulator_gap, exposure_time, 'motor_*']", "4:44: warning: the parameter `motor_*` is not used"),
    ],
)
def test_a_parameter_that_no_definition_names_is_told(tmp_path: Path, parameters: str, problem: str) -> None:
    found = told(tmp_path, f"parameters: {parameters}\n")
    assert found[0].startswith(problem)


def test_it_is_told_what_was_meant(tmp_path: Path) -> None:
    found = told(tmp_path, "parameters: [undulator_gab, exposure_time]\n")
    assert found[0].endswith("did you mean `undulator_gap`?")


@pytest.mark.parametrize(
    "text",
    [
        "parameters: ['undulator_*', 'exposure_?ime']\n",
        "parameters: [undulator_gap, n]\nsources: {exposure_time: {expression: '${n} * 2'}}\n",
        """parameters: [undulator_gap, exposure_time, n]
detectors: {p: {files: 'a/*.cbf', group: instrument/pilatus, frames: n}}
""",
    ],
)
def test_parameters_that_are_used_are_not(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == []


@pytest.mark.parametrize("way", ["device: id/lima/1", "files: 'a/*.cbf'", "watch: /b/*.cbf"])
def test_a_group_of_a_detector_that_no_definition_has_is_told(tmp_path: Path, way: str) -> None:
    text = f"parameters: ['*']\ndetectors: {{p: {{{way}, group: instrument/pilatos}}}}\n"
    [found] = told(tmp_path, text)
    assert found.startswith(f"5:{text.splitlines()[1].index('instrument') + 1}: warning: no definition has the group")
    assert found.endswith("did you mean instrument/pilatus?")
    assert told(tmp_path, text.replace("pilatos", "pilatus")) == []


def test_a_group_like_no_other_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    [found] = told(tmp_path, "parameters: ['*']\ndetectors: {p: {device: a/b/c, group: x/y/z}}\n")
    assert found.endswith("name one that is there: instrument/pilatus")
