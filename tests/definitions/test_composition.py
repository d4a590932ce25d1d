from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from nxscribe.definitions import LoadedDefinition, definition_text, load_definition, parse_definition
from nxscribe.errors import InputError, Location
from nxscribe.model import Field, Group, Node, Template


class Folder:
    """A folder of definition files, written in short: the root group is added."""

    def __init__(self, path: Path) -> None:
        self.path = path / "definitions"
        self.path.mkdir()

    def xml(self, name: str, inner: str) -> Path:
        return self.raw(name, f'<group NX_class="NXentry" groupName="${{entry}}">\n{inner}\n</group>')

    def raw(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def load(self, *additions: Path) -> LoadedDefinition:
        return load_definition("tomo", self.path / "tomo.xml", additions)

    def refusal(self, *additions: Path) -> str:
        with pytest.raises(InputError) as caught:
            self.load(*additions)
        return str(caught.value).replace(f"{self.path}/", "")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def tree(node: Node) -> object:
    if isinstance(node, Group):
        return {child.name: tree(child) for child in node.children}
    return node.template.text if isinstance(node, Field) else node.target


def test_includes_come_first_and_the_technique_adds_to_them(folder: Folder):
    folder.xml("common/sample.xml", '<group NX_class="NXsample" groupName="sample"><name>${sample}</name></group>')
    folder.raw("common/entry.yaml", "entry(NXentry):\n  title: ${title}\n")
    folder.xml(
        "tomo.xml",
        '<include file="common/entry.yaml"/><include file="common/sample.xml"/>'
        '<group NX_class="NXsample" groupName="sample"><mass>${mass}</mass></group>',
    )
    definition = folder.load().definition
    assert tree(definition.root) == {"title": "${title}", "sample": {"name": "${sample}", "mass": "${mass}"}}
    assert [Path(file).name for file in definition.files] == ["tomo.xml", "entry.yaml", "sample.xml"]
    assert definition.root.groups[0].fields[0].location == Location(str(folder.path / "common/sample.xml"), 2, 47)


def test_includes_are_relative_to_the_including_file(folder: Folder):
    folder.xml("common/all.xml", '<include file="sample/name.xml"/>')
    folder.xml("common/sample/name.xml", '<include file="../unit.xml"/><a>${a}</a>')
    folder.xml("common/unit.xml", "<b>${b}</b>")
    folder.xml("tomo.xml", '<include file="common/all.xml"/>')
    assert tree(folder.load().definition.root) == {"b": "${b}", "a": "${a}"}


def test_a_file_that_is_included_by_two_ways_counts_once(folder: Folder):
    folder.xml("c.xml", "<i0>${a}</i0><i0>${b}</i0>")
    folder.xml("a.xml", '<include file="c.xml"/>')
    folder.xml("b.xml", '<include file="./c.xml"/>')
    folder.xml("tomo.xml", '<include file="a.xml"/><include file="b.xml"/>')
    assert [field.template.text for field in folder.load().definition.root.fields] == ["${a}", "${b}"]


def test_a_beamlines_additions_are_laid_over_the_technique(folder: Folder, tmp_path: Path):
    folder.xml("tomo.xml", "<a>${a}</a><b>${b}</b>")
    addition = tmp_path / "id19.yaml"
    addition.write_text("entry(NXentry):\n  c: ${c}\n  a: {value: fixed, override: true}\n")
    assert tree(folder.load(addition).definition.root) == {"a": "fixed", "b": "${b}", "c": "${c}"}


def test_what_two_files_say_alike_is_said_once(folder: Folder):
    folder.xml("common.xml", '<a NAPItype="NX_INT">${a}</a>')
    folder.xml("tomo.xml", '<include file="common.xml"/>\n\n<a NAPItype="NX_INT">${a}</a>')
    assert len(folder.load().definition.root.children) == 1


def test_siblings_of_one_name_in_one_file_stay_with_a_warning(folder: Folder):
    folder.xml("tomo.xml", '<i0 record="initial">${a}</i0>\n<i0 record="final">${b}</i0>')
    loaded = folder.load()
    assert len(loaded.definition.root.children) == 2
    assert "3:1: warning: another 'i0' in one group; in the file it will be called 'i0_final'" in str(
        loaded.warnings[0]
    )


def test_groups_of_one_name_and_class_are_one_within_a_file_too(folder: Folder):
    folder.xml(
        "tomo.xml",
        '<group NX_class="NXnote" groupName="n"><a>1</a></group>'
        '<group NX_class="NXnote" groupName="n"><b>2</b></group>',
    )
    assert tree(folder.load().definition.root) == {"n": {"a": "1", "b": "2"}}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("<a>${other}</a>", "they differ in value"),
        ('<a units="mm" record="final">${a}</a>', "they differ in unit, phase"),
        ('<link groupName="a" ref="/b"/>', "a link here, a field there"),
        ('<group NX_class="NXnote" groupName="a"/>', "a group here, a field there"),
    ],
)
def test_a_contradiction_names_both_places(folder: Folder, other: str, why: str):
    folder.xml("common.xml", "\n<a>${a}</a>")
    folder.xml("tomo.xml", f'<include file="common.xml"/>\n{other}')
    message = folder.refusal()
    assert message.startswith(f"tomo.xml:3:1: error: 'a' is defined differently in two files; {why}")
    assert "(see also common.xml:3:1)" in message


