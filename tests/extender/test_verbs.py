"""The extender's verbs: requests and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from tests import builders

from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Request, Response
from kschedcore.engine.engine import Engine
from kschedcore.errors import UsageError
from kschedcore.extender.verbs import Extender, scaled
from kschedcore.manifests.manifests import Manifests

Json = dict[str, Any]

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


def node(name: str, cpu: str = "4", **spec: Any) -> Any:
    return builders.node(name, cpu, memory="8Gi", pods=10, annotations={"kept": "yes"}, **spec)


def pod(name: str, cpu: str = "1", priority: int = 0, node: str | None = None) -> Any:
    where: dict[str, Any] = {"nodeName": node} if node else {}
    return builders.pod(name, cpu, meta={"uid": f"uid-{name}"}, priority=priority, **where)


def extender(nodes: Any, pods: Any = (), **options: Any) -> Extender:
    loaded = Manifests.from_cluster({"nodes": list(nodes), "pods": list(pods)})
    return Extender(Engine(loaded), loaded.bound, **options)


def send(extender: Extender, verb: str, request: Any) -> Any:
    status, answer = extender.answer(verb, json.dumps(request).encode())
    assert status == 200
    return json.loads(json.dumps(answer))


TAINTED = node("t", taints=[{"key": "gpu", "value": "", "effect": "NoSchedule"}])


class TestFilter:
    def test_names_in_names_out_with_reasons(self) -> None:
        made = extender([node("a"), node("b", "2"), TAINTED], [pod("x", node="b")])
        response = send(made, "filter", {"Pod": pod("p", "2"), "NodeNames": ["t", "b", "a"], "Nodes": None})
        assert response == {
            "Nodes": None,
            "NodeNames": ["a"],
            "FailedNodes": {"b": "Insufficient cpu"},
            "FailedAndUnresolvableNodes": {"t": "node(s) had untolerated taint(s)"},
            "Error": "",
        }

    def test_only_nodes_of_the_request_are_in_the_response(self) -> None:
        made = extender([node("a"), node("b", "1")])
        response = send(made, "filter", {"Pod": pod("p", "2"), "NodeNames": ["b"]})
        assert (response["NodeNames"], response["FailedNodes"]) == ([], {})
        assert response["FailedAndUnresolvableNodes"] == {"b": "Insufficient cpu"}

    def test_a_node_that_is_not_known_cannot_be_helped(self) -> None:
        response = send(extender([node("a")]), "filter", {"Pod": pod("p"), "NodeNames": ["z", "a"]})
        assert response["NodeNames"] == ["a"]
        assert response["FailedAndUnresolvableNodes"] == {"z": "node 'z' is not known to the extender"}

    def test_whole_nodes_are_filtered_as_sent_and_returned_whole(self) -> None:
        made = extender([node("a", "1")])
        shown = [node("a", "4"), node("new", "1")]
        response = send(made, "filter", {"Pod": pod("p", "2"), "Nodes": {"items": shown}, "NodeNames": None})
        assert response["Nodes"]["items"] == [shown[0]]
        assert response["NodeNames"] is None
        assert response["FailedAndUnresolvableNodes"] == {"new": "Insufficient cpu"}

    def test_one_invalid_node_changes_nothing(self) -> None:
        made = extender([node("a", "1")])
        response = send(made, "filter", {"Pod": pod("p"), "Nodes": {"items": [node("a"), node("b", "much")]}})
        assert "much" in response["Error"]
        assert send(made, "filter", {"Pod": pod("p", "2"), "NodeNames": ["a"]})["NodeNames"] == []

    def test_an_early_end_of_the_cycle_is_reported_for_every_node(self) -> None:
        alien = pod("p")
        alien["spec"]["schedulerName"] = "other"
        response = send(extender([node("a")]), "filter", {"Pod": alien, "NodeNames": ["a"]})
        assert "other" in response["FailedAndUnresolvableNodes"]["a"]

    def test_filtering_a_pod_does_not_bind_it(self) -> None:
        made = extender([node("a", "1")], [pod("p", "1", node="a")])
        assert send(made, "filter", {"Pod": pod("p", "1"), "NodeNames": ["a"]})["NodeNames"] == ["a"]

    @pytest.mark.parametrize(
        ("broken", "message"),
        [
            ({"Pod": pod("p")}, "the request has neither Nodes nor NodeNames"),
            ({"Pod": pod("p", "much"), "NodeNames": []}, "much"),
        ],
    )
    def test_an_error_goes_into_the_answer(self, broken: Any, message: str) -> None:
        assert message in send(extender([node("a")]), "filter", broken)["Error"]


class TestPrioritize:
    def test_the_best_node_gets_ten(self) -> None:
        response = send(
            extender([node("a", "2"), node("b", "8"), node("c", "4")]),
            "prioritize",
            {"Pod": pod("p"), "NodeNames": ["a", "b", "c", "z"]},
        )
        scores = {each["Host"]: each["Score"] for each in response}
        assert (scores["b"], scores["a"], scores["z"]) == (10, 0, 0)
        assert 0 < scores["c"] < 10

    def test_scores_keep_the_order_and_only_the_best_get_ten(self) -> None:
        assert scaled({"a": 100, "b": 999, "c": 1000, "d": 1000}) == {"a": 0, "b": 9, "c": 10, "d": 10}
        assert scaled({"a": 7, "b": 7}) == {"a": 10, "b": 10}
        assert scaled({}) == {}


class TestPreempt:
    def preempt(self, made: Extender, victims: list[str], cpu: str = "2", node: str = "a") -> Any:
        meta = {node: {"Pods": [{"UID": f"uid-{name}"} for name in victims], "NumPDBViolations": 2}}
        request = {"Pod": pod("high", cpu, 9), "NodeNameToVictims": None, "NodeNameToMetaVictims": meta}
        return send(made, "preempt", request)["NodeNameToMetaVictims"]

    def full(self) -> Extender:
        return extender(
            [node("a")], [pod("x", "2", 3, node="a"), pod("y", "1", 2, node="a"), pod("z", "1", 1, node="a")]
        )

    def test_victims_that_could_stay_are_struck_off_the_least_important_last(self) -> None:
        made = self.full()
        response = self.preempt(made, ["x", "y", "z"])
        assert response == {"a": {"Pods": [{"UID": "uid-y"}, {"UID": "uid-z"}], "NumPDBViolations": 2}}
        assert self.preempt(made, ["x", "y", "z"]) == response  # nothing stayed changed
        assert send(made, "filter", {"Pod": pod("p", "1"), "NodeNames": ["a"]})["NodeNames"] == []

    def test_whole_pods_are_as_good_as_uids(self) -> None:
        whole = {"a": {"Pods": [pod(name) for name in "xyz"], "NumPDBViolations": 0}}
        response = send(self.full(), "preempt", {"Pod": pod("high", "3", 9), "NodeNameToVictims": whole})
        assert [each["UID"] for each in response["NodeNameToMetaVictims"]["a"]["Pods"]] == ["uid-x", "uid-z"]

    def test_a_node_that_would_not_be_helped_is_left_out(self) -> None:
        assert self.preempt(self.full(), ["z"]) == {}
        assert self.preempt(self.full(), ["x", "y", "z"], node="nowhere") == {}

    def test_a_victim_that_is_not_known_stays_one(self) -> None:
        response = self.preempt(self.full(), ["x", "stranger"])
        assert [each["UID"] for each in response["a"]["Pods"]] == ["uid-x", "uid-stranger"]

    def test_where_nothing_is_in_the_way_the_scheduler_is_believed(self) -> None:
        made = extender([node("a")], [pod("x", "1", node="a")])
        assert [each["UID"] for each in self.preempt(made, ["x"])["a"]["Pods"]] == ["uid-x"]


def binding(name: str, to: str, uid: str | None = None) -> Any:
    return {"PodName": name, "PodNamespace": "default", "PodUID": uid or f"uid-{name}", "Node": to}


class TestBind:
    def test_it_is_accounted(self) -> None:
        made = extender([node("a", "2")])
        arguments = {"Pod": pod("p", "2"), "NodeNames": ["a"]}
        assert send(made, "filter", arguments)["NodeNames"] == ["a"]
        assert send(made, "bind", binding("p", "a")) == {"Error": ""}
        assert send(made, "filter", {**arguments, "Pod": pod("q")})["NodeNames"] == []
        made.remove_pod("p")
        assert send(made, "filter", {**arguments, "Pod": pod("q")})["NodeNames"] == ["a"]

    @pytest.mark.parametrize(
        ("request_", "message"),
        [
            (binding("q", "a"), "pod default/q (UID 'uid-q') was not in an earlier request"),
            (binding("p", "a", uid="old"), "pod default/p (UID 'old') was not in an earlier request"),
            (binding("p", "z"), "node 'z' is not known to the extender"),
        ],
    )
    def test_a_stranger_is_refused(self, request_: Any, message: str) -> None:
        made = extender([node("a")])
        send(made, "filter", {"Pod": pod("p"), "NodeNames": ["a"]})
        assert send(made, "bind", request_) == {"Error": message}

    def test_a_binding_is_posted_to_the_api_server(self) -> None:
        api = APIServer()
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        assert api.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)[0] == 201
        assert (
            api.request("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", **node("a")})[0] == 201
        )
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod("p")["spec"]}
        del body["spec"]["priority"]
        code, stored = api.request("POST", "/api/v1/namespaces/default/pods", body)
        assert code == 201, stored
        made = extender([node("a", "1")], api=api)
        send(made, "filter", {"Pod": json.loads(json.dumps(stored, default=dict)), "NodeNames": ["a"]})
        request = binding("p", "a", stored["metadata"]["uid"])
        assert send(made, "bind", request) == {"Error": ""}
        found = api.request("GET", "/api/v1/namespaces/default/pods/p")[1]
        assert found["spec"]["nodeName"] == "a"
        assert "refused the binding (409)" in send(made, "bind", request)["Error"]
        full = {"Pod": pod("q"), "NodeNames": ["a"]}
        assert send(made, "filter", full)["NodeNames"] == []  # the first binding stands

    def test_others_are_answered_while_the_api_server_takes_its_time(self) -> None:
        made, other = (
            extender([node("a", "2")], api=(api := Slow(409))),
            {"Pod": pod("q"), "NodeNames": ["a"]},
        )
        with binding_under_way(made, api) as response:
            # The resources stay reserved while the binding is in progress.
            assert send(made, "filter", other)["NodeNames"] == []
        assert "refused the binding (409)" in response["Error"]
        assert send(made, "filter", other)["NodeNames"] == ["a"]

    def test_a_pod_deleted_while_it_is_bound_does_not_come_back(self) -> None:
        made = extender([node("a", "2")], api=(api := Slow(404)))
        with binding_under_way(made, api) as response:
            made.remove_pod("p")
        assert "refused the binding (404)" in response["Error"]
        assert send(made, "filter", {"Pod": pod("q", "2"), "NodeNames": ["a"]})["NodeNames"] == ["a"]

    def test_resources_are_released_without_a_response(self) -> None:
        made = extender([node("a", "2")], api=Unreachable())
        send(made, "filter", {"Pod": pod("p", "2"), "NodeNames": ["a"]})
        assert send(made, "bind", binding("p", "a"))["Error"] == "the API server does not respond: no route"
        assert send(made, "filter", {"Pod": pod("q", "2"), "NodeNames": ["a"]})["NodeNames"] == ["a"]


@contextmanager
def binding_under_way(made: Extender, api: Slow) -> Iterator[Json]:
    """Bind the pod ``p`` to ``a`` in another thread; the yielded response is filled in at the end of the block."""
    send(made, "filter", {"Pod": pod("p", "2"), "NodeNames": ["a"]})
    response: Json = {}
    with ThreadPoolExecutor() as pool:
        binds = pool.submit(send, made, "bind", binding("p", "a"))
        api.reached.wait()
        try:
            yield response
        finally:
            api.go_on.set()
        response |= binds.result()


class Unreachable:
    """An API server behind a broken line."""

    def send(self, _: Request) -> Response:
        raise ConnectionError("no route")


class Slow:
    """An API server that answers on demand."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.reached, self.go_on = Event(), Event()

    def send(self, _: Request) -> Response:
        self.reached.set()
        self.go_on.wait()
        return Response(self.code, {})


