"""Responses of extenders: the result types of k8s.io/kube-scheduler/extender/v1, as Go's decoder accepts them.

Field names are in lower case because they match in any case; null is a field's zero value.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

__all__ = ["FilterResult", "HostPriority", "MetaPod", "MetaVictims", "PreemptionResult", "Result"]

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


def _lower(name: str) -> str:
    return name.replace("_", "")


class NodeMetadata(msgspec.Struct):
    """The name of a returned node."""

    name: str = ""


class ReturnedNode(msgspec.Struct):
    """A returned node, of which only the name is used."""

    metadata: NodeMetadata = msgspec.field(default_factory=NodeMetadata)


class ReturnedNodes(msgspec.Struct):
    """A v1 NodeList."""

    items: list[ReturnedNode] | None = None


class Result(msgspec.Struct, rename=_lower):
    """A response that may report an error (ExtenderBindingResult has no other field)."""

    error: str | None = None


class FilterResult(Result, rename=_lower):
    """ExtenderFilterResult."""

    nodes: ReturnedNodes | None = None
    node_names: list[str] | None = None
    failed_nodes: dict[str, str] | None = None
    failed_and_unresolvable_nodes: dict[str, str] | None = None


class PreemptionResult(Result, rename=_lower):
    """ExtenderPreemptionResult."""

    node_name_to_meta_victims: dict[str, dict[str, Any] | None] | None = None


class MetaVictims(msgspec.Struct, rename=_lower):
    """The victims on one node, still to be read as ``MetaPod``."""

    pods: list[Any] | None = None
    num_pdb_violations: Int64 | None = None


class MetaPod(msgspec.Struct):
    """A victim by its UID."""

    uid: str | None = None


class HostPriority(msgspec.Struct):
    """The score of one node."""

    host: str | None = None
    score: Int64 | None = None
