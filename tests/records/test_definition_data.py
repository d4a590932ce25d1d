"""The definition of a record as data: an old scan can be written again whatever rules come later."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_records import some_record

from nxscribe.definitions import definition_text, load_definition, parse_definition
from nxscribe.errors import InputError, JournalError
from nxscribe.model import Attribute, Definition, Field, Group, Link, Node, Template
from nxscribe.records import (
    DefinitionText,
    Journal,
    Record,
    as_recorded,
    check_journal,
    record_from_json,
    record_to_json,
    recorded_definition,
    salvage,
)
from nxscribe.records.record import DefinitionTree

DEFINITIONS = Path(__file__).parents[2] / "definitions"
REFUSED = """<group groupName="${entry}" NX_class="NXentry">
  <title>${scanName}</title>
  <count NAPItype="NX_INT">about ten</count>
  <duration mood="cheerful">${exposure}</duration>
</group>
"""
"""What today's reader refuses to an author, as an earlier one may have accepted it."""


def bare(node: Node) -> Node:
    """The node without its places in files."""
    if isinstance(node, Link):
        return replace(node, location=None)
    attributes = tuple(replace(one, location=None) for one in node.attributes)
    if isinstance(node, Field):
        return replace(node, location=None, attributes=attributes)
    return replace(node, location=None, attributes=attributes, children=tuple(map(bare, node.children)))


def refused() -> DefinitionText:
    return DefinitionText("tomo", hashlib.sha256(REFUSED.encode()).hexdigest(), REFUSED)


@pytest.mark.parametrize("file", sorted(path.name for path in DEFINITIONS.glob("*.xml")))
def test_a_shipped_definition_comes_back_as_it_was_loaded(file: str) -> None:
    loaded = load_definition("it", DEFINITIONS / file)
    again = recorded_definition(as_recorded(loaded.definition, loaded.text))
    assert again.root == bare(loaded.definition.root)
    assert definition_text(again) == loaded.text
    assert (again.name, again.sha256) == ("it", loaded.definition.sha256)


@given(
    st.recursive(
        st.from_type(Field) | st.from_type(Link),
        lambda children: st.builds(Group, st.text(), st.text(), st.lists(children, max_size=3).map(tuple)),
        max_leaves=5,
    ),
    st.lists(st.from_type(Attribute), max_size=2).map(tuple),
)
def test_whatever_a_tree_holds_comes_back(child: Node, attributes: tuple[Attribute, ...]) -> None:
    definition = Definition("any", Group("${entry}", "NXentry", (child,), attributes), "0" * 64)
    assert recorded_definition(as_recorded(definition, "text")).root == bare(definition.root)


def test_what_overrides_another_still_does() -> None:
    field = Field("f", Template("1"), override=True)
    children = (Group("g", "NXdata", override=True), Link("l", "/g", override=True), field)
    attributes = (Attribute("a", Template("1"), override=True),)
    root = Group("${entry}", "NXentry", children, attributes, "All of it", override=True)
    assert recorded_definition(as_recorded(Definition("any", root, "0" * 64), "text")).root == root


def test_the_data_speaks_of_every_property_of_a_node_but_its_place() -> None:
    from nxscribe.records import _definition_data as data  # noqa: PLC0415 - its private forms are held against the model

    for model, form in ((Group, data._Group), (Field, data._Field), (Link, data._Link), (Attribute, data._Attribute)):
        asked = {"text" if one.name == "template" else one.name for one in dataclasses.fields(model)} - {"location"}
        assert {one.name for one in msgspec.structs.fields(form)} == asked


def test_what_authors_may_not_write_any_more_is_read_from_the_data() -> None:
    with pytest.raises(InputError):
        parse_definition("tomo", REFUSED)
    seen = recorded_definition(refused())
    count = next(field for field in seen.root.fields if field.name == "count")
    assert (count.template.text, count.type) == ("about ten", "NX_INT")
    recorded = as_recorded(seen, REFUSED)
    assert recorded_definition(replace(recorded, text="no XML at all")).root == bare(seen.root)


def test_a_record_with_the_text_alone_is_read_as_far_as_its_text_can_be_seen() -> None:
    seen = recorded_definition(refused())
    assert [field.name for field in seen.root.fields] == ["title", "count", "duration"]
    assert (seen.name, seen.sha256) == ("tomo", refused().sha256)
    why = (
        "the recorded definition tomo cannot be read; not XML: syntax error; make the entry with the one of today: `nx"
    )
    with pytest.raises(JournalError, match=why):
        recorded_definition(replace(refused(), text="no XML at all"))


def test_data_of_a_later_form_is_passed_over_for_the_text() -> None:
    later = replace(refused(), tree=DefinitionTree(b'{"format":2,"root":["in","another","form"]}'))
    assert len(recorded_definition(later).root.fields) == 3


def test_it_travels_with_the_record_as_plain_json_and_between_processes() -> None:
    record = with_tree()
    line = record_to_json(record)
    assert b'"tree":{"format":1,"root":{"node":"group","name":"${entry}"' in line
    assert record_from_json(line).definition.tree == record.definition.tree
    assert pickle.loads(pickle.dumps(record.definition)).tree == record.definition.tree  # noqa: S301 - our own


def test_the_journal_keeps_it_beside_the_text_once_for_all_scans_that_share_it(journal: Journal, path: Path) -> None:
    ids = [journal.begin(with_tree(scan=f"scan{number}")).id for number in range(3)]
    assert {journal.record(id_).definition.tree for id_ in ids} == {with_tree().definition.tree}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(tree) FROM definition").fetchone() == (1,)


def test_records_of_an_earlier_version_share_the_data_that_a_later_scan_brings(journal: Journal) -> None:
    old = journal.begin(some_record())
    assert journal.record(old.id).definition.tree is None
    new = with_tree()
    journal.begin(new)
    assert journal.record(old.id).definition.tree == new.definition.tree
    journal.begin(some_record())
    assert journal.record(old.id).definition.tree == new.definition.tree, "one without it takes nothing away"
    assert journal.record(old.id) == old


def test_damage_to_the_data_is_told_and_costs_nothing_while_there_is_the_text(path: Path, tmp_path: Path) -> None:
    with Journal(path) as journal:
        record = journal.begin(with_tree())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE definition SET tree = zeroblob(length(tree))")
    (problem,) = check_journal(path)
    assert "is damaged" in problem.what
    with Journal(path) as journal:
        assert journal.record(record.id).definition == record.definition
        assert journal.record(record.id).definition.tree is None
        journal.begin(with_tree(scan="next"))
        assert journal.record(record.id).definition.tree == record.definition.tree, "the next scan wrote it anew"
    assert check_journal(path) == ()
    assert salvage(path, tmp_path / "new.sqlite").saved == 2


def test_salvage_keeps_it_where_the_list_of_records_is_lost(path: Path, tmp_path: Path) -> None:
    with Journal(path) as journal:
        record = journal.begin(with_tree())
    data = path.read_bytes()
    path.write_bytes(b"\0" * 100 + data[100:])
    salvage(path, tmp_path / "new.sqlite")
    with Journal(tmp_path / "new.sqlite") as journal:
        assert journal.record(record.id).definition.tree == record.definition.tree


def with_tree(scan: str = "scan0001") -> Record:
    record = some_record(scan=scan)
    text, sha256 = record.definition.text, record.definition.sha256
    return replace(record, definition=as_recorded(replace(parse_definition("tomo", text), sha256=sha256), text))
