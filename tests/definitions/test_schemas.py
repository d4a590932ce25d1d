"""The schemas for editors: they are what the readers say, take all that is shipped, and tell mistakes."""

from __future__ import annotations

import importlib.resources
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.protocols import Validator
from lxml import etree

from nxscribe.cli._shipped import shipped
from nxscribe.definitions import load_yaml, read_definition, to_yaml
from nxscribe.service.schemas import schemas

TOP = Path(__file__).parents[2]
ESRF_FILE = Path(str(importlib.resources.files("icat_esrf_definitions"))) / "hdf5_cfg.xml"
DEFINITIONS = sorted((TOP / "definitions").rglob("*.xml"))
CONFIGS = sorted((TOP / "configs").glob("*.yaml"))


@pytest.fixture(scope="module")
def xsd() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(TOP / "schemas" / "definition.xsd"))


@pytest.fixture(scope="module")
def for_config() -> Validator:
    schema = json.loads((TOP / "schemas" / "config.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture(scope="module")
def for_yaml() -> Validator:
    schema = json.loads((TOP / "schemas" / "definition.schema.json").read_text())
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def mistakes(validator: Validator, text: str) -> list[str]:
    return [error.message for error in validator.iter_errors(load_yaml(text.encode(), "f.yaml").plain())]


def test_they_are_up_to_date() -> None:
    command = "make schemas"
    for name, text in schemas([ESRF_FILE]).items():
        assert (TOP / "schemas" / name).read_text("utf-8") == text, f"make them again: {command}"


def test_they_travel_with_the_program() -> None:
    assert (shipped() / "schemas" / "definition.xsd").exists()


@pytest.mark.parametrize("path", [*DEFINITIONS, ESRF_FILE], ids=lambda path: path.name)
def test_every_shipped_xml_file_and_the_esrfs_own_pass(xsd: etree.XMLSchema, path: Path) -> None:
    xsd.assertValid(etree.parse(path))


@pytest.mark.parametrize(
    "mistake",
    [
        '<group NX_class="sample" groupName="a"/>',
        '<group NX_class="NXsample"/>',
        '<group NX_class="NXsample" groupName="a" unit="mm"/>',
        '<link groupName="a"/>',
        '<energy NAPItype="NX_FLOT">${energy}</energy>',
        '<energy unit="keV">${energy}</energy>',
        '<energy record="end">${energy}</energy>',
        "<energy><name>a</name></energy>",
        '<field name="2theta" NX_units="NX_ANGEL"/>',
    ],
)
def test_the_xml_schema_tells_mistakes(xsd: etree.XMLSchema, mistake: str) -> None:
    entry = '<group NX_class="NXentry" groupName="${{entry}}">{}</group>'
    assert xsd.validate(etree.fromstring(entry.format("<energy>${energy}</energy>")))
    assert not xsd.validate(etree.fromstring(entry.format(mistake)))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_shipped_config_passes(for_config: Validator, path: Path) -> None:
    assert mistakes(for_config, path.read_text()) == []


@pytest.mark.parametrize(
    "mistake",
    [
        "beamlin: a",
        "sources: {a: {tang: a/b/c/d}}",
        "sources: {a: {value: 1, expression: '2'}}",
        "sources: {a b: a/b/c/d}",
        "sources: {a: a//b}",
        "techniques: {tomo: {}}",
        "files: {layout: liked}",
    ],
)
def test_the_configs_schema_tells_mistakes(for_config: Validator, mistake: str) -> None:
    good = {
        "beamline": "beamline: a",
        "data_root": "data_root: b",
        "techniques": "techniques: {t: {definition: t.xml}}",
    }
    assert mistakes(for_config, "\n".join(good.values())) == []
    assert mistakes(for_config, "\n".join([*(text for key, text in good.items() if key not in mistake), mistake]))


@pytest.mark.parametrize(
    "path", [*DEFINITIONS, TOP / "definitions" / "fluo.yaml", ESRF_FILE], ids=lambda path: path.name
)
def test_every_shipped_definition_passes_in_yaml(for_yaml: Validator, path: Path) -> None:
    text = path.read_text() if path.suffix == ".yaml" else to_yaml(read_definition(path))
    assert mistakes(for_yaml, text) == []


@pytest.mark.parametrize(
    "mistake",
    [
        "energy(NX_FLOT): 1",
        "energy(NX_FLOAT): {units: keV}",
        "energy(NX_FLOAT): {record: end}",
        "energy(NX_FLOAT): {unit_category: NX_ENERGIE}",
        "sample(NXsample): {name: {valu: a}}",
        "a: {link: /a, unit: mm}",
        "override: please",
        "sample(NXsample): 1",
    ],
)
def test_the_yaml_schema_tells_mistakes(for_yaml: Validator, mistake: str) -> None:
    good = (
        'energy(NX_FLOAT): {value: "${e}", unit: keV, \\@axis: 1}\n  a: b\n  b: {link: /a}\n  c(link): /a\n  doc: words'
    )
    assert mistakes(for_yaml, f"entry(NXentry):\n  {good}") == []
    assert mistakes(for_yaml, f"entry(NXentry):\n  {mistake}")


@pytest.mark.parametrize("path", [*CONFIGS, *(TOP / "definitions").rglob("*.*")], ids=lambda path: path.name)
def test_every_shipped_file_leads_editors_to_its_schema(path: Path) -> None:
    beginning = path.read_text()[:200]
    found = re.search(r"\$schema=(\S+)|<\?xml-model href=\"(.+?)\"", beginning)
    assert found, beginning
    assert (path.parent / (found[1] or found[2])).is_file()
