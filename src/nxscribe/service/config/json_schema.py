"""The config as a JSON Schema for editors. `nxscribe check` finds more errors."""

from __future__ import annotations

from typing import Any

from nxscribe.service.config._schema import ORIGINS, SHORT_FORM, ConfigForm


def config_schema() -> dict[str, Any]:
    """The schema of the pydantic form, with the short forms of sources, and without names that are not valid."""
    schema = ConfigForm.model_json_schema()
    forms = schema["$defs"]
    short = [one for one in forms["SourceForm"]["properties"][SHORT_FORM]["anyOf"] if one != {"type": "null"}]
    source = {"anyOf": [*short, {"$ref": "#/$defs/SourceForm"}]}
    forms["SourceForm"]["oneOf"] = [{"required": [origin]} for origin in ORIGINS]
    for properties in (schema["properties"], forms["TechniqueForm"]["properties"]):
        patterns = properties["sources"]["patternProperties"]
        properties["sources"]["patternProperties"] = dict.fromkeys(patterns, source)
    for properties in (schema["properties"], *(form["properties"] for form in forms.values())):
        for told in properties.values():
            if "patternProperties" in told:
                told["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "A beamline's config of nxscribe",
    }
