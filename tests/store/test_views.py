"""Typed views of stored objects."""

from __future__ import annotations

import pytest

from kschedcore.api.machinery.frozen import Interner, plain
from kschedcore.api.objects import Node, Pod, decode
from kschedcore.api.objects.views import pod_view, view_of
from kschedcore.errors import ManifestError

SPEC = {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]}


def test_a_stored_object_is_decoded_once() -> None:
    interner = Interner()
    one, two = (interner.freeze({"metadata": {"name": name}, "spec": plain(SPEC)}, "1") for name in "ab")
    first = view_of(Pod, one)
    assert first == decode(Pod, one)
    assert view_of(Pod, one) is first
    assert view_of(Pod, two).spec is first.spec
    assert view_of(Pod, two).metadata.name == "b"
    assert view_of(Node, one) == decode(Node, one)
    assert view_of(Pod, one) is first


def test_the_view_of_a_bound_pod_is_that_of_the_whole_object() -> None:
    spec = {**SPEC, "nodeName": "n"}
    pod = Interner().freeze({"metadata": {"name": "a"}, "spec": spec}, "1")
    assert pod_view(pod) == decode(Pod, pod)
    assert pod_view(pod).spec.node_name == "n"
    other = Interner().freeze({"metadata": {"name": "b"}, "spec": {**pod["spec"], "nodeName": "m"}}, "2")
    assert pod_view(other).spec.node_name == "m"
    assert pod_view(other).spec.containers is pod_view(pod).spec.containers


def test_another_object_is_decoded_each_time() -> None:
    pod = {"metadata": {"name": "a"}, "spec": SPEC}
    assert view_of(Pod, pod) == view_of(Pod, pod)
    assert view_of(Pod, pod) is not view_of(Pod, pod)


def test_a_fault_is_named_with_its_path() -> None:
    broken = Interner().freeze({"metadata": {"name": "a"}, "spec": {"containers": [{"name": 5}]}}, "1")
    with pytest.raises(ManifestError, match=r"spec\.containers\[0\]\.name"):
        view_of(Pod, broken)
