"""What an installed opentelemetry, such as bluesky's, costs nxscribe's calls of Tango."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from nxscribe.cli import main

sys.argv = ["nxscribe", "--version"]
try:
    main()
except SystemExit:
    pass
import tango

print("traced" if hasattr(tango.DeviceProxy.read_attributes, "__trace_kwargs__") else "plain")
"""


@pytest.mark.parametrize(("telemetry", "calls"), [("", "plain"), ("on", "traced")])
def test_calls_of_tango_are_traced_only_where_telemetry_is_asked_for(telemetry: str, calls: str) -> None:
    pytest.importorskip("opentelemetry")
    environment = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    program = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env={**environment, "TANGO_TELEMETRY_ENABLE": telemetry},
        capture_output=True,
        text=True,
        check=True,
    )
    assert program.stdout.split()[-1] == calls
