"""HTTP extenders over the loopback interface."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest

from kschedcore.clock import FixedClock
from kschedcore.cluster import Cluster
from kschedcore.engine.config.loading import load_config
from kschedcore.engine.engine import Engine
from kschedcore.engine.extenders.extenders import ExtenderError, Extenders, HTTPExtender
from kschedcore.engine.extenders.http import HTTPClient
from kschedcore.errors import ConfigError
from kschedcore.manifests.manifests import Manifests
from kschedcore.scheduler.cycle import Phase, Pipeline

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}

PRIORITY_CLASS = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}

LICENCE = "example.com/licence"


class Answers:
    """An extender: verb -> what it answers; records its requests."""

    def __init__(self, **verbs: Any) -> None:
        self.verbs = verbs
        self.requests: list[tuple[str, Any]] = []

    def __call__(self, verb: Any, arguments: Any) -> Any:
        self.requests.append((verb, arguments))
        answer = self.verbs[verb]
        return answer(arguments) if callable(answer) else answer


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that did not wait for their answer."""


@contextmanager
def serving(answers: Any) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            verb = self.path.rpartition("/")[2]
            answer = answers(verb, body) if verb in answers.verbs else None
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = QuietServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/scheduler"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def node(name: str, cpu: str = "4") -> Any:
    return {
        "metadata": {"name": name, "annotations": {"rack": name}},
        "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "10"}},
    }


def pod(name: str, cpu: str = "1", uid: str = "", priority: int = 0, licences: str = "0") -> Any:
    resources = {
        "requests": {"cpu": cpu, "memory": "1Gi", **({LICENCE: licences} if licences != "0" else {})}
    }
    return {
        "metadata": {"name": name, "namespace": "default", "uid": uid, "annotations": {"kept": "yes"}},
        "spec": {"containers": [{"name": "c", "image": "app", "resources": resources}], "priority": priority},
    }


def engine(*extenders: Any, nodes: Any = "abc") -> Any:
    made = Engine(config={**HEAD, "extenders": list(extenders)})
    for name in nodes:
        made.set_node(node(name))
    return made


def only(*names: Any) -> Any:
    return {"NodeNames": list(names)}


