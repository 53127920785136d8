"""Invalid pods and nodes: valid ones with one known error."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.nodes import nodes
from kschedcore.testing.strategies.pods import pods
from kschedcore.testing.strategies.vocabulary import GPU, HOSTNAME

__all__ = ["NODE_FAULTS", "POD_FAULTS", "Invalid", "invalid_nodes", "invalid_pods"]


class Invalid(NamedTuple):
    """An invalid object.

    Attributes:
        object: The object.
        field: The path of the invalid field, as in the API server's response.
    """

    object: Object
    field: str


Spoil = Callable[[Object], None]


def _metadata(**fields: object) -> Spoil:
    return lambda obj: obj["metadata"].update(fields)


def _spec(**fields: object) -> Spoil:
    return lambda obj: obj["spec"].update(fields)


def _container(**fields: object) -> Spoil:
    return lambda pod: pod["spec"]["containers"][0].update(fields)


def _requests(**amounts: str) -> Spoil:
    return _container(resources={"requests": amounts})


def _spread(**fields: object) -> Spoil:
    constraint = {
        "maxSkew": 1,
        "topologyKey": HOSTNAME,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    return _spec(topologySpreadConstraints=[{**constraint, **fields}])


def _affinity(expression: Object) -> Spoil:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return _spec(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})


def _twice(pod: Object) -> None:
    pod["spec"]["containers"] = [pod["spec"]["containers"][0]] * 2


_GPU_SHARE = {"requests": {GPU: "500m"}, "limits": {GPU: "500m"}}
_TOO_MUCH = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
_REQUIRED = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
_EXPRESSION = f"{_REQUIRED}.nodeSelectorTerms[0].matchExpressions[0]"
_SPREAD = "spec.topologySpreadConstraints[0]"

POD_FAULTS: dict[str, tuple[Spoil, str]] = {
    "a name in capitals": (_metadata(name="Pod"), "metadata.name"),
    "a label value with a space": (_metadata(labels={"app": "the web"}), "metadata.labels"),
    "a label key without a name": (_metadata(labels={"example.com/": "x"}), "metadata.labels"),
    "no containers": (_spec(containers=[]), "spec.containers"),
    "two containers of one name": (_twice, "spec.containers[1].name"),
    "a container name in capitals": (_container(name="Main"), "spec.containers[0].name"),
    "no image": (_container(image=""), "spec.containers[0].image"),
    "a negative request": (_requests(cpu="-1"), "spec.containers[0].resources.requests[cpu]"),
    "a request above its limit": (
        _container(resources=_TOO_MUCH),
        "spec.containers[0].resources.requests",
    ),
    "half a device": (_container(resources=_GPU_SHARE), f"spec.containers[0].resources.limits[{GPU}]"),
    "a port that is none": (
        _container(ports=[{"containerPort": 80, "hostPort": 65536}]),
        "spec.containers[0].ports[0].hostPort",
    ),
    "an unknown restart policy": (_spec(restartPolicy="Sometimes"), "spec.restartPolicy"),
    "an unknown toleration operator": (
        _spec(tolerations=[{"key": "gpu", "operator": "Like"}]),
        "spec.tolerations[0].operator",
    ),
    "a toleration of everything with a value": (
        _spec(tolerations=[{"key": "gpu", "operator": "Exists", "value": "a"}]),
        "spec.tolerations[0].operator",
    ),
    "a skew of none": (_spread(maxSkew=0), f"{_SPREAD}.maxSkew"),
    "an unknown answer to skew": (_spread(whenUnsatisfiable="Sometimes"), f"{_SPREAD}.whenUnsatisfiable"),
    "domains counted where skew is allowed": (
        _spread(whenUnsatisfiable="ScheduleAnyway", minDomains=2),
        f"{_SPREAD}.minDomains",
    ),
    "a comparison with two numbers": (
        _affinity({"key": "gen", "operator": "Gt", "values": ["1", "2"]}),
        f"{_EXPRESSION}.values",
    ),
    "one of no values": (
        _affinity({"key": "gen", "operator": "In", "values": []}),
        f"{_EXPRESSION}.values",
    ),
    "a node in spite of gates": (
        _spec(schedulingGates=[{"name": "example.com/a"}], nodeName="node-0"),
        "spec.nodeName",
    ),
}
"""Error -> a function that introduces it, and the field path of the response."""

NODE_FAULTS: dict[str, tuple[Spoil, str]] = {
    "a name in capitals": (_metadata(name="Node"), "metadata.name"),
    "a label value with a space": (_metadata(labels={"disk": "very fast"}), "metadata.labels"),
    "an unknown taint effect": (
        _spec(taints=[{"key": "gpu", "effect": "Never"}]),
        "spec.taints[0].effect",
    ),
    "a taint without a key": (_spec(taints=[{"key": "", "effect": "NoSchedule"}]), "spec.taints[0].key"),
    "one taint twice": (
        _spec(taints=[{"key": "gpu", "effect": "NoExecute", "value": value} for value in ("a", "b")]),
        "spec.taints[1]",
    ),
}
"""Error -> a function that introduces it, and the field path of the response."""


def invalid_pods(name: str = "pod-0") -> st.SearchStrategy[Invalid]:
    """Draw pods with one error out of ``POD_FAULTS``; they are valid otherwise.

    Args:
        name: The pod's name, unless that is the error.
    """
    return _spoilt(pods(name, max_features=1, namespaces=("default",), features=_HARMLESS), POD_FAULTS)


_HARMLESS = ("overhead", "nodeSelector", "podAffinity", "hostPorts", "disks", "owners")
"""Features that do not concern the fields of errors, so that there is only one error."""


def invalid_nodes(name: str = "node-0") -> st.SearchStrategy[Invalid]:
    """Draw nodes with one error out of ``NODE_FAULTS``; they are valid otherwise.

    Args:
        name: The node's name, unless that is the error.
    """
    return _spoilt(nodes(name), NODE_FAULTS)


def _spoilt(
    valid: st.SearchStrategy[Object], faults: dict[str, tuple[Spoil, str]]
) -> st.SearchStrategy[Invalid]:
    @st.composite
    def drawn(draw: st.DrawFn) -> Invalid:
        obj = draw(valid)
        spoil, field = faults[draw(st.sampled_from(sorted(faults)))]
        spoil(obj)
        return Invalid(obj, field)

    return drawn()
