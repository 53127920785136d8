"""Generate the table of field numbers that ``kschedcore.apiserver.protobuf`` reads, from Kubernetes' .proto files.

Development-time only. It takes the folders of checkouts of k8s.io/api and k8s.io/apimachinery::

    python tools/generate_protobuf.py PATH/TO/api PATH/TO/apimachinery

Only facts are kept: for each message the numbers, names and types of its fields.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "src/kschedcore/api/schema/protobuf.json.gz"
VERSIONS = re.compile(r"/v[12]/generated\.proto$")
PACKAGE = re.compile(r"^package (\S+);", re.MULTILINE)
MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s+(optional|repeated)\s+([\w.]+)\s+(\w+) = (\d+)", re.MULTILINE)
MAP = re.compile(r"^\s+map<(\w+), ([\w.]+)> (\w+) = (\d+)", re.MULTILINE)
SCALARS = {"string", "bytes", "bool", "int32", "int64", "double", "float", "uint32", "uint64"}


def short(name: str) -> str:
    """``.k8s.io.api.core.v1.Pod`` -> ``core.v1.Pod``, as the schema tables name types."""
    for prefix in ("k8s.io.api.", "k8s.io.apimachinery.pkg.apis.", "k8s.io.apimachinery.pkg."):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def resolved(kind: str, package: str) -> str:
    """Return a field's type as the table names it."""
    if kind in SCALARS:
        return kind
    return short(kind.removeprefix(".") if "." in kind else f"{package}.{kind}")


def messages(text: str) -> dict[str, Any]:
    """Return the messages of a .proto file: number -> [name, type, how often]."""
    found = PACKAGE.search(text)
    assert found is not None
    package = found.group(1)
    table: dict[str, Any] = {}
    for name, body in MESSAGE.findall(text):
        fields = {}
        for label, kind, field, number in FIELD.findall(body):
            fields[number] = [field, resolved(kind, package), "list" if label == "repeated" else ""]
        for key, kind, field, number in MAP.findall(body):
            assert key == "string", (name, field)
            fields[number] = [field, resolved(kind, package), "map"]
        table[short(f"{package}.{name}")] = fields
    return table


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", nargs="+", type=Path)
    table: dict[str, Any] = {}
    for folder in parser.parse_args().checkout:
        for file in sorted(folder.rglob("generated.proto")):
            if VERSIONS.search(file.as_posix()) or "/pkg/" in file.as_posix():
                table.update(messages(file.read_text()))
    data = json.dumps(table, sort_keys=True, separators=(",", ":")).encode()
    TARGET.write_bytes(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    main()
