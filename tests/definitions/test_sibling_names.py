from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.definitions import written_names
from nxscribe.model import Field, Group, Node, Phase, Template


def named(*names: str | tuple[str, Phase | None]) -> Group:
    pairs = [(name, None) if isinstance(name, str) else name for name in names]
    children: list[Node] = [Field(name, Template("x"), record=phase) for name, phase in pairs]
    return Group("measurement", "NXcollection", children=tuple(children))


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (named("a", "b"), ("a", "b")),
        (named(("i0", Phase.INITIAL), ("i0", Phase.FINAL)), ("i0", "i0_final")),
        (named(("i0", None), ("i0", Phase.INITIAL)), ("i0", "i0_initial")),
        (named("id", "id", "id"), ("id", "id_2", "id_3")),
        (named(("i0", None), ("i0", Phase.FINAL), ("i0", Phase.FINAL)), ("i0", "i0_final", "i0_2")),
        (named(("i0", None), ("i0", Phase.FINAL), "i0_final"), ("i0", "i0_2", "i0_final")),
        (named("id", "id", "id_2"), ("id", "id_3", "id_2")),
    ],
)
def test_siblings_of_one_name_are_told_apart_by_phase_or_number(group: Group, names: tuple[str, ...]):
    assert written_names(group) == names


phases = st.sampled_from([None, *Phase])


@given(st.lists(st.tuples(st.sampled_from(["i0", "i0_final", "i0_2", "it"]), phases), max_size=8))
def test_every_child_gets_a_name_of_its_own_and_the_first_keeps_its(pairs: list[tuple[str, Phase | None]]):
    names = written_names(named(*pairs))
    assert len(set(names)) == len(pairs)
    for index, (name, _) in enumerate(pairs):
        if name not in [earlier for earlier, _ in pairs[:index]]:
            assert names[index] == name


def test_twenty_thousand_siblings_of_one_name_are_told_apart_at_once():
    names = written_names(named(*["id"] * 20_000))
    assert names[-1] == "id_20000"