class TestEdges:
    def test_an_unknown_verb(self) -> None:
        status, answer = extender([]).answer("guess", b"{}")
        assert (status, answer) == (
            404,
            {"Error": "unknown verb 'guess'; expected one of filter, prioritize, preempt, bind"},
        )

    @pytest.mark.parametrize("verb", ["filter", "prioritize", "preempt", "bind"])
    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"Pod": 1}', b"[" * 100_000])
    def test_a_body_that_is_no_request(self, verb: str, body: bytes) -> None:
        status, answer = extender([]).answer(verb, body)
        assert status == 400
        assert answer["Error"].startswith("the request is no ")

    def test_an_engine_that_has_extenders_itself(self) -> None:
        config = {**HEAD, "extenders": [{"urlPrefix": "http://127.0.0.1:1", "filterVerb": "filter"}]}
        with pytest.raises(UsageError, match="must not have extenders itself"):
            Extender(Engine(config=config))

    def test_an_engine_that_looks_at_some_nodes_only(self) -> None:
        with pytest.raises(UsageError, match="expected no percentageOfNodesToScore"):
            Extender(Engine(config={**HEAD, "percentageOfNodesToScore": 10}))

    def test_nodes_come_and_go(self) -> None:
        made = extender([])
        arguments = {"Pod": pod("p"), "NodeNames": ["a"]}
        made.set_node(node("a"))
        made.add_pod(pod("x", "4", node="a"))
        assert list(send(made, "filter", arguments)["FailedNodes"]) == ["a"]
        made.remove_pod("x")
        assert send(made, "filter", arguments)["NodeNames"] == ["a"]
        made.remove_node("a")
        assert list(send(made, "filter", arguments)["FailedAndUnresolvableNodes"]) == ["a"]
        with pytest.raises(UsageError, match=r"has no spec\.nodeName"):
            made.add_pod(pod("x"))