class TestFilter:
    def test_it_is_shown_whole_objects_and_its_answer_counts(self) -> None:
        answers = Answers(filter=lambda args: {"Nodes": {"items": args["Nodes"]["items"][1:2]}})
        with serving(answers) as url:
            decision = engine({"urlPrefix": url, "filterVerb": "filter"}).decide(pod("p"))
        assert (decision.node, decision.feasible) == ("b", 1)
        ((_, args),) = answers.requests
        assert args["Pod"]["metadata"]["annotations"] == {"kept": "yes"}
        assert [item["metadata"]["annotations"]["rack"] for item in args["Nodes"]["items"]] == [
            "a",
            "b",
            "c",
        ]
        assert args["NodeNames"] is None

    def test_after_a_question_it_is_shown_what_there_was_before(self) -> None:
        answers = Answers(filter=lambda args: {"Nodes": args["Nodes"]})
        with serving(answers) as url:
            client = engine({"urlPrefix": url, "filterVerb": "filter"}, nodes="ab")
            with client.what_if():
                client.remove_node("b")
                changed = node("a")
                changed["metadata"]["annotations"] = {"rack": "moved"}
                client.set_node(changed)
                client.set_node(node("c"))
                client.decide(pod("p"))
            client.decide(pod("p"))
        racks = [
            {
                item["metadata"]["name"]: item["metadata"]["annotations"]["rack"]
                for item in args["Nodes"]["items"]
            }
            for _, args in answers.requests
        ]
        assert racks == [{"a": "moved", "c": "c"}, {"a": "a", "b": "b"}]

    def test_objects_of_manifests_are_shown_whole(self) -> None:
        answers = Answers(filter=lambda args: {"Nodes": args["Nodes"]})
        with serving(answers) as url:
            config = {**HEAD, "extenders": [{"urlPrefix": url, "filterVerb": "filter"}]}
            loaded = Manifests.from_cluster({"nodes": [node("a")], "pods": []})
            assert Engine(loaded, config=config).decide(pod("p")).node == "a"
        ((_, args),) = answers.requests
        assert args["Nodes"]["items"][0]["metadata"]["annotations"] == {"rack": "a"}

    def test_one_with_a_cache_of_nodes_is_given_names(self) -> None:
        answers = Answers(filter=only("c"))
        with serving(answers) as url:
            config = {"urlPrefix": url, "filterVerb": "filter", "nodeCacheCapable": True}
            assert engine(config).decide(pod("p")).node == "c"
        ((_, args),) = answers.requests
        assert (args["NodeNames"], args["Nodes"]) == (["a", "b", "c"], None)

    def test_reasons_are_returned(self) -> None:
        failed = {
            "nodeNames": [],
            "failedNodes": {"a": "no licence", "b": "no licence"},
            "failedAndUnresolvableNodes": {"b": "wrong rack", "c": "wrong rack"},
        }
        with serving(Answers(filter=failed)) as url:
            config = {"urlPrefix": url, "filterVerb": "filter", "nodeCacheCapable": True}
            made = engine(config)
            decision = made.decide(pod("p"), preempt=False)
            verdicts = made.explain(pod("p")).verdicts
        assert decision.message == "0/3 nodes are available: 1 no licence, 2 wrong rack."
        assert decision.diagnosis.plugins == {"Extender"}
        assert [verdicts[name].code for name in "abc"] == [
            "Unschedulable",
            "UnschedulableAndUnresolvable",
            "UnschedulableAndUnresolvable",
        ]

    def test_extenders_are_called_one_after_another_with_the_nodes_left(self) -> None:
        first, second = Answers(filter=only("a", "c")), Answers(filter=only("c"))
        with serving(first) as one, serving(second) as two:
            configs = [
                {"urlPrefix": url, "filterVerb": "filter", "nodeCacheCapable": True} for url in (one, two)
            ]
            assert engine(*configs).decide(pod("p")).node == "c"
        assert second.requests[0][1]["NodeNames"] == ["a", "c"]

    def test_a_node_that_was_not_in_the_request_is_an_error(self) -> None:
        with serving(Answers(filter=only("z"))) as url:
            config = {"urlPrefix": url, "filterVerb": "filter", "nodeCacheCapable": True}
            decision = engine(config).decide(pod("p"))
        assert decision.node is None
        assert 'claims a filtered node "z" which is not found in the input node list' in decision.message

    def test_its_own_complaint_ends_the_cycle(self) -> None:
        with serving(Answers(filter={"Error": "licence server is down"})) as url:
            decision = engine({"urlPrefix": url, "filterVerb": "filter"}).decide(pod("p"))
        assert (decision.node, decision.message) == (None, "licence server is down")

    @pytest.mark.parametrize("more", [{}, {"filter": {"NodeNames": ["a", "b"]}}])
    def test_an_explanation_after_a_failure_shows_it_with_every_node(self, more: Any) -> None:
        config = {"filterVerb": "filter", "nodeCacheCapable": True, "ignorable": False}
        with serving(Answers(**more)) as works, serving(Answers()) as broken:
            made = engine({**config, "urlPrefix": works}, {**config, "urlPrefix": broken})
            made.set_node(node("small", cpu="0"))
            made.set_node(node("late"))
            explained = made.explain(pod("p"))
        verdicts = {row["node"]: row["plugin"] for row in explained.to_arrow().to_pylist()}
        assert verdicts == {**dict.fromkeys(["a", "b", "c", "late"], "Extender"), "small": "NodeResourcesFit"}
        assert "code 404" in explained.decision.message

    def test_a_failing_ignorable_extender_is_skipped_and_called_last(self) -> None:
        with serving(Answers()) as broken, serving(Answers(filter=only("b"))) as works:
            configs = [
                {"urlPrefix": broken, "filterVerb": "filter", "ignorable": True},
                {"urlPrefix": works, "filterVerb": "filter", "nodeCacheCapable": True},
            ]
            made = engine(*configs)
            assert made.decide(pod("p")).node == "b"
        extenders = Extenders(load_config({**HEAD, "extenders": configs}).extenders)
        assert [each.name for each in extenders._extenders] == [works, broken]

    def test_a_status_other_than_ok_is_reported(self) -> None:
        with serving(Answers()) as url:
            decision = engine({"urlPrefix": url, "filterVerb": "filter"}).decide(pod("p"))
            assert decision.message == (
                f"extender {url}: filter: failed filter with extender at URL {url}/filter, code 404"
            )

    def test_one_that_cannot_be_reached(self) -> None:
        with serving(Answers()) as url:
            pass
        decision = engine({"urlPrefix": url, "filterVerb": "filter"}).decide(pod("p"))
        assert decision.node is None
        assert decision.message.startswith(f"extender {url}: filter: ")

    def test_one_that_does_not_answer_in_time(self) -> None:
        release = threading.Event()
        with serving(Answers(filter=lambda _: release.wait(600) and {})) as url:
            decision = engine({"urlPrefix": url, "filterVerb": "filter", "httpTimeout": "50ms"}).decide(
                pod("p")
            )
            release.set()
        assert decision.message == f"extender {url}: filter: timed out"

    def test_an_answer_that_is_no_json(self) -> None:
        config = load_config({**HEAD, "extenders": [{"urlPrefix": "http://127.0.0.1", "filterVerb": "f"}]})
        extender = HTTPExtender(config.extenders[0])
        extender._client = Mock(post=lambda *_: b"<html>")
        with pytest.raises(ExtenderError, match="JSON is malformed"):
            extender.filter({}, {})


