"""Devices at the API server: quota, status of claims, admin access, times of taints (``resource.k8s.io/v1``)."""

from __future__ import annotations

from typing import Any

import pytest

from .server import Server, refusal

CLAIMS = "resourceclaims"
PER_CLASS = "gpu.deviceclass.resource.k8s.io/devices"
ADMIN = {"resource.kubernetes.io/admin-access": "true"}


@pytest.fixture
def server() -> Server:
    server = Server()
    server.create(
        "deviceclasses", {"metadata": {"name": "gpu"}, "spec": {"extendedResourceName": "example.com/gpu"}}
    )
    return server


def claim(*requests: dict[str, Any], name: str = "c") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"devices": {"requests": list(requests)}}}


def exactly(name: str = "r", **request: Any) -> dict[str, Any]:
    return {"name": name, "exactly": {"deviceClassName": "gpu", **request}}


def first_of(*alternatives: dict[str, Any]) -> dict[str, Any]:
    named = [
        {"name": f"a{index}", "deviceClassName": "gpu", **each} for index, each in enumerate(alternatives)
    ]
    return {"name": "f", "firstAvailable": named}


def limited(server: Server, **hard: str) -> None:
    names = {name.replace("__", "/"): limit for name, limit in hard.items()}
    server.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": names}}, "ns")
    server.settle()


class TestQuota:
    """KEP-4381: claims count, and so do their devices in the worst case; KEP-5004: as extended resources, too."""

    @pytest.mark.parametrize(
        ("requests", "devices"),
        [
            ([exactly()], 1),
            ([exactly(count=3), exactly("s")], 4),
            ([exactly(allocationMode="All")], 32),
            ([first_of({"count": 2}, {"count": 5})], 5),
            ([first_of({"count": 2}), exactly(count=2)], 4),
        ],
    )
    @pytest.mark.parametrize(
        "resource",
        [PER_CLASS, "requests.example.com/gpu", "requests.deviceclass.resource.kubernetes.io/gpu"],
    )
    def test_devices_are_charged_per_class(
        self, server: Server, resource: str, requests: list[dict[str, Any]], devices: int
    ) -> None:
        limited(server, **{resource: str(devices - 1)})
        error = refusal(lambda: server.create(CLAIMS, claim(*requests), "ns"))
        assert error.code == 403
        assert f"requested: {resource}={devices}, used: {resource}=0" in error.message

    def test_the_controller_counts_what_exists(self, server: Server) -> None:
        server.create(CLAIMS, claim(exactly(count=2)), "ns")
        limited(
            server,
            **{PER_CLASS: "9", "count/resourceclaims.resource.k8s.io": "9", "requests.example.com/gpu": "9"},
        )
        used = server.get("resourcequotas", "ns", "q")["status"]["used"]
        assert used == {
            PER_CLASS: "2",
            "count/resourceclaims.resource.k8s.io": "1",
            "requests.example.com/gpu": "2",
        }

    def test_a_claim_for_a_pods_extended_resources_is_not_charged_twice(self, server: Server) -> None:
        limited(server, **{"requests.example.com/gpu": "3"})
        limits = {"limits": {"example.com/gpu": "2"}}
        body = {
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": "i", "resources": limits}]},
        }
        pod = server.create("pods", body, "ns")
        made = claim(exactly(count=2), name="extended")
        made["metadata"] |= {
            "annotations": {"resource.kubernetes.io/extended-resource-claim": "true"},
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": "p",
                    "uid": pod["metadata"]["uid"],
                    "controller": True,
                }
            ],
        }
        server.create(CLAIMS, made, "ns")
        assert server.get("resourcequotas", "ns", "q")["status"]["used"] == {"requests.example.com/gpu": "2"}


DEVICE = {"driver": "d.example.com", "pool": "p", "device": "dev"}
CONDITION = {"type": "Ready", "status": "True", "reason": "Set", "lastTransitionTime": "2026-01-01T00:00:00Z"}
CONSUMER = {"resource": "pods", "name": "p", "uid": "u"}


def allocated(**result: Any) -> dict[str, Any]:
    return {"allocation": {"devices": {"results": [{"request": "r", **DEVICE, **result}]}}}


