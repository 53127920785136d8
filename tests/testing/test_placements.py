"""Placements: as the engine decides, by topology domain, and what becomes of them without some nodes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from tests.builders import node, pod
from tests.testing.shop import SHOP, shop

import kschedcore as ks
from kschedcore.errors import NotFoundError, UsageError
from kschedcore.testing import Placements, place
from kschedcore.testing.sources import manifests_of
from kschedcore.testing.strategies import Case, cases

ZONE = "topology.kubernetes.io/zone"


def nodes_of(placements: Placements) -> dict[str, str | None]:
    return {each.name: each.node for each in placements}


@settings(max_examples=40, derandomize=True)
@given(cases(max_pending=4))
def test_pods_are_placed_as_the_engine_places_them_and_explained_as_they_were_decided(drawn: Case) -> None:
    manifests = manifests_of(drawn.cluster, drawn.pending)
    placements = place(manifests)
    decisions = ks.Engine(manifests, config=manifests.config).schedule(manifests.pending)
    decided = [each for each in placements if each.decision is not None]
    assert [(each.name, each.node) for each in decided] == [(each.pod_name, each.node) for each in decisions]
    for each in decided:
        assert each.decision is not None
        again = placements.explain(each).decision
        assert (again.node, again.total, again.message) == (
            each.node,
            each.decision.total,
            each.decision.message,
        )


def test_what_was_found_stands_before_what_is_decided() -> None:
    placements = shop()
    names = placements.names
    assert names[:2] == ["kube-system/dns-1", "kube-system/dns-2"]
    assert placements[0].decision is None
    assert placements[names[0] == "shop/web-0" :].names == names  # a slice is placements again
    assert {each.name for each in placements.unplaced} == {
        "shop/report", "shop/migrate", "shop/db-1", "shop/train-1",
    }  # fmt: skip
    assert len(placements.placed) + len(placements.unplaced) == len(placements)


def test_pods_are_selected_by_labels_namespace_and_nodes() -> None:
    placements = shop()
    web = placements.select("app=web")
    assert web.names == [f"shop/web-{number}" for number in range(4)]
    assert not placements.select("app=web", namespace="default")
    assert web.on(f"{ZONE}=eu-1b").names == ["shop/web-0", "shop/web-2", "shop/web-3"]
    assert {zone: len(pods) for zone, pods in web.by(ZONE).items()} == {"eu-1a": 1, "eu-1b": 3}
    assert web.named(["shop/web-1", "shop/db-0"]).names == ["shop/web-1"]


def test_a_domain_without_pods_counts_and_a_node_without_the_key_is_in_none() -> None:
    nodes = [node("a", labels={"rack": "1"}), node("b", labels={"rack": "2"}), node("c", labels={})]
    spread = place([*nodes, pod("p", nodeName="a"), pod("q", nodeName="c")]).by("rack")
    assert {rack: pods.names for rack, pods in spread.items()} == {"1": ["default/p"], "2": []}


def test_only_some_pods_are_placed_on_request() -> None:
    placements = place(SHOP, only=lambda each: each.metadata.name.startswith("web"))
    assert [each.name for each in placements if each.decision] == [
        f"shop/web-{number}" for number in range(4)
    ]


def test_without_its_nodes_a_pod_goes_elsewhere_and_others_stay() -> None:
    before = shop().select("app=web")
    after = before.without(f"{ZONE}=eu-1a")
    assert set(after.names) == set(before.names)
    where = nodes_of(after)
    assert {name: where[name] for name in before.on(f"{ZONE}=eu-1b").names} == {
        "shop/web-0": "web-b1", "shop/web-2": "web-b1", "shop/web-3": "web-b1",
    }  # fmt: skip
    assert Counter(where.values()) == {"web-b1": 3, None: 1}
    assert set(after.nodes) == {"db-b1", "web-b1", "web-b2"}


@settings(max_examples=40, derandomize=True)
@given(cases(max_pending=4))
def test_what_is_lost_with_a_zone_waits_or_is_elsewhere_and_the_rest_stays(drawn: Case) -> None:
    placements = place(drawn.cluster, drawn.pending)
    for zone, there in placements.by(ZONE).items():
        after = placements.without(f"{ZONE}={zone}")
        lost = set(there.names)
        stayed = [name for name in placements.placed.names if name not in lost]
        where, was = nodes_of(after), nodes_of(placements)
        assert {name: where[name] for name in stayed} == {name: was[name] for name in stayed}
        assert not set(where.values()) & set(placements.nodes_with(f"{ZONE}={zone}"))
        leaving = {each.name for each in there if each.pod.metadata.deletion_timestamp}
        assert set(placements.names) - set(after.names) == leaving


def test_daemons_and_static_pods_go_with_their_node() -> None:
    owned = {"apiVersion": "v1", "name": "o", "uid": "u", "controller": True}
    pods = [pod(name, nodeName="lost") for name in ("daemon", "static", "plain")]
    pods[0]["metadata"]["ownerReferences"] = [{**owned, "kind": "DaemonSet"}]
    pods[1]["metadata"]["ownerReferences"] = [{**owned, "kind": "Node"}]
    after = Placements.of([node("lost"), node("kept"), *pods]).without("kubernetes.io/hostname=lost")
    assert nodes_of(after) == {"default/plain": "kept"}


def test_room_that_was_left_for_a_later_pod_is_in_the_manifest() -> None:
    nominated = pod("late", cpu="3", status={"nominatedNodeName": "n"})
    placements = place([node("n"), pod("early", cpu="3"), nominated])
    assert nodes_of(placements) == {"default/early": None, "default/late": "n"}
    assert {each.name: placements.explain(each).decision.node for each in placements} == nodes_of(placements)
    alone = place(
        [node("n"), pod("early", cpu="3"), nominated], only=lambda each: each.metadata.name == "early"
    )
    assert nodes_of(alone) == {"default/early": None}
    assert alone.explain(alone[0]).decision.message == placements.explain(placements[0]).decision.message


def test_a_seed_draws_among_equal_nodes_and_none_takes_the_first() -> None:
    objects = [*(node(f"n{number}") for number in range(8)), pod("p")]
    assert nodes_of(place(objects)) == {"default/p": "n0"}
    drawn = [nodes_of(place(objects, seed=seed))["default/p"] for seed in range(8)]
    assert drawn == [nodes_of(place(objects, seed=seed))["default/p"] for seed in range(8)]
    assert len(set(drawn)) > 1


def test_a_configuration_among_the_objects_is_followed() -> None:
    config: dict[str, Any] = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": {"multiPoint": {"disabled": [{"name": "NodeUnschedulable"}]}}}],
    }
    closed = node("n", unschedulable=True)
    assert nodes_of(place([closed, pod("p")])) == {"default/p": None}
    placements = place([closed, pod("p"), config])
    assert nodes_of(placements) == {"default/p": "n"}
    assert config in placements.manifest(placements[0])["items"]


def test_a_running_cluster_is_used_in_its_current_state() -> None:
    with ks.Cluster.simulated(nodes=3) as cluster:
        cluster.create_deployment("web", image="nginx", replicas=3)
        cluster.run_until_settled()
        standing = Placements.of(cluster)
        assert {zone: len(pods) for zone, pods in standing.by(ZONE).items()} == dict.fromkeys(
            ["zone-a", "zone-b", "zone-c"], 1
        )
        assert all(standing.explain(each).decision.node == each.node for each in standing)
        cluster.cordon("nodes/node-1")
        moved = Placements.of(cluster).without("kubernetes.io/hostname=node-2")
    assert {each.node for each in moved} == {"node-1", "node-3"}


def test_pending_pods_of_a_running_cluster_stay_pending_and_finished_ones_are_ignored() -> None:
    objects = [
        node("n"),
        pod("big", cpu="64"),
        pod("done", nodeName="n", status={"phase": "Succeeded"}),
    ]
    assert nodes_of(Placements.of(objects)) == {"default/big": None}


def test_files_objects_and_layouts_are_one_cluster(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}"
    )
    listed = {"apiVersion": "v1", "kind": "List", "items": [node("n")]}
    for cluster in (listed, {"nodes": [node("n")]}, [node("n")], ks.Manifests.from_objects([node("n")])):
        assert nodes_of(place(cluster, str(file))) == {"default/p": "n"}


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    placements = place([node("n"), pod("p")])
    with pytest.raises(UsageError, match="selector 'zone=a': no node has such labels"):
        placements.without("zone=a")
    with pytest.raises(UsageError, match="selector 'a=b=c': "):
        placements.select("a=b=c")
    with pytest.raises(NotFoundError, match=r"missing\.yaml"):
        place(str(tmp_path / "missing.yaml"))
    with pytest.raises(UsageError, match="found 3; expected manifests, a cluster, objects, or paths"):
        place([3])  # type: ignore[list-item]


def test_placements_show_where_pods_are() -> None:
    placements = place([node("n"), pod("p"), pod("big", cpu="64")])
    assert repr(placements) == "<Placements: default/p -> n, default/big -> <none>>"