class TestPrioritize:
    def test_scores_are_scaled_weighted_and_added(self) -> None:
        rated = [{"Host": "c", "Score": 2}, {"host": "b", "score": 1}]
        with serving(Answers(rate=rated)) as url:
            made = engine({"urlPrefix": url, "prioritizeVerb": "rate", "weight": 3})
            explanation = made.explain(pod("p"))
        assert explanation.decision.node == "c"
        added = {name: scores["ExtenderScores"].weighted for name, scores in explanation.scores.items()}
        assert added == {"a": 0, "b": 30, "c": 60}
        assert explanation.totals["c"] - explanation.totals["a"] == 60

    def test_one_that_fails_adds_nothing(self) -> None:
        with serving(Answers()) as url:
            made = engine({"urlPrefix": url, "prioritizeVerb": "rate", "weight": 3})
            assert made.decide(pod("p")).node == "a"

    def test_it_is_not_called_for_a_single_node(self) -> None:
        answers = Answers(rate=[])
        with serving(answers) as url:
            made = engine({"urlPrefix": url, "prioritizeVerb": "rate", "weight": 1}, nodes="a")
            assert made.decide(pod("p")).node == "a"
        assert answers.requests == []


class TestManagedResources:
    CONFIG: ClassVar = {"managedResources": [{"name": LICENCE, "ignoredByScheduler": True}]}

    def test_it_is_called_only_for_pods_that_request_its_resources(self) -> None:
        answers = Answers(filter=only("b"))
        with serving(answers) as url:
            config = {"urlPrefix": url, "filterVerb": "filter", "nodeCacheCapable": True, **self.CONFIG}
            made = engine(config)
            assert made.decide(pod("p")).node == "a"
            assert answers.requests == []
            # No node offers the resource: the scheduler itself does not look at it.
            assert made.decide(pod("p", licences="1")).node == "b"


class TestPreempt:
    def full(self, url: str, **config: Any) -> Any:
        made = engine({"urlPrefix": url, "preemptVerb": "preempt", **config}, nodes="ab")
        made.add_pod(pod("one", "4", uid="u1"), "a")
        made.add_pod(pod("two", "4", uid="u2"), "b")
        return made

    def test_it_narrows_down_the_candidates(self) -> None:
        agreed = {"NodeNameToMetaVictims": {"b": {"Pods": [{"UID": "u2"}], "NumPDBViolations": 0}}}
        answers = Answers(preempt=agreed)
        with serving(answers) as url:
            (decision,) = self.full(url).schedule([pod("high", "4", priority=9)])
        assert (decision.nominated_node, decision.victims) == ("b", ("default/two",))
        victims = answers.requests[0][1]["NodeNameToVictims"]
        assert {name: each["Pods"][0]["metadata"]["uid"] for name, each in victims.items()} == {
            "a": "u1",
            "b": "u2",
        }

    def test_one_with_a_cache_is_given_uids(self) -> None:
        answers = Answers(preempt={"NodeNameToMetaVictims": {}})
        with serving(answers) as url:
            (decision,) = self.full(url, nodeCacheCapable=True).schedule([pod("high", "4", priority=9)])
        assert decision.nominated_node is None
        args = answers.requests[0][1]
        assert args["NodeNameToMetaVictims"]["a"] == {"Pods": [{"UID": "u1"}], "NumPDBViolations": 0}
        assert args["NodeNameToVictims"] is None

    def test_a_missing_victim_is_an_error(self) -> None:
        agreed = {"NodeNameToMetaVictims": {"a": {"Pods": [{"UID": "u9"}]}}}
        with serving(Answers(preempt=agreed)) as url:
            (decision,) = self.full(url).schedule([pod("high", "4", priority=9)])
        assert decision.nominated_node is None
        assert "claims to preempt pod (UID: u9) on node: a, but the pod is not found" in decision.message

    def test_an_ignorable_one_that_fails_changes_nothing(self) -> None:
        with serving(Answers()) as url:
            (decision,) = self.full(url, ignorable=True).schedule([pod("high", "4", priority=9)])
        assert decision.nominated_node in ("a", "b")


