"""The ReplicaSet controller: as many pods of a template as were asked for, no more and no fewer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.selectors import Selector, label_selector
from kschedcore.controllers.door import Door, get, items, path_of
from kschedcore.controllers.victims import is_active, ready_since, victims
from kschedcore.store.meta import Clock
from kschedcore.store.objects import plain

__all__ = ["ReplicaSetController"]

Object = dict[str, Any]

_USER_AGENT = "replicaset-controller"
_BURST = 500
"""So many pods are made or deleted in one pass at most, as kube-controller-manager does."""


class ReplicaSetController:
    """Keeps the pods and the counts in the status of ReplicaSets (``apps/v1``).

    It keeps nothing between two passes, so that a restart misses nothing. A pod becomes available
    ``minReadySeconds`` after it became ready: whoever moves the clock reconciles again.

    Args:
        door: The API server.
        clock: For the ages of pods.
    """

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock

    def reconcile(self, key: tuple[str, str]) -> bool:
        """Bring the ReplicaSet ``(namespace, name)`` nearer to its spec; True when something changed."""
        namespace, name = key
        path = path_of("apps/v1", "replicasets", namespace, name)
        replica_set = get(self._door, path)
        if replica_set is None:
            return False
        selector = label_selector(decode(LabelSelector, replica_set["spec"]["selector"]))
        pods, changed = self._claimed(replica_set, selector)
        refusal = ""
        if not replica_set["metadata"].get("deletionTimestamp"):
            scaled, refusal = self._scale(replica_set, pods)
            changed = changed or scaled
            pods = [pod for pod in self._pods(namespace) if _controlled(pod, replica_set)]
        status = self._status(replica_set, pods, refusal)
        if status != replica_set.get("status", {}):
            changed |= self._put(f"{path}/status", {**replica_set, "status": status})
        return changed

    def _pods(self, namespace: str) -> list[Object]:
        return [pod for pod in items(self._door, path_of("v1", "pods", namespace)) if is_active(pod)]

    def _put(self, path: str, obj: Object) -> bool:
        return self._door.request("PUT", path, obj, user_agent=_USER_AGENT)[0] == 200

    def _claimed(self, replica_set: Object, selector: Selector) -> tuple[list[Object], bool]:
        """The pods it controls, after adopting orphans it selects and releasing pods it no longer does."""
        metadata = replica_set["metadata"]
        claimed, changed = [], False
        for pod in self._pods(metadata["namespace"]):
            selected = selector.matches(pod["metadata"].get("labels", {}))
            mine, orphan = _controlled(pod, replica_set), _controller(pod) is None
            if mine and selected:
                claimed.append(pod)
            elif (mine or (orphan and selected)) and not metadata.get("deletionTimestamp"):
                owners = [
                    o for o in pod["metadata"].get("ownerReferences", ()) if o["uid"] != metadata["uid"]
                ]
                owners += [] if mine else [_reference(replica_set)]
                owned = {**plain(pod["metadata"]), "ownerReferences": owners}
                path = path_of("v1", "pods", metadata["namespace"], pod["metadata"]["name"])
                written = self._put(path, {**pod, "metadata": owned})
                changed |= written
                if written and not mine:
                    claimed.append(pod)
        return claimed, changed

    def _scale(self, replica_set: Object, pods: list[Object]) -> tuple[bool, str]:
        """Make or delete pods; whether any, and why the API server refused one."""
        namespace = replica_set["metadata"]["namespace"]
        missing = replica_set["spec"].get("replicas", 1) - len(pods)
        collection = path_of("v1", "pods", namespace)
        for made in range(min(missing, _BURST)):
            pod = _pod(replica_set)
            code, answer = self._door.request("POST", collection, pod, user_agent=_USER_AGENT)
            if code != 201:
                return made > 0, str(answer.get("message", ""))
        changed = missing > 0
        for victim in victims(
            pods, min(max(-missing, 0), _BURST), self._related(replica_set), self._clock.now()
        ):
            path = path_of("v1", "pods", namespace, victim["metadata"]["name"])
            changed |= self._door.request("DELETE", path, user_agent=_USER_AGENT)[0] in (200, 202)
        return changed, ""

    def _related(self, replica_set: Object) -> list[Object]:
        """Active pods of the ReplicaSets that have the same controller, its own among them."""
        namespace, controller = replica_set["metadata"]["namespace"], _controller(replica_set)
        owners = {replica_set["metadata"]["uid"]}
        if controller is not None:
            siblings = items(self._door, path_of("apps/v1", "replicasets", namespace))
            owners |= {each["metadata"]["uid"] for each in siblings if _controller(each) == controller}
        return [pod for pod in self._pods(namespace) if _controller(pod) in owners]

    def _status(self, replica_set: Object, pods: list[Object], refusal: str) -> Object:
        spec, now = replica_set["spec"], self._clock.now()
        labels = spec["template"]["metadata"].get("labels", {}).items()
        delay = timedelta(seconds=spec.get("minReadySeconds", 0))
        ready = [since for pod in pods if (since := ready_since(pod)) is not None]
        counts = {
            "fullyLabeledReplicas": sum(labels <= p["metadata"].get("labels", {}).items() for p in pods),
            "readyReplicas": len(ready),
            "availableReplicas": sum(since + delay <= now for since in ready),
            "observedGeneration": replica_set["metadata"].get("generation", 0),
        }
        status: Object = {"replicas": len(pods)} | {key: count for key, count in counts.items() if count}
        conditions = self._conditions(replica_set, refusal)
        return status | ({"conditions": conditions} if conditions else {})

    def _conditions(self, replica_set: Object, refusal: str) -> list[Object]:
        before = replica_set.get("status", {}).get("conditions", [])
        failing = next((each for each in before if each["type"] == "ReplicaFailure"), None)
        others = [each for each in before if each["type"] != "ReplicaFailure"]
        if not refusal:
            return others
        if failing is not None:
            return [*others, failing]
        condition = {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": "FailedCreate",
            "message": refusal,
        }
        return [*others, condition]


def _controller(obj: Object) -> str | None:
    owners = obj["metadata"].get("ownerReferences", ())
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def _controlled(pod: Object, replica_set: Object) -> bool:
    return bool(_controller(pod) == replica_set["metadata"]["uid"])


def _reference(replica_set: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": replica_set["metadata"]["name"],
        "uid": replica_set["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _pod(replica_set: Object) -> Object:
    """A pod of the template, its name left to the API server."""
    template = plain(replica_set["spec"]["template"])
    given = template.get("metadata", {})
    metadata = {key: given[key] for key in ("labels", "annotations", "finalizers") if given.get(key)}
    metadata["generateName"] = f"{replica_set['metadata']['name']}-"
    metadata["ownerReferences"] = [_reference(replica_set)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
