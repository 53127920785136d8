"""Rules that the recordings do not reach, each as small as it can be."""

from typing import Any

import pytest
from tests.model import ReferenceScheduler
from tests.model.quantity import milli, parse, whole

Json = dict[str, Any]


def node(name: str, *, cpu: str = "4", pods: str = "110", **labels: str) -> Json:
    return {
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": pods}},
    }


def pod(name: str, *, cpu: str = "1", priority: int = 0, on: str | None = None, **spec: Any) -> Json:
    containers = [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]
    bound = {"nodeName": on} if on else {}
    return {
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name[0]}},
        "spec": {"containers": containers, "priority": priority, **bound, **spec},
        "status": {"startTime": "2026-01-01T00:00:00Z"},
    }


def nominated(waiting: Json, to: str) -> Json:
    return {**waiting, "status": {"nominatedNodeName": to}}


def anti_affinity(app: str) -> Json:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "zone"}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def scheduler(*nodes: Json, pods: tuple[Json, ...] = (), **cluster: Any) -> ReferenceScheduler:
    return ReferenceScheduler({"nodes": list(nodes), "pods": list(pods), **cluster})


def configured(*nodes: Json, pods: tuple[Json, ...] = (), **profile: Any) -> ReferenceScheduler:
    return scheduler(*nodes, pods=pods, config={"profiles": [profile]})


def reasons(step: Json, name: str) -> list[str]:
    listed: list[str] = step["rejected"][name]["reasons"]
    return listed


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.1", 1),
        ("1e3", 1000),
        ("1E", 10**18),
        ("0.5Gi", 2**29),
        (".5", 1),
        ("2.", 2),
        ("1n", 1),
        ("-1500m", -1),
    ],
)
def test_quantities_round_up_to_whole_units(written: str, expected: int) -> None:
    assert whole(parse(written)) == expected


def test_cpu_rounds_up_to_milli() -> None:
    assert [milli(parse(each)) for each in ("1m", "1001u", "0.5", "1n")] == [1, 2, 500, 1]


@pytest.mark.parametrize("written", ["", "1 Gi", "Gi", "1gi", "1e", "0x1", "1,5"])
def test_what_is_no_quantity_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="expected a number"):
        parse(written)


def test_requests_round_once_for_each_pod() -> None:
    half = [{"name": n, "resources": {"requests": {"cpu": "500u"}}} for n in ("a", "b")]
    tiny = {**pod("t", on="n"), "spec": {"nodeName": "n", "containers": half}}
    full = scheduler(node("n", cpu="2m"), pods=(tiny,))
    assert full.decide(pod("p", cpu="1m"), preempt=False)["chosen"] == "n"
    assert "chosen" not in full.decide(pod("p", cpu="1001u"), preempt=False)


def test_a_nominated_pod_counts_for_pods_of_lower_priority() -> None:
    waits = nominated(pod("w", cpu="3", priority=10), to="n")
    cluster = scheduler(node("n"), pods=(waits,))
    assert reasons(cluster.decide(pod("p", cpu="2"), preempt=False), "n") == ["Insufficient cpu"]
    assert cluster.decide(pod("p", cpu="2", priority=11))["chosen"] == "n"
    assert cluster.decide(waits)["chosen"] == "n"


def test_affinity_to_a_nominated_pod_does_not_count() -> None:
    """It may never arrive: the pod must fit with it and without it."""
    waits = nominated(pod("w", priority=10), to="n")
    term = {"labelSelector": {"matchLabels": {"app": "w"}}, "topologyKey": "zone"}
    wants = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    step = scheduler(node("n", zone="z"), pods=(waits,)).decide(pod("p", affinity=wants), preempt=False)
    assert reasons(step, "n") == ["node(s) didn't match pod affinity rules"]


