"""Text to tree and back: the XML and YAML dialects of definitions, their composition, and YAML with positions.

A file becomes a `Document`; a document with its includes becomes a `Definition`, which the rest of nxscribe works with.
"""

from nxscribe.definitions.document import Document, FlawedDefinitionError, Include
from nxscribe.definitions.loading import (
    Loaded,
    definition_text,
    load_definition,
    parse_definition,
    reached_files,
    read_definition,
)
from nxscribe.definitions.located import FlawedYamlError, Located, load_located
from nxscribe.definitions.names import written_names
from nxscribe.definitions.xml_reader import read_xml
from nxscribe.definitions.xml_writer import to_xml
from nxscribe.definitions.yaml_reader import read_yaml
from nxscribe.definitions.yaml_writer import to_yaml

__all__ = [
    "Document",
    "FlawedDefinitionError",
    "FlawedYamlError",
    "Include",
    "Loaded",
    "Located",
    "definition_text",
    "load_definition",
    "load_located",
    "parse_definition",
    "reached_files",
    "read_definition",
    "read_xml",
    "read_yaml",
    "to_xml",
    "to_yaml",
    "written_names",
]
