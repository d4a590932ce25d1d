"""Names and reasons in any script: PyTango itself sends Latin-1 alone."""

from __future__ import annotations

import json

import h5py
import pytest
import tango
from daemons import Daemon

from nxscribe.client import ClientError
from nxscribe.tango_text import in_letters

GREEK = "β-quartz"


def test_a_scan_of_any_name_starts_is_shown_survives_a_restart_and_ends(daemon: Daemon):
    answer = daemon.client.start(daemon.proposal, GREEK, "à 20 °C", "plain")
    assert daemon.client.show()["currentScan"] == f"{GREEK} - à 20 °C"
    assert GREEK in daemon.client.show()["status"]
    daemon.stop()
    daemon.start()
    assert daemon.client.show()["currentScan"] == f"{GREEK} - à 20 °C"
    assert daemon.client.end().entry == answer.entry
    assert daemon.proxy.state() == tango.DevState.ON
    daemon.await_files()
    with h5py.File(answer.master) as file:
        assert file[f"{answer.entry}/sample/name"].asstr()[()] == GREEK


def test_a_refusal_keeps_its_letters(daemon: Daemon):
    with pytest.raises(ClientError, match=GREEK):
        daemon.client.start(daemon.proposal, "s", "a1", GREEK)


def test_a_long_reason_of_a_device_is_shown(make_daemon, serve):
    device = serve("everything").device
    daemon = make_daemon()
    source = f"{device}/verbose"
    daemon.config.write_text(daemon.config.read_text().replace("sim/mono/dcm/no_such_attribute", source))
    daemon.start()
    answer = json.loads(daemon.proxy.StartScan(daemon.request()))
    assert answer["missing"]["broken"].count("…") == 1
    assert any(line.startswith("broken: ") for line in daemon.client.show()["missingValues"])
    assert daemon.end_scan()["end_reason"] == "finished"


def test_what_a_client_sends_as_utf8_or_latin1_is_read_as_it_was_meant(daemon: Daemon):
    def utf8(text: str) -> str:
        """What PyTango makes UTF-8 bytes of, which it has no other way to send."""
        return text.encode().decode("latin-1")

    daemon.proxy.StartScan(utf8(json.dumps(json.loads(daemon.request(sample=GREEK)), ensure_ascii=False)))
    for name in (utf8("Ü_1.edf"), "Ü_2.edf"):
        daemon.proxy.lastDataFile = name
    daemon.proxy.SetParameters(utf8('{"exposure": {"value": 5, "unit": "µs"}}'))
    with pytest.raises(tango.DevFailed) as failure:
        daemon.proxy.Preview(utf8(GREEK))
    assert in_letters(failure.value.args[0].desc).count(GREEK) == 1
    answer = json.loads(daemon.proxy.EndScan(utf8('{"parameters": {"sampleName": "λ"}}')))
    daemon.await_files()
    with h5py.File(answer["master"]) as file:
        entry = file[answer["entry"]]
        assert entry["sample/name"].asstr()[()] == "λ"
        assert entry["instrument/control/exposure"][()] == pytest.approx(5e-6)
        files = entry["measurement/files"].asstr()[()].tolist()
    assert files == [f"{GREEK}/a1/Ü_{number}.edf" for number in (1, 2)]