def test_a_group_of_another_class_contradicts(folder: Folder):
    folder.xml("common.xml", '<group NX_class="NXnote" groupName="a"/>')
    folder.xml("tomo.xml", '<include file="common.xml"/><group NX_class="NXcollection" groupName="a"/>')
    assert "NXcollection here, NXnote there" in folder.refusal()


def test_attributes_contradict_and_override_as_fields_do(folder: Folder):
    folder.xml("common.xml", '<attribute name="default">plot</attribute>')
    folder.xml("tomo.xml", '<include file="common.xml"/><attribute name="default">other</attribute>')
    assert "'default' is defined differently" in folder.refusal()
    folder.xml("tomo.xml", '<include file="common.xml"/><attribute name="default" override="true">other</attribute>')
    assert [one.template.text for one in folder.load().definition.root.attributes] == ["other"]


def test_an_override_takes_the_place_of_all_of_that_name(folder: Folder):
    folder.xml("common.xml", "<i0>${a}</i0><it>${t}</it><i0>${b}</i0>")
    folder.xml("tomo.xml", '<include file="common.xml"/><i0 override="true">${c}</i0>')
    fields = folder.load().definition.root.fields
    assert [(field.name, field.template.text, field.override) for field in fields] == [
        ("i0", "${c}", False),
        ("it", "${t}", False),
    ]


def test_an_override_may_be_of_another_kind(folder: Folder):
    folder.xml("common.xml", '<group NX_class="NXnote" groupName="a"><x>1</x></group><b>${b}</b>')
    folder.xml(
        "tomo.xml",
        '<include file="common.xml"/><group NX_class="NXcollection" groupName="a" override="true"><y>2</y></group>'
        '<link groupName="b" ref="/a/y" override="true"/>',
    )
    assert tree(folder.load().definition.root) == {"a": {"y": "2"}, "b": "/a/y"}


def test_an_override_of_nothing_is_refused_with_the_nearest_name(folder: Folder):
    folder.xml("common.xml", "<energy>${a}</energy>")
    folder.xml("tomo.xml", '<include file="common.xml"/><enrgy override="true">${c}</enrgy>')
    assert "'enrgy' overrides nothing; no other file gives it to this group; did you mean 'energy'?" in folder.refusal()


def test_a_cycle_names_every_place_on_its_way(folder: Folder):
    folder.xml("a.xml", '\n<include file="b.xml"/>')
    folder.xml("b.xml", '\n\n<include file="a.xml"/>')
    folder.xml("tomo.xml", '<include file="a.xml"/>')
    message = folder.refusal()
    assert "b.xml:4:1: error: a.xml includes itself" in message
    assert "(see also tomo.xml:2:1, a.xml:3:1)" in message


def test_a_file_may_not_include_itself(folder: Folder):
    folder.xml("tomo.xml", '<include file="tomo.xml"/>')
    assert "tomo.xml:2:1: error: tomo.xml includes itself" in folder.refusal()


@pytest.mark.parametrize("file", ["../secret.xml", "/etc/passwd", "common/../../secret.xml", "../definitions2/a.xml"])
def test_an_include_stays_in_the_definitions_folder(folder: Folder, file: str):
    folder.xml("../secret.xml", "<secret>1</secret>")
    folder.xml("../definitions2/a.xml", "<secret>1</secret>")
    folder.xml("tomo.xml", f'<include file="{file}"/>')
    assert f"tomo.xml:2:1: error: {file!r} is outside" in folder.refusal()


def test_a_missing_include_is_told_where_it_is_asked_for(folder: Folder):
    folder.xml("common/sample.xml", "<a>1</a>")
    folder.xml("tomo.xml", '<include file="common/sampel.xml"/>')
    message = folder.refusal()
    assert message.startswith("tomo.xml:2:1: error: sampel.xml cannot be read; no such file or directory")
    assert "did you mean 'sample.xml'?" in message