def test_a_skipped_plugin_ignores_nominated_pods() -> None:
    """InterPodAffinity sits out when no running pod and no term of the pod's own needs it."""
    waits = nominated(pod("w", priority=10, affinity=anti_affinity("p")), to="n")
    assert scheduler(node("n", zone="z"), pods=(waits,)).decide(pod("p"))["chosen"] == "n"


def test_the_nominated_node_is_tried_alone() -> None:
    waits = nominated(pod("w"), to="b")
    step = scheduler(node("a"), node("b")).decide(waits)
    assert (step["feasible"], step.get("rejected")) == (["b"], None)
    assert scheduler(node("a")).decide(waits)["chosen"] == "a"


def test_no_more_victims_while_the_first_are_leaving() -> None:
    leaving = pod("l", cpu="4", on="n")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    leaving["status"]["conditions"] = [
        {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    ]
    cluster = scheduler(node("n"), node("m"), pods=(leaving, pod("o", cpu="4", on="m")))
    assert "nominated" not in cluster.decide(nominated(pod("p", priority=1), to="n"))
    assert cluster.decide(pod("p", priority=1))["nominated"] == "m"


def test_preemption_releases_less_important_nominations() -> None:
    waits = nominated(pod("w", priority=5), to="n")
    cluster = scheduler(node("n", cpu="1"), pods=(pod("v", on="n"), waits))
    preemptor = pod("p", priority=10)
    step = cluster.decide(preemptor)
    assert (step["nominated"], step["victims"]) == ("n", ["default/v"])
    cluster.commit(preemptor, step)
    assert [each["metadata"]["name"] for each in cluster.pods()] == ["p"]


def test_important_pods_come_back_first() -> None:
    early = {**pod("e", cpu="2", on="n"), "status": {"startTime": "2025-01-01T00:00:00Z"}}
    late = pod("l", cpu="2", on="n")
    cluster = scheduler(node("n"), pods=(late, early))
    assert cluster.decide(pod("p", cpu="2", priority=1))["victims"] == ["default/l"]


def test_budgets_protect_even_less_important_pods() -> None:
    budget = {
        "metadata": {"name": "b", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "x"}}},
        "status": {"disruptionsAllowed": 0},
    }
    running = (pod("x", cpu="2", on="n", priority=1), pod("y", cpu="2", on="n", priority=2))
    preemptor = pod("p", cpu="2", priority=3)
    assert scheduler(node("n"), pods=running).decide(preemptor)["victims"] == ["default/x"]
    guarded = scheduler(node("n"), pods=running, podDisruptionBudgets=[budget])
    assert guarded.decide(preemptor)["victims"] == ["default/y"]


def test_eviction_lifts_anti_affinity_and_spread() -> None:
    refuses = pod("r", on="n", affinity=anti_affinity("p"))
    assert scheduler(node("n", zone="z"), pods=(refuses,)).decide(pod("p", priority=1))["victims"] == [
        "default/r"
    ]
    constraint = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "p"}},
    }
    zones = (node("a", zone="a"), node("b", cpu="0", zone="b"))
    spread = pod("p", priority=5, topologySpreadConstraints=[constraint])
    cluster = scheduler(*zones, pods=(pod("p1", on="a"), pod("q", on="a")))
    assert reasons(cluster.decide(spread), "a") == ["node(s) didn't match pod topology spread constraints"]
    assert cluster.decide(spread)["victims"] == ["default/p1"]


def test_conflicting_node_names_end_the_cycle() -> None:
    fields = [{"key": "metadata.name", "operator": "In", "values": [name]} for name in ("a", "b")]
    required = {"nodeSelectorTerms": [{"matchFields": fields}]}
    wants = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    assert scheduler(node("a"), node("b")).decide(pod("p", affinity=wants))["preFilter"] == {
        "code": "UnschedulableAndUnresolvable",
        "plugin": "NodeAffinity",
        "reasons": ["pod affinity terms conflict"],
    }