class TestNominated:
    def test_it_may_keep_a_pod_off_the_node_nominated_for_it(self) -> None:
        with serving(Answers(filter=only())) as url:
            made = engine({"urlPrefix": url, "filterVerb": "filter", "nodeCacheCapable": True})
            made.nominate(pod("p"), "b")
            assert made.decide(pod("p"), preempt=False).node is None


class TestBind:
    def pipeline(self, url: str, **config: Any) -> Any:
        made = engine({"urlPrefix": url, "bindVerb": "bind", **config}, nodes="a")
        bound = []
        return Pipeline(made, FixedClock(), lambda pod, node: bound.append((pod.metadata.name, node))), bound

    def test_it_binds_in_place_of_the_plugins(self) -> None:
        answers = Answers(bind={})
        with serving(answers) as url:
            pipeline, bound = self.pipeline(url)
            pipeline.schedule([pod("p", uid="u1")])
            (cycle,) = pipeline.advance()
        args = {"PodName": "p", "PodNamespace": "default", "PodUID": "u1", "Node": "a"}
        assert (cycle.phase, bound, answers.requests) == (Phase.BOUND, [], [("bind", args)])

    def test_a_failure_is_the_pods(self) -> None:
        with serving(Answers(bind={"Error": "no route"})) as url:
            pipeline, bound = self.pipeline(url)
            pipeline.schedule([pod("p")])
            (cycle,) = pipeline.advance()
        assert (cycle.phase, cycle.status.reasons, bound) == (
            Phase.FAILED,
            ("no route",),
            [],
        )

    def test_unless_it_is_ignorable(self) -> None:
        with serving(Answers()) as url:
            pipeline, bound = self.pipeline(url, ignorable=True)
            pipeline.schedule([pod("p")])
            (cycle,) = pipeline.advance()
        assert (cycle.phase, bound) == (Phase.BOUND, [("p", "a")])


