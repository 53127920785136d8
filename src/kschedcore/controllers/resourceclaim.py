"""The resource claim controller: claims made from templates, their reservations, and the end of both.

Rules: KEP-4381 (structured parameters), ``pkg/controller/resourceclaim``. The scheduler allocates and reserves;
this controller creates claims for pods, reserves claims for pods that were bound without the scheduler, and removes
the reservations of finished pods.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change, controller_of, key_of
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch
from kschedcore.controllers.refmanager import controller_reference

__all__ = ["ResourceClaimController"]

_CLAIMS = "resourceclaims.resource.k8s.io"
_TEMPLATES = "resourceclaimtemplates.resource.k8s.io"
_POD_CLAIM_NAME = "resource.kubernetes.io/pod-claim-name"
_FINALIZER = "resource.kubernetes.io/delete-protection"
_INDEX = "resource claim template"
_LONGEST_BASE = 249
"""Longest prefix of a generated name (``generateName``), which leaves space for the random suffix."""


class ResourceClaimController(Controller):
    """Keeps the ResourceClaims (``resource.k8s.io/v1``) of pods.

    Keys are pairs of namespace and name with the kind before them: ``("pod", …)`` and ``("claim", …)``.
    """

    name = "resourceclaim-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.informers["pods"].add_index(_INDEX, _templates_of)

    def watches(self) -> Iterable[Watch]:
        """Return pods with claims, claims, and templates that pods wait for."""
        yield Watch("pods", _pod_and_claims)
        yield Watch(_CLAIMS, _claim_and_pod)
        yield Watch(_TEMPLATES, self._waiting_pods)

    def _waiting_pods(self, change: Change) -> Iterable[Key]:
        if change.old is not None or change.new is None:
            return ()
        pods = self.informers["pods"].seen_by(_INDEX, key_of(change.new))
        return [("pod", *key_of(pod)) for pod in pods]

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile the claims of one pod, or one claim."""
        kind, namespace, name = key
        if kind == "pod":
            pod = self.informers["pods"].get(namespace, name)
            if pod is not None and not _is_done(pod) and not pod["metadata"].get("deletionTimestamp"):
                self._pod(pod)
        else:
            claim = self.informers[_CLAIMS].get(namespace, name)
            if claim is not None:
                self._claim(claim)
        return None

    def _pod(self, pod: Object) -> None:
        statuses = list(pod.get("status", {}).get("resourceClaimStatuses", ()))
        known = {each["name"]: each.get("resourceClaimName", "") for each in statuses}
        for entry in pod["spec"].get("resourceClaims", ()):
            if entry.get("resourceClaimTemplateName") and entry["name"] not in known:
                known[entry["name"]] = self._made(pod, entry)
                statuses.append({"name": entry["name"], "resourceClaimName": known[entry["name"]]})
        if len(statuses) > len(pod.get("status", {}).get("resourceClaimStatuses", ())):
            status = {**pod.get("status", {}), "resourceClaimStatuses": statuses}
            pod = self.client.update_status({**pod, "status": status}, "pods")
        if pod["spec"].get("nodeName"):
            for entry in pod["spec"].get("resourceClaims", ()):
                self._reserve(pod, entry.get("resourceClaimName") or known.get(entry["name"], ""))

    def _made(self, pod: Object, entry: Object) -> str:
        """Return the name of the claim that was made for an entry of the pod, making it if there is none."""
        namespace = pod["metadata"]["namespace"]
        for claim in self.informers[_CLAIMS].controlled_by(pod):
            if claim["metadata"].get("annotations", {}).get(_POD_CLAIM_NAME) == entry["name"]:
                return str(claim["metadata"]["name"])
        template = self.informers[_TEMPLATES].get(namespace, entry["resourceClaimTemplateName"])
        if template is None:
            message = f'resource claim template "{entry["resourceClaimTemplateName"]}" not found'
            self.events.event(
                pod, "Warning", "FailedResourceClaimCreation", f"PodResourceClaim {entry['name']}: {message}"
            )
            raise StatusError(404, "NotFound", message)
        given = template["spec"].get("metadata", {})
        base = f"{pod['metadata']['name']}-{entry['name']}"[: _LONGEST_BASE - 1]
        metadata = {
            "generateName": f"{base}-",
            "labels": given.get("labels", {}),
            "annotations": {**given.get("annotations", {}), _POD_CLAIM_NAME: entry["name"]},
            "ownerReferences": [controller_reference({"apiVersion": "v1", "kind": "Pod", **pod})],
        }
        claim = {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaim",
            "metadata": metadata,
            "spec": template["spec"].get("spec", {}),
        }
        return str(self.client.create(_CLAIMS, namespace, claim)["metadata"]["name"])

    def _reserve(self, pod: Object, name: str) -> None:
        """Reserve an allocated claim for a pod that has a node, as the scheduler does for the pods it binds."""
        claim = self.informers[_CLAIMS].get(pod["metadata"]["namespace"], name) if name else None
        if claim is None or not claim.get("status", {}).get("allocation"):
            return
        reserved = list(claim["status"].get("reservedFor", ()))
        uid = pod["metadata"]["uid"]
        if any(each.get("uid") == uid for each in reserved):
            return
        reserved.append({"resource": "pods", "name": pod["metadata"]["name"], "uid": uid})
        self.client.update_status({**claim, "status": {**claim["status"], "reservedFor": reserved}}, _CLAIMS)

    def _claim(self, claim: Object) -> None:
        """Remove the reservations of finished pods, and deallocate or delete an unused claim."""
        status = claim.get("status", {})
        before = status.get("reservedFor", ())
        reserved = [each for each in before if self._is_used(claim, each)]
        protected = _FINALIZER in claim["metadata"].get("finalizers", ())
        ending = bool(claim["metadata"].get("deletionTimestamp"))
        if len(reserved) < len(before) or (protected and ending and not reserved):
            kept = {key: each for key, each in status.items() if key != "reservedFor"}
            if reserved:
                kept["reservedFor"] = reserved
            elif protected:
                kept.pop("allocation", None)
                kept.pop("devices", None)
            if kept != status:
                claim = self.client.update_status({**claim, "status": kept}, _CLAIMS)
            if protected and not reserved:
                claim = self._unprotected(claim)
        if not reserved and not claim["metadata"].get("deletionTimestamp"):
            self._delete_if_unneeded(claim)

    def _is_used(self, claim: Object, consumer: Object) -> bool:
        if consumer.get("apiGroup") or consumer.get("resource") != "pods":
            # Other consumers manage their reservations themselves.
            return True
        pod = self.informers["pods"].get(claim["metadata"]["namespace"], consumer["name"])
        return pod is not None and pod["metadata"]["uid"] == consumer["uid"] and not _is_done(pod)

    def _unprotected(self, claim: Object) -> Object:
        metadata = claim["metadata"]
        finalizers = [each for each in metadata["finalizers"] if each != _FINALIZER]
        return self.client.update({**claim, "metadata": {**metadata, "finalizers": finalizers}}, _CLAIMS)

    def _delete_if_unneeded(self, claim: Object) -> None:
        """Delete a claim that was created for a pod which will not run any more."""
        owner = controller_of(claim)
        if owner is None or owner["kind"] != "Pod":
            return
        namespace, name = key_of(claim)
        pod = self.informers["pods"].get(namespace, owner["name"])
        # The garbage collector deletes the claims of pods that are gone.
        if pod is not None and (pod["metadata"]["uid"] != owner["uid"] or _is_done(pod)):
            self.client.delete(_CLAIMS, namespace, name, uid=claim["metadata"]["uid"])


