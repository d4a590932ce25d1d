from __future__ import annotations

import contextlib
import json
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.definitions import yaml_positions
from nxscribe.definitions.text import MAX_BYTES
from nxscribe.definitions.yaml_positions import YamlNode, load_yaml
from nxscribe.errors import InputError, Location


@pytest.fixture(params=["libyaml", "python"])
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel's C parser and the Python one that stands in for it must behave alike."""
    monkeypatch.setattr(yaml_positions, "_PARSER", yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader)


pytestmark = pytest.mark.usefixtures("_each_parser")


def load(text: str | bytes) -> YamlNode:
    return load_yaml(text.encode() if isinstance(text, str) else text, "f.yaml")


def refusal(text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        load(text)
    return str(caught.value)


def test_every_value_and_key_knows_its_place():
    node = load("beamline: id16a\nlimits:\n  deadline_s: 2.0\n  list: [a, b]\n")
    assert node.at(["limits", "deadline_s"]) == Location("f.yaml", 3, 15)
    assert node.at(["limits", "list", 1]) == Location("f.yaml", 4, 13)
    assert node.key_locations["limits"] == Location("f.yaml", 2, 1)
    assert node.value["limits"].key_locations["list"] == Location("f.yaml", 4, 3)


def test_the_place_of_what_does_not_exist_is_its_nearest_ancestors():
    node = load("limits:\n  deadline_s: 2.0\n")
    assert node.at(["limits", "write_timeout_s", "deeper"]) == node.at(["limits"]) == Location("f.yaml", 2, 3)
    assert node.at(["limits", "deadline_s", 0]) == Location("f.yaml", 2, 15)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("2026-03-01", "2026-03-01"),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("-3", -3),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("'1'", "1"),
        ('"true"', "true"),
        ("1" * 65, "1" * 65),
        ("${energy}", "${energy}"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object):
    assert load(f"key: {text}\n").plain() == {"key": value}
    assert type(load(f"key: {text}\n").plain()["key"]) is type(value)


def test_not_a_number_is_read():
    assert math.isnan(load("key: .nan").plain()["key"])


def test_a_scalar_keeps_its_spelling():
    assert load("key: 1.50").value["key"].text == "1.50"


def test_keys_are_texts_whatever_they_look_like():
    assert load("1: a\non: b\n2.50: c\n").plain() == {"1": "a", "on": "b", "2.50": "c"}


def test_a_byte_order_mark_and_any_line_ends_are_read():
    assert load(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n").plain() == {"a": 1, "b": 2}
    assert load(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n").at(["b"]) == Location("f.yaml", 2, 4)


def test_an_empty_document_is_nothing():
    assert load("# only a comment\n").plain() is None


def test_a_key_written_twice_is_refused_naming_both_places():
    message = refusal("a: 1\nb:\n  c: 1\n  c: 2\n")
    assert message.startswith("f.yaml:4:3: error: 'c' is written twice")
    assert "see also f.yaml:3:3" in message


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("a: !!python/object:os.system x", "1:4", "tag"),
        ("a: !!str 1", "1:4", "tag"),
        ("a: &anchor 1", "1:4", "anchor"),
        ("a: *anchor", "1:4", "alias"),
        ("*anchor : 1", "1:1", "alias"),
        ("<<: *anchor", "1:5", "alias"),
        ("? [a]\n: 1", "1:3", "where a name should"),
        ("{'': 1}", "1:2", "empty name"),
        ('a: "\\0"', "1:4", "U+0000"),
        ('a: "\\ud800"', "1:", ""),
        ("a: 1\n---\nb: 1", "2:1", "second document"),
        ("a: [1", "", "not YAML"),
        ("a:\n\tb: 1", "2:1", "no tabs"),
        ("[" * 10_000, "1:65", "nested deeper"),
        ("{a: " * 10_000, "1:257", "nested deeper"),
        (b"a: \xe9\n", "1:4", "not UTF-8"),
        (b"\xef\xbb\xbfa: 1\r\nb\xe9: 2", "2:2", "not UTF-8"),
        (b"\xff\xfea\x00", "1:1", "not UTF-8"),
        (b"a: 1\nb: \x00", "2:4", "U+0000"),
    ],
)
def test_what_is_dangerous_or_broken_is_refused_with_its_place(text: str | bytes, place: str, what: str):
    message = refusal(text)
    assert message.startswith(f"f.yaml:{place}")
    assert what in message


def test_a_list_of_anchors_and_duplicates_is_told_at_once():
    assert refusal("a: &x 1\nb: *x\na: 2\n").count("error:") == 3


def test_what_is_too_large_is_refused_unread():
    assert "more than 2.1 MB" in refusal(b"a" * (MAX_BYTES + 1))


@given(st.binary(max_size=200) | st.text("ab:-[]{}&*!|>'\"#%\n\t ,?", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes):
    with contextlib.suppress(InputError):
        json.dumps(load(data).plain(), ensure_ascii=False).encode()


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
        max_leaves=10,
    )
)
def test_json_is_read_as_json(document: object):
    assert load(json.dumps(document, ensure_ascii=False)).plain() == document