class TestClaimStatus:
    """``ValidateResourceClaimStatusUpdate``."""

    @pytest.mark.parametrize(
        ("status", "field", "message"),
        [
            ({"reservedFor": [CONSUMER]}, "status.reservedFor",
             "Forbidden: may not be specified when `allocated` is not set"),
            ({**allocated(), "reservedFor": [{**CONSUMER, "uid": ""}]}, "status.reservedFor[0].uid", "Required value"),
            ({**allocated(), "reservedFor": [CONSUMER, CONSUMER]}, "status.reservedFor[1]", 'Duplicate value: "u"'),
            (allocated(request="other"), "status.allocation.devices.results[0].request",
             'Invalid value: "other": must be the name of a request in the claim or the name of a request and a '
             "subrequest separated by '/'"),
            (allocated(shareID="X"), "status.allocation.devices.results[0].shareID",
             'Invalid value: "X": must be a lowercase UUID in 8-4-4-4-12 format'),
            ({"devices": [DEVICE]}, "status.devices[0]",
             "Invalid value: d.example.com/p/dev: must be an allocated device in the claim"),
            ({**allocated(), "devices": [DEVICE, DEVICE]}, "status.devices[1]",
             "Duplicate value: d.example.com/p/dev"),
            ({**allocated(), "devices": [{**DEVICE, "conditions": [{**CONDITION, "reason": ""}]}]},
             "status.devices[0].conditions[0].reason", "Required value"),
            ({**allocated(), "devices": [{**DEVICE, "networkData": {"ips": ["10.0.0.1"]}}]},
             "status.devices[0].networkData.ips[0]",
             'Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'),
            ({**allocated(), "devices": [{**DEVICE, "networkData": {"ips": ["2001:DB8::1/64"]}}]},
             "status.devices[0].networkData.ips[0]",
             'Invalid value: "2001:DB8::1/64": must be in canonical form ("2001:db8::1/64")'),
        ],
    )  # fmt: skip
    def test_one_fault(self, server: Server, status: dict[str, Any], field: str, message: str) -> None:
        found = server.create(CLAIMS, claim(exactly()), "ns")
        error = refusal(lambda: server.update(CLAIMS, {**found, "status": status}, "ns", "status"))
        assert error.details is not None
        assert [(each["field"], each["message"]) for each in error.details["causes"]] == [(field, message)]

    def test_an_allocation_does_not_change_once_it_is_set(self, server: Server) -> None:
        found = server.create(CLAIMS, claim(exactly()), "ns")
        devices = [
            {**DEVICE, "conditions": [CONDITION], "data": {"x": 1}, "networkData": {"ips": ["10.0.0.1/24"]}}
        ]
        found = server.update(
            CLAIMS,
            {**found, "status": {**allocated(), "reservedFor": [CONSUMER], "devices": devices}},
            "ns",
            "status",
        )
        error = refusal(
            lambda: server.update(CLAIMS, {**found, "status": allocated(device="o")}, "ns", "status")
        )
        assert error.details is not None
        assert [each["field"] for each in error.details["causes"]] == ["status.allocation"]
        assert server.update(CLAIMS, {**found, "status": {}}, "ns", "status")["status"] == {}


class TestAdminAccess:
    """KEP-5018: only namespaces with the label have claims and results with admin access."""

    def test_of_claims(self, server: Server) -> None:
        error = refusal(lambda: server.create(CLAIMS, claim(exactly(adminAccess=True)), "ns"))
        assert error.details is not None
        assert error.details["causes"][0]["field"] == "spec.devices.requests[0].adminAccess"
        server.create("namespaces", {"metadata": {"name": "admin", "labels": ADMIN}})
        server.create(CLAIMS, claim(exactly(adminAccess=True)), "admin")

    def test_of_results(self, server: Server) -> None:
        found = server.create(CLAIMS, claim(exactly()), "ns")
        status = allocated(adminAccess=True)
        error = refusal(lambda: server.update(CLAIMS, {**found, "status": status}, "ns", "status"))
        assert error.details is not None
        assert error.details["causes"][0]["field"] == "status.allocation.devices.results[0].adminAccess"


def test_a_taint_without_a_time_gets_that_of_the_request(server: Server) -> None:
    """``SetDefaults_DeviceTaint``."""
    taints = [
        {"key": "a", "effect": "NoExecute"},
        {"key": "b", "effect": "NoExecute", "timeAdded": "2020-01-01T00:00:00Z"},
    ]
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 1}
    spec = {
        "driver": "d.example.com",
        "pool": pool,
        "nodeName": "n",
        "devices": [{"name": "dev", "taints": taints}],
    }
    made = server.create("resourceslices", {"metadata": {"name": "s"}, "spec": spec})
    times = [taint["timeAdded"] for taint in made["spec"]["devices"][0]["taints"]]
    assert times == [made["metadata"]["creationTimestamp"], "2020-01-01T00:00:00Z"]
