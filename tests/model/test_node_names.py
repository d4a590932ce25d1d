"""Names: HDF5's and NeXus' rules, and what may become part of a path."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.errors import Location, Severity
from nxscribe.model.node_names import node_name_problem, path_part_problem


@pytest.mark.parametrize("name", ["detector01", "i0", "2theta", "version_1.2", "_x", "a" * 63])
def test_nexus_names_are_fine(name: str) -> None:
    assert node_name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "empty"), ("a/b", "slash"), (".", "not a valid name"), ("..", "not a valid name"), ("a\0b", "U+0000")],
)
def test_what_hdf5_cannot_hold_is_an_error(name: str, reason: str) -> None:
    problem = node_name_problem(name, Location("tomo.xml", 3, 5))
    assert problem is not None
    assert problem.severity is Severity.ERROR
    assert str(problem).startswith("tomo.xml:3:5: error: ")
    assert reason in str(problem)


@pytest.mark.parametrize("name", ["with space", "a-b", ".hidden", "ends.", "Ångström", "a" * 64])
def test_what_nexus_does_not_allow_is_a_warning(name: str) -> None:
    problem = node_name_problem(name)
    assert problem is not None
    assert problem.severity is Severity.WARNING


@pytest.mark.parametrize("text", ["ma2210", "sample 1", "Probe_Ä", "scan.0001", "a" * 255, "日本", "50%_done", "x:y"])
def test_ordinary_names_are_safe_path_parts(text: str) -> None:
    assert path_part_problem("sample", text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("../etc", "slash"),
        ("/etc/passwd", "slash"),
        ("a/../../b", "slash"),
        ("..", "begins with '.'"),
        (".hidden", "begins with '.'"),
        ("-rf", "begins with '-'"),
        ("a\0b", "U+0000"),
        ("a\nb", "U+000A"),
        ("a\x1b[2J", "U+001B"),
        ("a\x7f", "U+007F"),
        ("a\u2028b", "U+2028"),
        ("a\ud800", "U+D800"),
        ("a" * 256, "256 bytes"),
        ("é" * 128, "256 bytes"),
    ],
)
def test_unsafe_path_parts_are_refused_with_one_clear_problem(text: str, reason: str) -> None:
    problem = path_part_problem("scan name", text)
    assert problem is not None
    assert "the scan name" in problem.what
    assert reason in problem.what
    assert problem.remedy
    assert str(problem).isprintable()
    assert len(str(problem)) < 250


@given(st.text(max_size=40))
def test_a_safe_part_never_leaves_its_folder(text: str) -> None:
    if path_part_problem("sample", text) is None:
        root = Path("/data/visitor")
        assert (root / text).parent == root
        assert (root / text).name == text
