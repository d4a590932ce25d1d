"""Motors of a list in the file: each with its own number, unit, source and time at both ends."""

from __future__ import annotations

from datetime import datetime

import h5py
import tango
from daemons import Daemon, wait_until

GROUP = """\
  <group NX_class="NXsample" groupName="sample"><name>${sampleName}</name>
    <group NX_class="NXcollection" groupName="positioners"><name>${names}</name><value>${places}</value></group>
  </group>
"""
SOURCES = """\
sources:
  names: {value: detx srot ghost}
  places: [sim/motor/detx/position, sim/motor/srot/position, sim/motor/srot/no_such_attribute]
"""


def test_a_list_of_motors_is_written_motor_by_motor(make_daemon) -> None:
    daemon: Daemon = make_daemon()
    old = '  <group NX_class="NXsample" groupName="sample"><name>${sampleName}</name></group>\n'
    daemon.definition.write_text(daemon.definition.read_text().replace(old, GROUP))
    daemon.config.write_text(daemon.config.read_text().replace("sources:\n", SOURCES))
    daemon.start()
    rotation = tango.DeviceProxy("sim/motor/srot")
    before = rotation.position
    daemon.start_scan()
    rotation.position = before + 3
    wait_until(lambda: rotation.state() != tango.DevState.MOVING, "the motor has moved")
    after = rotation.position
    assert after != before
    ended = daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        instrument = master["entry_0001/instrument"]
        start, end = instrument["positioners_start"], instrument["positioners_end"]
        assert (start["srot"][()], end["srot"][()]) == (before, after)
        assert start["srot"].attrs["units"] == "degree"
        assert start["srot"].attrs["source_units"] == "deg"
        assert start["detx"].attrs["units"] == "mm"
        assert start["detx"].dtype.kind == "f"
        assert end["detx"].attrs["source"].endswith("sim/motor/detx/position")
        times = [datetime.fromisoformat(group["srot"].attrs["timestamp"]) for group in (start, end)]
        assert times[0] < times[1]
        # One that gives no value costs the others nothing, though the list has none.
        assert "value" not in master["entry_0001/sample/positioners"]
        assert set(start) == set(end) == {"detx", "srot"}
    assert {"places", "places.ghost"} <= set(ended["missing"])
