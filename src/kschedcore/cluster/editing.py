"""kubectl's verbs that change a part of an object: scale, set image, label, annotate, taint, cordon, edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.status import not_found
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace, Object
from kschedcore.api.taints import Taint, parse_taints
from kschedcore.client.verbs import Client
from kschedcore.cluster.references import display_name
from kschedcore.cluster.results import Result, result_of
from kschedcore.errors import UsageError

__all__ = [
    "CHANGE_CAUSE",
    "Target",
    "autoscale",
    "cordon",
    "edit",
    "new_deployment",
    "scale",
    "set_image",
    "set_metadata",
    "taint",
]

CHANGE_CAUSE = "kubernetes.io/change-cause"
"""The annotation that ``kubectl rollout history`` shows for a revision."""

_POD_SPECS = {"Pod": ("spec",), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}
_TEMPLATES = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController")


class Target:
    """The object that a verb changes.

    Args:
        client: The client.
        kind: Its kind.
        namespace: Its namespace; ``""`` for cluster-scoped kinds.
        name: Its name.
    """

    def __init__(self, client: Client, kind: Kind, namespace: Namespace, name: str) -> None:
        self.client = client
        self.kind = kind
        self.resource = kind.resource.qualified
        self.namespace = namespace if kind.resource.namespaced else CLUSTER_SCOPE
        self.name = name

    def get(self) -> Object:
        """Return the object.

        Raises:
            StatusError: 404 when there is none.
        """
        found = self.client.get(self.resource, self.namespace, self.name)
        if found is None:
            raise not_found(self.kind.resource, self.name)
        return found

    def patch(self, patch: Mapping[str, Any], manager: str, *, merge: bool = False) -> Object:
        """Patch the object as the named field manager."""
        return self.client.named(manager).patch(
            self.resource, self.namespace, self.name, patch, kind="merge" if merge else "strategic-merge"
        )

    def result(self, obj: Mapping[str, Any], what: str) -> Result:
        """Return a result with the message ``deployment.apps/web`` followed by ``what``."""
        return result_of(self.resource, obj, what)

    def __str__(self) -> str:
        return display_name(self.kind, self.name)


def _with_cause(patch: dict[str, Any], cause: str) -> dict[str, Any]:
    return {**patch, "metadata": {"annotations": {CHANGE_CAUSE: cause}}} if cause else patch


def scale(target: Target, replicas: int, cause: str = "") -> Result:
    """``kubectl scale``: set the replicas.

    Raises:
        UsageError: The kind does not scale.
        StatusError: As the API refuses.
    """
    if "scale" not in target.kind.subresources:
        raise UsageError(f"{target}: {target.kind.resource.plural} do not scale")
    after = target.patch(_with_cause({"spec": {"replicas": replicas}}, cause), "kubectl-scale")
    return target.result(after, "scaled")


def set_image(target: Target, images: Mapping[str, str], cause: str = "") -> Result:
    """``kubectl set image``: set the images of containers; ``*`` selects all of them.

    Raises:
        UsageError: No container has that name, or the kind has no containers.
    """
    path = _pod_spec_path(target)
    spec: Any = target.get()
    for step in path:
        spec = spec.get(step, {})
    patch: dict[str, Any] = {}
    for field in ("initContainers", "containers"):
        changed = [
            {"name": container["name"], "image": images.get(container["name"], images.get("*"))}
            for container in spec.get(field, ())
            if container["name"] in images or ("*" in images)
        ]
        if changed:
            patch[field] = changed
    known = {container["name"] for field in patch for container in patch[field]}
    for name in images:
        if name != "*" and name not in known:
            raise UsageError(f'unable to find container named "{name}"')
    for step in reversed(path):
        patch = {step: patch}
    return target.result(target.patch(_with_cause(patch, cause), "kubectl-set"), "image updated")


def _pod_spec_path(target: Target) -> tuple[str, ...]:
    kind = target.kind.resource.kind
    if kind in _TEMPLATES:
        return ("spec", "template", "spec")
    if kind not in _POD_SPECS:
        raise UsageError(f"{target}: {target.kind.resource.plural} have no containers")
    return _POD_SPECS[kind]


def set_metadata(
    target: Target, field: str, marks: Mapping[str, str | None], *, overwrite: bool, what: str
) -> Result:
    """``kubectl label`` and ``kubectl annotate``: set labels or annotations; None removes one.

    Raises:
        UsageError: One has another value, and ``overwrite`` is false.
    """
    obj = target.get()
    present = obj["metadata"].get(field, {})
    for key, value in marks.items():
        if value is not None and present.get(key, value) != value and not overwrite:
            raise UsageError(f"'{key}' already has a value ({present[key]}), and --overwrite is false")
    if all(present.get(key) == value for key, value in marks.items()):
        return target.result(obj, f"not {what}")
    after = target.patch({"metadata": {field: dict(marks)}}, f"kubectl-{field[:-1]}", merge=True)
    undone = all(value is None for value in marks.values())
    return target.result(after, f"un{what}" if undone and field == "labels" else what)


def taint(target: Target, taints: tuple[str, ...], *, overwrite: bool) -> Result:
    """``kubectl taint``: ``key=value:Effect`` adds, ``key:Effect-`` and ``key-`` remove.

    Raises:
        UsageError: A taint is invalid, exists already, or does not exist and cannot be removed.
    """
    node = target.get()
    try:
        add, remove = parse_taints(taints)
    except ValueError as fault:
        raise UsageError(str(fault)) from None
    after: list[Object] = list(node["spec"].get("taints", ()))
    for taint in remove:
        left = [each for each in after if not _same_taint(each, taint)]
        if left == after:
            mark = f"{taint.key}:{taint.effect}" if taint.effect else taint.key
            raise UsageError(f'taint "{mark}" not found')
        after = left
    replaced = False
    for taint in add:
        left = [each for each in after if not _same_taint(each, taint)]
        replaced = replaced or left != after
        value = {"value": taint.value} if taint.value else {}
        after = [*left, {"key": taint.key, **value, "effect": taint.effect}]
    if replaced and not overwrite:
        keys = ",".join(taint.key for taint in add)
        raise UsageError(
            f"node {target.name} already has {keys} taint(s) with same effect(s) and --overwrite is false"
        )
    changed = target.patch({"spec": {"taints": after or None}}, "kubectl-taint", merge=True)
    what = "modified" if replaced or (add and remove) else "tainted" if add else "untainted"
    return target.result(changed, what)


def _same_taint(taint: Mapping[str, Any], wanted: Taint) -> bool:
    return taint["key"] == wanted.key and wanted.effect in ("", None, taint["effect"])


def cordon(target: Target, *, on: bool) -> Result:
    """``kubectl cordon`` and ``uncordon``: set ``spec.unschedulable`` of a node."""
    node, what = target.get(), "cordoned" if on else "uncordoned"
    if bool(node["spec"].get("unschedulable")) == on:
        return target.result(node, f"already {what}")
    patch = {"spec": {"unschedulable": True if on else None}}
    return target.result(target.patch(patch, "kubectl-cordon", merge=True), what)


def edit(target: Target, change: Callable[[Object], Object | None], cause: str = "") -> Result:
    """``kubectl edit``: replace the object by a changed copy.

    Args:
        target: The object.
        change: Changes its argument, a copy of the object, or returns another object.
        cause: Change cause for the rollout history.
    """
    before = target.get()
    copy = plain(before)
    after = change(copy) or copy
    if after == before:
        return Result(before, "Edit cancelled, no changes made.")
    if cause:
        after["metadata"].setdefault("annotations", {})[CHANGE_CAUSE] = cause
    return target.result(target.client.named("kubectl-edit").update(after, target.resource), "edited")


def autoscale(target: Target, *, least: int, most: int, cpu_percent: int | None) -> Result:
    """``kubectl autoscale``: create a HorizontalPodAutoscaler with the target's name.

    Raises:
        StatusError: 404 when there is no such target; as the API refuses otherwise.
    """
    target.get()
    resource = target.kind.resource
    spec: Object = {
        "scaleTargetRef": {"apiVersion": resource.api_version, "kind": resource.kind, "name": target.name},
        "minReplicas": least,
        "maxReplicas": most,
    }
    if cpu_percent is not None:
        utilization = {"type": "Utilization", "averageUtilization": cpu_percent}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}]
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": target.name},
        "spec": spec,
    }
    made = target.client.named("kubectl-autoscale").create(
        "horizontalpodautoscalers.autoscaling", target.namespace, autoscaler
    )
    return result_of("horizontalpodautoscalers.autoscaling", made, "autoscaled")


def new_deployment(name: str, images: tuple[str, ...], replicas: int, port: int | None) -> Object:
    """Return the Deployment that ``kubectl create deployment`` creates."""
    labels = {"app": name}
    containers: list[Object] = [{"name": _container_name(image), "image": image} for image in images]
    if port is not None:
        containers[0]["ports"] = [{"containerPort": port}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }


def _container_name(image: str) -> str:
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]
