"""Subresources of another kind: scale, binding, eviction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.conditions import disrupted
from kschedcore.api.machinery.frozen import FrozenDict, StoredObject, plain
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import bad_request, conflict, invalid
from kschedcore.api.machinery.types import Object
from kschedcore.api.schema import object_type
from kschedcore.api.schema.decode import DecodeError, decode_object
from kschedcore.api.selectors import Requirement, Selector
from kschedcore.apiserver.admission.plugins.pod_topology_labels import with_topology
from kschedcore.apiserver.deletion import check_preconditions
from kschedcore.apiserver.eviction import admit_eviction
from kschedcore.apiserver.options import delete_options
from kschedcore.apiserver.registry import Registry, Write
from kschedcore.client.transport import Query

__all__ = ["bind", "evict", "read_scale", "scale_of", "selector_text", "write_scale"]

_SCALE = Resource("autoscaling", "v1", "Scale", "scales")
_EVICTION = Resource("policy", "v1", "Eviction", "evictions")
_BINDING = Resource("", "v1", "Binding", "bindings")
_PODS_BINDING = Resource("", "v1", "Binding", "pods/binding")
_CREATED: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def scale_of(obj: Object) -> Object:
    """Return the Scale of a workload: desired replicas, current replicas and selector."""
    metadata, spec, status = obj["metadata"], obj.get("spec", {}), obj.get("status", {})
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    scale: Object = {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {},
        "status": {"replicas": status.get("replicas", 0)},
    }
    if spec.get("replicas"):
        scale["spec"]["replicas"] = spec["replicas"]
    selector = selector_text(spec.get("selector"))
    if selector:
        scale["status"]["selector"] = selector
    return scale


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """Return a selector in query syntax: ``app=web,tier in (a,b)``; empty for none."""
    if not selector:
        return ""
    # A replication controller's selector is a plain map of labels.
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        selector = {"matchLabels": selector}
    requirements = [Requirement(key, "=", (value,)) for key, value in selector.get("matchLabels", {}).items()]
    requirements += [
        Requirement(each["key"], each["operator"], tuple(each.get("values", ())))
        for each in selector.get("matchExpressions", ())
    ]
    return str(Selector(tuple(sorted(requirements, key=lambda requirement: requirement.key))))


def _read(resource: Resource, type_name: str, body: Any) -> Object:
    """Decode a body as another kind than the path's; 400 with the decoder's message."""
    try:
        return decode_object(object_type(type_name), body)[0]
    except DecodeError as fault:
        kind, version = resource.kind, resource.version
        raise bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {fault}') from None


def read_scale(body: Any) -> Object:
    """Decode a Scale; 400 if it is invalid."""
    return _read(_SCALE, "autoscaling.v1.Scale", body)


def write_scale(registry: Registry, write: Write, live: StoredObject, scale: Object) -> Object:
    """Change the replicas of ``live``; return the new Scale.

    Raises:
        StatusError: 409 for another version, 422 for negative replicas.
    """
    replicas = scale.get("spec", {}).get("replicas") or 0
    if replicas < 0:
        negative = fe.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid(_SCALE, write.name, [negative])
    obj = plain(live)
    obj["spec"]["replicas"] = replicas
    given = scale["metadata"]
    for key in ("uid", "resourceVersion"):
        if given.get(key):
            obj["metadata"][key] = given[key]
    return scale_of(registry.update(write, live, obj))


def bind(registry: Registry, write: Write, body: Any) -> Object:
    """Bind a pod to the node of a Binding.

    Raises:
        StatusError: 409 if the pod is bound, gated or terminating, 422 for a Binding without a node.
    """
    binding = _read(_BINDING, "core.v1.Binding", body)
    target = binding["target"]
    errors = []
    if target.get("kind") not in (None, "", "Node"):
        errors.append(fe.not_supported("target.kind", target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        errors.append(fe.required("target.name"))
    if errors:
        raise invalid(_BINDING, write.name, errors)
    pod = registry.live(write)
    given = binding["metadata"]
    check_preconditions(write.kind.resource, pod, given.get("uid"), given.get("resourceVersion"))
    _check_unbound(pod)
    metadata = {**pod["metadata"]}
    if given.get("annotations"):
        metadata["annotations"] = {**metadata.get("annotations", {}), **given["annotations"]}
    before = labels = metadata.get("labels", {})
    if given.get("labels"):
        labels = {**given["labels"], **labels}
    if registry.release.enabled("PodTopologyLabelsAdmission"):
        labels = with_topology(labels, registry.store, target["name"])
    if labels is not before:
        metadata["labels"] = labels
    # The spec of a bound pod is hardly ever shared, so it is not interned.
    spec = FrozenDict({**pod["spec"], "nodeName": target["name"]})
    status = _scheduled(pod.get("status", {}), registry.meta.now())
    if registry.release.enabled("ClearingNominatedNodeNameAfterBinding"):
        status.pop("nominatedNodeName", None)
    registry.store_directly(write, pod, {**pod, "metadata": metadata, "spec": spec, "status": status})
    return dict(_CREATED)


def _scheduled(status: Object, now: str) -> Object:
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    others = [each for each in status.get("conditions", ()) if each["type"] != scheduled["type"]]
    return {**status, "conditions": [*others, scheduled]}


def _check_unbound(pod: Object) -> None:
    metadata, spec = pod["metadata"], pod["spec"]
    name, why = metadata["name"], ""
    if "deletionTimestamp" in metadata:
        why = f"pod {name} is being deleted, cannot be assigned to a host"
    elif spec.get("nodeName"):
        why = f'pod {name} is already assigned to node "{spec["nodeName"]}"'
    elif spec.get("schedulingGates"):
        why = f"pod {name} has non-empty .spec.schedulingGates"
    if why:
        raise conflict(_PODS_BINDING, name, why)


def evict(registry: Registry, write: Write, body: Any, query: Query) -> Object:
    """Delete a pod if its disruption budget allows; the body may contain delete options.

    Raises:
        StatusError: 429 if the budget does not allow it.
    """
    eviction = _read(_EVICTION, "policy.v1.Eviction", body)
    options = delete_options(eviction.get("deleteOptions"), query)
    name = eviction["metadata"].get("name", "")
    if name and name != write.name:
        raise bad_request(f"name in URL does not match name in Eviction object: {write.name} != {name}")
    pod = registry.live(write)
    check_preconditions(write.kind.resource, pod, options.uid, options.version)
    now = registry.meta.now()
    admit_eviction(registry.store, pod, now, dry_run=options.dry_run)
    if not options.dry_run:
        # The condition shows the reason while the pod terminates (KEP-3329).
        status = disrupted(
            pod, "EvictionByEvictionAPI", "Eviction API: evicting", datetime.fromisoformat(now)
        )
        registry.store.replace_status(write.kind.resource.qualified, {**pod, "status": status})
    registry.delete(write, options)
    return dict(_CREATED)
