"""A source that is not a Tango's, from the config to the record of a scan, in the service that a daemon runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from json_server import JsonServer, json_server

from nxscribe.records import Record
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.scan.requests import EndRequest, StartRequest
from nxscribe.service.scribe import Scribe

SESSION = "sim/nxscribe/1"
CONFIG = """\
beamline: sim
data_root: data
state_dir: state
tango: {{server: nxscribe/sim, host: "localhost:1", devices: [sim/nxscribe/1]}}
http: {{hosts: ["{host}"]}}
sources:
  title: {{http: {{url: "{url}/proposals/{{proposal}}", path: title}}, default: untitled}}
  place: {{http: {{url: "{url}/{{beamline}}/{{technique}}/{{sample}}/{{scan}}", path: place}}, unit: mm}}
techniques: {{tomo: {{definition: tomo.xml}}}}
"""
DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <title>${title}</title><place NAPItype="NX_FLOAT64" units="mm">${place}</place>
</group>
"""


@pytest.fixture
def server() -> Iterator[JsonServer]:
    with json_server() as server:
        server.documents = {
            "/proposals/ma1": {"title": "Bone"},
            "/proposals/ma2": {"title": "Tooth"},
            "/sim/tomo/smp/s1": {"place": 4.5},
        }
        yield server


@pytest.fixture
def scribe(server: JsonServer, tmp_path: Path) -> Iterator[Scribe]:
    (tmp_path / "sim.yaml").write_text(CONFIG.format(host=server.host, url=server.url))
    (tmp_path / "tomo.xml").write_text(DEFINITION)
    scribe = Scribe(ConfigStore(tmp_path / "sim.yaml"))
    yield scribe
    scribe._library.close()
    scribe._reader.close()
    scribe._journal.close()


def scan(scribe: Scribe, proposal: str) -> Record:
    session = scribe.sessions[SESSION]
    started = session.start(StartRequest(proposal, "smp", "s1", "tomo"))
    session.end(EndRequest())
    return scribe._journal.record(started.record)


def test_a_scans_record_has_the_values_of_its_own_proposal(scribe: Scribe, server: JsonServer) -> None:
    for proposal, title in (("ma1", "Bone"), ("ma2", "Tooth")):
        readings = scan(scribe, proposal).initial.readings
        assert readings["title"].value == title
        assert readings["title"].source == f"{server.url}/proposals/{proposal} title"
        assert (readings["place"].value, readings["place"].unit) == (4.5, "mm")


def test_a_proposal_that_the_server_does_not_know_gets_the_default_and_no_former_title(scribe: Scribe) -> None:
    scan(scribe, "ma1")
    reading = scan(scribe, "ma3").initial.readings["title"]
    assert reading.is_default
    assert reading.value == "untitled"


def test_a_host_that_a_reload_takes_away_is_asked_no_more(scribe: Scribe, server: JsonServer, tmp_path: Path) -> None:
    assert scan(scribe, "ma1").initial.readings["place"].ok
    config = (tmp_path / "sim.yaml").read_text()
    (tmp_path / "sim.yaml").write_text(config.replace(f'hosts: ["{server.host}"]', 'hosts: ["localhost:1"]'))
    (problem, *_) = scribe.reload()
    assert f"{server.host} may not be asked" in str(problem)
    assert scan(scribe, "ma1").initial.readings["place"].ok  # the edit is refused as a whole
