"""The reference manual of the config is what the program's own form says."""

from __future__ import annotations

from pathlib import Path

from nxscribe.service.config.reference import reference

MANUAL = Path(__file__).parents[2] / "docs" / "reference" / "config.md"


def test_the_manual_is_up_to_date() -> None:
    command = "python -m nxscribe.service.config.reference docs/reference/config.md"
    assert MANUAL.read_text("utf-8") == reference(), f"make it again: {command}"


def test_every_key_is_explained() -> None:
    rows = [line.split(" | ") for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert [row[0] for row in rows if len(row[3].strip(" |")) < 10] == []