def _is_done(pod: Object) -> bool:
    """Return whether the pod does not use claims any more: it is finished, or deleted before it was bound."""
    return has_ended(pod) or (
        bool(pod["metadata"].get("deletionTimestamp")) and not pod["spec"].get("nodeName")
    )


def _templates_of(pod: Object) -> Iterable[Hashable]:
    namespace = pod["metadata"]["namespace"]
    claims = pod["spec"].get("resourceClaims", ())
    return [
        (namespace, each["resourceClaimTemplateName"])
        for each in claims
        if "resourceClaimTemplateName" in each
    ]


def _pod_and_claims(change: Change) -> Iterable[Key]:
    pod = change.object
    entries = pod["spec"].get("resourceClaims")
    if not entries:
        return
    namespace = pod["metadata"]["namespace"]
    if change.new is not None:
        yield "pod", namespace, pod["metadata"]["name"]
        if not _is_done(pod):
            return
    states = [each for each in (change.old, change.new) if each is not None]
    statuses = [each for state in states for each in state.get("status", {}).get("resourceClaimStatuses", ())]
    names = [each.get("resourceClaimName") for each in (*entries, *statuses)]
    yield from (("claim", namespace, name) for name in dict.fromkeys(names) if name)


def _claim_and_pod(change: Change) -> Iterable[Key]:
    claim = change.object
    if change.new is not None:
        yield "claim", *key_of(claim)
    owner = controller_of(claim)
    if owner is not None and owner["kind"] == "Pod":
        yield "pod", claim["metadata"]["namespace"], owner["name"]
