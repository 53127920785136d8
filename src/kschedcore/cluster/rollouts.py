"""``kubectl rollout``: the revisions of a workload, and rollbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import controller_of
from kschedcore.cluster.editing import CHANGE_CAUSE, Target
from kschedcore.cluster.results import Result
from kschedcore.errors import NotFoundError, UsageError
from kschedcore.manifests.workloads import TEMPLATE_HASH

__all__ = ["History", "Revision", "history", "restart", "set_paused", "status", "undo"]

REVISION = "deployment.kubernetes.io/revision"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
_OF_REPLICA_SETS = "Deployment"
_OF_REVISIONS = ("DaemonSet", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a workload.

    Attributes:
        number: The revision number, from 1.
        change_cause: The annotation ``kubernetes.io/change-cause``; None without one.
        template: The pod template.
    """

    number: int
    change_cause: str | None
    template: Mapping[str, Any]

    def __str__(self) -> str:
        return "\n".join(_template_lines(self))


@dataclass(frozen=True, slots=True)
class History:
    """The revisions of a workload, the oldest first; as text, what ``kubectl rollout history`` prints."""

    subject: str
    revisions: tuple[Revision, ...]

    def __getitem__(self, number: int) -> Revision:
        """Return the revision of a number.

        Raises:
            NotFoundError: There is none.
        """
        for revision in self.revisions:
            if revision.number == number:
                return revision
        raise NotFoundError(f"{self.subject}: unable to find specified revision {number} in history")

    def __str__(self) -> str:
        width = max([len("REVISION"), *(len(str(each.number)) for each in self.revisions)])
        lines = [f"{self.subject} ", f"{'REVISION':<{width}}  CHANGE-CAUSE"]
        lines += [f"{each.number:<{width}}  {each.change_cause or '<none>'}" for each in self.revisions]
        return "\n".join(lines)


def history(target: Target) -> History:
    """Return the existing revisions of a workload.

    Raises:
        UsageError: The kind keeps no history.
        StatusError: 404 when there is no such workload.
    """
    workload = target.get()
    kind = target.kind.resource.kind
    if kind == _OF_REPLICA_SETS:
        revisions = [_of_replica_set(each) for each in _owned(target, workload, "replicasets.apps")]
    elif kind in _OF_REVISIONS:
        owned = _owned(target, workload, "controllerrevisions.apps")
        revisions = [_of_controller_revision(each) for each in owned]
    else:
        raise UsageError(f"{target}: no history viewer has been implemented for {kind}")
    found = sorted((each for each in revisions if each.number), key=lambda each: each.number)
    return History(str(target), tuple(found))


def _owned(target: Target, workload: Object, resource: str) -> list[Object]:
    uid = workload["metadata"]["uid"]
    found = target.client.list(resource, target.namespace)
    return [each for each in found if (controller_of(each) or {}).get("uid") == uid]


def _of_replica_set(replica_set: Object) -> Revision:
    annotations = replica_set["metadata"].get("annotations", {})
    template = replica_set["spec"]["template"]
    return Revision(int(annotations.get(REVISION, 0)), annotations.get(CHANGE_CAUSE), template)


def _of_controller_revision(revision: Object) -> Revision:
    annotations = revision["metadata"].get("annotations", {})
    return Revision(revision["revision"], annotations.get(CHANGE_CAUSE), revision["data"]["spec"]["template"])


def undo(target: Target, to_revision: int = 0) -> Result:
    """``kubectl rollout undo``: roll back to a revision, by default the previous one.

    Raises:
        NotFoundError: There is no such revision.
        UsageError: The rollout is paused, or there is no earlier revision.
    """
    workload, known = target.get(), history(target)
    if workload["spec"].get("paused"):
        raise UsageError(
            f'cannot rollback a paused {target.kind.singular}; resume it first with "rollout resume" and try again'
        )
    if not to_revision and len(known.revisions) < 2:
        raise NotFoundError(f"no rollout history found for {target}")
    revision = known[to_revision] if to_revision else known.revisions[-2]
    template = plain(revision.template)
    template.get("metadata", {}).get("labels", {}).pop(TEMPLATE_HASH, None)
    template.pop("$patch", None)
    if template == workload["spec"]["template"]:
        why = f"skipped rollback (current template already matches revision {revision.number})"
        return target.result(workload, why)
    after = plain(workload)
    after["spec"]["template"] = template
    annotations = after["metadata"].setdefault("annotations", {})
    annotations.pop(CHANGE_CAUSE, None)
    if revision.change_cause:
        annotations[CHANGE_CAUSE] = revision.change_cause
    return target.result(target.client.named("kubectl-rollout").update(after, target.resource), "rolled back")


def set_paused(target: Target, *, on: bool) -> Result:
    """``kubectl rollout pause`` and ``resume``.

    Raises:
        UsageError: It is paused (or not) already, or the kind cannot be paused.
    """
    if target.kind.resource.kind != _OF_REPLICA_SETS:
        raise UsageError(f"{target}: {target.kind.resource.plural} cannot be paused")
    before = target.get()
    if bool(before["spec"].get("paused")) == on:
        raise UsageError(f'{target.resource} "{target.name}" is {"already" if on else "not"} paused')
    patch = {"spec": {"paused": True if on else None}}
    return target.result(target.patch(patch, "kubectl-rollout", merge=True), "paused" if on else "resumed")


