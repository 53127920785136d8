"""The wire types of k8s.io/kube-scheduler/extender/v1, with their Go names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from kschedcore.api.machinery.types import Object
from kschedcore.errors import UsageError

__all__ = [
    "MAX_PRIORITY",
    "BindingArgs",
    "ExtenderArgs",
    "MetaVictims",
    "NodeList",
    "PreemptionArgs",
    "Victims",
    "filter_result",
    "read",
]

MAX_PRIORITY = 10
"""MaxExtenderPriority: the highest score of an extender."""

T = TypeVar("T", bound=msgspec.Struct)


class NodeList(msgspec.Struct):
    """A v1 NodeList of complete nodes."""

    items: list[Object] | None = None


class ExtenderArgs(msgspec.Struct, rename={"pod": "Pod", "nodes": "Nodes", "node_names": "NodeNames"}):
    """The request of filter and prioritize; names of nodes if the extender is ``nodeCacheCapable``."""

    pod: Object
    nodes: NodeList | None = None
    node_names: list[str] | None = None


class MetaPod(msgspec.Struct, rename={"uid": "UID"}):
    """A victim by its UID."""

    uid: str


class MetaVictims(msgspec.Struct, rename={"pods": "Pods", "violations": "NumPDBViolations"}):
    """The victims on one node by UID, the most important first."""

    pods: list[MetaPod] | None = None
    violations: int = 0


class Victims(msgspec.Struct, rename={"pods": "Pods", "violations": "NumPDBViolations"}):
    """The victims on one node as complete pods, the most important first."""

    pods: list[Object] | None = None
    violations: int = 0


class PreemptionArgs(
    msgspec.Struct,
    rename={"pod": "Pod", "victims": "NodeNameToVictims", "meta_victims": "NodeNameToMetaVictims"},
):
    """The request of preempt; UIDs of victims if the extender is ``nodeCacheCapable``."""

    pod: Object
    victims: dict[str, Victims] | None = None
    meta_victims: dict[str, MetaVictims] | None = None


class BindingArgs(
    msgspec.Struct,
    rename={"name": "PodName", "namespace": "PodNamespace", "uid": "PodUID", "node": "Node"},
):
    """The request of bind."""

    name: str
    namespace: str
    node: str
    uid: str = ""


def read(type_: type[T], body: bytes) -> T:
    """Read a request.

    Raises:
        UsageError: It is not JSON, or not of this type.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the request is no {type_.__name__}: {error}") from None


def filter_result(
    nodes: Object | None = None,
    names: list[str] | None = None,
    failed: Mapping[str, str] | None = None,
    unresolvable: Mapping[str, str] | None = None,
    error: str = "",
) -> Object:
    """An ExtenderFilterResult."""
    return {
        "Nodes": nodes,
        "NodeNames": names,
        "FailedNodes": failed or {},
        "FailedAndUnresolvableNodes": unresolvable or {},
        "Error": error,
    }
