"""The public API: names and parameters of ``import kschedcore``, and errors for invalid arguments."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import kschedcore as ks

NAMES = {
    "Capacity",
    "Cluster",
    "Decision",
    "Decisions",
    "Diagnosis",
    "Engine",
    "Explanation",
    "Manifests",
    "__version__",
    "errors",
    "get_include",
    "load",
}

ENGINE = {
    "assume_pod": "pod, node",
    "assumed_claims": "pod",
    "claims": "",
    "claims_after": "decision",
    "devices": "",
    "is_claim_assumed": "name, namespace='default'",
    "look_up_objects": "source",
    "write_claims": "changes",
    "add_nodes": "table",
    "add_pod": "pod, node=None",
    "add_pods": "table",
    "capacity": "pod, limit=None",
    "claims_of": "pod",
    "decide": "pod, *, preempt=True",
    "explain": "pod, *, preempt=True",
    "extenders": None,
    "forget": "",
    "free": "resource",
    "forget_pod": "pod",
    "framework_of": "pod",
    "in_queue_order": "pods",
    "is_assumed": "pod",
    "nodes": "",
    "pods": "",
    "nominate": "pod, node",
    "nominations": None,
    "note_late_claim": "name, namespace='default'",
    "place": "pods, *, preempt=True",
    "remove_node": "node",
    "remove_object": "kind, name, namespace='default'",
    "remove_pod": "pod, namespace=None",
    "samples": None,
    "schedule": "pods, *, preempt=True",
    "schedule_unreserved": "pods",
    "scheduler_names": None,
    "set_namespace": "namespace",
    "set_node": "node",
    "set_object": "item",
    "utilisation": "",
    "verdicts": "pod",
    "what_if": "",
    "withdraw_nomination": "pod, namespace=None",
}


def parameters(function: Any) -> str:
    """A function's parameters without ``self`` and types, as one would write them."""
    signature = inspect.signature(function)
    plain = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    text = str(inspect.Signature([each for each in plain if each.name != "self"]))
    return text.strip("()").replace("self, ", "")


def test_names() -> None:
    assert set(ks.__all__) == set(dir(ks)) == NAMES
    for name in NAMES:
        assert getattr(ks, name).__doc__


def test_engine() -> None:
    offered = {
        name: None if isinstance(value, property) else parameters(value)
        for name, value in inspect.getmembers(ks.Engine)
        if not name.startswith("_")
    }
    assert offered == ENGINE
    assert all(inspect.getdoc(getattr(ks.Engine, name)) for name in ENGINE)


def test_errors_have_one_base() -> None:
    for name in ks.errors.__all__:
        # Interrupted is Ctrl-C, which no handler of errors may catch; a warning is no error.
        others = {"Interrupted": KeyboardInterrupt, "APIWarning": UserWarning}
        assert issubclass(getattr(ks.errors, name), others.get(name, ks.errors.KschedcoreError))


BAD = [
    (lambda engine, bad: engine.set_node(bad), "Node"),
    (lambda engine, bad: engine.set_namespace(bad), "Namespace"),
    (lambda engine, bad: engine.add_pod(bad), "Pod"),
    (lambda engine, bad: engine.nominate(bad, "a"), "Pod"),
    (lambda engine, bad: engine.decide(bad), "Pod"),
    (lambda engine, bad: engine.explain(bad), "Pod"),
    (lambda engine, bad: engine.capacity(bad), "Pod"),
    (lambda engine, bad: engine.schedule([bad]), "Pod"),
]


@pytest.mark.parametrize(("call", "kind"), BAD)
def test_what_is_no_object_is_refused(call: Any, kind: str) -> None:
    with pytest.raises(ks.errors.UsageError, match=f"found int; expected a {kind}, or a manifest of one"):
        call(ks.Engine(), 3)
    with pytest.raises(ks.errors.ManifestError, match=f"{kind} x: metadata.labels"):
        call(ks.Engine(), {"metadata": {"name": "x", "labels": {"a": 3}}})


@pytest.mark.parametrize(("call", "kind"), [*BAD[:4], BAD[-1]])
def test_what_is_kept_has_a_name(call: Any, kind: str) -> None:
    with pytest.raises(ks.errors.ManifestError, match=f"{kind}: metadata.name: is missing; expected a name"):
        call(ks.Engine(), {"metadata": {}})


