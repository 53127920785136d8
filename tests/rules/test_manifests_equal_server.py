"""Loading a manifest and sending it to the API server agree: what is accepted, and which field is at fault.

Whatever a strategy makes, valid, with a known fault, or with any value in any place, goes both ways. Admission
that looks other objects up (priority classes, quotas) takes no part in loading and is kept out of the way.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.apiserver.samples import SAMPLES, sample
from tests.apiserver.server import RESOURCES, Server
from tests.apiserver.test_arbitrary_objects import JSON, places

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.objects import Pod, decode
from kschedcore.errors import ManifestError
from kschedcore.manifests.manifests import Manifests
from kschedcore.rules.amounts import amounts, in_units, pod_limits, pod_requests
from kschedcore.testing.strategies import invalid_nodes, invalid_pods, nodes, pods

Json = dict[str, Any]

NAMESPACE = "ns"


def new(obj: Json) -> Json:
    """An object that no cluster has stored, in the namespace that exists."""
    obj = copy.deepcopy(obj)
    for key in ("uid", "ownerReferences"):
        obj["metadata"].pop(key, None)
    if "namespace" in obj["metadata"]:
        obj["metadata"]["namespace"] = NAMESPACE
    for key in ("priority", "priorityClassName", "preemptionPolicy", "runtimeClassName", "overhead"):
        obj.get("spec", {}).pop(key, None)
    if obj["kind"] == "Pod":
        obj.pop("status", None)
    return obj


def sent(plural: str, obj: Json) -> tuple[int, list[str], Json]:
    """The server's code, the fields of its causes, and the object as it is stored."""
    namespace = NAMESPACE if RESOURCES[plural].namespaced else ""
    try:
        return 201, [], Server().create(plural, copy.deepcopy(obj), namespace)
    except StatusError as error:
        causes = (error.details or {}).get("causes", ())
        return error.code, [cause["field"] for cause in causes], {}


def loaded(obj: Json) -> ManifestError | None:
    try:
        Manifests.from_objects([copy.deepcopy(obj)])
    except ManifestError as error:
        return error
    return None


def agree(plural: str, obj: Json) -> int:
    code, fields, _ = sent(plural, obj)
    error = loaded(obj)
    if code == 201:
        assert error is None, str(error)
    elif code == 422:
        assert error is not None, fields
        assert error.path == (fields[0] or None)
    elif code == 400:
        assert error is not None
    return code


@given(pods())
def test_valid_pods(pod: Json) -> None:
    assert agree("pods", new(pod)) == 201


@given(invalid_pods())
def test_pods_with_a_fault(invalid: Any) -> None:
    obj = new(invalid.object)
    assert agree("pods", obj) == 422


@given(nodes())
def test_valid_nodes(node: Json) -> None:
    assert agree("nodes", new(node)) == 201


@given(invalid_nodes())
def test_nodes_with_a_fault(invalid: Any) -> None:
    obj = new(invalid.object)
    obj.pop("status", None)  # a node with a status exists already
    assert agree("nodes", obj) == 422


@pytest.mark.parametrize("plural", sorted(SAMPLES))
@given(data=st.data())
def test_any_value_in_any_place(plural: str, data: st.DataObject) -> None:
    resource = RESOURCES[plural]
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, **sample(plural)}
    obj.pop("status", None)
    if resource.namespaced:
        obj["metadata"]["namespace"] = NAMESPACE
    inside = [place for place in places(obj) if place and place[0] not in ("apiVersion", "kind", "metadata")]
    if not inside:
        return
    *parents, last = data.draw(st.sampled_from(inside))
    holder: Any = obj
    for key in parents:
        holder = holder[key]
    holder[last] = data.draw(JSON)
    agree(plural, obj)


@given(pods())
def test_the_amounts_of_a_pod_are_the_same_everywhere(pod: Json) -> None:
    obj = new(pod)
    code, _, stored = sent("pods", obj)
    assert code == 201
    (pending,) = Manifests.from_objects([obj]).pending
    total = amounts(stored["spec"])
    requests = in_units({name: quantity.nanos for name, quantity in total.requests.items()})
    limits = in_units({name: quantity.nanos for name, quantity in total.limits.items()})
    assert pod_requests(pending.spec) == pod_requests(decode(Pod, stored).spec) == requests
    assert pod_limits(pending.spec) == limits
