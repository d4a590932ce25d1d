"""The config as a JSON Schema: what an editor can know of it. `nxscribe check` knows more."""

from __future__ import annotations

from typing import Any

from nxscribe.service.config.schema import ORIGINS, ConfigForm


def config_schema() -> dict[str, Any]:
    """The form's own schema, with the short forms of sources, and with names that are no names refused."""
    schema = ConfigForm.model_json_schema()
    forms = schema["$defs"]
    tango = forms["SourceForm"]["properties"]["tango"]["anyOf"]
    source = {"anyOf": [*tango, {"$ref": "#/$defs/SourceForm"}]}
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
