"""The lifetime of a scribe, without any device."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nxscribe.records import JOURNAL_FILE, Journal
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.scribe import Scribe

CONFIG = """\
beamline: sim
data_root: data
state_dir: state
tango: {server: nxscribe/sim, devices: [sim/nxscribe/1]}
sources: {a: {value: 1}}
techniques: {tomo: {definition: tomo.xml}}
"""


@pytest.fixture
def scribe(tmp_path: Path) -> Scribe:
    (tmp_path / "sim.yaml").write_text(CONFIG)
    (tmp_path / "tomo.xml").write_text('<group NX_class="NXentry" groupName="${entry}"><a>${a}</a></group>')
    return Scribe(ConfigStore(tmp_path / "sim.yaml"))


def test_the_journal_is_closed_whatever_another_part_raises(
    scribe: Scribe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("the watch failed")

    scribe.__enter__()
    scribe._watch.stop()
    monkeypatch.setattr(scribe._watch, "stop", fail)
    with pytest.raises(RuntimeError, match="the watch failed"):
        scribe.__exit__(None, None, None)
    Journal(tmp_path / "state" / JOURNAL_FILE).close()  # refused while another has it
    assert not scribe._projectors["nexus"].thread._thread.is_alive()
    assert not scribe._housekeeper.thread._thread.is_alive()


def test_a_job_under_way_may_take_the_time_that_was_allowed_when_it_began(scribe: Scribe, tmp_path: Path) -> None:
    """Else a shorter limit would have systemd kill a daemon whose writer is within the limit that it was given."""
    config = tmp_path / "sim.yaml"
    config.write_text(CONFIG + "limits: {write_timeout_s: 600}\n")
    assert scribe.reload() == ()
    projector = scribe._projectors["nexus"]
    projector.worker.timeout_s = projector.worker._settings().files.timeout_s  # as a job that begins
    projector.thread._progress_at = time.monotonic() - 600
    config.write_text(CONFIG + "limits: {write_timeout_s: 20}\n")
    assert scribe.reload() == ()
    assert scribe.supervisor.check()
    scribe._library.close()
    scribe._reader.close()
    scribe._journal.close()
