"""The lifetime of a scribe, without any device."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxscribe.records import JOURNAL_FILE, Journal
from nxscribe.service.library import Library
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
    return Scribe(Library(tmp_path / "sim.yaml"))


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
    assert not scribe._projector._thread.is_alive()
    assert not scribe._housekeeper._thread.is_alive()
