"""Volumes: where they can be reached, bound or made, how many a node takes, and who may share them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import node, pod
from tests.engine.storage import (
    BETA_ZONE,
    LOCAL,
    ZONE,
    attachment,
    capacity,
    claim,
    csi_driver,
    csi_node,
    storage_class,
    uses,
    volume,
)

from kschedcore import Engine

Json = dict[str, Any]

NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind"
NO_SPACE = "node(s) did not have enough free storage"
OUT_OF_REACH = "node(s) didn't match PersistentVolume's node affinity"
MISSING = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
NO_ZONE = "node(s) had no available volume zone"
TOO_MANY = "node(s) exceed max volume count"
DISK_TAKEN = "node(s) had no available disk"
ONE_POD = (
    "node(s) unavailable due to PersistentVolumeClaim with "
    "ReadWriteOncePod access mode already in-use by another pod"
)


def engine_with(*objects: Json) -> Engine:
    engine = Engine()
    for each in objects:
        engine.set_node(each) if each["kind"] == "Node" else engine.set_object(each)
    return engine


def verdicts(engine: Engine, wanting: Json) -> dict[str, list[str]]:
    """Node -> why not; nodes that the pod can go to are left out."""
    step = engine.explain(wanting).to_step()
    return {name: verdict["reasons"] for name, verdict in (step.get("rejected") or {}).items()}


def refused(engine: Engine, wanting: Json) -> list[str]:
    """Return the result of PreFilter."""
    reasons: list[str] = engine.explain(wanting).to_step()["preFilter"]["reasons"]
    return reasons


NODES = (node("a", labels={ZONE: "z1"}), node("b", labels={ZONE: "z2"}))
LOCAL_CLASS = storage_class("local", LOCAL)


# -- VolumeBinding: claims that are bound -------------------------------------------------------------


def test_a_bound_volume_holds_the_pod_to_the_nodes_that_reach_it() -> None:
    engine = engine_with(*NODES, claim("c", bound_to="pv"), volume("pv", node="b"))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {"a": [OUT_OF_REACH]}


def test_a_volume_that_moves_moves_its_pod() -> None:
    engine = engine_with(*NODES, claim("c", bound_to="pv"), volume("pv", node="b"))
    assert engine.decide(pod("p", volumes=uses("c"))).node == "b"
    engine.set_object(volume("pv", node="a"))
    assert engine.decide(pod("p", volumes=uses("c"))).node == "a"


def test_a_claim_bound_to_a_missing_volume_fits_nowhere() -> None:
    engine = engine_with(*NODES, claim("c", bound_to="pv"), volume("pv"))
    assert engine.decide(pod("p", volumes=uses("c"))).node == "a"
    engine.remove_object("PersistentVolume", "pv")
    assert refused(engine, pod("p", volumes=uses("c"))) == ['persistentvolume "pv" not found']


def test_an_ephemeral_claim_bound_to_nothing_is_rejected_by_every_node() -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
    engine = engine_with(*NODES, claim("p-scratch", bound_to="pv", meta={"ownerReferences": [owner]}))
    wanting = pod(
        "p",
        meta={"uid": "u"},
        volumes=[{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}],
    )
    assert verdicts(engine, wanting) == {"a": [MISSING], "b": [MISSING]}


# -- VolumeBinding: claims that cannot be used --------------------------------------------------------


def test_a_missing_claim_ends_the_cycle_until_it_is_created() -> None:
    engine = engine_with(*NODES, storage_class("wait"))
    wanting = pod("p", volumes=uses("c"))
    assert refused(engine, wanting) == ['persistentvolumeclaim "c" not found']
    engine.set_object(claim("c"))
    assert engine.decide(wanting).node == "a"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (
            claim("c", meta={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
            'persistentvolumeclaim "c" is being deleted',
        ),
        (
            {**claim("c", bound_to="pv"), "status": {"phase": "Lost"}},
            'persistentvolumeclaim "c" bound to non-existent persistentvolume "pv"',
        ),
        (claim("c", cls="now"), "pod has unbound immediate PersistentVolumeClaims"),
        (claim("c", volumeName="pv"), "pod has unbound immediate PersistentVolumeClaims"),
    ],
    ids=["going", "lost", "immediate", "prebound"],
)
def test_a_claim_that_cannot_be_used_ends_the_cycle(broken: Json, reason: str) -> None:
    classes = storage_class("wait"), storage_class("now", mode="Immediate")
    engine = engine_with(*NODES, *classes, broken)
    assert refused(engine, pod("p", volumes=uses("c"))) == [reason]


def test_an_ephemeral_volume_waits_for_its_claim_and_takes_no_other_pods() -> None:
    engine = engine_with(*NODES, storage_class("wait"))
    wanting = pod(
        "p",
        meta={"uid": "u"},
        volumes=[{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}],
    )
    waiting = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-scratch"'
    assert refused(engine, wanting) == [waiting]
    engine.set_object(claim("p-scratch"))
    assert refused(engine, wanting) == [
        "PVC default/p-scratch was not created for pod default/p (pod is not owner)"
    ]


# -- VolumeBinding: static volumes --------------------------------------------------------------------


def test_two_claims_take_two_volumes_of_one_node() -> None:
    engine = engine_with(
        *NODES,
        LOCAL_CLASS,
        claim("one", cls="local"),
        claim("two", cls="local"),
        volume("a1", node="a", cls="local"),
        volume("b1", node="b", cls="local"),
        volume("b2", node="b", cls="local"),
    )
    assert verdicts(engine, pod("p", volumes=uses("one", "two"))) == {"a": [NOTHING_TO_BIND]}


@pytest.mark.parametrize("order", [("small", "large"), ("large", "small")])
def test_the_smallest_claim_takes_the_smallest_volume_first_even_if_another_is_left_without(
    order: tuple[str, str],
) -> None:
    engine = engine_with(
        node("a"),
        LOCAL_CLASS,
        claim("small", cls="local", size="1Gi"),
        claim("large", cls="local", size="5Gi", selector={"matchLabels": {"tier": "ssd"}}),
        volume("v1", cls="local", size="5Gi", labels={"tier": "ssd"}),
        volume("v2", cls="local", size="9Gi"),
    )
    assert verdicts(engine, pod("p", volumes=uses(*order))) == {"a": [NOTHING_TO_BIND]}
    engine.set_object(volume("v3", cls="local", size="2Gi"))
    assert verdicts(engine, pod("p", volumes=uses(*order))) == {}


@pytest.mark.parametrize(
    "unsuitable",
    [
        volume("v", cls="local", size="1023Mi"),
        volume("v", cls="other"),
        volume("v", cls="local", phase="Released"),
        volume("v", cls="local", volumeMode="Block"),
        volume("v", cls="local", accessModes=["ReadOnlyMany"]),
        volume("v", cls="local", reserved="another"),
        volume("v", cls="other", reserved="c"),
        volume("v", cls="local", volumeAttributesClassName="fast"),
        volume("v", cls="local", meta={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
    ],
    ids=["small", "class", "phase", "mode", "access", "anothers", "reserved-of-class", "attributes", "going"],
)
def test_a_volume_that_does_not_suit_is_not_taken(unsuitable: Json) -> None:
    engine = engine_with(node("a"), LOCAL_CLASS, claim("c", cls="local"), unsuitable)
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {"a": [NOTHING_TO_BIND]}
    engine.set_object(volume("v", cls="local"))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {}


def test_a_claims_selector_chooses_among_volumes() -> None:
    engine = engine_with(
        *NODES,
        LOCAL_CLASS,
        claim(
            "c",
            cls="local",
            selector={"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["hdd"]}]},
        ),
        volume("v1", node="a", cls="local", labels={"tier": "hdd"}),
        volume("v2", node="b", cls="local"),
    )
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {"a": [NOTHING_TO_BIND]}


def test_a_reserved_volume_out_of_reach_is_waited_for_though_another_is_free() -> None:
    engine = engine_with(
        *NODES,
        LOCAL_CLASS,
        claim("c", cls="local"),
        volume("free", cls="local"),
        volume("kept", node="b", cls="local", reserved="c", size="9Gi"),
    )
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {"a": [NOTHING_TO_BIND]}


def test_a_claim_named_twice_needs_its_reserved_volume_and_another() -> None:
    engine = engine_with(
        node("a"), LOCAL_CLASS, claim("c", cls="local"), volume("kept", cls="local", reserved="c")
    )
    wanting = pod("p", volumes=uses("c", "c"))
    assert verdicts(engine, wanting) == {"a": [NOTHING_TO_BIND]}
    engine.set_object(volume("free", cls="local"))
    assert verdicts(engine, wanting) == {}


# -- VolumeBinding: provisioning ----------------------------------------------------------------------


def topologies(*values: list[str]) -> list[Json]:
    return [{"matchLabelExpressions": [{"key": ZONE, "values": each}] if each else []} for each in values]


@pytest.mark.parametrize(
    ("allowed", "elsewhere"),
    [
        (topologies(), set()),
        (topologies(["z1"]), {"b", "c"}),
        (topologies(["z1"], ["z2", "z9"]), {"c"}),
        (topologies([]), {"a", "b", "c"}),
        (topologies([], ["z2"]), {"a", "c"}),
    ],
    ids=["none", "one", "either", "empty-term", "empty-and-one"],
)
def test_allowed_topologies_limit_where_a_volume_can_be_provisioned(
    allowed: list[Json], elsewhere: set[str]
) -> None:
    engine = engine_with(*NODES, node("c"), storage_class("wait", allowedTopologies=allowed), claim("c"))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {name: [NOTHING_TO_BIND] for name in elsewhere}


@pytest.mark.parametrize(
    ("published", "full"),
    [
        ([], {"a", "b"}),
        ([capacity("k", "1Gi", {"matchLabels": {ZONE: "z1"}})], {"b"}),
        ([capacity("k", "1023Mi", {"matchLabels": {ZONE: "z1"}})], {"a", "b"}),
        ([capacity("k", "9Gi", {"matchLabels": {ZONE: "z1"}}, maximumVolumeSize="1Mi")], {"a", "b"}),
        ([capacity("k", "9Gi", {})], set()),
        ([capacity("k", "9Gi", None)], {"a", "b"}),
        ([capacity("k", "9Gi", {}, cls="other")], {"a", "b"}),
        ([capacity("k", "1Mi", {}), capacity("l", "1Gi", {"matchLabels": {ZONE: "z2"}})], {"a"}),
    ],
    ids=["nothing", "just", "short", "one-volume", "everywhere", "nowhere", "class", "second"],
)
def test_a_driver_that_tracks_capacity_is_held_to_it(published: list[Json], full: set[str]) -> None:
    engine = engine_with(*NODES, storage_class("wait"), claim("c"), csi_driver(), *published)
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {name: [NO_SPACE] for name in full}


def test_capacity_is_not_checked_without_a_csi_driver_or_a_request() -> None:
    engine = engine_with(*NODES, storage_class("wait"), claim("c"), csi_driver(tracked=False))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {}
    engine.set_object(csi_driver())
    engine.set_object(claim("c", size=None))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {}


def test_a_claim_with_a_selected_node_fits_only_there_and_is_not_matched() -> None:
    engine = engine_with(*NODES, LOCAL_CLASS, storage_class("wait"), claim("c", node="b"))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {"a": [NOTHING_TO_BIND]}
    engine.set_object(claim("c", node="b", cls="local"))
    engine.set_object(volume("v", cls="local"))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {"a": [NOTHING_TO_BIND], "b": [NOTHING_TO_BIND]}


def test_of_assumed_claims_the_first_decides_the_message() -> None:
    here = topologies(["z9"])
    engine = engine_with(
        node("a"),
        csi_driver(),
        storage_class("wait"),
        storage_class("far", provisioner="other.example.com", allowedTopologies=here),
        claim("large", size="9Gi", node="a"),
        claim("small", size="1Gi", node="a", cls="far"),
    )
    assert verdicts(engine, pod("p", volumes=uses("large", "small"))) == {"a": [NO_SPACE]}
    assert verdicts(engine, pod("p", volumes=uses("small", "large"))) == {"a": [NOTHING_TO_BIND]}


# -- VolumeZone ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "outside"),
    [
        ({ZONE: "z1"}, {"b"}),
        ({ZONE: "z1__z2"}, set()),
        ({BETA_ZONE: "z2"}, {"a"}),
        ({ZONE: "z1", BETA_ZONE: "z2"}, {"a", "b"}),
        ({ZONE: ""}, set()),
        ({ZONE: "z1____z9"}, set()),
        ({"topology.kubernetes.io/region": "r1"}, {"a", "b"}),
    ],
    ids=["zone", "zones", "beta", "both", "empty", "empty-part", "region"],
)
def test_a_volumes_zone_holds_nodes_that_are_in_any(labels: Json, outside: set[str]) -> None:
    engine = engine_with(*NODES, node("c"), claim("c", bound_to="pv"), volume("pv", labels=labels))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {name: [NO_ZONE] for name in outside}


def test_a_nodes_own_beta_label_comes_before_its_label_of_today() -> None:
    both = node("a", labels={ZONE: "z1", BETA_ZONE: "z2"})
    engine = engine_with(both, claim("c", bound_to="pv"), volume("pv", labels={BETA_ZONE: "z1"}))
    assert verdicts(engine, pod("p", volumes=uses("c"))) == {"a": [NO_ZONE]}


# -- NodeVolumeLimits ---------------------------------------------------------------------------------


def limited(limit: int | None, *more: Json) -> Engine:
    """A node with a limit; claims c0 to c3 are bound to a volume each."""
    bound = [claim(f"c{i}", bound_to=f"pv{i}") for i in range(4)]
    volumes = [volume(f"pv{i}", handle=f"h{i}", phase="Bound") for i in range(4)]
    return engine_with(node("a"), storage_class("wait"), csi_node("a", limit), *bound, *volumes, *more)


def full(engine: Engine, *claims: str) -> bool:
    return verdicts(engine, pod("new", volumes=uses(*claims))) == {"a": [TOO_MANY]}


def test_volumes_are_counted_as_pods_come_and_go() -> None:
    engine = limited(2)
    assert not full(engine, "c0", "c1")
    assert full(engine, "c0", "c1", "c2")
    engine.add_pod(pod("one", volumes=uses("c0")), "a")
    assert full(engine, "c1", "c2")
    engine.add_pod(pod("two", volumes=uses("c1")), "a")
    assert full(engine, "c2")
    engine.remove_pod("one")
    assert not full(engine, "c2")


def test_an_attached_volume_counts_once_until_its_last_user_is_deleted() -> None:
    engine = limited(1)
    engine.add_pod(pod("one", volumes=uses("c0", "c0")), "a")
    engine.add_pod(pod("two", volumes=uses("c0")), "a")
    assert not full(engine, "c0")
    engine.remove_pod("one")
    assert full(engine, "c1")
    engine.remove_pod("two")
    assert not full(engine, "c1")


def test_one_disk_behind_two_claims_is_one() -> None:
    engine = limited(1, volume("pv1", handle="h0", phase="Bound"))
    assert not full(engine, "c0", "c1")


def test_disks_and_ports_are_no_volumes_of_a_driver() -> None:
    engine = limited(1)
    disk = {"name": "disk", "gcePersistentDisk": {"pdName": "d", "readOnly": True}}
    other = {"name": "disk", "awsElasticBlockStore": {"volumeID": "d"}}
    ports = [
        {"hostPort": 80, "containerPort": 80},
        {"hostPort": 81, "containerPort": 81, "hostIP": "10.0.0.1"},
    ]
    container = {"name": "main", "ports": ports}
    engine.add_pod(pod("disks", volumes=[disk, other]), "a")
    engine.add_pod(pod("ports", containers=[container]), "a")
    assert not full(engine, "c0")
    engine.add_pod(pod("volume", volumes=uses("c1")), "a")
    assert full(engine, "c0")


@pytest.mark.parametrize("limit", [None, 0, 1])
def test_a_limit_of_none_is_no_limit_and_one_of_zero_lets_nothing_in(limit: int | None) -> None:
    assert full(limited(limit), "c0") == (limit == 0)


def test_limits_follow_the_csi_node_and_the_node() -> None:
    engine = limited(1)
    engine.add_pod(pod("one", volumes=uses("c0")), "a")
    assert full(engine, "c1")
    engine.set_object(csi_node("a", 2))
    assert not full(engine, "c1")
    engine.set_object(csi_node("a", 1))
    engine.remove_node("a")
    engine.set_node(node("a"))
    assert full(engine, "c1")
    engine.remove_object("CSINode", "a")
    assert not full(engine, "c1")


def test_a_node_that_takes_anothers_place_has_its_own_limit() -> None:
    engine = limited(1)
    wanting = pod("p", volumes=uses("c0", "c1"))
    assert verdicts(engine, wanting) == {"a": [TOO_MANY]}
    engine.remove_node("a")
    engine.set_node(node("b"))
    assert verdicts(engine, wanting) == {}


def test_a_claim_counts_before_it_has_a_volume_and_once_it_has_one() -> None:
    engine = limited(1, claim("new"))
    engine.add_pod(pod("one", volumes=uses("new")), "a")
    assert full(engine, "c0")
    engine.set_object(claim("new", bound_to="pv0"))
    assert not full(engine, "c0")
    assert full(engine, "c1")


def test_attached_volumes_count_once_with_or_without_their_pod() -> None:
    engine = limited(2, attachment("x", "a", "pv0"))
    assert not full(engine, "c0", "c1")
    assert full(engine, "c1", "c2")
    engine.add_pod(pod("one", volumes=uses("c0")), "a")
    assert not full(engine, "c1")
    engine.remove_pod("one")
    assert full(engine, "c1", "c2")
    engine.remove_object("VolumeAttachment", "x")
    assert not full(engine, "c1", "c2")


# -- VolumeRestrictions -------------------------------------------------------------------------------

GCE = {"gcePersistentDisk": {"pdName": "d"}}
GCE_READ = {"gcePersistentDisk": {"pdName": "d", "readOnly": True}}
EBS_READ = {"awsElasticBlockStore": {"volumeID": "d", "readOnly": True}}
ISCSI = {"iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.x:d", "lun": 0}}
ISCSI_LUN = {"iscsi": {"targetPortal": "10.0.0.2", "iqn": "iqn.x:d", "lun": 1}}
ISCSI_READ = {"iscsi": {**ISCSI["iscsi"], "readOnly": True}}
RBD = {"rbd": {"monitors": ["m1", "m2"], "image": "d"}}
RBD_SAME = {"rbd": {"monitors": ["m2", "m3"], "image": "d", "pool": "rbd"}}
RBD_AWAY = {"rbd": {"monitors": ["m3"], "image": "d"}}
RBD_POOL = {"rbd": {"monitors": ["m1"], "image": "d", "pool": "other"}}


@pytest.mark.parametrize(
    ("there", "wanted", "conflict"),
    [
        (GCE, GCE, True),
        (GCE_READ, GCE, True),
        (GCE, GCE_READ, True),
        (GCE_READ, GCE_READ, False),
        (EBS_READ, EBS_READ, True),
        (ISCSI, ISCSI_LUN, True),
        (ISCSI_READ, ISCSI_READ, False),
        (RBD, RBD_SAME, True),
        (RBD, RBD_AWAY, False),
        (RBD, RBD_POOL, False),
        (GCE, EBS_READ, False),
    ],
)
def test_a_disk_attaches_to_one_node_for_one_writer(there: Json, wanted: Json, conflict: bool) -> None:
    engine = engine_with(*NODES)
    engine.add_pod(pod("one", volumes=[{"name": "d", **there}]), "a")
    wanting = pod("two", volumes=[{"name": "d", **wanted}])
    assert verdicts(engine, wanting) == ({"a": [DISK_TAKEN]} if conflict else {})
    engine.remove_pod("one")
    assert verdicts(engine, wanting) == {}


def test_a_claim_for_one_pod_is_taken_everywhere_while_it_is_used() -> None:
    once = claim("c", bound_to="pv", modes=("ReadWriteOncePod",))
    engine = engine_with(*NODES, once, volume("pv"), claim("c", bound_to="pv", namespace="team-b"))
    wanting = pod("two", volumes=uses("c"))
    engine.add_pod(pod("elsewhere", namespace="team-b", volumes=uses("c")), "b")
    assert verdicts(engine, wanting) == {}
    engine.add_pod(pod("one", volumes=uses("c")), "a")
    assert verdicts(engine, wanting) == {"a": [ONE_POD], "b": [ONE_POD]}
    engine.remove_pod("one")
    assert verdicts(engine, wanting) == {}


def test_a_claim_becomes_one_pods_while_others_use_it() -> None:
    engine = engine_with(*NODES, claim("c", bound_to="pv"), volume("pv"))
    engine.add_pod(pod("one", volumes=uses("c")), "a")
    assert verdicts(engine, pod("two", volumes=uses("c"))) == {}
    engine.set_object(claim("c", bound_to="pv", modes=("ReadWriteOncePod",)))
    assert verdicts(engine, pod("two", volumes=uses("c"))) == {"a": [ONE_POD], "b": [ONE_POD]}


def test_of_one_batch_only_one_pod_gets_the_claim_and_the_disk() -> None:
    engine = engine_with(*NODES, claim("c", bound_to="pv", modes=("ReadWriteOncePod",)), volume("pv"))
    assert [d.node for d in engine.schedule([pod(f"p{i}", volumes=uses("c")) for i in range(3)])] == [
        "a",
        None,
        None,
    ]
    disks = engine.schedule([pod(f"d{i}", volumes=[{"name": "d", **GCE}]) for i in range(3)])
    assert sorted(d.node or "" for d in disks) == ["", "a", "b"]


def test_pods_without_volumes_do_not_depend_on_storage() -> None:
    engine = engine_with(*NODES)
    before = engine.explain(pod("p")).to_step()
    engine.set_object(claim("c"))
    assert engine.explain(pod("p")).to_step() == before
