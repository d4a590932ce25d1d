"""The simulated control system, its devices, `configs/sim.yaml` and the shipped definitions speak of the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tango

from nxscribe.cli._shipped import shipped
from nxscribe.plan import BUILT_IN
from nxscribe.service.beamline import Beamline, load_beamline
from nxscribe.service.config import load_config
from nxscribe.simulation import SimulatedBeamline
from nxscribe.simulation.techniques import TECHNIQUES
from nxscribe.sources import ParameterSource


@pytest.fixture(scope="module")
def shipped_beamline() -> Beamline:
    return load_beamline(load_config(shipped() / "configs" / "sim.yaml"))


def test_the_config_has_the_techniques_that_are_simulated(shipped_beamline: Beamline):
    assert set(shipped_beamline.plans) == set(TECHNIQUES)


def test_every_attribute_of_the_config_can_be_read(
    shipped_beamline: Beamline, device: Callable[[str], tango.DeviceProxy]
):
    for name in sorted(item.name for item in shipped_beamline.items if item.kind == "tango"):
        device_name, attribute = name.rsplit("/", 1)
        assert not device(device_name).read_attribute(attribute).has_failed, name


@pytest.mark.parametrize("technique", sorted(TECHNIQUES))
def test_every_placeholder_has_a_source_or_is_set_by_the_control_system(
    shipped_beamline: Beamline, beamline: SimulatedBeamline, folder: Path, technique: str
):
    plan = shipped_beamline.plans[technique]
    given = {**beamline.prepare(technique, folder, 1), **beamline.acquire(technique, folder, frames=1)}
    asked = {
        source.origin.name if isinstance(source.origin, ParameterSource) else None for source in plan.sources.values()
    } - {None}
    unfilled = plan.definition.placeholders - plan.sources.keys() - BUILT_IN - plan.defaults.keys()
    assert unfilled | asked <= given.keys()
    assert given.keys() <= plan.definition.placeholders | asked
