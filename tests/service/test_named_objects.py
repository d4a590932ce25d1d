"""What a control system may link to: only what lies in the folders that the config allows."""

from __future__ import annotations

import pytest

from nxscribe.service.scan._named_objects import named_objects

ROOTS = ("/data/visitor", "/bliss/", "/")


def usable(target: str, name: str = "bliss", *, is_outside: bool = False) -> dict[str, str]:
    found, told = named_objects({name: target}, "/data/visitor/ma1/s1", ROOTS)
    assert len(told) == (not found or is_outside)
    assert all(("lies by its name outside" if is_outside else "is left out") in one for one in told)
    return found


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/data/visitor/ma1/bone.h5::/1.1", "/data/visitor/ma1/bone.h5::/1.1"),
        ("/data/visitor/ma1/a::b.h5::1.1/measurement/", "/data/visitor/ma1/a::b.h5::/1.1/measurement"),
        ("/data/visitor/ma1/../ma2/bone.h5", "/data/visitor/ma2/bone.h5::/"),
        ("bone.h5::/1.1", "/data/visitor/ma1/s1/bone.h5::/1.1"),
        ("//bliss/x.h5::/1.1", "/bliss/x.h5::/1.1"),
    ],
)
def test_a_target_within_the_roots_is_kept_by_its_plain_absolute_name(target: str, expected: str) -> None:
    assert usable(target) == {"bliss": expected}


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/etc/passwd::/1.1", "/etc/passwd::/1.1"),
        ("../../../../etc/passwd", "/etc/passwd::/"),
        ("/data/visitor/../../etc/passwd::/x", "/etc/passwd::/x"),
        ("/data/visitors/a.h5::/1.1", "/data/visitors/a.h5::/1.1"),
        ("/data/visitor", "/data/visitor::/"),
    ],
)
def test_a_target_outside_the_roots_by_its_name_is_told_and_left_to_the_writer(target: str, path: str) -> None:
    assert usable(target, is_outside=True) == {"bliss": path}


@pytest.mark.parametrize(
    "target",
    [
        "/data/visitor/::/1.1",
        "::/1.1",
        "",
        "/data/visitor/a\0.h5::/1.1",
        "/data/visitor/a.h5::/1.1\ud800",
        "/data/visitor/" + "n" * 300,
    ],
)
def test_a_target_without_a_file_is_left_out(target: str) -> None:
    assert usable(target) == {}


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "a\0"])
def test_a_name_that_is_no_name_in_hdf5_is_left_out(name: str) -> None:
    assert usable("/data/visitor/a.h5::/1.1", name) == {}
