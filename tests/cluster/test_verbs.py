"""kubectl's verbs: what they do, what they say, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kschedcore as ks
from kschedcore.cluster.results import Result
from kschedcore.errors import APIWarning, KschedcoreError, UsageError


@pytest.fixture
def cluster() -> Iterator[ks.Cluster]:
    with ks.Cluster.simulated(nodes=2, seed=1) as cluster:
        cluster.create_deployment("web", image="nginx:1", replicas=2)
        assert cluster.run_until_settled()
        yield cluster


Act = Callable[[ks.Cluster], Any]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda c: c.create_deployment("api", image="api"), "deployment.apps/api created"),
        (lambda c: c.scale("deployment/web", 3), "deployment.apps/web scaled"),
        (
            lambda c: c.autoscale("deploy/web", max_replicas=9),
            "horizontalpodautoscaler.autoscaling/web autoscaled",
        ),
        (lambda c: c.set_image("deploy/web", nginx="nginx:2"), "deployment.apps/web image updated"),
        (lambda c: c.set_image("deploy/web", {"*": "nginx:2"}), "deployment.apps/web image updated"),
        (lambda c: c.rollout_pause("deploy/web"), "deployment.apps/web paused"),
        (lambda c: c.rollout_restart("deploy/web"), "deployment.apps/web restarted"),
        (lambda c: c.label("deploy/web", "tier=front"), "deployment.apps/web labeled"),
        (lambda c: c.label("deploy/web", "app-"), "deployment.apps/web unlabeled"),
        (lambda c: c.label("deploy/web", "app=web"), "deployment.apps/web not labeled"),
        (lambda c: c.annotate("deploy/web", {"note": "kept"}), "deployment.apps/web annotated"),
        (lambda c: c.taint("node-1", "k=v:NoSchedule"), "node/node-1 tainted"),
        (lambda c: c.cordon("nodes/node-1"), "node/node-1 cordoned"),
        (lambda c: c.uncordon("node-1"), "node/node-1 already uncordoned"),
        (lambda c: c.edit("deploy/web", lambda _: None), "Edit cancelled, no changes made."),
        (lambda c: c.delete("deployment/web"), 'deployment.apps "web" deleted from default namespace'),
        (lambda c: c.delete("node/node-2"), 'node "node-2" deleted'),
        (lambda c: c.rollout_status("deploy/web"), 'deployment "web" successfully rolled out'),
    ],
)
def test_messages(cluster: ks.Cluster, act: Act, message: str) -> None:
    assert str(act(cluster)) == message


def test_what_was_changed_is_answered(cluster: ks.Cluster) -> None:
    result = cluster.scale("deployment/web", 5)
    assert isinstance(result, Result)
    assert result.object is not None
    assert result.object["spec"]["replicas"] == 5


def test_taints_come_and_go(cluster: ks.Cluster) -> None:
    cluster.taint("node-1", "a=1:NoSchedule", "b:PreferNoSchedule")
    assert str(cluster.taint("node-1", "a=2:NoSchedule", overwrite=True)) == "node/node-1 modified"
    assert str(cluster.taint("node-1", "a:NoSchedule-")) == "node/node-1 untainted"
    assert cluster.get("node/node-1")["spec"]["taints"] == [{"key": "b", "effect": "PreferNoSchedule"}]
    cluster.taint("node-1", "b-")
    assert "taints" not in cluster.get("node/node-1")["spec"]


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (lambda c: c.get("deployment/none"), 'deployments.apps "none" not found'),
        (lambda c: c.get("web"), "web"),
        (lambda c: c.get("gadget/web"), "gadget"),
        (lambda c: c.scale("node/node-1", 2), "node/node-1: nodes do not scale"),
        (lambda c: c.set_image("deploy/web", other="x"), 'unable to find container named "other"'),
        (lambda c: c.set_image("node/node-1", c="x"), "nodes have no containers"),
        (
            lambda c: c.label("deploy/web", "app=x"),
            r"'app' already has a value \(web\), and --overwrite is false",
        ),
        (
            lambda c: c.label("deploy/web", "app"),
            "'app' is no mark; expected KEY=VALUE, or KEY- to take one away",
        ),
        (lambda c: c.taint("node-1", "k:Sometimes"), "Sometimes"),
        (lambda c: c.taint("node-1", "k-"), 'taint "k" not found'),
        (
            lambda c: c.taint("deploy/web", "k:NoSchedule"),
            "'deploy/web' is no node; expected NAME or nodes/NAME",
        ),
        (lambda c: c.rollout_undo("deploy/web"), "no rollout history found"),
        (
            lambda c: c.rollout_undo("deploy/web", to_revision=9),
            "unable to find specified revision 9 in history",
        ),
        (lambda c: c.create_deployment("x"), "no image; expected at least one"),
        (lambda c: c.fail_node("node-9"), 'nodes "node-9" not found'),
        (lambda c: c.restart("missing"), "'missing' does not run here; expected one of .*scheduler"),
        (lambda c: c.run_for("soon"), "'soon' is no span of time; expected seconds, or a text such as 90s"),
        (lambda c: c.run_for(-1), "time does not run backwards"),
        (lambda c: c.list("pods", selector="a in (b"), r"selector 'a in \(b': unable to parse requirement"),
    ],
)
def test_refusals(cluster: ks.Cluster, act: Act, problem: str) -> None:
    with pytest.raises(KschedcoreError, match=problem):
        act(cluster)


def test_warnings_of_the_api_server_are_python_warnings(cluster: ks.Cluster) -> None:
    unknown = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "dta": {}}
    with pytest.warns(APIWarning, match='^unknown field "dta"$') as issued:
        assert str(cluster.apply(unknown)) == "configmap/m created"
    assert [each.filename for each in issued] == [__file__]
    with pytest.warns(APIWarning, match="v1 Endpoints is deprecated"):
        cluster.create({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "e"}})
    with pytest.warns(APIWarning, match="schedulr"):
        cluster.edit("deploy/web", lambda web: web["spec"]["template"]["spec"].update(schedulr="mine"))


def test_a_stalled_rollout_reports_its_progress(cluster: ks.Cluster) -> None:
    cluster.set_image("deploy/web", nginx="does-not-exist/at-all:none")
    cluster.cordon("node-1")
    cluster.cordon("node-2")
    with pytest.raises(
        UsageError, match='timed out waiting for the rollout: Waiting for deployment "web" rollout'
    ):
        cluster.rollout_status("deploy/web", timeout="1m")


def test_the_same_code_runs_on_the_walls_clock() -> None:
    behaviours = ks.Cluster.realtime(nodes=1)
    with behaviours as cluster:
        cluster.create_deployment("web", image="nginx", replicas=3)

        def running() -> bool:
            return [pod["status"]["phase"] for pod in cluster.list("pods")] == ["Running"] * 3

        assert cluster.run_until(running, "1m")
        began = cluster.now()
        cluster.run_for(0.02)
        assert (cluster.now() - began).total_seconds() >= 0.02