def test_the_problems_of_all_files_are_told_at_once(folder: Folder):
    folder.xml("a.xml", '<x unit="mm">${x}</x>')
    folder.xml("b.xml", "<y>${y</y>")
    folder.xml("tomo.xml", '<include file="a.xml"/><include file="b.xml"/><include file="c.xml"/>')
    message = folder.refusal()
    assert all(f"{file}:2:" in message for file in ("a.xml", "b.xml", "tomo.xml"))


def test_what_is_no_definition_file_is_refused(folder: Folder, tmp_path: Path):
    os.mkfifo(folder.path / "pipe.xml")
    folder.xml("tomo.xml", '<include file="pipe.xml"/><include file="notes.txt"/><include file="common"/>')
    (folder.path / "common").mkdir()
    message = folder.refusal()
    assert "pipe.xml cannot be read; it is not a regular file" in message
    assert "notes.txt is in no known dialect" in message
    with pytest.raises(InputError, match=r"nowhere\.xml cannot be read; no such file"):
        load_definition("tomo", tmp_path / "nowhere.xml")


def test_relative_paths_work_and_are_kept(folder: Folder, monkeypatch: pytest.MonkeyPatch):
    folder.xml("common/a.xml", "<a>${a}</a>")
    folder.xml("tomo.xml", '<include file="common/a.xml"/>')
    monkeypatch.chdir(folder.path)
    assert load_definition("tomo", Path("tomo.xml")).definition.files == ("tomo.xml", "common/a.xml")
    monkeypatch.chdir("/")
    assert folder.load().definition.files[1] == str(folder.path / "common/a.xml")


def test_the_sha256_is_of_what_is_written_not_of_how_it_was_laid_out(folder: Folder, tmp_path: Path):
    folder.xml("common.xml", '<a units="mm" NAPItype="NX_FLOAT">${a}</a>')
    folder.xml("tomo.xml", '<include file="common.xml"/><b>${b}</b>')
    composed = folder.load().definition
    flat = tmp_path / "flat.yaml"
    flat.write_text("# a comment\nentry(NXentry):\n  a(NX_FLOAT): {unit: mm, value: '${a}'}\n  b: ${b}\n")
    same = load_definition("tomo", flat).definition
    assert composed.sha256 == same.sha256
    assert composed.sha256 == hashlib.sha256(definition_text(composed).encode()).hexdigest()
    flat.write_text("entry(NXentry):\n  a(NX_FLOAT): {unit: um, value: '${a}'}\n  b: ${b}\n")
    assert load_definition("tomo", flat).definition.sha256 != composed.sha256


def test_a_recorded_text_gives_the_definition_back(folder: Folder):
    folder.xml("common.xml", '<attribute name="default">n</attribute><a>${a}</a>')
    folder.xml(
        "tomo.xml",
        '<include file="common.xml"/><a override="true">${b}</a><i0>${a}</i0><i0>${b}</i0>'
        '<group NX_class="NXnote" groupName="n"/>',
    )
    definition = folder.load().definition
    again = parse_definition("tomo", definition_text(definition))
    assert (again.name, again.sha256) == ("tomo", definition.sha256)
    assert definition_text(again) == definition_text(definition)
    assert again.placeholders == definition.placeholders == {"a", "b"}


@pytest.mark.parametrize(
    ("inner", "warning"),
    [
        ('<link groupName="a" ref="/sampel"/><sample>x</sample>', "nothing is at /sampel; the link 'a' dangles"),
        ('<link groupName="a" ref="/b"/><link groupName="b" ref="/a"/>', "the link 'a' leads back to itself"),
        ('<link groupName="a" ref="/a"/>', "the link 'a' leads back to itself"),
        ('<attribute name="default">plto</attribute><group NX_class="NXdata" groupName="plot"/>', "'plot'?"),
        (
            '<group NX_class="NXdata" groupName="p"><attribute name="signal">i0</attribute></group>',
            "@signal names 'i0'",
        ),
    ],
)
def test_what_leads_nowhere_is_a_warning(folder: Folder, inner: str, warning: str):
    folder.xml("tomo.xml", inner)
    assert any(warning in str(one) for one in folder.load().warnings)


def test_the_raw_data_of_a_detector_may_be_linked_to(folder: Folder):
    folder.xml(
        "tomo.xml",
        '<group NX_class="NXdetector" groupName="d"/><link groupName="a" ref="/d/data"/><link groupName="b" ref="/a"/>',
    )
    assert folder.load().warnings == ()


def test_the_esrfs_own_file_is_a_definition(esrf_file: Path):
    loaded = load_definition("esrf", esrf_file)
    assert loaded.warnings == ()
    assert len(loaded.definition.placeholders) > 1200
    assert Template("${datasetName}") in [field.template for field in loaded.definition.root.fields]
