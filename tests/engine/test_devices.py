"""Devices: what no recording covers, with the proposal that each rule comes from."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import node, pod

from kschedcore import Engine
from kschedcore.cli.decisions import placements
from kschedcore.cli.explain import devices as shown
from kschedcore.errors import ConfigError
from kschedcore.manifests.manifests import Manifests

Json = dict[str, Any]

DRIVER = "gpu.example.com"
CLASS = {"kind": "DeviceClass", "metadata": {"name": "gpu"}, "spec": {}}


def slice_of(owner: str, *devices: Json, driver: str = DRIVER, **spec: Any) -> Json:
    """A pool of one slice, local to a node."""
    pool = {"name": owner, "generation": 1, "resourceSliceCount": 1}
    return {
        "kind": "ResourceSlice",
        "metadata": {"name": f"{owner}-{driver}"},
        "spec": {"driver": driver, "nodeName": owner, "pool": pool, "devices": list(devices), **spec},
    }


def claim(
    name: str, owner: str | None = None, *, constraints: list[Json] | None = None, **exactly: Any
) -> Json:
    """A claim with one request, ``r``."""
    request = {"name": "r", "exactly": {"deviceClassName": "gpu", **exactly}}
    owners = [{"apiVersion": "v1", "kind": "Pod", "name": owner, "uid": owner, "controller": True}]
    metadata: Json = {"name": name, "namespace": "default", "uid": f"uid-{name}"}
    if owner is not None:
        metadata = {**metadata, "ownerReferences": owners}
    devices = {"requests": [request], "constraints": constraints or []}
    return {"kind": "ResourceClaim", "metadata": metadata, "spec": {"devices": devices}}


def user(name: str, *claims: str, **spec: Any) -> Json:
    """A pod that uses claims by name."""
    named = [{"name": each, "resourceClaimName": each} for each in claims]
    return pod(name, meta={"uid": name}, resourceClaims=named, **spec)


def cluster(*objects: Json, nodes: tuple[str, ...] = ("a", "b"), **options: Any) -> Engine:
    engine = Engine(**options)
    for name in nodes:
        engine.set_node(node(name))
    for each in (CLASS, *objects):
        engine.set_object(each)
    return engine


def allocated(engine: Engine) -> dict[str, list[str]]:
    """Claim -> the devices that it holds."""
    return {
        each.metadata.name: [
            f"{result.pool}/{result.device}" for result in each.status.allocation.devices.results or ()
        ]
        for each in engine.claims()
        if each.status.allocation is not None
    }


class TestPlacement:
    def test_each_pod_gets_a_device_of_its_own_until_none_is_left(self) -> None:
        claims = [claim(f"c{i}") for i in range(3)]
        engine = cluster(slice_of("a", {"name": "d0"}, {"name": "d1"}), *claims)
        decisions = engine.schedule([user(f"p{i}", f"c{i}") for i in range(3)])
        assert [each.node for each in decisions] == ["a", "a", None]
        assert allocated(engine) == {"c0": ["a/d0"], "c1": ["a/d1"]}
        assert "cannot allocate all claims" in decisions[2].message

    def test_a_shared_claim_holds_its_pods_to_its_node(self) -> None:
        engine = cluster(slice_of("a", {"name": "d0"}), claim("c"), nodes=("a", "b", "c"))
        assert [each.node for each in engine.schedule([user("p", "c"), user("q", "c")])] == ["a", "a"]
        [held] = engine.claims()
        assert [each.name for each in held.status.reserved_for or ()] == ["p", "q"]
        assert engine.explain(user("r", "c")).to_step()["rejected"]["b"]["reasons"] == [
            "resourceclaim not available on the node"
        ]

    def test_devices_that_come_later_are_seen(self) -> None:
        engine = cluster(slice_of("a"), claim("c"))
        assert engine.decide(user("p", "c")).node is None
        engine.set_object(slice_of("b", {"name": "d0"}))
        assert engine.decide(user("p", "c")).node == "b"

    def test_a_pool_that_is_being_updated_gives_no_device(self) -> None:
        incomplete = slice_of("a", {"name": "d0"})
        incomplete["spec"]["pool"]["resourceSliceCount"] = 2
        engine = cluster(incomplete, claim("c"))
        assert engine.decide(user("p", "c")).node is None


def test_a_timeout_of_bindings_needs_its_gate() -> None:
    """ValidateDynamicResourcesArgs, KEP-5007."""
    args = {"name": "DynamicResources", "args": {"bindingTimeout": "60s"}}
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"pluginConfig": [args]}],
    }
    Engine(config=config)
    problem = "DRADeviceBindingConditions or DRAResourceClaimDeviceStatus feature gate is disabled"
    with pytest.raises(ConfigError, match=f'plugin "DynamicResources": bindingTimeout: Forbidden: {problem}'):
        Engine(config=config, feature_gates={"DRADeviceBindingConditions": False})


class TestUndo:
    def test_a_question_leaves_no_claim_allocated(self) -> None:
        engine = cluster(slice_of("a", {"name": "d0"}), claim("c"))
        before = engine.claims()
        assert engine.decide(user("p", "c")).node == "a"
        with engine.what_if() as what_if:
            what_if.schedule([user("p", "c")])
            assert allocated(what_if) == {"c": ["a/d0"]}
        assert engine.claims() == before
        assert engine.devices()["claims"].to_pylist() == [[]]

    def test_a_slice_that_is_removed_in_a_question_comes_back(self) -> None:
        engine = cluster(slice_of("a", {"name": "d0"}), claim("c"))
        with engine.what_if() as what_if:
            what_if.remove_object("ResourceSlice", f"a-{DRIVER}")
            assert what_if.decide(user("p", "c")).node is None
        assert engine.decide(user("p", "c")).node == "a"

    def test_a_pod_that_is_not_bound_after_all_gives_its_device_back(self) -> None:
        engine = cluster(slice_of("a", {"name": "d0"}), claim("c"))
        [decision] = engine.schedule([user("p", "c")])
        assert engine.forget_pod(decision.pod)
        assert allocated(engine) == {}
        assert engine.claims()[0].status.reserved_for is None

    def test_what_the_cluster_has_confirmed_stays_allocated(self) -> None:
        engine = cluster(slice_of("a", {"name": "d0"}), claim("c"))
        engine.schedule([user("p", "c")])
        results = [{"request": "r", "driver": DRIVER, "pool": "a", "device": "d0"}]
        status = {"allocation": {"devices": {"results": results}}}
        engine.set_object({**claim("c"), "status": status})
        engine.remove_pod("p")
        assert allocated(engine) == {"c": ["a/d0"]}


class TestFeatures:
    def test_devices_with_taints_need_a_toleration(self) -> None:
        """KEP-5055."""
        tainted = {"name": "d0", "taints": [{"key": "broken", "effect": "NoSchedule"}]}
        tolerant = claim("tolerant", tolerations=[{"key": "broken", "operator": "Exists"}])
        engine = cluster(slice_of("a", tainted), claim("c"), tolerant)
        assert engine.decide(user("p", "c")).node is None
        assert engine.decide(user("p", "tolerant")).node == "a"

    def test_v1_34_ignores_taints(self) -> None:
        tainted = {"name": "d0", "taints": [{"key": "broken", "effect": "NoSchedule"}]}
        engine = cluster(slice_of("a", tainted), claim("c"), kubernetes="1.34")
        assert engine.decide(user("p", "c")).node == "a"

    def test_admin_access_takes_devices_that_are_in_use_and_holds_none(self) -> None:
        """KEP-5018."""
        engine = cluster(slice_of("a", {"name": "d0"}), claim("c"), claim("admin", adminAccess=True))
        engine.schedule([user("p", "c"), user("q", "admin")])
        assert allocated(engine) == {"c": ["a/d0"], "admin": ["a/d0"]}

    def test_without_the_gate_a_claim_with_admin_access_is_an_error(self) -> None:
        """KEP-5018 ``adminAccess``."""
        gates = {"DRAAdminAccess": False}
        engine = cluster(slice_of("a", {"name": "d0"}), claim("c", adminAccess=True), feature_gates=gates)
        [made] = engine.schedule([user("p", "c")])
        problem = "request r: admin access is requested, but the feature is disabled"
        assert made.message == f'running "DynamicResources" filter plugin: claim default/c, {problem}'
        assert made.diagnosis is not None
        assert made.diagnosis.pre_filter is not None
        assert made.diagnosis.pre_filter.code == "Error"

    def test_without_the_gate_a_claim_with_alternatives_is_an_error(self) -> None:
        """KEP-4816 ``firstAvailable``."""
        wanted = claim("c")
        request = {"name": "r", "firstAvailable": [{"name": "s", "deviceClassName": "gpu"}]}
        wanted["spec"]["devices"]["requests"] = [request]
        engine = cluster(slice_of("a", {"name": "d0"}), wanted, feature_gates={"DRAPrioritizedList": False})
        [made] = engine.schedule([user("p", "c")])
        problem = "request r: has subrequests, but the DRAPrioritizedList feature is disabled"
        assert problem in made.message

    def test_partitions_of_a_device_share_its_counters(self) -> None:
        """KEP-4815."""
        draws = [{"counterSet": "board", "counters": {"memory": {"value": "6Gi"}}}]
        parts = slice_of(
            "a", {"name": "d0", "consumesCounters": draws}, {"name": "d1", "consumesCounters": draws}
        )
        counters = slice_of(
            "a", sharedCounters=[{"name": "board", "counters": {"memory": {"value": "10Gi"}}}]
        )
        counters["metadata"]["name"] = "counters"
        for each in (parts, counters):
            each["spec"]["pool"]["resourceSliceCount"] = 2
        del counters["spec"]["devices"]
        engine = cluster(parts, counters, claim("c0"), claim("c1"))
        assert [each.node for each in engine.schedule([user("p", "c0"), user("q", "c1")])] == ["a", None]

    def test_shares_of_a_device_add_up_to_its_capacity(self) -> None:
        """KEP-5075."""
        policy = {"default": "4Gi", "validRange": {"min": "2Gi", "step": "2Gi"}}
        shared = {
            "name": "d0",
            "allowMultipleAllocations": True,
            "capacity": {"memory": {"value": "10Gi", "requestPolicy": policy}},
        }
        claims = [claim(f"c{i}", capacity={"requests": {"memory": "3Gi"}}) for i in range(3)]
        engine = cluster(slice_of("a", shared), *claims)
        decisions = engine.schedule([user(f"p{i}", f"c{i}") for i in range(3)])
        assert [each.node for each in decisions] == ["a", "a", None]
        allocation = engine.claims()[0].status.allocation
        assert allocation is not None
        [result] = allocation.devices.results or ()
        assert result.consumed_capacity == {"memory": "4Gi"}
        assert result.share_id

    def test_a_class_serves_an_extended_resource(self) -> None:
        """KEP-5004."""
        engine = cluster(slice_of("a", {"name": "d0"}))
        engine.set_object({**CLASS, "spec": {"extendedResourceName": "example.com/gpu"}})
        wanting = pod("p", meta={"uid": "p"})
        wanting["spec"]["containers"][0]["resources"]["requests"]["example.com/gpu"] = "1"
        assert engine.schedule([wanting])[0].node == "a"
        [made] = engine.claims()
        assert [each.name for each in made.metadata.owner_references or ()] == ["p"]
        assert engine.decide({**wanting, "metadata": {"name": "q", "uid": "q"}}).node is None

    def test_a_claim_whose_device_failed_to_bind_is_deallocated(self) -> None:
        """KEP-5007: ``bindingFailureConditions``."""
        result = {"request": "r", "driver": DRIVER, "pool": "a", "device": "d0"}
        conditions = {"bindingConditions": ["Ready"], "bindingFailureConditions": ["Failed"]}
        device = {**{key: result[key] for key in ("driver", "pool", "device")}, "conditions": [
            {"type": "Failed", "status": "True"}
        ]}  # fmt: skip
        status = {"allocation": {"devices": {"results": [{**result, **conditions}]}}, "devices": [device]}
        engine = cluster(slice_of("a", {"name": "d0"}), {**claim("c"), "status": status})
        [decision] = engine.schedule([user("p", "c")])
        assert decision.node is None
        assert "deallocation of ResourceClaim completed" in decision.message
        assert allocated(engine) == {}

    def test_a_faulty_selector_ends_the_cycle_and_names_the_claim(self) -> None:
        """KEP-4381: errors of CEL are errors of the cycle, not rejections."""
        selectors = [{"cel": {"expression": "device.attributes['x'].missing == 1"}}]
        claims = [claim(f"c{i}", selectors=selectors) for i in range(2)]
        engine = cluster(slice_of("a", {"name": "d0"}), *claims)
        for i in range(2):
            decision = engine.decide(user("p", f"c{i}"))
            assert decision.node is None
            assert f"claim default/c{i}: selector #0: CEL runtime error: no such key" in decision.message

    @pytest.mark.parametrize(("kind", "node_of"), [("matchAttribute", "b"), ("distinctAttribute", "a")])
    def test_constraints_across_devices(self, kind: str, node_of: str) -> None:
        """KEP-4381 ``matchAttribute``, KEP-5075 ``distinctAttribute``."""
        different = [{"name": f"d{i}", "attributes": {"numa": {"int": i}}} for i in range(2)]
        same = [{"name": f"d{i}", "attributes": {"numa": {"int": 0}}} for i in range(2)]
        wanted = claim("c", count=2, constraints=[{kind: f"{DRIVER}/numa"}])
        engine = cluster(slice_of("a", *different), slice_of("b", *same), wanted)
        assert engine.decide(user("p", "c")).node == ("b" if kind == "matchAttribute" else "a") == node_of


def test_devices_are_a_table() -> None:
    device = {
        "name": "d0",
        "attributes": {"model": {"string": "x"}},
        "capacity": {"memory": {"value": "1Gi"}},
    }
    engine = cluster(slice_of("a", device, {"name": "d1"}), claim("c"))
    engine.schedule([user("p", "c")])
    first, second = engine.devices().to_pylist()
    assert (first["driver"], first["pool"], first["device"], first["node"]) == (DRIVER, "a", "d0", "a")
    assert dict(first["attributes"]) == {"model": "x"}
    assert (first["claims"], first["pods"]) == (["default/c"], ["default/p"])
    assert second["claims"] == []


def test_pods_with_claims_alike_share_a_compiled_class() -> None:
    claims = [claim(f"c{i}", f"p{i}") for i in range(4)]
    engine = cluster(slice_of("a", *({"name": f"d{i}"} for i in range(4))), *claims)
    pods = [
        pod(
            f"p{i}",
            meta={"uid": f"p{i}"},
            resourceClaims=[{"name": "own", "resourceClaimTemplateName": "t"}],
            status={"resourceClaimStatuses": [{"name": "own", "resourceClaimName": f"c{i}"}]},
        )
        for i in range(4)
    ]
    assert [each.node for each in engine.schedule(pods)] == ["a"] * 4
    held = [device for devices in allocated(engine).values() for device in devices]
    assert sorted(held) == [f"a/d{i}" for i in range(4)]


def test_capacity_counts_by_devices() -> None:
    engine = cluster(slice_of("a", {"name": "d0"}, {"name": "d1"}, {"name": "d2"}), claim("own", "p"))
    replica = pod(
        "p",
        meta={"uid": "p"},
        resourceClaims=[{"name": "own", "resourceClaimTemplateName": "t"}],
        status={"resourceClaimStatuses": [{"name": "own", "resourceClaimName": "own"}]},
    )
    before = engine.claims()
    assert engine.capacity(replica).replicas == 3
    assert engine.capacity(replica, limit=2).replicas == 2
    engine.schedule([replica])
    capacity = engine.capacity(replica)
    assert (capacity.replicas, capacity.limiting) == (2, {"cannot allocate all claims": 2})
    assert len(engine.claims()) == len(before) == 1


def test_pending_pods_of_manifests_get_the_claims_of_their_templates() -> None:
    template = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": "t"},
        "spec": {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu"}}]}}},
    }
    version = {"apiVersion": "resource.k8s.io/v1"}
    waiting = pod("p", resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "t"}])
    manifests = Manifests.from_objects(
        [node("a"), {**version, **CLASS}, {**version, **slice_of("a", {"name": "d0"})}, template, waiting]
    )
    engine = Engine(manifests)
    assert [each.node for each in engine.schedule(manifests.pending)] == ["a"]
    assert allocated(engine) == {"p-gpu": ["a/d0"]}


def test_a_decision_lists_its_devices_and_a_wide_table_shows_them() -> None:
    engine = cluster(slice_of("a", {"name": "d0"}), claim("c"))
    decisions = engine.schedule([user("p", "c"), pod("q")])
    assert [each.devices for each in decisions] == [(f"{DRIVER}/a/d0",), ()]
    table = placements(decisions, wide=True, show_headers=True).splitlines()
    assert [line.split()[-1] for line in table] == ["DEVICES", f"{DRIVER}/a/d0", "<none>"]


def test_an_explanation_names_the_request_that_fails_and_why() -> None:
    tainted = {"name": "d1", "taints": [{"key": "broken", "effect": "NoSchedule"}]}
    selectors = [{"cel": {"expression": "has(device.attributes['gpu.example.com'].model)"}}]
    engine = cluster(
        slice_of("a", {"name": "d0"}, tainted), claim("c"), claim("d"), claim("e", selectors=selectors)
    )
    engine.schedule([user("p", "c")])
    assert engine.explain(user("q", "d")).devices == {
        "a": [
            "claim default/d, request r: 0 of 2 devices suit, 1 needed: "
            "1 in use by claim default/c, 1 with untolerated taint broken:NoSchedule"
        ],
        "b": ["claim default/d, request r: 0 of 0 devices suit, 1 needed"],
    }
    assert shown(engine.explain(user("q", "d")), every=False).startswith(
        "a: claim default/d, request r: 0 of 2"
    )
    assert "1 not selected by selector #0 of the request" in engine.explain(user("q", "e")).devices["a"][0]
