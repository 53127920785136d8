"""The environments and variables of the tables, and how the tables write values."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kschedcore.api.quantity import Quantity
from kschedcore.cel import Duration, Environment, Optional, Timestamp, UInt, base_environment, types
from kschedcore.cel.devices import Device
from kschedcore.cel.functions.network import CIDR, IP
from kschedcore.cel.functions.semver import Semver
from kschedcore.cel.functions.urls import URL
from kschedcore.cel.kubernetes import BINDINGS_LIBRARY
from kschedcore.cel.values import Value, general_text

PREFIXES = {Semver: "sv", IP: "ip", CIDR: "cidr", URL: "url", Quantity: "q"}

ENVIRONMENT: Environment = base_environment().extended(
    {
        "i": types.INT,
        "u": types.UINT,
        "d": types.DOUBLE,
        "s": types.STRING,
        "b": types.BOOL,
        "by": types.BYTES,
        "l": types.list_of(types.INT),
        "ls": types.list_of(types.STRING),
        "m": types.map_of(types.STRING, types.INT),
        "md": types.map_of(types.STRING, types.DYN),
        "x": types.DYN,
        "a": types.ANY,
        "ts": types.TIMESTAMP,
        "dur": types.DURATION,
        "q": types.object_type("kubernetes.Quantity"),
    },
    [BINDINGS_LIBRARY],
)

BINDINGS: Mapping[str, Value] = {
    "i": 3,
    "u": UInt(7),
    "d": 2.5,
    "s": "hello",
    "b": True,
    "by": b"bytes",
    "l": [1, 2, 3],
    "ls": ["a", "b"],
    "m": {"one": 1, "two": 2},
    "md": {"k": "v", "n": 5, "inner": {"z": True}},
    "x": {"f": 1, "list": [1, "two"]},
    "a": "text",
    "ts": Timestamp.parse("2023-02-03T04:05:06.789Z"),
    "dur": Duration(90 * 60 * 10**9),
    "q": Quantity.parse("8"),
}

DEVICE: Device = Device.of(
    "gpu.example.com",
    {
        "attributes": {
            "model": {"string": "a100"},
            "memory": {"int": 80},
            "nvlink": {"bool": True},
            "driverVersion": {"version": "1.2.3"},
            "other.example.com/rack": {"string": "r1"},
        },
        "capacity": {"memory": {"value": "40Gi"}, "cores": {"value": "8"}},
    },
)


def shown(value: Value) -> str:
    """Return how the tables write a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case UInt():
            return f"{int(value)}u"
        case int():
            return str(value)
        case float():
            return f"d:{general_text(value)}"
        case str():
            text = json.dumps(value, ensure_ascii=False)
            return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        case bytes():
            return f"b:{value.hex()}"
        case Duration():
            return f"dur:{value.nanos}"
        case Timestamp():
            return f"ts:{Timestamp(value.nanos)}"
        case Optional():
            return f"opt({shown(value.content)})" if value.has_value else "none"
        case types.Type():
            return f"type:{value.name}"
        case list() | tuple():
            return f"[{', '.join(map(shown, value))}]"
        case Mapping():
            return f"{{{', '.join(sorted(f'{shown(key)}: {shown(each)}' for key, each in value.items()))}}}"
    return f"{PREFIXES[type(value)]}:{value}"
