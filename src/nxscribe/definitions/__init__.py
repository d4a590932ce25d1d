"""Definitions: from the XML and YAML dialects to a tree and back, with includes and overrides.

A file becomes a `Document`, and a document with its includes becomes a `Definition` of `nxscribe.model`.
`load_definition` does both. These modules are used on their own:

- `diagnostics`: collects the problems of a file with their positions
- `file_access`: reads files with limits, and remembers what was read
- `nxdl`: reads what NeXus says of an application definition
- `synonyms`: words that authors use instead of those of the dialects
- `text`: bytes of a file to text, with limits
- `xml_schema`, `yaml_schema`: the schemas that editors use
- `yaml_positions`: reads YAML safely, with the line and column of each value
"""

from nxscribe.definitions._document import Document, FlawedDefinitionError, Include
from nxscribe.definitions._loading import (
    LoadedDefinition,
    definition_text,
    lenient_definition,
    load_definition,
    parse_definition,
    reached_files,
    read_definition,
    with_root,
)
from nxscribe.definitions._placeholder_checks import can_name_placeholder
from nxscribe.definitions._sibling_names import written_names
from nxscribe.definitions._xml_reader import read_xml
from nxscribe.definitions._xml_writer import to_xml
from nxscribe.definitions._yaml_reader import read_yaml
from nxscribe.definitions._yaml_writer import to_yaml
from nxscribe.definitions.yaml_positions import FlawedYamlError, YamlNode, load_yaml

__all__ = [
    "Document",
    "FlawedDefinitionError",
    "FlawedYamlError",
    "Include",
    "LoadedDefinition",
    "YamlNode",
    "can_name_placeholder",
    "definition_text",
    "lenient_definition",
    "load_definition",
    "load_yaml",
    "parse_definition",
    "reached_files",
    "read_definition",
    "read_xml",
    "read_yaml",
    "to_xml",
    "to_yaml",
    "with_root",
    "written_names",
]
