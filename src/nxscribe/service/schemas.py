"""The schemas for editors, made from the readers' own tables: `python -m nxscribe.service.schemas FOLDER XML…`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from nxscribe.definitions import read_definition
from nxscribe.definitions.xml_schema import xml_schema
from nxscribe.definitions.yaml_schema import yaml_schema
from nxscribe.model import Field
from nxscribe.service.config.json_schema import config_schema


def schemas(definitions: Iterable[Path]) -> dict[str, str]:
    """Each schema's text by its file's name. The XML schema knows the fields of these definition files by name."""
    nodes = [node for path in definitions for _, node in read_definition(path).root.walk()]
    names = {
        node.name for node in nodes if isinstance(node, Field) and node.name.isidentifier() and node.name.isascii()
    }
    return {
        "config.schema.json": _json(config_schema()),
        "definition.schema.json": _json(yaml_schema()),
        "definition.xsd": xml_schema(names),
    }


def _json(schema: object) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, text in schemas(map(Path, sys.argv[2:])).items():
        (Path(sys.argv[1]) / name).write_text(text, "utf-8")
