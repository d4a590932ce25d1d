"""The page about validation says what is so."""

from __future__ import annotations

from pathlib import Path

from damages import DAMAGES

from nxscribe.projections.nexus.validate import NEXUSFORMAT, PYNXTOOLS, Check

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "validation.md").read_text()


def test_every_check_is_explained() -> None:
    assert all(f"| `{check}` |" in PAGE for check in Check)


def test_every_false_alarm_is_explained() -> None:
    assert all(f"- *{alarm.title}*:" in PAGE for alarm in (*NEXUSFORMAT, *PYNXTOOLS))


def test_the_damages_are_counted() -> None:
    assert f"in {len(DAMAGES)} ways" in PAGE