class TestWholeNodes:
    """kube-scheduler scores the nodes of an answer without their pods and images, which only its cache knows."""

    @staticmethod
    def best(cached: bool, cluster: Any, wanted: Any) -> Any:
        with serving(
            Answers(filter=lambda args: {"Nodes": args["Nodes"], "NodeNames": args["NodeNames"]})
        ) as url:
            config = {"urlPrefix": url, "filterVerb": "filter", "nodeCacheCapable": cached}
            made = Engine(config={**HEAD, "extenders": [config]})
            for each in cluster:
                made.set_node(each) if "status" in each else made.add_pod(each)
            return made.explain(wanted)

    @pytest.mark.parametrize(("cached", "chosen"), [(True, "b"), (False, "a")])
    def test_the_pods_of_a_node_do_not_count(self, cached: bool, chosen: str) -> None:
        there = {**pod("there", cpu="6"), "metadata": {"name": "there"}}
        there["spec"]["nodeName"] = "a"
        explained = self.best(cached, [node("a", cpu="8"), node("b"), there], pod("p"))
        assert explained.decision.node == chosen
        fit = {name: scores["NodeResourcesFit"].raw for name, scores in explained.scores.items()}
        # Of a, 1 / 8 of the cpu and 6 / 8 of the memory are left, or 7 / 8 of both; of b, 3 / 4 and 7 / 8.
        assert fit == {"a": (12 + 75) // 2 if cached else 87, "b": (75 + 87) // 2}

    @pytest.mark.parametrize(("cached", "expected"), [(True, 100), (False, None)])
    def test_their_images_do_not_count(self, cached: bool, expected: int | None) -> None:
        with_image = node("a")
        with_image["status"]["images"] = [{"names": ["app:latest"], "sizeBytes": 4 << 30}]
        explained = self.best(cached, [with_image, node("b")], pod("p"))
        found = explained.scores["a"].get("ImageLocality")
        assert (found.raw if found is not None else None) == expected

    @pytest.mark.parametrize(("cached", "expected"), [(True, [0, 100]), (False, [100, 100])])
    def test_hosts_are_spread_over_as_if_they_were_empty(self, cached: bool, expected: list[int]) -> None:
        hosts = [node("a"), node("b")]
        for each in hosts:
            each["metadata"]["labels"] = {"kubernetes.io/hostname": each["metadata"]["name"]}
        there, wanted = pod("there"), pod("p")
        for each in (there, wanted):
            each["metadata"]["labels"] = {"app": "x"}
        there["spec"]["nodeName"] = "a"
        spread = {
            "topologyKey": "kubernetes.io/hostname",
            "maxSkew": 1,
            "whenUnsatisfiable": "ScheduleAnyway",
        }
        wanted["spec"]["topologySpreadConstraints"] = [
            {**spread, "labelSelector": {"matchLabels": {"app": "x"}}}
        ]
        explained = self.best(cached, [*hosts, there], wanted)
        rated = [explained.scores[name]["PodTopologySpread"].normalised for name in "ab"]
        assert rated == expected


def test_a_url_that_is_none() -> None:
    with pytest.raises(
        ConfigError, match='extender urlPrefix "nowhere": expected http://host or https://host'
    ):
        engine({"urlPrefix": "nowhere", "filterVerb": "f"})


def test_a_missing_certificate() -> None:
    config = {"urlPrefix": "https://127.0.0.1", "tlsConfig": {"caFile": "/does/not/exist"}}
    with pytest.raises(ConfigError, match="tlsConfig: "):
        engine(config)


class TestInACluster:
    """Extenders of a scheduler component receive objects as the API server stores them."""

    def test_pods_and_nodes_are_whole(self) -> None:
        answers = Answers(
            filter=lambda args: {"Nodes": args["Nodes"]}, rate=[], preempt={"NodeNameToMetaVictims": {}}
        )
        spec = {
            "containers": [
                {
                    "name": "c",
                    "image": "app:1",
                    "command": ["run"],
                    "env": [{"name": "MODE", "value": "fast"}],
                    "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
                    "resources": {"requests": {"cpu": "1"}},
                }
            ],
            "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}}],
            "terminationGracePeriodSeconds": 7,
        }
        head = {"apiVersion": "v1", "kind": "Pod"}
        with serving(answers) as url:
            extender = {"urlPrefix": url, "filterVerb": "filter", "prioritizeVerb": "rate", "weight": 1}
            with Cluster.simulated(nodes=2, config={**HEAD, "extenders": [extender]}) as cluster:
                cluster.apply(
                    {**head, "metadata": {"name": "p", "annotations": {"kept": "yes"}}, "spec": spec}
                )
                cluster.run_until_settled()
                stored, node_stored = cluster.get("pod/p"), cluster.get("node/node-1")
        assert stored["spec"].get("nodeName")
        for _, args in answers.requests:
            shown = args["Pod"]
            assert (shown["apiVersion"], shown["kind"]) == ("v1", "Pod")
            assert shown["metadata"]["annotations"]["kept"] == "yes"
            assert shown["spec"] == {key: value for key, value in stored["spec"].items() if key != "nodeName"}
            (node,) = [each for each in args["Nodes"]["items"] if each["metadata"]["name"] == "node-1"]
            assert (node["apiVersion"], node["kind"]) == ("v1", "Node")
            assert node["status"]["capacity"] == node_stored["status"]["capacity"]
            assert node["metadata"]["uid"] == node_stored["metadata"]["uid"]
        assert [verb for verb, _ in answers.requests] == ["filter", "rate"]

    def test_a_node_is_as_it_is_now(self) -> None:
        """Annotations change nothing that placement reads, and still reach extenders."""
        answers = Answers(filter=lambda args: {"Nodes": args["Nodes"]})
        with serving(answers) as url:
            extender = {"urlPrefix": url, "filterVerb": "filter"}
            with Cluster.simulated(nodes=1, config={**HEAD, "extenders": [extender]}) as cluster:
                cluster.run_until_settled()
                cluster.annotate("node/node-1", {"rack": "r7"})
                cluster.create_deployment("web", image="nginx")
                cluster.run_until_settled()
        (_, args) = answers.requests[-1]
        assert args["Nodes"]["items"][0]["metadata"]["annotations"]["rack"] == "r7"

    def test_victims_are_whole(self) -> None:
        answers = Answers(preempt={"NodeNameToMetaVictims": {}})
        with serving(answers) as url:
            extender = {"urlPrefix": url, "preemptVerb": "preempt"}
            with Cluster.simulated(nodes=1, config={**HEAD, "extenders": [extender]}) as cluster:
                cluster.apply({**PRIORITY_CLASS, "metadata": {"name": "high"}, "value": 9})
                for name, priority in [("low", ""), ("important", "high")]:
                    container = {
                        "name": "c",
                        "image": "i",
                        "command": ["run"],
                        "resources": {"requests": {"memory": "20Gi"}},
                    }
                    spec = {"priorityClassName": priority, "containers": [container]}
                    cluster.apply(
                        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
                    )
                    cluster.run_for("5s")
        _, args = answers.requests[0]
        (victims,) = args["NodeNameToVictims"].values()
        assert victims["Pods"][0]["spec"]["containers"][0]["command"] == ["run"]
        assert victims["Pods"][0]["kind"] == "Pod"


class TestHostileAnswers:
    """An extender's answer may be anything."""

    @pytest.mark.parametrize(
        ("answer", "problem"),
        [
            ([], "the response is invalid: found list, expected an object"),
            ("x", "the response is invalid: found str, expected an object"),
            ({"Nodes": {"items": [5]}}, "the response is invalid: Expected `object`, got `int`"),
            ({"NodeNames": {"a": 1}}, "the response is invalid: Expected `array | null`, got `object`"),
            ({"FailedNodes": {"a": 1}}, "the response is invalid: Expected `str`, got `int`"),
            ({"Error": ["x"]}, "the response is invalid: Expected `str | null`, got `array`"),
        ],
    )
    def test_a_filter_result_of_other_types(self, answer: Any, problem: str) -> None:
        with serving(Answers(filter=answer)) as url:
            decision = engine({"urlPrefix": url, "filterVerb": "filter"}).decide(pod("p"))
        assert decision.node is None
        assert problem in decision.message

    @pytest.mark.parametrize("answer", [{}, [5], [{"Host": 5}], [{"Host": "a", "Score": "x"}], "x"])
    def test_priorities_of_other_types_add_nothing(self, answer: Any) -> None:
        with serving(Answers(rate=answer)) as url:
            made = engine({"urlPrefix": url, "prioritizeVerb": "rate", "weight": 1})
            assert made.decide(pod("p")).node == "a"

    def test_huge_scores_wrap_as_in_go(self) -> None:
        rated = [{"Host": "a", "Score": 2**62}, {"Host": "b", "Score": 1}]
        with serving(Answers(rate=rated)) as url:
            made = engine({"urlPrefix": url, "prioritizeVerb": "rate", "weight": 2})
            scores = made.explain(pod("p")).scores
        assert scores["b"]["ExtenderScores"].weighted == 20
        assert scores["a"]["ExtenderScores"].weighted == 0

    def test_a_null_answer_is_an_empty_one(self) -> None:
        extender = HTTPExtender(config_of("http://127.0.0.1"))
        extender._client = Mock(post=lambda *_: b"null")
        assert extender.filter({}, {"a": {}}).nodes == []

    def test_a_deep_answer(self) -> None:
        extender = HTTPExtender(config_of("http://127.0.0.1"))
        extender._client = Mock(post=lambda *_: b"[" * 100_000 + b"]" * 100_000)
        with pytest.raises(ExtenderError, match=r"extender http://127\.0\.0\.1: filter: "):
            extender.filter({}, {})

    @pytest.mark.parametrize("part", ["head", "body"])
    def test_the_timeout_is_for_the_whole_answer(self, part: str) -> None:
        """A server that sends a byte now and then does not hold a decision up."""
        with trickling(part) as url:
            client = HTTPClient(config_of(url, httpTimeout="200ms"))
            with pytest.raises(OSError, match="timed out"):
                client.post("filter", b"{}")

    def test_an_answer_is_bounded(self) -> None:
        with serving(Answers(filter={"Error": "x" * 2000})) as url:
            client = HTTPClient(config_of(url), max_response=1000)
            with pytest.raises(OSError, match="the response has more than 1000 bytes"):
                client.post("filter", b"{}")

    @pytest.mark.parametrize("timeout", ["9999999h", "1h"])
    def test_a_long_timeout(self, timeout: str) -> None:
        with serving(Answers(filter={})) as url:
            assert HTTPClient(config_of(url, httpTimeout=timeout)).post("filter", b"{}") == b"{}"


def config_of(url: str, **options: Any) -> Any:
    return load_config(
        {**HEAD, "extenders": [{"urlPrefix": url, "filterVerb": "filter", **options}]}
    ).extenders[0]


@contextmanager
def trickling(part: str) -> Iterator[str]:
    """Serve one connection with an answer that never ends, a byte at a time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                if part == "body":
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not stop.wait(0.01):
                    connection.sendall(b"H")

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()
