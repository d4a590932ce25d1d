from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nxscribe.service.systemd import notify, watchdog_interval_s


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        channel.settimeout(5)
        yield channel


def test_the_service_manager_is_told(manager: socket.socket):
    notify("READY=1", "STATUS=serving")
    assert manager.recv(1000) == b"READY=1\nSTATUS=serving"


def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch):
    name = f"nxscribe-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(f"\0{name}")
        channel.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify("READY=1")
        assert channel.recv(1000) == b"READY=1"


def test_without_a_service_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")


def test_the_watchdog_is_fed_twice_in_its_interval(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert watchdog_interval_s() == 15


@pytest.mark.parametrize(("pid", "microseconds"), [("1", "30000000"), (None, None)])
def test_a_watchdog_meant_for_another_process_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, pid: str | None, microseconds: str | None
):
    for name, value in (("WATCHDOG_PID", pid), ("WATCHDOG_USEC", microseconds)):
        monkeypatch.delenv(name, raising=False)
        if value:
            monkeypatch.setenv(name, value)
    assert watchdog_interval_s() is None
