"""What clients of every kind read: Tango says Latin-1, servers send UTF-8, and a Java client knows neither."""

from __future__ import annotations

import json

import pytest
import tango
from daemons import Daemon


def refusal(call: object, *arguments: object) -> str:
    with pytest.raises(tango.DevFailed) as failure:
        call(*arguments)  # type: ignore[operator]
    return str(failure.value.args[0].desc)


@pytest.mark.parametrize("encoded", [True, False], ids=["with escapes", "as UTF-8"])
def test_a_refusal_is_in_ascii_and_names_the_letters_that_are_not(daemon: Daemon, *, encoded: bool):
    request = json.dumps(
        {"proposal": "ma1", "sample": "Käse/…", "scan": "a", "technique": "plain"}, ensure_ascii=encoded
    )
    # PyTango itself sends Latin-1 alone: these are the bytes of UTF-8.
    words = refusal(daemon.proxy.StartScan, request.encode().decode("latin-1"))
    assert words.isascii()
    assert r"K\xe4se/..." in words


def test_the_form_of_a_request_is_shown_without_signs_that_clients_garble(daemon: Daemon):
    words = refusal(daemon.proxy.StartScan, "{}")
    assert words.isascii()
    assert '"sample": ...' in words


def test_an_answer_is_in_ascii_and_gives_the_letters_back(daemon: Daemon):
    daemon.start_scan(sample="Käse", parameters={"reason": "→ \ud800"})
    text = daemon.proxy.EndScan(json.dumps({"parameters": {"naïve": None}}))
    assert text.isascii()
    assert json.loads(text)["entry"] == "entry_0001"
