"""Warnings about valid but unlikely units of quantities: thousandths of a byte, millions of cores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from kschedcore.api.quantity import value as value_of
from kschedcore.manifests.workloads import WORKLOAD_KINDS

__all__ = ["suspicious_units"]

_BYTES: Final = ("memory", "ephemeral-storage")
_LARGE: Final = ("k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def suspicious_units(whole: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each request or limit of a pod or a workload whose unit looks wrong, with its path."""
    spec, path = whole.get("spec") or {}, "spec"
    if whole.get("kind") in WORKLOAD_KINDS | {"DaemonSet"}:
        spec, path = ((spec.get("template") or {}).get("spec") or {}), "spec.template.spec"
    elif whole.get("kind") != "Pod":
        return
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            for side in ("requests", "limits"):
                amounts = (container.get("resources") or {}).get(side) or {}
                for name, value in amounts.items():
                    if meaning := _meaning(name, str(value)):
                        yield f"{path}.{field}[{index}].resources.{side}.{name}: {meaning}"


def _meaning(resource: str, value: str) -> str:
    if resource in _BYTES and value.endswith("m"):
        return f"{value} is thousandths of a byte; did you mean {value[:-1]}Mi?"
    if resource == "cpu" and value.endswith(_LARGE):
        number = value.rstrip("kKMGTPEi")
        with suppress(ValueError):  # which validation reports
            return f"{value} is {value_of(value):,} cores; did you mean {number}m?"
    return ""
