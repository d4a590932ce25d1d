"""The entry's tree, before there is any file."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from some_scans import DEFINITION, ended, reading, started

from nxscribe.definitions import parse_definition
from nxscribe.model import Field, Reading
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, SoftLinkNode
from nxscribe.projections.nexus.tree import Tree, build_tree
from nxscribe.records import Record


def tree_of(inside: str, root: Path, **given: object) -> Tree:
    """The tree of a scan that is over, with a definition of these parts."""
    text = f'<group NX_class="NXentry" groupName="${{entry}}">{inside}</group>'
    record = started(root, text=text)
    record = replace(record, given={name: reading(value) for name, value in given.items()})
    return build_tree(parse_definition("tomo", text), ended(record))


def group(inside: str, name: str = "g", nx_class: str = "NXcollection") -> str:
    return f'<group NX_class="{nx_class}" groupName="{name}">{inside}</group>'


def link(name: str, target: str) -> str:
    return f'<link groupName="{name}" ref="{target}"/>'


def target(tree: Tree, path: str) -> str:
    node = tree.entry.find(path)
    assert isinstance(node, SoftLinkNode)
    return node.target


def test_links_lead_to_fields_groups_and_other_links_in_any_order(data_root: Path) -> None:
    tree = tree_of(
        link("first", "/second") + link("second", "/g/x") + link("third", "/g") + group("<x>1</x>"), data_root
    )
    assert {name: tree.entry.children[name] for name in ("first", "second", "third")} == {
        "first": SoftLinkNode("/entry_0001/g/x"),
        "second": SoftLinkNode("/entry_0001/g/x"),
        "third": SoftLinkNode("/entry_0001/g"),
    }
    assert tree.missing == {}


def test_what_links_lead_to_names_itself_as_the_target(data_root: Path) -> None:
    tree = tree_of(link("first", "/second") + link("second", "/g/x") + group("<x>1</x>"), data_root)
    assert str(tree.entry.find("g/x").attributes["target"]) == "/entry_0001/g/x"


def test_a_ring_of_links_leads_nowhere(data_root: Path) -> None:
    tree = tree_of(link("a", "/b") + link("b", "/a") + link("c", "/c"), data_root)
    assert tree.missing == {
        "a": "the link's target b is not in the entry",
        "b": "the link's target a is not in the entry",
        "c": "the link's target c is not in the entry",
    }


def test_a_link_through_a_linked_group_is_followed(data_root: Path) -> None:
    tree = tree_of(link("g2", "/g") + link("y", "/g2/x") + group("<x>1</x>"), data_root)
    assert tree.entry.children["y"] == SoftLinkNode("/entry_0001/g/x")
    assert str(tree.entry.find("g/x").attributes["target"]) == "/entry_0001/g/x"


def test_a_group_whose_parts_are_all_missing_is_not_written_and_links_to_it_dangle(data_root: Path) -> None:
    tree = tree_of(group(group("<x>${nowhere}</x>", "inner"), "outer") + link("l", "/outer"), data_root)
    assert tree.entry.find("outer") is None
    assert set(tree.missing) == {"outer/inner/x", "l"}


def test_a_group_that_the_definition_leaves_empty_is_written(data_root: Path) -> None:
    assert isinstance(tree_of(group(""), data_root).entry.find("g"), GroupNode)


def test_a_group_that_holds_but_a_link_is_written(data_root: Path) -> None:
    tree = tree_of("<x>1</x>" + group(link("l", "/x")), data_root)
    assert tree.entry.find("g/l") == SoftLinkNode("/entry_0001/x")


def test_siblings_of_one_name_are_told_apart(data_root: Path) -> None:
    tree = tree_of('<i0 record="initial">${sx}</i0><i0 record="final">${current}</i0>', data_root)
    assert {"i0", "i0_final"} <= set(tree.entry.children)


def test_the_name_of_nxscribes_own_account_is_not_the_definitions(data_root: Path) -> None:
    tree = tree_of(group("<x>1</x>", "nxscribe"), data_root)
    assert tree.missing == {"nxscribe": "the name is that of nxscribe's own account of the scan"}
    assert tree.entry.find("nxscribe/x") is None
    assert isinstance(tree.entry.find("nxscribe/record_id"), FieldNode)


def test_attributes_are_filled_as_fields_are(data_root: Path) -> None:
    inside = '<attribute name="version">${v}</attribute><attribute name="lost">${nowhere}</attribute><x>1</x>'
    tree = tree_of(group(inside), data_root, v="1.3")
    assert str(tree.entry.find("g").attributes["version"]) == "1.3"
    assert set(tree.missing) == {"g@lost"}


def test_title_and_times_are_given_where_the_definition_has_none(data_root: Path) -> None:
    tree = tree_of("<x>1</x>", data_root)
    assert str(tree.entry.find("title").value) == "bone - scan0001"
    assert {"start_time", "end_time"} <= set(tree.entry.children)


def test_a_default_that_names_no_plot_is_dropped_and_the_first_plot_taken(data_root: Path) -> None:
    plot = '<attribute name="signal">y</attribute><y NAPItype="NX_NUMBER">1 2 3</y>'
    inside = '<attribute name="default">nowhere</attribute>' + group(group(plot, "p", "NXdata"), "m")
    tree = tree_of(inside, data_root)
    assert tree.missing == {"@default": "nowhere is not a plot and does not lead to one"}
    assert str(tree.entry.attributes["default"]) == "m"
    assert str(tree.entry.find("m").attributes["default"]) == "p"


def test_a_default_of_the_definition_stands_where_it_leads_to_a_plot(data_root: Path) -> None:
    plot = '<attribute name="signal">y</attribute><y NAPItype="NX_NUMBER">1 2 3</y>'
    inside = '<attribute name="default">q</attribute>' + group(plot, "p", "NXdata") + group(plot, "q", "NXdata")
    assert str(tree_of(inside, data_root).entry.attributes["default"]) == "q"


@pytest.mark.parametrize("axes", ["x .", "x, .", "[x, .]", "x:."])
def test_axes_may_be_written_as_lists_are(axes: str, data_root: Path) -> None:
    inside = f'<attribute name="signal">y</attribute><attribute name="axes">{axes}</attribute>'
    inside += '<y NAPItype="NX_NUMBER">${y}</y><x NAPItype="NX_NUMBER">1 2 3</x>'
    plot = tree_of(group(inside, "p", "NXdata"), data_root, y=[[1, 2], [3, 4], [5, 6]]).entry.find("p")
    assert plot.attributes["axes"].tolist() == ["x", "."]
    assert plot.attributes["x_indices"] == 0


def test_an_axis_of_more_dimensions_than_it_runs_along_is_dropped(data_root: Path) -> None:
    inside = '<attribute name="signal">y</attribute><attribute name="axes">x</attribute>'
    inside += '<y NAPItype="NX_NUMBER">${y}</y><x NAPItype="NX_NUMBER">${x}</x>'
    tree = tree_of(group(inside, "p", "NXdata"), data_root, y=[1, 2], x=[[1, 2], [3, 4]])
    assert "axes" not in tree.entry.find("p").attributes
    assert "has the shape (2, 2)" in tree.missing["p@axes"]


def test_an_axis_of_two_dimensions_runs_along_both(data_root: Path) -> None:
    inside = '<attribute name="signal">y</attribute><attribute name="axes">x .</attribute>'
    inside += '<attribute name="x_indices">0, 1</attribute>'
    inside += '<y NAPItype="NX_NUMBER">${y}</y><x NAPItype="NX_NUMBER">${y}</x>'
    plot = tree_of(group(inside, "p", "NXdata"), data_root, y=[[1, 2], [3, 4]]).entry.find("p")
    assert plot.attributes["x_indices"].tolist() == [0, 1]
    assert plot.attributes["axes"].tolist() == ["x", "."]


def test_more_axes_than_the_signal_has_dimensions_are_reported(data_root: Path) -> None:
    inside = '<attribute name="signal">y</attribute><attribute name="axes">x z</attribute>'
    inside += "".join(f'<{name} NAPItype="NX_NUMBER">1 2</{name}>' for name in "xyz")
    tree = tree_of(group(inside, "p", "NXdata"), data_root)
    assert tree.entry.find("p").attributes["axes"].tolist() == ["x"]
    assert tree.missing == {"p@axes": "z is beyond the signal's dimensions"}


def test_a_single_value_has_no_axes(data_root: Path) -> None:
    inside = '<attribute name="signal">y</attribute><attribute name="axes">x</attribute>'
    inside += '<y NAPItype="NX_NUMBER">1</y><x NAPItype="NX_NUMBER">1</x>'
    tree = tree_of(group(inside, "p", "NXdata"), data_root)
    assert "axes" not in tree.entry.find("p").attributes
    assert "p@axes" in tree.missing


PARSED = parse_definition("tomo", DEFINITION)
FIELDS = {path.lstrip("/") for path, node in PARSED.root.walk() if isinstance(node, Field)}
NAMES = sorted(PARSED.placeholders)
OUTCOMES = st.sampled_from(["value", "error", "text", "absent"])


def outcome(record: Record, how: str) -> Reading:
    if how == "error":
        return Reading("a/b/c/d", record.start_time, error="no answer")
    return reading("text" if how == "text" else 1.5)


@given(
    initial=st.dictionaries(st.sampled_from(NAMES), OUTCOMES),
    final=st.dictionaries(st.sampled_from(NAMES), OUTCOMES),
    is_over=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_field_is_in_the_file_or_listed_with_a_reason(
    data_root: Path, initial: dict[str, str], final: dict[str, str], *, is_over: bool
) -> None:
    record = started(data_root)
    first = {name: outcome(record, how) for name, how in initial.items() if how != "absent"}
    last = {name: outcome(record, how) for name, how in final.items() if how != "absent"}
    record = replace(record, initial=replace(record.initial, readings=first))
    if is_over:
        record = ended(record)
        record = replace(record, final=replace(record.final, readings=last))
    tree = build_tree(PARSED, record)
    written = {path for path, node in tree.entry.walk() if isinstance(node, FieldNode)}
    for path in FIELDS:
        assert (path in written) + (path in tree.missing) + (path in tree.pending) == 1
    assert all(tree.missing.values())
    assert all(tree.pending.values())
    assert not (is_over and tree.pending)


@pytest.mark.parametrize("step", [1, -1])
def test_a_chain_of_thousands_of_links_leads_to_its_end_from_each_link(data_root: Path, step: int) -> None:
    names = [f"l{number}" for number in range(3000)][::step]
    chain = "".join(link(name, f"/{following}") for name, following in itertools.pairwise([*names, "x"]))
    tree = tree_of(chain + "<x>1</x>", data_root)
    assert tree.missing == {}
    # HDF5 gives up after 16 links in a row.
    assert {target(tree, name) for name in names} == {"/entry_0001/x"}


def test_links_within_empty_groups_fill_them_for_the_links_that_lead_to_these(data_root: Path) -> None:
    hollow = "".join(
        f'<group NX_class="NXcollection" groupName="g{number}">{link("on", f"/g{number + 1}")}</group>'
        for number in range(50)
    )
    last = f'<group NX_class="NXcollection" groupName="g50">{link("back", "/g0")}{link("end", "/x")}</group>'
    tree = tree_of(hollow + last + "<x>1</x>", data_root)
    assert tree.missing == {}
    assert target(tree, "g0/on") == "/entry_0001/g1"
    assert target(tree, "g50/back") == "/entry_0001/g0"


@pytest.mark.parametrize(
    ("values", "is_axis"), [("1 2", False), ("1 2 3", True), ("0 1 2 3", True), ("1 2 3 4 5", False)]
)
def test_an_axis_has_as_many_values_as_the_signal_or_one_more_for_the_edges_of_bins(
    values: str, *, is_axis: bool, data_root: Path
) -> None:
    inside = '<attribute name="signal">y</attribute><attribute name="axes">x</attribute>'
    inside += f'<y NAPItype="NX_INT">1 2 3</y><x NAPItype="NX_INT">{values}</x>'
    tree = tree_of(group(inside, "p", "NXdata"), data_root)
    assert ("axes" in tree.entry.find("p").attributes) is is_axis
    assert ("p@axes" in tree.missing) is not is_axis
