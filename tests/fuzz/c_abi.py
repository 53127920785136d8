"""Mutated objects through the C ABI: taken, or refused with a status other than INTERNAL and a message of one line."""

from __future__ import annotations

import ctypes
import random
from typing import Any

from tests.bindings import abi
from tests.bindings.abi import call, last_error, new_engine
from tests.fuzz._mutations import as_text, mutated

NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n", "labels": {"zone": "a"}},
    "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]},
    "status": {
        "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"},
        "images": [{"names": ["i"], "sizeBytes": 5}],
    },
}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default", "labels": {"app": "a"}},
    "spec": {
        "nodeName": "n",
        "priority": 3,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}],
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
    },
}
OTHERS = [
    {"kind": "Namespace", "metadata": {"name": "default", "labels": {"a": "b"}}},
    {"kind": "Service", "metadata": {"name": "s"}, "spec": {"selector": {"app": "a"}}},
    {
        "kind": "PersistentVolume",
        "metadata": {"name": "v"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "x"},
    },
]


def run(seed: int) -> None:
    """Run one case."""
    source = random.Random(seed)
    engine = new_engine()
    try:
        assert call("set_object", engine, as_text(NODE).encode()) == abi.OK
        for _ in range(10):
            text = as_text(mutated(source.choice([NODE, POD, *OTHERS]), source)).encode()
            _checked(call("set_object", engine, text))
        explained = ctypes.c_char_p()
        unbound = {**POD, "spec": {**POD["spec"], "nodeName": ""}}
        pod = as_text(mutated(unbound, source)).encode()
        if _checked(call("explain", engine, pod, ctypes.pointer(explained))) == abi.OK:
            call("text_free", explained, returns=None)
    finally:
        call("engine_free", engine, returns=None)


def _checked(status: int) -> int:
    assert status != abi.INTERNAL, last_error()
    if status != abi.OK:
        assert last_error()
        assert "\n" not in last_error()
    return status
