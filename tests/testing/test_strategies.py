"""Drawn objects are accepted by an API server, or rejected as their strategy states, and shrink to plain ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from kschedcore.api.labels import is_label_value, is_qualified_name
from kschedcore.api.machinery.types import Object
from kschedcore.api.quantity import Quantity
from kschedcore.cluster import Cluster
from kschedcore.cluster.references import kind_named
from kschedcore.testing.strategies import (
    FEATURES,
    Invalid,
    cases,
    clusters,
    histories,
    invalid_nodes,
    invalid_pods,
    label_keys,
    label_selectors,
    label_values,
    labels,
    nodes,
    pods,
    quantities,
    taints,
    tolerations,
)
from kschedcore.testing.strategies.clusters import priority_classes, runtime_class
from kschedcore.testing.strategies.invalid import NODE_FAULTS, POD_FAULTS
from kschedcore.testing.strategies.vocabulary import NAMESPACES

QUICK = settings(max_examples=60, derandomize=True)
SMALLEST = settings(max_examples=300, derandomize=True, database=None, phases=[Phase.generate, Phase.shrink])


class Server:
    """An API server with the namespaces and priority classes that drawn objects name."""

    def __init__(self) -> None:
        self.cluster = Cluster.simulated()
        for name in NAMESPACES:
            self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for obj in (*priority_classes(), runtime_class()):
            self.create(obj)
        self.cluster.run_until_settled()  # namespaces get their service accounts

    def create(self, obj: Object, *, dry_run: bool = False) -> tuple[int, Any]:
        resource = kind_named(obj["kind"]).resource
        root = "/api/v1" if obj["apiVersion"] == "v1" else f"/apis/{obj['apiVersion']}"
        space = f"/namespaces/{obj['metadata']['namespace']}" if resource.namespaced else ""
        query = "?dryRun=All" if dry_run else ""
        return self.cluster.request("POST", f"{root}{space}/{resource.plural}{query}", obj)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.cluster.close()


def taken(server: Server, obj: Object) -> None:
    code, answer = server.create(obj, dry_run=True)
    assert code == 201, answer["message"]


@QUICK
@given(drawn=pods())
def test_every_pod_is_valid(server: Server, drawn: Object) -> None:
    taken(server, drawn)


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_is_valid(server: Server, feature: str) -> None:
    @settings(QUICK, max_examples=8)
    @given(pods(features=(feature,)))
    def holds(drawn: Object) -> None:
        taken(server, drawn)

    holds()


@QUICK
@given(drawn=nodes())
def test_every_node_is_valid(server: Server, drawn: Object) -> None:
    taken(server, drawn)


@settings(QUICK, max_examples=25)
@given(drawn=clusters(configured=False))
def test_every_object_of_a_cluster_is_valid(server: Server, drawn: dict[str, list[Object]]) -> None:
    for key, objects in drawn.items():
        for obj in objects:
            if key not in ("namespaces", "priorityClasses", "runtimeClasses"):  # which are there
                taken(server, obj)


@QUICK
@given(drawn=st.one_of(invalid_pods(), invalid_nodes()))
def test_an_invalid_object_is_refused_for_its_field(server: Server, drawn: Invalid) -> None:
    code, answer = server.create(drawn.object, dry_run=True)
    assert code == 422
    assert drawn.field in [cause["field"] for cause in answer["details"]["causes"]]


@pytest.mark.parametrize(
    ("drawn", "faults"), [(invalid_pods(), POD_FAULTS), (invalid_nodes(), NODE_FAULTS)], ids=["pod", "node"]
)
def test_every_fault_is_drawn(drawn: st.SearchStrategy[Invalid], faults: dict[str, tuple[Any, str]]) -> None:
    anything = settings(SMALLEST, phases=[Phase.generate])
    for name, (_, field) in faults.items():
        found = find(drawn, partial(_names, field), settings=anything)
        assert found.field == field, name


def _names(field: str, drawn: Invalid) -> bool:
    return drawn.field == field


@given(st.data(), *[st.integers(0, 5000)] * 2)
def test_quantities_lie_between_their_bounds(data: st.DataObject, one: int, other: int) -> None:
    least, most = sorted((one, other))
    text = data.draw(quantities(f"{least}m", f"{most}m"))
    assert least * 10**6 <= Quantity.parse(text).nanos <= most * 10**6


@given(quantities("1", "64Gi", whole=True))
def test_whole_quantities_are_whole(text: str) -> None:
    assert Quantity.parse(text).nanos % 10**9 == 0


@pytest.mark.parametrize("suffix", ["m", "Gi", "M", "e-3", "e0", ".0", "5"])
def test_quantities_come_in_every_spelling(suffix: str) -> None:
    bound = "4Gi" if suffix in ("Gi", "M") else "2"
    drawn = find(quantities("0", bound), lambda text: text.endswith(suffix), settings=SMALLEST)
    assert drawn.endswith(suffix)


@pytest.mark.parametrize(("least", "most"), [("2", "1"), ("300m", "200m")])
def test_quantities_need_a_value_between_their_bounds(least: str, most: str) -> None:
    with pytest.raises(ValueError, match="no amount lies between them"):
        quantities(least, most)


def test_no_whole_quantity_lies_between_broken_ones() -> None:
    with pytest.raises(ValueError, match="least='100m', most='900m': no amount lies between them"):
        quantities("100m", "900m", whole=True)


@given(label_keys(), label_values())
def test_labels_of_any_form_are_valid(key: str, value: str) -> None:
    assert is_qualified_name(key) == is_label_value(value) == ()


@given(labels({"tier": ("gold", "iron")}))
def test_labels_keep_to_their_vocabulary(drawn: dict[str, str]) -> None:
    assert drawn in ({}, {"tier": "gold"}, {"tier": "iron"})


@given(taints(["gpu"], ["a"], ["NoSchedule", "NoExecute"], max_size=3))
def test_taints_keep_to_what_they_are_given(drawn: list[Object]) -> None:
    assert {taint["key"] for taint in drawn} == {"gpu"}
    assert {taint.get("value", "a") for taint in drawn} == {"a"}
    assert len({taint["effect"] for taint in drawn}) == len(drawn) <= 2


@given(tolerations(["gpu"], ["a"], ["NoSchedule"]))
def test_tolerations_keep_to_what_they_are_given(drawn: list[Object]) -> None:
    assert {toleration.get("key", "gpu") for toleration in drawn} == {"gpu"}
    assert {toleration.get("effect", "NoSchedule") for toleration in drawn} == {"NoSchedule"}


@given(nodes(zones=("here",), vocabulary={}))
def test_nodes_are_in_the_given_zones(drawn: Object) -> None:
    assert drawn["metadata"]["labels"].get("topology.kubernetes.io/zone", "here") == "here"
    assert "disk" not in drawn["metadata"]["labels"]


@given(cases(max_nodes=2, max_pods=1, max_pending=2))
def test_cases_keep_to_their_size(drawn: tuple[Object, list[Object]]) -> None:
    cluster, pending = drawn
    assert 1 <= len(cluster["nodes"]) <= 2
    assert len(cluster["pods"]) <= 1
    assert 1 <= len(pending) <= 2


def smallest(strategy: st.SearchStrategy[Any]) -> Any:
    return find(strategy, lambda _: True, settings=SMALLEST)


def test_a_pod_shrinks_to_one_container_without_requests() -> None:
    pod = smallest(pods())
    assert pod["spec"]["containers"] == [{"name": "c0", "image": "pause:3.9"}]
    assert pod["metadata"] == {"name": "pod-0", "namespace": "default", "uid": "uid-pod-0", "labels": {}}
    assert set(pod["spec"]) == {"schedulerName", "priority", "containers"}


def test_a_node_shrinks_to_one_of_the_first_zone_that_takes_all() -> None:
    node = smallest(nodes())
    assert node["spec"] == {}
    assert node["metadata"]["labels"] == {
        "kubernetes.io/hostname": "node-0",
        "topology.kubernetes.io/zone": "z1",
        "topology.kubernetes.io/region": "r1",
    }
    assert node["status"]["allocatable"]["cpu"] == "8"


def test_what_needs_something_shrinks_to_just_that() -> None:
    pod = find(pods(), lambda drawn: "tolerations" in drawn["spec"], settings=SMALLEST)
    assert pod["spec"]["tolerations"] == [{"key": "dedicated", "operator": "Exists"}]
    assert len(pod["spec"]["containers"]) == 1
    assert "affinity" not in pod["spec"]


def test_a_cluster_shrinks_to_one_node_and_a_history_to_one_event() -> None:
    cluster = smallest(clusters(features=()))
    assert [len(cluster["nodes"]), cluster["pods"]] == [1, []]
    history = smallest(histories())
    assert len(history.events) == 1


@pytest.mark.parametrize(
    ("strategy", "plainest"),
    [
        (quantities(), "0"),
        (quantities("250m", "4"), "1"),
        (labels(), {}),
        (label_values(), ""),
        (label_keys(), "a"),
        (label_selectors(), {"matchLabels": {"app": "web"}}),
        (taints(), [{"key": "dedicated", "effect": "NoSchedule"}]),
    ],
)
def test_small_things_shrink_to_the_plainest(strategy: st.SearchStrategy[Any], plainest: object) -> None:
    assert smallest(strategy) == plainest
