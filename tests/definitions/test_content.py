"""The shipped definitions and configs: what scientists read as examples must be exemplary."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from nxscribe.cli._shipped import shipped
from nxscribe.definitions import (
    definition_text,
    load_definition,
    parse_definition,
    read_definition,
    read_xml,
    read_yaml,
    to_xml,
    to_yaml,
)
from nxscribe.model import Definition, Field, Group, Link, Template, units
from nxscribe.model.nexus_types import kind
from nxscribe.plan import BUILT_IN
from nxscribe.service.beamline import load_beamline
from nxscribe.service.config import load_config

TOP = Path(__file__).parents[2]
FOLDER = shipped() / "definitions"
TECHNIQUES = sorted(path.name for path in FOLDER.glob("*.*"))
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.*"))
NXDL = Path(str(importlib.resources.files("nexusformat"))) / "definitions"
NS = "{http://definition.nexusformat.org/nxdl/3.1}"


@cache
def definition(file: str) -> Definition:
    path = FOLDER / file
    loaded = load_definition(path.stem, path)
    assert loaded.warnings == ()
    return loaded.definition


def nodes(root: Group, path: str = "") -> Iterator[tuple[str, Group, Field]]:
    """Every field with its path and its group."""
    for child in root.children:
        if isinstance(child, Group):
            yield from nodes(child, f"{path}/{child.name}")
        elif isinstance(child, Field):
            yield f"{path}/{child.name}", root, child


def test_the_techniques_are_there():
    names = ["fluo.yaml", "holo.xml", "mrt.xml", "mx.xml", "ptycho.xml", "saxs.xml", "scan.xml", "tomo.xml"]
    assert names == TECHNIQUES


def test_what_mxcube_tells_has_a_field_in_the_technique_that_its_page_names():
    page = (TOP / "docs/how-to/mxcube.md").read_text()
    told = set(re.findall(r"`(MX_\w+)`", page))
    assert told == set(re.findall(r'"(MX_\w+)"', (TOP / "src/nxscribe/integrations/mxcube.py").read_text()))
    assert told <= definition("mx.xml").placeholders


@pytest.mark.parametrize("page", ["mxcube.md", "metadata-manager.md"])
def test_the_technique_for_crystallography_compiles_as_a_page_writes_it(page: str, tmp_path: Path):
    (lines,) = re.findall(
        r"^```\n(techniques:\n.*?)^```$", (TOP / "docs/how-to" / page).read_text(), re.MULTILINE | re.DOTALL
    )
    config = tmp_path / "sim.yaml"
    own = lines.replace("definitions/mx.xml", str(FOLDER / "mx.xml"))
    config.write_text(f"beamline: sim\ndata_root: .\n{own}")
    beamline = load_beamline(load_config(config))
    assert list(beamline.plans) == ["mx"]
    assert not [str(warning) for warning in beamline.warnings if "MX" in str(warning)]


@pytest.mark.parametrize("config", ["sim.yaml", "id16a.yaml", "id17.yaml"])
def test_every_config_compiles_without_a_word_of_complaint(config: str):
    assert load_beamline(load_config(shipped() / "configs" / config)).warnings == ()


@pytest.mark.parametrize("file", FILES)
def test_every_placeholder_is_explained(file: str):
    """But for what nxscribe knows by itself."""
    silent = [
        path
        for path, _, field in nodes(read_definition(FOLDER / file).root)
        if not BUILT_IN.issuperset(field.template.placeholders) and not field.description and field.name != "name"
    ]
    assert silent == []


@pytest.mark.parametrize("file", TECHNIQUES)
def test_every_technique_leads_to_a_plot_of_its_own(file: str):
    plot = definition(file).root
    while plot.nx_class != "NXdata":
        default = next(one.template.text for one in plot.attributes if one.name == "default")
        plot = next(group for group in plot.groups if group.name == default)
    names = {one.name: one.template.text for one in plot.attributes}
    assert names["signal"] in {child.name for child in plot.children}
    assert set(names.get("axes", "").split()) - {"."} <= {child.name for child in plot.children}


@pytest.mark.parametrize("file", TECHNIQUES)
def test_every_technique_shows_its_frames(file: str):
    links = [node for _, node in definition(file).root.walk() if isinstance(node, Link)]
    assert "/instrument/detector01/data" in [link.target for link in links]


@pytest.mark.parametrize("file", TECHNIQUES)
def test_a_title_reads_sample_and_scan(file: str):
    title = next(field for field in definition(file).root.fields if field.name == "title")
    assert title.template == Template("${sampleName} - ${scanName}")


@pytest.mark.parametrize("file", TECHNIQUES)
def test_every_definition_survives_its_record(file: str):
    original = definition(file)
    again = parse_definition(original.name, definition_text(original))
    assert again.sha256 == original.sha256
    assert again.placeholders == original.placeholders


@pytest.mark.parametrize("file", FILES)
def test_every_file_converts_into_the_other_dialect_and_back(file: str):
    document = read_definition(FOLDER / file)
    through_yaml = read_yaml(to_yaml(document).encode(), "f.yaml")
    through_xml = read_xml(to_xml(document).encode(), "f.xml")
    assert to_xml(through_yaml) == to_xml(through_xml) == to_xml(document)


def test_a_beamlines_addition_may_override_a_common_part():
    path = FOLDER / "holo.xml"
    loaded = load_definition("holo", path, [FOLDER / "beamlines" / "id16a.xml"])
    crystal = next(field for where, _, field in nodes(loaded.definition.root) if where.endswith("crystal/type"))
    assert crystal.template.text == "multilayer ${multilayer_position}"
    assert loaded.warnings == ()


@cache
def nxdl_fields(nx_class: str) -> dict[str, tuple[str, str, list[str]]]:
    """The fields that the NeXus standard has for a class: type, unit category, allowed values."""
    files = [NXDL / folder / f"{nx_class}.nxdl.xml" for folder in ("base_classes", "applications")]
    root = etree.parse(next(file for file in files if file.exists())).getroot()
    return {
        field.get("name", ""): (
            field.get("type", "NX_CHAR"),
            field.get("units", ""),
            [item.get("value", "") for item in field.iter(f"{NS}item")],
        )
        for field in root.iterchildren(f"{NS}field")
    }


@pytest.mark.parametrize("file", [*TECHNIQUES, "beamlines/id16a.xml"])
def test_fields_that_nexus_knows_have_its_types_units_and_values(file: str):
    root = read_definition(FOLDER / file).root if "/" in file else definition(file).root
    for path, group, field in nodes(root):
        nx_type, category, values = nxdl_fields(group.nx_class).get(field.name, ("", "", []))
        if not nx_type:
            continue
        assert kind(field.type) in {kind(nx_type), *({"float", "integer"} if nx_type == "NX_NUMBER" else ())}, path
        if category and field.units:
            assert units.fits(field.units, category), f"{path} is in {field.units}, NeXus says {category}"
        if values and not field.template.placeholders and field.name != "definition":
            assert field.template.text in values, path


@pytest.mark.parametrize("file", TECHNIQUES)
def test_units_are_spelled_as_they_will_be_in_the_file(file: str):
    for path, _, field in nodes(definition(file).root):
        assert field.units == units.written("", field.units), path
        assert units.is_known(field.units), path


def test_tomo_has_what_nxtomo_asks_for():
    root = definition("tomo.xml").root
    paths = {path for path, _ in root.walk()}
    link = next(node for path, node in root.walk() if path == "/instrument/detector")
    assert isinstance(link, Link)
    assert link.target == "/instrument/detector01"
    assert paths >= {
        "/definition",
        "/instrument/detector01/image_key",
        "/sample/name",
        "/sample/rotation_angle",
        "/data/data",
        "/data/rotation_angle",
        "/data/image_key",
    }