def test_terminating_pods_count_for_resources_and_not_for_spread() -> None:
    going = pod("g", cpu="4", on="n")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    cluster = scheduler(node("n", zone="z"), node("m", zone="y"), pods=(going,))
    constraint = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "g"}},
    }
    step = cluster.decide(pod("g2", topologySpreadConstraints=[constraint]), preempt=False)
    assert reasons(step, "n") == ["Insufficient cpu"]
    assert cluster.decide(pod("g3", cpu="0", topologySpreadConstraints=[constraint]))["feasible"] == [
        "m",
        "n",
    ]


def test_finished_pods_and_pods_of_a_removed_node_count_nowhere() -> None:
    done = {**pod("d", cpu="4", on="n"), "status": {"phase": "Succeeded"}}
    cluster = scheduler(node("n"), pods=(done,))
    assert cluster.decide(pod("p", cpu="4"))["chosen"] == "n"
    cluster.add_pod(pod("r", cpu="4", on="n"))
    cluster.remove_node("n")
    cluster.add_node(node("n"))
    assert "chosen" not in cluster.decide(pod("p"), preempt=False)


def test_a_resize_counts_the_highest_of_its_amounts() -> None:
    resized = pod("r", cpu="1", on="n")
    resized["status"]["containerStatuses"] = [
        {"name": "c", "resources": {"requests": {"cpu": "3"}}, "allocatedResources": {"cpu": "2"}}
    ]
    cluster = scheduler(node("n"), pods=(resized,))
    assert cluster.decide(pod("p", cpu="1"))["chosen"] == "n"
    assert "chosen" not in cluster.decide(pod("p", cpu="1001m"), preempt=False)


def test_ignored_resources_are_not_checked() -> None:
    requesting = pod("p")
    requesting["spec"]["containers"][0]["resources"]["requests"]["a.com/x"] = "1"
    for field, value in (("ignoredResources", "a.com/x"), ("ignoredResourceGroups", "a.com")):
        args = [{"name": "NodeResourcesFit", "args": {field: [value]}}]
        assert configured(node("n"), pluginConfig=args).decide(requesting)["chosen"] == "n"
    assert "chosen" not in scheduler(node("n")).decide(requesting)


def test_plugins_named_at_a_point_filter_first() -> None:
    full = node("n", cpu="0")
    full["spec"] = {"unschedulable": True}
    step = configured(full, plugins={"filter": {"enabled": [{"name": "NodeResourcesFit"}]}}).decide(pod("p"))
    assert step["rejected"]["n"]["plugin"] == "NodeResourcesFit"
    assert scheduler(full).decide(pod("p"))["rejected"]["n"]["plugin"] == "NodeUnschedulable"


def test_weights_of_the_point_win_over_those_of_multi_point() -> None:
    plugins = {
        "multiPoint": {"enabled": [{"name": "TaintToleration", "weight": 5}, {"name": "ImageLocality"}]},
        "score": {"enabled": [{"name": "TaintToleration", "weight": 7}]},
    }
    scores = configured(node("n"), plugins=plugins).decide(pod("p"))["scores"]["n"]
    assert scores["TaintToleration"] == 700
    assert next(iter(scores)) == "TaintToleration"


def test_everything_may_be_disabled_and_some_of_it_enabled_again() -> None:
    plugins = {"multiPoint": {"disabled": [{"name": "*"}], "enabled": [{"name": "NodeName"}]}}
    step = configured(node("n", cpu="0", pods="0"), plugins=plugins).decide(pod("p"))
    assert (step["chosen"], step["scores"]) == ("n", {"n": {}})


def test_unknown_profiles_and_plugins_are_refused() -> None:
    with pytest.raises(ValueError, match=r"spec\.schedulerName 'mine': expected a profile"):
        scheduler(node("n")).decide(pod("p", schedulerName="mine"))
    with pytest.raises(ValueError, match="plugin 'Mine': expected one of"):
        configured(node("n"), plugins={"score": {"enabled": [{"name": "Mine"}]}}).decide(pod("p"))
