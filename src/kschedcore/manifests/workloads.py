"""The pods of a workload, as its controller would create them.

A Deployment's pods belong to a ReplicaSet and have the label ``pod-template-hash``: default topology spreading uses the
owner's selector, and ``matchLabelKeys`` usually names that label. A Deployment without a ReplicaSet gets the one that
its controller would create. The pods of a StatefulSet with claim templates mount the claims of their ordinals.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kschedcore.api.objects import Pod
from kschedcore.manifests.stateful_sets import identity_labels, with_claims

__all__ = ["TEMPLATE_HASH", "WORKLOAD_KINDS", "pods_of", "replica_set_of", "workload_of"]

WORKLOAD_KINDS: Final = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "Job", "ReplicationController"})
"""Kinds whose pods are created from a template and a number of replicas."""

TEMPLATE_HASH: Final = "pod-template-hash"
"""The label that distinguishes the pods of a Deployment's templates."""

_JOB_CONTROLLER: Final = "kubernetes.io/job-controller"
_HASH_DIGITS = "bcdfghjklm"


def pods_of(
    workload: Mapping[str, Any],
    replicas: int | None = None,
    *,
    replica_set: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the pods of a workload: ``NAME-0``, ``NAME-1`` and so on, with the template's spec object
    (each with its own where the pods mount claims of their own).

    Args:
        workload: A complete workload object; fields of a wrong type count as absent.
        replicas: The number of pods; the workload's replicas by default.
        replica_set: The existing ReplicaSet of a Deployment's pods, if any.
    """
    owner = workload
    if workload["kind"] == "Deployment":
        owner = replica_set_of(workload) if replica_set is None else replica_set
    spec = _mapping(owner.get("spec"))
    template = _mapping(spec.get("template"))
    first = _first_ordinal(workload)
    count = _replicas(workload) if replicas is None else replicas
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{workload['metadata']['name']}-{ordinal}",
                "namespace": _namespace(workload),
                **_template_metadata(template, workload, ordinal),
                "ownerReferences": [_reference(owner)],
            },
            "spec": _pod_spec(workload, _mapping(template.get("spec")), ordinal),
        }
        for ordinal in range(first, first + count)
    ]


def replica_set_of(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ReplicaSet that the Deployment controller would create for the Deployment's present template.

    Kubernetes hashes Go's printed form of the template. This is another, equally stable hash.
    """
    spec = _mapping(deployment.get("spec"))
    template = _mapping(spec.get("template"))
    mark = _hash(template)
    metadata = _mapping(template.get("metadata"))
    labels = {**_mapping(metadata.get("labels")), TEMPLATE_HASH: mark}
    selector = _mapping(spec.get("selector"))
    match_labels = {**_mapping(selector.get("matchLabels")), TEMPLATE_HASH: mark}
    return {
        "apiVersion": deployment.get("apiVersion", ""),
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{deployment['metadata']['name']}-{mark}",
            "namespace": _namespace(deployment),
            "labels": labels,
            "ownerReferences": [_reference(deployment)],
        },
        "spec": {
            "replicas": _replicas(deployment),
            "selector": {**selector, "matchLabels": match_labels},
            "template": {**template, "metadata": {**metadata, "labels": labels}},
        },
    }


def workload_of(pod: Pod) -> tuple[str, str] | None:
    """Return (kind, name) of a pod's workload, or None for a pod without one.

    A ReplicaSet that is named after its pods' template hash is counted as its Deployment.
    """
    owner = next((each for each in pod.metadata.owner_references or () if each.controller), None)
    if owner is None:
        return None
    ending = f"-{(pod.metadata.labels or {}).get(TEMPLATE_HASH, '')}"
    if owner.kind == "ReplicaSet" and len(ending) > 1 and owner.name.endswith(ending):
        return "Deployment", owner.name.removesuffix(ending)
    return owner.kind, owner.name


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any, default: int) -> int:
    return value if isinstance(value, int) and value >= 0 else default


def _namespace(workload: Mapping[str, Any]) -> str:
    return str(workload["metadata"].get("namespace") or "default")


def _hash(template: Mapping[str, Any]) -> str:
    # Encoded with Kubernetes' safe characters.
    text = msgspec.json.encode(template, order="deterministic")
    return "".join(_HASH_DIGITS[int(digit)] for digit in f"{zlib.crc32(text):010}")


def _reference(owner: Mapping[str, Any]) -> dict[str, Any]:
    metadata = owner["metadata"]
    reference = {
        "apiVersion": owner.get("apiVersion", ""),
        "kind": owner["kind"],
        "name": metadata["name"],
        "controller": True,
    }
    return {**reference, "uid": metadata["uid"]} if metadata.get("uid") else reference


def _template_metadata(
    template: Mapping[str, Any], workload: Mapping[str, Any], ordinal: int
) -> dict[str, dict[str, Any]]:
    metadata = _mapping(template.get("metadata"))
    labels = {**_mapping(metadata.get("labels")), **_own_labels(workload, ordinal)}
    annotations = _mapping(metadata.get("annotations"))
    return {
        **({"labels": labels} if labels else {}),
        **({"annotations": dict(annotations)} if annotations else {}),
    }


def _own_labels(workload: Mapping[str, Any], ordinal: int) -> dict[str, str]:
    """Return the labels that the controller adds to a pod."""
    name = str(workload["metadata"]["name"])
    match workload["kind"]:
        case "StatefulSet":
            return identity_labels(f"{name}-{ordinal}")
        case "Job":
            labels = {"batch.kubernetes.io/job-name": name, "job-name": name}
            if _mapping(workload.get("spec")).get("completionMode") == "Indexed":
                labels["batch.kubernetes.io/job-completion-index"] = str(ordinal)
            return labels
        case _:
            return {}


def _pod_spec(workload: Mapping[str, Any], spec: Mapping[str, Any], ordinal: int) -> Mapping[str, Any]:
    if workload["kind"] != "StatefulSet" or not _mapping(workload.get("spec")).get("volumeClaimTemplates"):
        return spec
    return {**spec, "volumes": with_claims(workload, spec.get("volumes") or (), ordinal)}


def _first_ordinal(workload: Mapping[str, Any]) -> int:
    if workload["kind"] != "StatefulSet":
        return 0
    return _count(_mapping(_mapping(workload.get("spec")).get("ordinals")).get("start"), 0)


def _replicas(workload: Mapping[str, Any]) -> int:
    spec = _mapping(workload.get("spec"))
    if workload["kind"] == "Job":
        if spec.get("managedBy", _JOB_CONTROLLER) != _JOB_CONTROLLER:
            return 0
        return _active(spec, _mapping(workload.get("status")))
    return _count(spec.get("replicas"), 1)


def _active(spec: Mapping[str, Any], status: Mapping[str, Any]) -> int:
    """Return the number of concurrent pods of a Job: none if it is suspended or finished."""
    conditions = status.get("conditions")
    over = any(
        condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True"
        for condition in map(_mapping, conditions if isinstance(conditions, list) else ())
    )
    if over or spec.get("suspend") is True:
        return 0
    parallelism = _count(spec.get("parallelism"), 1)
    if spec.get("completions") is None:
        return parallelism
    left = _count(spec["completions"], 1) - _count(status.get("succeeded"), 0)
    return max(0, min(parallelism, left))