def restart(target: Target, now: Any) -> Result:
    """``kubectl rollout restart``: replace all pods, by an annotation of the template.

    Raises:
        UsageError: The kind cannot be restarted, or is paused.
    """
    if target.kind.resource.kind not in (_OF_REPLICA_SETS, *_OF_REVISIONS):
        raise UsageError(f"{target}: restarting is not supported")
    if target.get()["spec"].get("paused"):
        raise UsageError(f"{target}: can't restart paused {target.kind.singular} (run rollout resume first)")
    metadata = {"annotations": {RESTARTED: timestamp(now)}}
    patch = {"spec": {"template": {"metadata": metadata}}}
    return target.result(target.patch(patch, "kubectl-rollout"), "restarted")


def status(target: Target) -> tuple[str, bool]:
    """Return the message of ``kubectl rollout status``, and whether the rollout is complete.

    Raises:
        UsageError: The rollout has failed, or the kind has none.
    """
    obj = target.get()
    kind, name = target.kind.resource.kind, target.name
    if obj["metadata"].get("generation", 0) > obj.get("status", {}).get("observedGeneration", 0):
        return f"Waiting for {target.kind.singular} spec update to be observed...", False
    if kind == "Deployment":
        return _deployment_status(obj, name)
    if kind == "DaemonSet":
        return _daemonset_status(obj, name)
    if kind == "StatefulSet":
        return _statefulset_status(obj)
    raise UsageError(f"{target}: no status viewer has been implemented for {kind}")


def _deployment_status(obj: Object, name: str) -> tuple[str, bool]:
    spec, status = obj["spec"], obj.get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise UsageError(f'deployment "{name}" exceeded its progress deadline')
    wanted, waiting = spec.get("replicas", 1), f'Waiting for deployment "{name}" rollout to finish: '
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new replicas have been updated...", False
    if total > updated:
        return f"{waiting}{total - updated} old replicas are pending termination...", False
    if available < updated:
        return f"{waiting}{available} of {updated} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def _daemonset_status(obj: Object, name: str) -> tuple[str, bool]:
    status, waiting = obj.get("status", {}), f'Waiting for daemon set "{name}" rollout to finish: '
    wanted = status.get("desiredNumberScheduled", 0)
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new pods have been updated...", False
    if available < wanted:
        return f"{waiting}{available} of {wanted} updated pods are available...", False
    return f'daemon set "{name}" successfully rolled out', True


def _statefulset_status(obj: Object) -> tuple[str, bool]:
    spec, status = obj["spec"], obj.get("status", {})
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    updated = status.get("updatedReplicas", 0)
    if ready < wanted:
        return f"Waiting for {wanted - ready} pods to be ready...", False
    partition = (spec.get("updateStrategy", {}).get("rollingUpdate") or {}).get("partition", 0)
    if partition:
        if updated < wanted - partition:
            of = f"{updated} out of {wanted - partition} new pods have been updated..."
            return f"Waiting for partitioned roll out to finish: {of}", False
        return f"partitioned roll out complete: {updated} new pods have been updated...", True
    if status.get("updateRevision") != status.get("currentRevision"):
        of = f"{updated} pods at revision {status.get('updateRevision')}..."
        return f"waiting for statefulset rolling update to complete {of}", False
    return (
        f"statefulset rolling update complete {wanted} pods at revision {status.get('currentRevision')}...",
        True,
    )


def _template_lines(revision: Revision) -> list[str]:
    template = revision.template
    metadata, spec = template.get("metadata", {}), template.get("spec", {})
    labels = [f"{key}={value}" for key, value in sorted(metadata.get("labels", {}).items())] or ["<none>"]
    lines = ["Pod Template:", f"  Labels:\t{labels[0]}", *(f"\t{each}" for each in labels[1:])]
    if revision.change_cause:
        lines.append(f"  Annotations:\t{CHANGE_CAUSE}: {revision.change_cause}")
    for title, field in (("Init Containers", "initContainers"), ("Containers", "containers")):
        if spec.get(field):
            lines += [f"  {title}:", *(line for each in spec[field] for line in _container_lines(each))]
    return lines


def _container_lines(container: Mapping[str, Any]) -> list[str]:
    ports = ", ".join(f"{p['containerPort']}/{p.get('protocol', 'TCP')}" for p in container.get("ports", ()))
    lines = [
        f"   {container['name']}:",
        f"    Image:\t{container['image']}",
        f"    Port:\t{ports or '<none>'}",
    ]
    for title, field in (("Limits", "limits"), ("Requests", "requests")):
        amounts = container.get("resources", {}).get(field, {})
        if amounts:
            lines += [
                f"    {title}:",
                *(f"      {name}:\t{amount}" for name, amount in sorted(amounts.items())),
            ]
    return lines