def test_amounts_that_are_none() -> None:
    node = {"metadata": {"name": "a"}, "status": {"allocatable": {"cpu": "much"}}}
    with pytest.raises(ks.errors.ManifestError, match=r"Node a: status.allocatable\[?.?cpu.*much"):
        ks.Engine().set_node(node)
    containers = [{"name": "c", "resources": {"requests": {"cpu": "many"}}}]
    with pytest.raises(ks.errors.ManifestError, match=r"Pod p: spec\.containers.*many"):
        ks.Engine().decide({"metadata": {"name": "p"}, "spec": {"containers": containers}})


def test_clusters_and_plugins_that_are_none() -> None:
    with pytest.raises(
        ks.errors.UsageError, match=r"cluster is dict; expected Manifests, which ks\.load returns"
    ):
        ks.Engine({})  # type: ignore[arg-type]
    with pytest.raises(ks.errors.UsageError, match="plugins holds 'x'; expected subclasses of Plugin"):
        ks.Engine(plugins=["x"])  # type: ignore[list-item]


POD = {"metadata": {"name": "p", "uid": "u"}}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda engine: engine.add_pod(POD, 3), "node is 3; expected a string"),
        (lambda engine: engine.nominate(POD, None), "node is None; expected a string"),
        (lambda engine: engine.remove_node(3), "node is int; expected its name or the node"),
        (lambda engine: engine.remove_pod([]), r"pod is list; expected its name or the pod"),
        (lambda engine: engine.remove_pod("p", {}), r"namespace is \{\}; expected a string"),
        (lambda engine: engine.remove_object("Service", []), r"name is \[\]; expected a string"),
        (lambda engine: engine.withdraw_nomination("p", 3), "namespace is 3; expected a string"),
        (lambda engine: engine.capacity(POD, -1), "limit is -1; expected an integer from 0"),
        (lambda engine: engine.capacity(POD, 1.5), "limit is 1.5; expected an integer from 0"),
        (lambda engine: engine.schedule(None), "pods is NoneType; expected pods"),
        (lambda engine: engine.in_queue_order(3), "pods is int; expected pods"),
        (lambda engine: engine.is_assumed(3), "found int; expected a Pod"),
        (lambda engine: engine.forget_pod(None), "found NoneType; expected a Pod"),
        (lambda engine: engine.framework_of(3), "found int; expected a Pod"),
    ],
)
def test_arguments_of_another_type_are_refused_and_change_nothing(call: Any, message: str) -> None:
    engine = ks.Engine()
    engine.set_node({"metadata": {"name": "a"}, "status": {"allocatable": {"cpu": "1", "pods": "10"}}})
    engine.add_pod(POD, "a")
    engine.nominate({"metadata": {"name": "q"}}, "a")
    before = engine.nodes(), engine.nominations
    with pytest.raises(ks.errors.UsageError, match=message):
        call(engine)
    assert (engine.nodes(), engine.nominations) == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ks.Engine(seed=-1), "seed is -1; expected an integer from 0"),
        (lambda: ks.Engine(seed="x"), "seed is 'x'; expected an integer from 0"),  # type: ignore[arg-type]
        (lambda: ks.Engine(config=3), "config is int; expected a path"),  # type: ignore[arg-type]
        (lambda: ks.Engine(plugins=3), "plugins is int; expected subclasses"),  # type: ignore[arg-type]
        (lambda: ks.load(None), "a path of manifests is NoneType; expected a path"),  # type: ignore[arg-type]
        (lambda: ks.Cluster.simulated(nodes=None), "nodes is NoneType"),  # type: ignore[arg-type]
        (lambda: ks.Cluster.simulated(seed=[]), r"seed is \[\]; expected an integer"),
    ],
)
def test_what_engines_and_clusters_are_made_of(make: Any, message: str) -> None:
    with pytest.raises(ks.errors.UsageError, match=message):
        make()


def test_a_missing_profile() -> None:
    with pytest.raises(
        ks.errors.NotFoundError, match="scheduler 'x' not found; this engine is default-scheduler"
    ):
        ks.Engine().framework_of({"metadata": {"name": "p"}, "spec": {"schedulerName": "x"}})
