"""The statuses of bound pods that are passed to the engine."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.api.objects import Pod, decode
from kschedcore.rules.resize import granted
from kschedcore.scheduler.cluster_state import without_plain_statuses

AMOUNTS = st.sampled_from([None, {}, {"cpu": "1"}, {"cpu": "2"}, {"cpu": "1", "memory": "1Gi"}])


@st.composite
def pods(draw: st.DrawFn) -> dict[str, Any]:
    spec: dict[str, Any] = {"nodeName": "n"}
    status: dict[str, Any] = {"phase": "Running"}
    for key, statuses in (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")):
        names = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=2))
        spec[key] = []
        for name in names:
            container: dict[str, Any] = {"name": name, "restartPolicy": "Always"}
            if (requests := draw(AMOUNTS)) is not None:
                container["resources"] = {"requests": requests}
            spec[key].append(container)
        status[statuses] = []
        for name in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=2)):
            each: dict[str, Any] = {"name": name}
            if (requests := draw(AMOUNTS)) is not None:
                each["resources"] = {"requests": requests}
            if (allocated := draw(AMOUNTS)) is not None:
                each["allocatedResources"] = allocated
            status[statuses].append(each)
    if draw(st.booleans()):
        status["conditions"] = [{"type": "PodResizePending", "status": "True", "reason": "Infeasible"}]
    return {"metadata": {"name": "p"}, "spec": spec, "status": status}


@settings(deadline=None, max_examples=300)
@given(pod=pods())
def test_statuses_are_left_out_only_where_they_change_no_amount(pod: dict[str, Any]) -> None:
    whole, shortened = decode(Pod, pod), decode(Pod, without_plain_statuses(pod))
    assert granted(shortened.spec, shortened.status) == granted(whole.spec, whole.status)


def test_statuses_of_a_pod_that_was_never_resized_are_left_out() -> None:
    requests = {"cpu": "1"}
    container = {"name": "c", "resources": {"requests": requests}}
    started = {"name": "c", "resources": {"requests": requests}, "allocatedResources": requests}
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [container]},
        "status": {"phase": "Running", "containerStatuses": [started]},
    }
    assert without_plain_statuses(pod)["status"] == {"phase": "Running"}
