"""Write the Helm chart's values.schema.json, from its values.yaml and the declarations in `superscaling/settings.py`.

make helm-schema
"""

import json
from dataclasses import fields
from typing import Any

import yaml

from superscaling.settings import ROOT, Settings, environment_variable

CHART = ROOT / "deploy" / "helm" / "image-super-scaling"
SCHEMA = CHART / "values.schema.json"
# Maps whose keys are Kubernetes' or the operator's.
OPEN = {
    "resources",
    "annotations",
    "labels",
    "podLabels",
    "podAnnotations",
    "podSecurityContext",
    "nodeSelector",
    "affinity",
}
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def describe() -> str:
    """Return the schema: a value has the type of its default, and no name is allowed that values.yaml lacks."""
    values: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = _of(values)
    schema["properties"]["settings"] = _of_settings()
    # `helm` adds it where the chart is a part of another one.
    schema["properties"]["global"] = {"type": "object"}
    return (
        json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **schema}, indent=2, ensure_ascii=False)
        + "\n"
    )


def _of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"type": TYPES[type(value)]}
    properties = {name: {"type": "object"} if name in OPEN else _of(each) for name, each in value.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _of_settings() -> dict[str, Any]:
    properties = {}
    for each in fields(Settings):
        told = each.metadata
        described: dict[str, Any] = {"description": f"{told['sentence']} ({told['unit']})", "default": told["default"]}
        properties[environment_variable(each.name)] = _type_of(each.default) | described
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _type_of(default: object) -> dict[str, Any]:
    """A number may be written as a text, as in the environment, and a list as a list."""
    match default:
        case int():
            return {"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+$"}
        case float():
            return {"type": ["number", "string"], "exclusiveMinimum": 0, "pattern": r"^[0-9]+(\.[0-9]+)?$"}
        case tuple():
            return {"type": ["string", "array"], "items": {"type": "string"}}
    return {"type": "string"}


if __name__ == "__main__":
    SCHEMA.write_text(describe())
