"""Rules about devices that the recordings do not reach, each as small as it can be."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.model import Kubernetes, ReferenceScheduler
from tests.model.quantity import canonical

Json = dict[str, Any]

DRIVER = "gpu.example.com"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONSTRAINT_BROKEN = "because a claim constraint would not be satisfied"


def node(name: str, **allocatable: str) -> Json:
    resources = {"cpu": "8", "memory": "8Gi", "pods": "110", **allocatable}
    return {"metadata": {"name": name, "labels": {"zone": name[-1]}}, "status": {"allocatable": resources}}


def device(name: str, **fields: Any) -> Json:
    return {"name": name, **fields}


def with_attribute(name: str, **values: str) -> Json:
    return device(name, attributes={key: {"string": value} for key, value in values.items()})


def resource_slice(name: str, *devices: Json, pool: Json | None = None, **where: Any) -> Json:
    whole = {"name": "pool", "generation": 1, "resourceSliceCount": 1, **(pool or {})}
    place = where or {"allNodes": True}
    spec = {"driver": DRIVER, "pool": whole, "devices": list(devices), **place}
    return {"metadata": {"name": name}, "spec": spec}


def exactly(name: str = "r", **fields: Any) -> Json:
    return {"name": name, "exactly": {"deviceClassName": "gpu", **fields}}


def one_of(name: str, *alternatives: Json) -> Json:
    named = [{"name": f"s{i}", "deviceClassName": "gpu", **each} for i, each in enumerate(alternatives)]
    return {"name": name, "firstAvailable": named}


def claim(name: str, *requests: Json, constraints: tuple[Json, ...] = (), **status: Any) -> Json:
    devices = {"requests": list(requests), "constraints": list(constraints)}
    metadata = {"name": name, "namespace": "default", "uid": name}
    return {"metadata": metadata, "spec": {"devices": devices}, "status": status}


def result(name: str, pool: str = "pool", **fields: Any) -> Json:
    return {"request": "r", "driver": DRIVER, "pool": pool, "device": name, **fields}


def allocated(name: str, *results: Json, users: tuple[str, ...] = (), **fields: Any) -> Json:
    devices = fields.pop("devices", None)
    status: Json = {
        "allocation": {"devices": {"results": list(results)}, **fields},
        "reservedFor": [{"resource": "pods", "name": user, "uid": user} for user in users],
    }
    return {**claim(name, exactly()), "status": {**status, "devices": devices or []}}


def pod(name: str, *claims: str, **requests: str) -> Json:
    container = {"name": "c", "resources": {"requests": {"cpu": "1", **requests}}}
    references = [{"name": each, "resourceClaimName": each} for each in claims]
    return {
        "metadata": {"name": name, "namespace": "default", "uid": name},
        "spec": {"containers": [container], "resourceClaims": references},
    }


def device_class(name: str = "gpu", **spec: Any) -> Json:
    return {"metadata": {"name": name}, "spec": spec}


def scheduler(
    *objects: Json,
    claims: tuple[Json, ...] = (),
    nodes: tuple[Json, ...] = (node("n0"),),
    classes: tuple[Json, ...] = (device_class(),),
    kubernetes: Kubernetes = "1.36",
    now: datetime | None = None,
) -> ReferenceScheduler:
    cluster = {
        "nodes": list(nodes),
        "deviceClasses": list(classes),
        "resourceSlices": list(objects),
        "resourceClaims": list(claims),
    }
    return ReferenceScheduler(cluster, kubernetes=kubernetes, now=now)


def devices_of(step: Json, name: str = "c") -> list[str]:
    return [each["device"] for each in step["allocations"][name]["devices"]]


def reason(step: Json, name: str = "n0") -> str:
    (only,) = step["rejected"][name]["reasons"]
    return str(only)


def failure(step: Json, name: str = "n0") -> str:
    assert step["error"] is True
    return reason(step, name).removeprefix('running "DynamicResources" filter plugin: ')


class TestPools:
    def test_slices_and_pools_come_by_name(self) -> None:
        two = {"resourceSliceCount": 2}
        step = scheduler(
            resource_slice("b", device("d2"), pool=two),
            resource_slice("a", device("d1"), pool=two),
            resource_slice("z", device("d0"), pool={"name": "another"}),
            claims=(claim("c", exactly(count=3)),),
        ).decide(pod("p", "c"))
        assert devices_of(step) == ["d0", "d1", "d2"]

    def test_a_pool_with_binding_conditions_comes_last(self) -> None:
        step = scheduler(
            resource_slice("a", device("slow", bindingConditions=["Ready"]), pool={"name": "a"}),
            resource_slice("b", device("fast"), pool={"name": "b"}),
            claims=(claim("c", exactly(count=2)),),
        ).decide(pod("p", "c"))
        assert devices_of(step) == ["fast", "slow"]

    def test_a_pool_being_updated_gives_nothing_away(self) -> None:
        changing = resource_slice("a", device("d"), pool={"resourceSliceCount": 2})
        made = scheduler(
            changing, claims=(claim("c", exactly()), claim("all", exactly(allocationMode="All")))
        )
        assert reason(made.decide(pod("p", "c"))) == "cannot allocate all claims"
        assert failure(made.decide(pod("p", "all"))) == (
            "claim default/all, request r: asks for all devices, "
            f"but resource pool {DRIVER}/pool is currently being updated"
        )

    @pytest.mark.parametrize(("slices_of_old", "feasible"), [(2, ["n1"]), (1, ["n0", "n1"])])
    def test_a_newer_generation_elsewhere(self, slices_of_old: int, feasible: list[str]) -> None:
        """A node that has all slices of the old generation does not look for a newer one."""
        old = resource_slice("a", device("d"), pool={"resourceSliceCount": slices_of_old}, nodeName="n0")
        new = resource_slice("b", device("d"), pool={"generation": 2}, nodeName="n1")
        made = scheduler(old, new, claims=(claim("c", exactly()),), nodes=(node("n0"), node("n1")))
        assert made.decide(pod("p", "c"))["feasible"] == feasible

    @pytest.mark.parametrize(
        "broken",
        [
            resource_slice("a", device("d"), device("d")),
            resource_slice(
                "a", device("d", consumesCounters=[{"counterSet": "x", "counters": {"y": {"value": "1"}}}])
            ),
        ],
    )
    def test_an_invalid_pool(self, broken: Json) -> None:
        made = scheduler(broken, claims=(claim("c", exactly()), claim("all", exactly(allocationMode="All"))))
        step = made.decide(pod("p", "c"))
        assert step["rejected"]["n0"]["code"] == "UnschedulableAndUnresolvable"
        assert reason(step) == "invalid resource pools were encountered"
        assert failure(made.decide(pod("p", "all"))).endswith("is currently invalid")

    def test_each_device_may_choose_its_nodes(self) -> None:
        step = scheduler(
            resource_slice(
                "a",
                device("d0", nodeName="n1"),
                device("d1", allNodes=True),
                perDeviceNodeSelection=True,
            ),
            claims=(claim("c", exactly()),),
        ).decide(pod("p", "c"))
        assert devices_of(step) == ["d1"]
        assert "nodeSelector" not in step["allocations"]["c"]

    def test_what_selectors_require_together(self) -> None:
        def selector(key: str) -> Json:
            term = {"matchExpressions": [{"key": key, "operator": "Exists"}]}
            return {"nodeSelectorTerms": [term]}

        first = resource_slice("a", device("d0"), pool={"name": "a"}, nodeSelector=selector("zone"))
        again = resource_slice("b", device("d1"), pool={"name": "b"}, nodeSelector=selector("zone"))
        step = scheduler(first, again, claims=(claim("c", exactly(count=2)),)).decide(pod("p", "c"))
        assert step["allocations"]["c"]["nodeSelector"] == selector("zone")


class TestSearch:
    def test_a_choice_is_taken_back_when_what_follows_fails(self) -> None:
        match = {"matchAttribute": f"{DRIVER}/model"}
        step = scheduler(
            resource_slice(
                "a",
                with_attribute("d0", model="x"),
                with_attribute("d1", model="y"),
                with_attribute("d2", model="y"),
            ),
            claims=(claim("c", exactly("r0"), exactly("r1"), constraints=(match,)),),
        ).decide(pod("p", "c"))
        assert devices_of(step) == ["d1", "d2"]

    def test_a_constraint_may_name_one_alternative(self) -> None:
        match = {"matchAttribute": f"{DRIVER}/model", "requests": ["r0/s0", "r1"]}
        step = scheduler(
            resource_slice("a", with_attribute("d0", model="x"), with_attribute("d1", model="y")),
            claims=(claim("c", one_of("r0", {}, {}), exactly("r1"), constraints=(match,)),),
        ).decide(pod("p", "c"))
        assert [each["request"] for each in step["allocations"]["c"]["devices"]] == ["r0/s1", "r1"]

    def test_only_the_last_device_of_a_request_has_to_be_distinct(self) -> None:
        distinct = {"distinctAttribute": f"{DRIVER}/model"}
        made = scheduler(
            resource_slice(
                "a",
                with_attribute("d0", model="x"),
                with_attribute("d1", model="y"),
                with_attribute("d2", model="x"),
            ),
            claims=(claim("c", exactly(count=3), constraints=(distinct,)),),
        )
        assert devices_of(made.decide(pod("p", "c"))) == ["d0", "d1", "d2"]

    def test_all_devices_under_a_constraint_that_one_breaks(self) -> None:
        match = {"matchAttribute": f"{DRIVER}/model"}
        wanted = claim("c", exactly(allocationMode="All"), constraints=(match,))
        made = scheduler(resource_slice("a", with_attribute("d0", model="x"), device("d1")), claims=(wanted,))
        assert failure(made.decide(pod("p", "c"))) == (
            f"claim default/c, request r: cannot add device {DRIVER}/pool/d1 {CONSTRAINT_BROKEN}"
        )

    def test_more_devices_than_a_claim_can_hold(self) -> None:
        many = resource_slice("a", *(device(f"d{i:02}") for i in range(40)))
        few = one_of("r1", {"count": 2}, {"count": 1})
        made = scheduler(
            many,
            claims=(
                claim("c", exactly(count=33)),
                claim("two", exactly("r0", count=31), few),
                claim("too-late", exactly("r0", count=31), one_of("r1", {"count": 2}, {"count": 3})),
            ),
        )
        assert failure(made.decide(pod("p", "c"))) == (
            "claim default/c: number of requested devices 33 exceeds the claim limit of 32"
        )
        assert len(devices_of(made.decide(pod("p", "two")), "two")) == 32
        assert failure(made.decide(pod("p", "too-late"))).endswith("33 exceeds the claim limit of 32")

    def test_an_alternative_that_leaves_too_few_results_is_passed_over(self) -> None:
        many = resource_slice("a", *(device(f"d{i:02}") for i in range(40)))
        none = {"selectors": [{"cel": {"expression": "false"}}]}
        made = scheduler(
            many, claims=(claim("c", one_of("r0", {"count": 20}, none), exactly("r1", count=20)),)
        )
        assert reason(made.decide(pod("p", "c"))) == "cannot allocate all claims"

    def test_admin_access_takes_nothing_away(self) -> None:
        made = scheduler(
            resource_slice("a", device("d")),
            claims=(claim("c", exactly()), claim("admin", exactly(adminAccess=True))),
        )
        for name in ("admin", "c", "admin"):
            wanting = pod(f"for-{name}", name)
            step = made.decide(wanting)
            assert devices_of(step, name) == ["d"]
            made.commit(wanting, step)
        assert step["allocations"]["admin"]["devices"][0]["adminAccess"] is True

    def test_tainted_devices_need_tolerations(self) -> None:
        tainted = device("d", taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])
        tolerates = {"key": "k", "operator": "Exists", "effect": "NoSchedule"}
        made = scheduler(
            resource_slice("a", tainted),
            claims=(claim("c", exactly()), claim("t", exactly(tolerations=[tolerates]))),
        )
        assert reason(made.decide(pod("p", "c"))) == "cannot allocate all claims"
        assert devices_of(made.decide(pod("p", "t")), "t") == ["d"]


class TestCountersAndCapacity:
    def board(self, *names: str) -> tuple[Json, Json]:
        counters = {"name": "board", "counters": {"memory": {"value": "40Gi"}}}
        pool = {"resourceSliceCount": 2}
        uses = [{"counterSet": "board", "counters": {"memory": {"value": "20Gi"}}}]
        return (
            resource_slice("counters", pool=pool, allNodes=True, sharedCounters=[counters]),
            resource_slice("devices", *(device(n, consumesCounters=uses) for n in names), pool=pool),
        )

    def test_devices_share_counters(self) -> None:
        held = allocated("held", result("d0"))
        made = scheduler(*self.board("d0", "d1", "d2"), claims=(held, claim("c", exactly())))
        wanting = pod("p", "c")
        step = made.decide(wanting)
        assert devices_of(step) == ["d1"]
        made.commit(wanting, step)
        made.set_object("resourceClaims", claim("e", exactly()))
        assert reason(made.decide(pod("q", "e"))) == "cannot allocate all claims"

    @pytest.mark.parametrize(
        ("policy", "requested", "consumed"),
        [
            (None, None, "10Gi"),
            ({"default": "2Gi"}, None, "2Gi"),
            (None, "1.5Gi", "1536Mi"),
            ({"default": "2Gi", "validRange": {"min": "1Gi", "step": "1Gi"}}, "2.5Gi", "3Gi"),
            ({"default": "2Gi", "validRange": {"min": "1Gi"}}, "1Mi", "1Gi"),
            ({"default": "2Gi", "validValues": ["2Gi", "4Gi"]}, "3Gi", "4Gi"),
            ({"default": "2Gi", "validValues": ["2Gi", "4Gi"]}, "5Gi", None),
            ({"default": "2Gi", "validRange": {"min": "1Gi", "max": "4Gi"}}, "5Gi", None),
            (None, "11Gi", None),
        ],
    )
    def test_how_much_of_a_device_a_request_takes(
        self, policy: Json | None, requested: str | None, consumed: str | None
    ) -> None:
        capacity = {"memory": {"value": "10Gi", **({"requestPolicy": policy} if policy else {})}}
        shared = device("d", allowMultipleAllocations=True, capacity=capacity)
        fields: Json = {"capacity": {"requests": {"memory": requested}}} if requested else {}
        step = scheduler(resource_slice("a", shared), claims=(claim("c", exactly(**fields)),)).decide(
            pod("p", "c")
        )
        if consumed is None:
            assert reason(step) == "cannot allocate all claims"
        else:
            (given,) = step["allocations"]["c"]["devices"]
            assert given["shared"] is True
            assert given["consumedCapacity"] == {"memory": consumed}

    def test_claims_share_a_device_until_it_is_used_up(self) -> None:
        shared = device("d", allowMultipleAllocations=True, capacity={"memory": {"value": "10Gi"}})
        wants = exactly(capacity={"requests": {"memory": "4Gi"}})
        names = ("c0", "c1", "c2")
        made = scheduler(resource_slice("a", shared), claims=tuple(claim(name, wants) for name in names))
        chosen = []
        for name in names:
            wanting = pod(f"p-{name}", name)
            step = made.decide(wanting)
            chosen.append(step.get("chosen"))
            made.commit(wanting, step)
        assert chosen == ["n0", "n0", None]

    def test_a_capacity_that_the_device_does_not_have(self) -> None:
        wants = exactly(capacity={"requests": {"speed": "1"}})
        made = scheduler(resource_slice("a", device("d")), claims=(claim("c", wants),))
        assert reason(made.decide(pod("p", "c"))) == "cannot allocate all claims"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("0.5Gi", "512Mi"),
            ("1024Ki", "1Mi"),
            ("512", "512"),
            ("1000", "1k"),
            ("1500m", "1500m"),
            ("0.1Ki", "102400m"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("12e6", "12e6"),
            ("0", "0"),
            ("-2000", "-2k"),
        ],
    )
    def test_amounts_are_written_as_kubernetes_writes_them(self, text: str, expected: str) -> None:
        assert canonical(text) == expected


class TestClaims:
    def test_a_claim_that_is_being_deleted(self) -> None:
        leaving = claim("c", exactly())
        leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        step = scheduler(claims=(leaving,)).decide(pod("p", "c"))
        assert step["preFilter"]["reasons"] == ['resourceclaim "c" is being deleted']
        assert "postFilter" not in step

    def test_a_claim_from_a_template_belongs_to_the_pod(self) -> None:
        wanting = pod("p")
        wanting["spec"]["resourceClaims"] = [{"name": "d", "resourceClaimTemplateName": "t"}]
        wanting["status"] = {"resourceClaimStatuses": [{"name": "d", "resourceClaimName": "c"}]}
        step = scheduler(claims=(claim("c", exactly()),)).decide(wanting)
        assert step["preFilter"]["reasons"] == [
            "ResourceClaim default/c was not created for Pod default/p (Pod is not owner)"
        ]

    def test_a_reference_to_nothing(self) -> None:
        wanting = pod("p")
        wanting["spec"]["resourceClaims"] = [{"name": "d"}]
        assert scheduler().decide(wanting)["preFilter"]["reasons"] == [
            'pod "default/p", spec.resourceClaim "d": none of the supported fields are set'
        ]

    @pytest.mark.parametrize(("request_", "name"), [(exactly(), "r"), (one_of("r", {}), "r/s0")])
    def test_a_class_that_does_not_exist(self, request_: Json, name: str) -> None:
        step = scheduler(claims=(claim("c", request_),), classes=()).decide(pod("p", "c"))
        assert step["preFilter"]["reasons"] == [f"request {name}: device class gpu does not exist"]
        assert step["postFilter"] == (
            "no new claims to deallocate, preemption: "
            "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        )

    def test_an_allocated_claim_keeps_pods_to_its_nodes_while_others_use_it(self) -> None:
        only = {"key": "metadata.name", "operator": "In", "values": ["gone"]}
        selector = {"nodeSelectorTerms": [{"matchFields": [only]}]}
        used = allocated("c", result("d"), users=("other",), nodeSelector=selector)
        made = scheduler(claims=(used,))
        step = made.decide(pod("p", "c"))
        assert reason(step) == "resourceclaim not available on the node"
        assert step["postFilter"].startswith("still not schedulable, ")
        made.set_object("resourceClaims", allocated("c", result("d"), nodeSelector=selector))
        made.set_object("resourceSlices", resource_slice("a", device("d")))
        step = made.decide(pod("p", "c"))
        assert step["postFilter"].startswith("deallocation of ResourceClaim completed, ")
        made.commit(pod("p", "c"), step)
        assert devices_of(made.decide(pod("p", "c"))) == ["d"]

    def binding(self, condition: str | None, *, since: str = "2026-01-01T11:55:00Z") -> Json:
        conditions = [{"type": condition, "status": "True"}] if condition else []
        return allocated(
            "c",
            result("d", bindingConditions=["Ready"], bindingFailureConditions=["Failed"]),
            allocationTimestamp=since,
            devices=[{"driver": DRIVER, "pool": "pool", "device": "d", "conditions": conditions}],
        )

    def test_a_device_may_become_ready(self) -> None:
        for condition in ("Ready", None):
            step = scheduler(claims=(self.binding(condition),), now=NOW).decide(pod("p", "c"))
            assert step["chosen"] == "n0"

    def test_a_device_that_failed_or_took_too_long_is_given_up(self) -> None:
        late = self.binding(None, since="2026-01-01T11:45:00Z")
        for held in (self.binding("Failed"), late):
            step = scheduler(claims=(held,), now=NOW).decide(pod("p", "c"))
            assert reason(step) == "resourceclaim not available on the node"
            assert step["postFilter"].startswith("deallocation of ResourceClaim completed, ")

    def test_an_earlier_alternative_scores_higher_beside_an_allocated_claim(self) -> None:
        big = {"selectors": [{"cel": {"expression": f'device.attributes["{DRIVER}"].size == "big"'}}]}
        step = scheduler(
            resource_slice("a", with_attribute("d0", size="small"), pool={"name": "a"}, nodeName="n0"),
            resource_slice("b", with_attribute("d1", size="big"), pool={"name": "b"}, nodeName="n1"),
            claims=(allocated("held", result("elsewhere", "x")), claim("c", one_of("r", big, {}))),
            nodes=(node("n0"), node("n1")),
        ).decide(pod("p", "held", "c"))
        assert {name: each["DynamicResources"] for name, each in step["scores"].items()} == {
            "n0": 2 * (100 * 7 // 8),
            "n1": 2 * 100,
        }
        assert step["allocations"]["held"]["reservedFor"] == ["p"]


class TestExtendedResources:
    def test_a_class_serves_the_resource_where_the_node_has_none(self) -> None:
        classes = (device_class(extendedResourceName="example.com/gpu"),)
        made = scheduler(
            resource_slice("a", device("d"), nodeName="n0"),
            nodes=(node("n0"), node("n1", **{"example.com/gpu": "1"}), node("n2")),
            classes=classes,
        )
        wanting = pod("p", **{"example.com/gpu": "1"})
        step = made.decide(wanting)
        assert step["feasible"] == ["n0", "n1"]
        assert reason(step, "n2") == "cannot allocate all claims"
        made.commit(wanting, {**step, "chosen": "n0"})
        again = made.decide(pod("q", **{"example.com/gpu": "1"}))
        assert again["chosen"] == "n1"
        assert list(again["allocations"]) == ["p-extended-resources-1"]
        (given,) = again["allocations"]["p-extended-resources-1"]["devices"]
        assert given["request"] == "container-0-request-1"

    def test_every_class_serves_a_resource_of_its_own(self) -> None:
        made = scheduler(resource_slice("a", device("d")))
        step = made.decide(pod("p", **{"deviceclass.resource.kubernetes.io/gpu": "1"}))
        assert devices_of(step, "p-extended-resources-1") == ["d"]

    def test_of_several_classes_the_newest_serves(self) -> None:
        def named(name: str, created: str, expression: str) -> Json:
            made = device_class(
                name,
                extendedResourceName="example.com/gpu",
                selectors=[{"cel": {"expression": expression}}],
            )
            made["metadata"]["creationTimestamp"] = created
            return made

        classes = (named("a", "2026-01-01T00:00:00Z", "false"), named("b", "2026-01-02T00:00:00Z", "true"))
        made = scheduler(resource_slice("s", device("d")), classes=classes)
        assert made.decide(pod("p", **{"example.com/gpu": "1"}))["chosen"] == "n0"

    def test_init_containers_reuse_the_devices_of_what_runs_later(self) -> None:
        def container(name: str, gpus: int) -> Json:
            return {"name": name, "resources": {"requests": {"example.com/gpu": str(gpus)}}}

        wanting = pod("p")
        wanting["spec"]["initContainers"] = [container("i0", 2), container("i1", 3)]
        wanting["spec"]["containers"] = [container("c0", 1)]
        made = scheduler(
            resource_slice("a", *(device(f"d{i}") for i in range(4))),
            classes=(device_class(extendedResourceName="example.com/gpu"),),
        )
        given = made.decide(wanting)["allocations"]["p-extended-resources-1"]["devices"]
        assert [each["request"] for each in given] == [
            "container-1-request-0",
            "container-1-request-0",
            "container-2-request-0",
        ]


class TestVersions:
    def test_v1_34_does_not_score_devices_nor_share_them(self) -> None:
        shared = device("d", allowMultipleAllocations=True, capacity={"memory": {"value": "10Gi"}})
        wants = exactly(capacity={"requests": {"memory": "1Gi"}})
        made = scheduler(
            resource_slice("a", shared),
            claims=(claim("c", exactly()), claim("part", wants)),
            kubernetes="1.34",
        )
        step = made.decide(pod("p", "c"))
        assert "DynamicResources" not in step["scores"]["n0"]
        assert step["allocations"]["c"]["devices"] == [
            {"request": "r", "driver": DRIVER, "pool": "pool", "device": "d"}
        ]
        assert failure(made.decide(pod("p", "part"))) == (
            "claim default/part, request r: has capacity requests, "
            "but the DRAConsumableCapacity feature is disabled"
        )

    def test_v1_34_leaves_extended_resources_to_the_node(self) -> None:
        classes = (device_class(extendedResourceName="example.com/gpu"),)
        made = scheduler(resource_slice("a", device("d")), classes=classes, kubernetes="1.34")
        step = made.decide(pod("p", **{"example.com/gpu": "1"}))
        assert reason(step) == "Insufficient example.com/gpu"
