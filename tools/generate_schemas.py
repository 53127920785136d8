"""Generate the schema tables that ``kschedcore.api.schema`` ships, from the published OpenAPI schemas.

Development-time only. The schemas come from the PyPI package ``kubernetes-validate``::

    python -m venv /tmp/schemas && /tmp/schemas/bin/pip install kubernetes-validate
    /tmp/schemas/bin/python tools/generate_schemas.py

The published schema says a field's type and how its lists merge. It does not say whether the server keeps
an explicit zero (``replicas: 0`` stays, ``hostNetwork: false`` goes) or which objects are always written
(``resources: {}``); ``tools/schema_facts.json`` beside this script holds those facts.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

VERSION = "v1.36.0"
HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "src/kschedcore/api/schema/kubernetes.json.gz"

# The API groups whose served kinds the tables describe, as OpenAPI names them.
GROUPS = {
    "apps.v1", "autoscaling.v1", "autoscaling.v2", "batch.v1", "coordination.v1", "core.v1", "discovery.v1",
    "events.v1", "networking.v1", "node.v1", "policy.v1", "rbac.v1", "resource.v1", "scheduling.v1",
    "storage.v1",
}  # fmt: skip

SCALARS = {
    ("string", ""): "string",
    ("string", "byte"): "bytes",
    ("string", "date-time"): "time",
    ("boolean", ""): "bool",
    ("integer", ""): "int64",
    ("integer", "int32"): "int32",
    ("integer", "int64"): "int64",
    ("number", "double"): "float64",
    ("number", ""): "float64",
}
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int_or_string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "micro_time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
}
# Keys of associative lists whose default the merge must know (KEP-555); OpenAPI v2 drops defaults.
KEY_DEFAULTS = {"protocol": "TCP"}


def short(name: str) -> str:
    """``io.k8s.api.core.v1.Pod`` -> ``core.v1.Pod``; types of apimachinery are ``meta.v1``, ``runtime``."""
    for prefix in ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg."):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def scalar_type(schema: dict[str, Any]) -> str:
    """The first real type of an OpenAPI ``type``, which may be a list with ``null``."""
    kind = schema.get("type", "object")
    return next(t for t in kind if t != "null") if isinstance(kind, list) else kind


class Generator:
    """Walks the definitions that the served kinds reach and writes each type once."""

    def __init__(self, definitions: dict[str, Any], facts: dict[str, dict[str, Any]]) -> None:
        self.definitions = definitions
        self.facts = facts
        self.types: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}

    def run(self) -> dict[str, Any]:
        """The whole table."""
        roots = []
        for name, schema in sorted(self.definitions.items()):
            for gvk in schema.get("x-kubernetes-group-version-kind", []):
                if short(name).rpartition(".")[0] in GROUPS and not gvk["kind"].endswith("List"):
                    served = (gvk["group"], gvk["version"], gvk["kind"])
                    self.kinds["/".join(filter(None, served))] = short(name)
                    roots.append(name)
        for name in roots:
            self.reach(name)
        self.reach("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")
        return {"version": VERSION, "kinds": self.kinds, "types": dict(sorted(self.types.items()))}

    def reach(self, name: str) -> None:
        """Write the type ``name`` and every type its fields refer to."""
        if short(name) in self.types:
            return
        schema = self.definitions[name]
        required = set(schema.get("required", []))
        fields: dict[str, Any] = {}
        self.types[short(name)] = fields
        for key, value in sorted(schema.get("properties", {}).items()):
            field = self.field(value)
            if key in required:
                field["required"] = True
            presence = self.presence_of(short(name), key, field, key in required)
            if presence:
                field["presence"] = presence
            go_type = self.facts["go_types"].get(f"{short(name)}.{key}")
            if go_type:
                field["go_type"] = go_type
            if key in KEY_DEFAULTS and short(name) in ("core.v1.ContainerPort", "core.v1.ServicePort"):
                field["default"] = KEY_DEFAULTS[key]
            fields[key] = field

    def presence_of(self, owner: str, key: str, field: dict[str, Any], required: bool) -> str:
        """``always`` written, ``null`` when absent, ``pointer`` (kept as sent) or ``""`` (a zero is left out)."""
        for names in (owner, "*"):
            for presence in ("always", "null", "pointer", "omit"):
                if key in self.facts[presence].get(names, []):
                    return "" if presence == "omit" else presence
            if required:
                return "always"
        kind = field["type"]
        if kind == "object":
            served = owner in self.kinds.values()
            return "always" if served and key in ("metadata", "spec", "status") else "pointer"
        return "pointer" if kind in ("int32", "int64", "float64", "int_or_string", "quantity") else ""

    def field(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A field's type with the merge rules that stand beside it."""
        out = self.typed(schema)
        for ours, theirs in (
            ("merge_key", "x-kubernetes-patch-merge-key"),
            ("list_type", "x-kubernetes-list-type"),
            ("map_keys", "x-kubernetes-list-map-keys"),
            ("map_type", "x-kubernetes-map-type"),
        ):
            if theirs in schema:
                out[ours] = schema[theirs]
        if "x-kubernetes-patch-strategy" in schema:
            out["strategies"] = schema["x-kubernetes-patch-strategy"].split(",")
        return out

    def typed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A field's type alone."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in SPECIAL:
                return {"type": SPECIAL[name]}
            target = self.definitions[name]
            if "properties" not in target:
                return self.typed(target) if scalar_type(target) != "object" else {"type": "any"}
            self.reach(name)
            atomic = target.get("x-kubernetes-map-type")
            return {"type": "object", "ref": short(name)} | ({"map_type": atomic} if atomic else {})
        kind = scalar_type(schema)
        if kind == "array":
            return {"type": "list", "items": self.field(schema["items"])}
        if kind == "object":
            if "additionalProperties" in schema:
                return {"type": "map", "items": self.field(schema["additionalProperties"])}
            return {"type": "any"}
        return {"type": SCALARS[kind, schema.get("format", "")]}


def main() -> None:
    """Read the published schemas and write the tables."""
    parser = argparse.ArgumentParser(description="Generate the schema tables of kschedcore.api.schema.")
    parser.add_argument("--schemas", type=Path, help="folder of schemas (default: kubernetes-validate's)")
    schemas = parser.parse_args().schemas
    if schemas is None:
        spec = importlib.util.find_spec("kubernetes_validate")
        if spec is None or spec.origin is None:
            parser.error("install kubernetes-validate, or name a folder with --schemas")
        schemas = Path(spec.origin).parent / "kubernetes-json-schema" / f"{VERSION}-local"
    definitions = json.loads((schemas / "_definitions.json").read_text())["$defs"]
    facts = json.loads((HERE / "schema_facts.json").read_text())
    table = Generator(definitions, facts).run()
    text = json.dumps(table, sort_keys=True, separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    size = TARGET.stat().st_size
    sys.stdout.write(
        f"{TARGET.name}: {len(table['kinds'])} kinds, {len(table['types'])} types, {size} bytes\n"
    )


if __name__ == "__main__":
    main()
