"""Assertions hold where the rule holds, and else say which pod, which node, which rule and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import node, pod
from tests.testing.shop import SHOP, shop

import kschedcore as ks
from kschedcore.api.objects import Pod
from kschedcore.cli import run
from kschedcore.engine.user_plugins import FilterPlugin, NodeColumns
from kschedcore.errors import UsageError
from kschedcore.testing import (
    BrokenRuleError,
    Placements,
    assert_all_placed,
    assert_does_not_fit,
    assert_fits,
    assert_never_on,
    assert_only_on,
    assert_spread,
    assert_survives,
    place,
)

ZONE = "topology.kubernetes.io/zone"
GPU = "nvidia.com/gpu:NoSchedule"


def failure_of(rule: Callable[..., object], *arguments: Any) -> str:
    """Return the message of a broken rule."""
    with pytest.raises(BrokenRuleError) as broken:
        rule(*arguments)
    return str(broken.value)


def test_rules_that_hold() -> None:
    placements = shop()
    web, train = placements.select("app=web"), placements.select("app=train")
    assert_only_on(train, GPU)
    assert_only_on(train, "nvidia.com/gpu=present:NoSchedule")
    assert_only_on(web, "!accelerator")
    assert_never_on(web, GPU)
    assert_never_on(web, "nvidia.com/gpu=absent:NoSchedule")
    assert_spread(web, ZONE, max_skew=2)
    assert_all_placed(web)
    assert_survives(web, "kubernetes.io/hostname")
    assert_fits("shop/web-0", SHOP)
    assert_does_not_fit("report", SHOP, "Insufficient cpu")


def test_a_pod_where_none_may_be() -> None:
    message = failure_of(assert_never_on, shop().select("app=train"), GPU).splitlines()
    assert message[:2] == [
        "1 of 2 pods on nodes where none may be: nvidia.com/gpu:NoSchedule",
        "  shop/train-0 is on gpu-a1",
    ]
    assert message[2].startswith(
        "    gpu-a1 passes every filter and scores 425: DynamicResources 0, ImageLocality 0, "
    )
    assert message[3] == "    db-b1 is rejected by TaintToleration: node(s) had untolerated taint(s)"


def test_a_pod_where_only_others_may_be() -> None:
    message = failure_of(assert_only_on, shop().select("app=db").placed, f"{ZONE}=eu-1a").splitlines()
    assert message[:2] == [
        "1 of 1 pods on other nodes than they may be: topology.kubernetes.io/zone=eu-1a",
        "  shop/db-0 is on db-b1",
    ]
    assert [line.split()[0] for line in message[2:]] == ["db-b1", "gpu-a1", "web-a1", "web-a2"]


def test_pods_without_a_node() -> None:
    message = failure_of(assert_all_placed, shop()).splitlines()
    assert message[:2] == ["4 of 16 pods without a node", "  shop/report has no node"]
    assert message[2].startswith(
        "    0/6 nodes are available: 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s), "
    )
    assert message[4] == "    waiting for scheduling gates: [shop.example.com/database-ready]"


def test_only_a_few_offenders_are_listed() -> None:
    pods = [pod(f"p{number}", cpu="9") for number in range(9)]
    message = failure_of(assert_all_placed, place([node("n"), *pods])).splitlines()
    assert message[0] == "9 of 9 pods without a node"
    assert message[-1] == "  and 4 more"


def test_pods_that_are_not_spread() -> None:
    message = failure_of(assert_spread, shop().select("app=web"), "kubernetes.io/hostname", 1).splitlines()
    assert message[:2] == [
        "skew of 3 over kubernetes.io/hostname, expected at most 1: "
        "db-b1 0, gpu-a1 0, web-a1 1, web-a2 0, web-b1 3, web-b2 0",
        "  shop/web-3 is on web-b1",
    ]
    assert message[-1].startswith("    db-b1 is rejected by TaintToleration: ")


def test_domains_may_be_those_of_some_nodes() -> None:
    nodes = [node("n1", labels={"rack": "1", "pool": "web"}), node("n2", labels={"rack": "2"})]
    pods = Placements.of([*nodes, pod("p", nodeName="n1")])
    failure_of(assert_spread, pods, "rack", 0)
    assert_spread(pods, "rack", 0, among="pool=web")
    with pytest.raises(UsageError, match=r"no node has the label rack$"):
        assert_spread(shop(), "rack", 1)
    with pytest.raises(UsageError, match="no node has the label rack and pool=none"):
        assert_spread(pods, "rack", 1, among="pool=none")


@settings(max_examples=60)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=9), st.integers(0, 4))
def test_skew_is_between_the_fullest_and_the_emptiest_domain(zones: list[str], max_skew: int) -> None:
    nodes = [node(f"n{zone}", labels={"zone": zone}) for zone in "abc"]
    pods = [pod(f"p{number}", nodeName=f"n{zone}") for number, zone in enumerate(zones)]
    counts = [zones.count(zone) for zone in "abc"]
    placements = Placements.of([*nodes, *pods])
    if max(counts) - min(counts) <= max_skew:
        assert_spread(placements, "zone", max_skew)
    else:
        assert "skew of" in failure_of(assert_spread, placements, "zone", max_skew)


def test_an_app_that_does_not_survive_the_loss_of_a_zone() -> None:
    message = failure_of(assert_survives, shop().select("app=web"), ZONE).splitlines()
    assert message[:2] == [
        "after the loss of topology.kubernetes.io/zone=eu-1a: 1 of 4 pods without a node",
        "  shop/web-1 has no node",
    ]
    assert message[2].startswith("    0/3 nodes are available: 1 Insufficient cpu, ")


def test_a_pod_that_does_not_fit() -> None:
    message = failure_of(assert_fits, pod("big", cpu="64"), node("n"))
    assert message.splitlines()[2].startswith("    0/1 nodes are available: 1 Insufficient cpu.")


def test_every_pod_of_a_workload_has_to_fit_and_others_do_not_matter() -> None:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": pod("x", cpu="3")["spec"]}
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "a"}}, "template": template},
    }
    cluster = [node("n", cpu="8"), pod("hungry", cpu="8")]
    assert "1 of 3 pods without a node" in failure_of(assert_fits, workload, cluster)
    assert assert_fits(pod("small"), cluster).names == ["default/small"]


def test_a_waiting_pod_is_meant_by_its_name_or_its_view() -> None:
    manifests = ks.load(*SHOP)
    web = next(each for each in manifests.pending if each.metadata.name == "web-2")
    for meant in (web, "web-2", "shop/web-2"):
        assert assert_fits(meant, manifests).names == ["shop/web-2"]


def test_a_pod_that_fits_where_it_should_not() -> None:
    message = failure_of(assert_does_not_fit, "web-0", SHOP).splitlines()
    assert message[:2] == ["fits, and should not", "  shop/web-0 is on web-b1"]
    assert failure_of(assert_does_not_fit, "report", SHOP, "Insufficient memory").splitlines()[:2] == [
        "does not fit, but not because of: Insufficient memory",
        "  shop/report has no node",
    ]


def test_a_pod_without_a_node_is_listed_with_the_node_it_would_get() -> None:
    waiting = Placements.of([node("n"), pod("p")])
    assert failure_of(assert_all_placed, waiting).endswith("default/p has no node\n    it would go to n now")


@pytest.mark.parametrize(
    "rule",
    [
        assert_all_placed,
        lambda pods: assert_never_on(pods, GPU),
        lambda pods: assert_only_on(pods, GPU),
        lambda pods: assert_spread(pods, ZONE, 1),
        lambda pods: assert_survives(pods, ZONE),
    ],
)
def test_rules_about_no_pods_are_refused(rule: Callable[[Placements], None]) -> None:
    with pytest.raises(UsageError, match="no pods to hold to the rule"):
        rule(shop().select("app=wbe"))


def test_rules_that_cannot_be_meant_are_refused() -> None:
    web = shop().select("app=web")
    with pytest.raises(UsageError, match="invalid taint effect: Never"):
        assert_never_on(web, "gpu:Never")
    with pytest.raises(UsageError, match="no node has the label rack"):
        assert_survives(web, "rack")
    with pytest.raises(UsageError, match="no pods to hold"):
        assert_fits("wbe-0", SHOP)


@pytest.mark.parametrize(
    "rule",
    [
        lambda: assert_all_placed(shop()),
        lambda: assert_never_on(shop().select("app=web"), f"{ZONE}=eu-1a"),
        lambda: assert_spread(shop().select("app=web"), "kubernetes.io/hostname", 1),
        lambda: assert_survives(shop().select("app=web"), ZONE),
        lambda: assert_fits("report", SHOP),
    ],
)
def test_explain_reproduces_the_decision_from_the_manifest(
    rule: Callable[[], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(BrokenRuleError) as broken:
        rule()
    path = tmp_path / "case.json"
    saved = broken.value.save(path)
    assert saved == f"kschedcore explain {broken.value.pod} -f {path}"
    assert run([*saved.split()[1:], "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    _, whereabouts, why = (line.strip() for line in str(broken.value).splitlines()[:3])
    if document["node"] is None:
        assert whereabouts == f"{broken.value.pod} has no node"
        assert why == document["message"]
    else:
        assert whereabouts == f"{broken.value.pod} is on {document['node']}"
        [chosen] = [each for each in document["nodes"] if each["name"] == document["node"]]
        assert why.startswith(f"{document['node']} passes every filter and scores {chosen['total']}: ")


class NoNewNodes(FilterPlugin):
    """Rejects nodes whose names begin with new."""

    name = "NoNewNodes"
    reason = "node(s) were new"

    def filter_nodes(self, _pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.bool_]:
        return np.array([not name.startswith("new") for name in nodes.names], np.bool_)


def test_plugins_of_ones_own_take_part_and_are_named_by_what_reproduces_it(tmp_path: Path) -> None:
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": {"multiPoint": {"enabled": [{"name": "NoNewNodes"}]}}}],
    }
    with pytest.raises(BrokenRuleError, match=r"1 node\(s\) were new") as broken:
        assert_fits(pod("p"), [node("new-1"), config], plugins=[NoNewNodes])
    path = tmp_path / "case.json"
    assert broken.value.save(path) == f'kschedcore.testing.place("{path}", plugins=[…])'
    with pytest.raises(BrokenRuleError, match=r"1 node\(s\) were new"):
        assert_all_placed(place(path, plugins=[NoNewNodes]))


def test_without_a_pod_there_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no manifest"):
        BrokenRuleError("…").save(tmp_path / "case.json")
