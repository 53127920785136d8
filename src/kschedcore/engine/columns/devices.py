"""Devices as an Arrow table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kschedcore.engine.devices.claims import full_name
from kschedcore.engine.devices.usage import key_of_result

if TYPE_CHECKING:
    from kschedcore.engine.devices.inventory import DeviceKey
    from kschedcore.engine.devices.state import Devices

__all__ = ["DEVICE_SCHEMA", "device_table"]

_TAINT = pa.struct([("key", pa.string()), ("value", pa.string()), ("effect", pa.string())])

DEVICE_SCHEMA = pa.schema(
    [
        ("driver", pa.string()),
        ("pool", pa.string()),
        ("device", pa.string()),
        ("generation", pa.int64()),
        ("node", pa.string()),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("capacity", pa.map_(pa.string(), pa.string())),
        ("taints", pa.list_(_TAINT)),
        ("shared", pa.bool_()),
        ("claims", pa.list_(pa.string())),
        ("pods", pa.list_(pa.string())),
    ]
)
"""Schema of :func:`device_table`. ``node`` is null for a device that several nodes may use; ``claims`` and ``pods``
(as ``namespace/name``) are those that it is allocated to, admin access included."""


def device_table(devices: Devices) -> pa.Table:
    """Return a row for each published device, by driver, pool and slice, in the order published."""
    holders: dict[DeviceKey, list[tuple[str, list[str]]]] = {}
    for _, claim in sorted(devices.claims.items()):
        allocation = claim.status.allocation
        namespace = claim.metadata.namespace or "default"
        pods = [f"{namespace}/{each.name}" for each in claim.status.reserved_for or ()]
        for result in (allocation.devices.results if allocation is not None else None) or ():
            holders.setdefault(key_of_result(result), []).append((full_name(claim), pods))
    rows: list[dict[str, Any]] = []
    for device in devices.inventory.devices():
        spec, published = device.spec, device.slice.spec
        held = holders.get(device.key, [])
        rows.append(
            {
                "driver": device.key[0],
                "pool": device.key[1],
                "device": device.key[2],
                "generation": published.pool.generation,
                "node": spec.node_name if published.per_device_node_selection else published.node_name,
                "attributes": [
                    (name, _shown(each)) for name, each in sorted((spec.attributes or {}).items())
                ],
                "capacity": [(name, str(each.value)) for name, each in sorted((spec.capacity or {}).items())],
                "taints": [
                    {"key": taint.key, "value": taint.value, "effect": taint.effect}
                    for taint in spec.taints or ()
                ],
                "shared": device.shared,
                "claims": list(dict.fromkeys(claim for claim, _ in held)),
                "pods": list(dict.fromkeys(pod for _, pods in held for pod in pods)),
            }
        )
    return pa.Table.from_pylist(rows, DEVICE_SCHEMA)


def _shown(attribute: Any) -> str:
    for kind in ("string", "int", "bool", "version"):
        value = getattr(attribute, f"{kind}_value")
        if value is not None:
            return str(value).lower() if isinstance(value, bool) else str(value)
    return ""
