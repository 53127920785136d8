"""Public methods with arguments of any type: they work, or raise an error of kschedcore with one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import kschedcore as ks
from kschedcore.errors import KschedcoreError, UsageError

POD: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
HUGE = 10**5000


def _deep() -> dict[str, Any]:
    top: dict[str, Any] = {}
    inner = top
    for _ in range(3000):
        inner["a"] = {}
        inner = inner["a"]
    return {"metadata": {"name": "p"}, "x": top}


VALUES: list[Any] = [
    None, 0, -1, True, 1.5, float("nan"), 2**70, HUGE, "", "a", "\ud800", "\0", "../x", b"a", [], {}, (None,), [POD],
    object(), {"metadata": None}, {"metadata": {"name": 5}}, {"metadata": {"name": "p", "labels": {1: 2}}},
    {"kind": [], "metadata": {"name": "x"}}, {"kind": "None", "metadata": {"name": "x"}}, {1: 2}, _deep(),
    {"metadata": {"name": "p"}, "spec": {"containers": "x"}}, {"metadata": {"name": "p"}, "spec": {"priority": HUGE}},
    {"metadata": {"name": "p"}, "spec": {"containers": [{"resources": {"requests": {"cpu": HUGE}}}]}},
]  # fmt: skip
KNOWN: dict[str, Any] = {
    "pod": POD, "pods": [POD], "node": {"metadata": {"name": "a"}}, "kind": "Service", "namespace": "default",
}  # fmt: skip
ENGINE = [
    "add_nodes", "add_pod", "add_pods", "assume_pod", "assumed_claims", "capacity", "claims_after", "decide",
    "explain", "forget_pod", "is_assumed", "is_claim_assumed", "nominate", "place", "remove_node", "remove_object",
    "remove_pod", "schedule", "set_namespace", "set_node", "set_object", "withdraw_nomination", "write_claims",
]  # fmt: skip
CLUSTER = [
    "apply",
    "cordon",
    "create_deployment",
    "events",
    "get",
    "list",
    "request",
    "restart",
    "run_for",
    "set_image",
]


def _calls(method: Callable[..., Any]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Yield the arguments of calls in which one has each of the values, and positional ones."""
    parameters = [each for each in inspect.signature(method).parameters.values() if each.name != "self"]
    single = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [each.name for each in parameters if each.default is each.empty and each.kind not in single]
    for parameter in parameters:
        for value in VALUES:
            arguments = {name: KNOWN.get(name, "a") for name in needed}
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                others = {name: known for name, known in arguments.items() if name != "name"}
                yield others, [*(["a"] if "name" in arguments else []), value]
            elif parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                yield {**arguments, parameter.name: value}, []


def _check(method: Callable[..., Any]) -> None:
    for arguments, positional in _calls(method):
        message = ""
        try:
            method(*positional, **arguments)
        except KschedcoreError as error:
            message = str(error)
        assert "\n" not in message


@pytest.mark.parametrize("name", ENGINE)
def test_methods_of_the_engine(name: str) -> None:
    engine = ks.Engine()
    for node in "ab":
        status = {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}}
        engine.set_node({"metadata": {"name": node}, "status": status})
    _check(getattr(engine, name))
    assert engine.decide({**POD, "metadata": {"name": "later"}}).node in ("a", "b")


@pytest.mark.parametrize("name", CLUSTER)
def test_methods_of_a_cluster(name: str) -> None:
    with ks.Cluster.simulated(nodes=1, seed=1) as cluster:
        _check(getattr(cluster, name))


@pytest.mark.parametrize(
    "span", ["999999999h", 1e300, float("nan"), float("inf"), 10**400, timedelta.max, None, {}, "", "-1h"]
)  # fmt: skip
def test_spans_and_times(span: Any) -> None:
    with ks.Cluster.simulated() as cluster:
        for method in (cluster.run_for, cluster.run_until_settled):
            with pytest.raises(UsageError):
                method(span)
        with pytest.raises(UsageError):
            cluster.run_until(datetime(9999, 1, 1, tzinfo=UTC))
    for start in (datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)):
        with pytest.raises(UsageError):
            ks.Cluster.simulated(start=start)
