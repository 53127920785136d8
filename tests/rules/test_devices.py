"""Objects of resource.k8s.io/v1: their defaults, and faults with the field that the API server names."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kschedcore.errors import ManifestError
from kschedcore.manifests.creating import created_object

Json = dict[str, Any]


def claim(*requests: Json, **devices: Any) -> Json:
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": "c", "namespace": "default"},
        "spec": {"devices": {"requests": list(requests), **devices}},
    }


def exactly(name: str = "r", **fields: Any) -> Json:
    return {"name": name, "exactly": {"deviceClassName": "gpu", **fields}}


def devices(*found: Json, **spec: Any) -> Json:
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": "s"},
        "spec": {
            "driver": "d.example.com",
            "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
            "nodeName": "n",
            "devices": list(found),
            **spec,
        },
    }


def test_requests_ask_for_exactly_one_device_by_default() -> None:
    one = {"allocationMode": "ExactCount", "count": 1}
    made = created_object(
        claim(
            exactly("a", tolerations=[{"key": "k"}]),
            exactly("b", allocationMode="All"),
            {"name": "c", "firstAvailable": [{"name": "x", "deviceClassName": "gpu"}]},
        )
    )
    assert made is not None
    a, b, c = made["spec"]["devices"]["requests"]
    assert a["exactly"] == {
        "deviceClassName": "gpu",
        "tolerations": [{"key": "k", "operator": "Equal"}],
        **one,
    }
    assert b["exactly"] == {"deviceClassName": "gpu", "allocationMode": "All"}
    assert c["firstAvailable"] == [{"name": "x", "deviceClassName": "gpu", **one}]


def test_a_claim_template_gets_the_defaults_of_claims() -> None:
    template = {**claim(), "kind": "ResourceClaimTemplate", "spec": {"spec": claim(exactly())["spec"]}}
    made = created_object(template)
    assert made is not None
    assert made["spec"]["spec"]["devices"]["requests"][0]["exactly"]["count"] == 1


DEVICE: Json = {"name": "dev", "attributes": {"model": {"string": "a"}}}
VALID = [
    claim(exactly(), constraints=[{"matchAttribute": "d.example.com/numa", "requests": ["r"]}]),
    claim(exactly(), config=[{"opaque": {"driver": "d.example.com", "parameters": {"a": 1}}}]),
    claim(exactly(selectors=[{"cel": {"expression": 'device.driver == "d.example.com"'}}])),
    devices(DEVICE, {"name": "other", "taints": [{"key": "k", "effect": "NoExecute"}]}),
    devices({**DEVICE, "nodeName": "n"}, nodeName=None, perDeviceNodeSelection=True),
    devices(
        {
            **DEVICE,
            "allowMultipleAllocations": True,
            "capacity": {
                "memory": {
                    "value": "8",
                    "requestPolicy": {"default": "2", "validRange": {"min": "1", "max": "7", "step": "1"}},
                }
            },
        }
    ),
]


@pytest.mark.parametrize("valid", VALID, ids=range(len(VALID)))
def test_valid_objects(valid: Json) -> None:
    assert created_object(copy.deepcopy(valid)) is not None


@pytest.mark.parametrize(
    ("invalid", "path"),
    [
        (claim({"name": "r"}), "spec.devices.requests[0]"),
        (claim(exactly("R!")), "spec.devices.requests[0].name"),
        (claim(exactly(), exactly()), "spec.devices.requests[1]"),
        (claim(exactly(deviceClassName="")), "spec.devices.requests[0].exactly.deviceClassName"),
        (claim(exactly(count=-1)), "spec.devices.requests[0].exactly.count"),
        (claim(exactly(allocationMode="All", count=2)), "spec.devices.requests[0].exactly.count"),
        (claim(exactly(allocationMode="Some")), "spec.devices.requests[0].exactly.allocationMode"),
        (
            claim(exactly(selectors=[{"cel": {"expression": "device.nothing"}}])),
            "spec.devices.requests[0].exactly.selectors[0].cel.expression",
        ),
        (claim(exactly(selectors=[{}])), "spec.devices.requests[0].exactly.selectors[0].cel"),
        (
            claim(exactly(tolerations=[{"operator": "Exists", "value": "x"}])),
            "spec.devices.requests[0].exactly.tolerations[0].value",
        ),
        (claim(exactly(), constraints=[{}]), "spec.devices.constraints[0]"),
        (
            claim(exactly(), constraints=[{"matchAttribute": "numa"}]),
            "spec.devices.constraints[0].matchAttribute",
        ),
        (
            claim(exactly(), constraints=[{"matchAttribute": "d/numa", "requests": ["none"]}]),
            "spec.devices.constraints[0].requests[0]",
        ),
        (claim(exactly(), config=[{}]), "spec.devices.config[0].opaque"),
        (devices(DEVICE, driver="D_"), "spec.driver"),
        (devices(DEVICE, DEVICE), "spec.devices[1]"),
        (devices(DEVICE, nodeName=None), "spec"),
        (devices(DEVICE, allNodes=True), "spec"),
        (devices({"name": "dev", "attributes": {"m": {}}}), "spec.devices[0].attributes[m]"),
        (devices({"name": "dev", "attributes": {"m": {"version": "1"}}}), "spec.devices[0].attributes[m].version"),
        (devices({"name": "dev", "taints": [{"key": "k"}]}), "spec.devices[0].taints[0].effect"),
        (devices({**DEVICE, "nodeName": "n"}), "spec.devices[0]"),
        (devices({**DEVICE, "bindingConditions": ["ready"]}), "spec.devices[0].bindingFailureConditions"),
        (
            devices({"name": "dev", "capacity": {"m": {"value": "1", "requestPolicy": {"default": "1"}}}}),
            "spec.devices[0].capacity[m].requestPolicy",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_invalid_objects(invalid: Json, path: str) -> None:
    with pytest.raises(ManifestError) as caught:
        created_object(invalid)
    assert caught.value.path == path
